"""Small files in shared blocks: what is stored already takes no room between what is new."""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest

from appliance.pipeline import flow
from appliance.service import small_files
from tests.intake_bench import Box

HOLE_AT = 100 << 10
RUN_BYTES = 8 << 10


@pytest.fixture
def box(tmp_path: Path) -> Box:
    return Box(tmp_path)


def random_bytes(seed: int) -> bytes:
    return random.Random(seed).randbytes(RUN_BYTES)


def with_hole(path: Path, first: bytes, second: bytes) -> None:
    """A small file of two runs, where the file system keeps holes."""
    with path.open("wb") as file:
        file.write(first)
        file.seek(HOLE_AT)
        file.write(second)


def stored_blocks(box: Box, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """One window; the lengths of its blocks."""
    lengths: list[int] = []
    real = flow.Lane.take_block

    def counted(self: flow.Lane, raw: memoryview, chunks: list[flow.NewChunk]) -> None:
        assert raw.nbytes == sum(chunk.placement.length for chunk in chunks)
        lengths.append(raw.nbytes)
        real(self, raw, chunks)

    with monkeypatch.context() as patched:
        patched.setattr(flow.Lane, "take_block", counted)
        assert box.window().complete
    return lengths


@pytest.mark.parametrize("known_first", [True, False])
def test_a_run_that_is_stored_already_leaves_no_gap_before_one_that_is_new(
    box: Box, monkeypatch: pytest.MonkeyPatch, known_first: bool
) -> None:
    known, new = random_bytes(1), random_bytes(2)
    (box.tree / "a").write_bytes(known)
    runs = (known, new) if known_first else (new, known)
    with_hole(box.tree / "b", *runs)
    (box.tree / "c").write_bytes(random_bytes(3))
    if os.stat(box.tree / "b").st_blocks * 512 >= HOLE_AT:
        pytest.skip("this file system keeps no holes")
    assert stored_blocks(box, monkeypatch) == [3 * RUN_BYTES]
    assert box.snapshot() == box.truth()


def test_equal_small_files_are_stored_once_within_and_across_blocks(
    box: Box, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(small_files, "BLOCK_BYTES", 3 * RUN_BYTES)
    for number in range(40):
        (box.tree / f"{number:02}").write_bytes(random_bytes(number % 7))
    assert stored_blocks(box, monkeypatch) == [3 * RUN_BYTES, 3 * RUN_BYTES, RUN_BYTES]
    assert box.snapshot() == box.truth()


@pytest.mark.planted
def test_a_gap_in_a_block_is_noticed(box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    class Gaps(small_files.SmallFiles):
        def keep(self, lengths: list[int]) -> list[object]:  # type: ignore[override]
            places = super().keep(lengths)
            self._fill += 1
            return places  # type: ignore[return-value]

    monkeypatch.setattr("appliance.service.reading.SmallFiles", Gaps)
    (box.tree / "a").write_bytes(random_bytes(1))
    (box.tree / "b").write_bytes(random_bytes(2))
    with pytest.raises(AssertionError):
        stored_blocks(box, monkeypatch)
