"""What a fixed intake costs, in counts that no busy machine changes: a regression shows as a number.

Calls of the kernel by name, durable steps, bytes in staging, buffers and Python's memory at its peak. The
limits are what was counted when they were written, with the little room that is said beside them. Less is
welcome: then lower the limit. How fast it is says `make bench`.
"""

from __future__ import annotations

import os
import random
import tracemalloc
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from appliance.adapters.directory import ScratchDirectory
from appliance.adapters.local_file import LocalFile
from appliance.adapters.local_source import LocalSource
from appliance.domain.file_entry import FileEntry
from appliance.format.zstd_frame import Encoder
from appliance.ports import Bytes
from appliance.service import buffers
from tests.intake_bench import Box

FILES = 200  # small ones, in 4 folders
LARGE_BYTES = 3 << 20
SMALL_BYTES = 1000
SOURCE_BYTES = FILES * SMALL_BYTES + LARGE_BYTES
CALLS = (
    *("open", "close", "stat", "fstat", "lstat", "preadv", "pwrite", "fsync", "listdir", "scandir", "lseek"),
    *("listxattr", "getxattr", "readlink", "rename", "unlink", "mkdir", "dup", "posix_fadvise", "statvfs"),
)


def plant(tree: Path) -> None:
    """The fixed source. Nothing in it compresses and nothing is there twice."""
    draw = random.Random(1)
    for number in range(FILES):
        folder = tree / f"{number % 4}"
        folder.mkdir(exist_ok=True)
        (folder / f"{number}").write_bytes(draw.randbytes(SMALL_BYTES))
    (tree / "large").write_bytes(draw.randbytes(LARGE_BYTES))


@contextmanager
def kernel_calls(monkeypatch: pytest.MonkeyPatch) -> Iterator[Counter[str]]:
    """Counts what our code asks of the kernel through `os`, by name."""
    counted: Counter[str] = Counter()

    def counting(name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **named: Any) -> Any:
            counted[name] += 1
            return real(*args, **named)

        return call

    with monkeypatch.context() as patched:
        for name in CALLS:
            patched.setattr(os, name, counting(name, getattr(os, name)))
        yield counted


def counts(home: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Counter[str]]:
    """Counts of the first and of an unchanged intake: kernel calls, and `steps`, `staged`."""
    box = Box(home)
    plant(box.tree)
    found = {}
    for name in ("first", "unchanged"):
        before, staged = len(box.power.labels), staged_bytes(box)
        with kernel_calls(monkeypatch) as counted:
            assert box.window().complete
        counted["steps"] = len(box.power.labels) - before
        counted["staged"] = staged_bytes(box) - staged
        found[name] = counted
        box.acknowledge()
    return found


def staged_bytes(box: Box) -> int:
    return sum(path.stat().st_size for path in (box.home / "staging").rglob("*") if path.is_file())


def excesses(found: Counter[str], limits: Mapping[str, int]) -> list[str]:
    """What was asked more often than its limit, or has none."""
    limit = {name: limits.get(name, 0) for name in found}
    return [f"{name}: {count} > {limit[name]}" for name, count in found.items() if count > limit[name]]


# A small file costs one call of each to be found, opened, read and closed, and three to see that it did
# not change meanwhile. The rest does not grow with the files.
FIRST = {
    "stat": FILES + 8,
    "listxattr": FILES + 8,
    "open": FILES + 30,
    "close": FILES + 32,
    "preadv": FILES + 6,  # the large file is read in pieces of a read buffer
    "fstat": 3 * FILES + 14,
    "pwrite": 6,
    "fsync": 10,
    "steps": 24,
    "listdir": 8,
    "dup": 6,
    "mkdir": 4,
    "lstat": 3,
    "statvfs": 1,
    "staged": SOURCE_BYTES + 165_000,  # bytes; sizes are padded, the manifest has about 90 a file
}
UNCHANGED = {
    "stat": FILES + 8,
    "listxattr": FILES + 8,  # attributes may change without a trace in the file's times
    "open": 32,
    "close": 37,
    "preadv": 2,
    "fstat": 12,
    "pwrite": 2,
    "fsync": 4,
    "steps": 8,
    "listdir": 13,
    "dup": 6,
    "mkdir": 2,
    "lstat": 3,
    "statvfs": 1,
    "staged": 4_500,  # bytes; the manifest refers to what is known
}
BUFFERS_BYTES = 26 << 20  # bytes of transfer buffers without threads
MEMORY_BYTES = 3 << 20  # bytes; Python's own peak beside them


def test_an_intake_asks_no_more_of_the_kernel_and_of_staging_than_it_did(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = counts(tmp_path, monkeypatch)
    assert not excesses(found["first"], FIRST)
    assert not excesses(found["unchanged"], UNCHANGED)
    assert found["first"]["staged"] >= SOURCE_BYTES  # the counters see the work
    assert found["first"]["preadv"] >= FILES


def peaks(home: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[int, int]:
    """Bytes of buffers that one intake made, and Python's memory at its peak."""
    made: list[int] = []
    real = buffers.aligned

    def counted(length: int) -> memoryview:
        made.append(length)
        return real(length)

    box = Box(home)
    plant(box.tree)
    with monkeypatch.context() as patched:
        patched.setattr(buffers, "aligned", counted)
        tracemalloc.start()
        try:
            assert box.window().complete
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
    return sum(made), peak


def test_an_intake_works_in_the_memory_that_it_did(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    buffered, peak = peaks(tmp_path, monkeypatch)
    assert 0 < buffered <= BUFFERS_BYTES
    assert 0 < peak <= MEMORY_BYTES


# Planted regressions ----------------------------------------------------------------------------------


@pytest.mark.planted
def test_one_more_look_at_every_file_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = LocalSource.open

    def twice(self: LocalSource, entry: FileEntry) -> LocalFile:
        real(self, entry).close()
        return real(self, entry)

    monkeypatch.setattr(LocalSource, "open", twice)
    found = counts(tmp_path, monkeypatch)
    assert {line.split(":")[0] for line in excesses(found["first"], FIRST)} >= {"open", "close"}


@pytest.mark.planted
def test_a_scan_that_trusts_nothing_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(LocalSource, "_signature", lambda *_: b"")
    found = counts(tmp_path, monkeypatch)
    assert {line.split(":")[0] for line in excesses(found["unchanged"], UNCHANGED)} >= {"open", "preadv"}


@pytest.mark.planted
def test_what_is_flushed_twice_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = ScratchDirectory.sync_folder

    def twice(self: ScratchDirectory, folder_fd: int, folder: str) -> None:
        real(self, folder_fd, folder)
        real(self, folder_fd, folder)

    monkeypatch.setattr(ScratchDirectory, "sync_folder", twice)
    found = counts(tmp_path, monkeypatch)
    assert {line.split(":")[0] for line in excesses(found["first"], FIRST)} == {"fsync", "steps"}


@pytest.mark.planted
def test_content_that_is_kept_in_memory_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept: list[bytes] = []
    real = Encoder.encode

    def hoarding(self: Encoder, raw: Bytes) -> bytes:
        frame = real(self, raw)
        kept.extend((bytes(raw), bytes(frame)))
        return frame

    monkeypatch.setattr(Encoder, "encode", hoarding)
    assert peaks(tmp_path, monkeypatch)[1] > MEMORY_BYTES
