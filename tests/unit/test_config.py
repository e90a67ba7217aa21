"""The administrator's settings: within limits, errors with their line, and no way to weaken anything."""

from __future__ import annotations

import dataclasses
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance import config
from appliance.config import Config, Intake
from appliance.errors import ConfigInvalid
from appliance.pipeline import chunk
from appliance.service.intake_given import IntakeSettings


def test_nothing_set_is_what_intake_does_by_itself() -> None:
    intake, settings = config.parse(b"").intake, IntakeSettings()
    assert (intake.compression, intake.workers) == (settings.level, settings.threads)
    assert intake.chunk_kib << 10 == settings.chunk_bytes == chunk.AVERAGE_BYTES


@given(
    compression=st.integers(1, config.COMPRESSION_MAX),
    chunk_kib=st.sampled_from([256, 512, 1024]),
    workers=st.integers(1, config.WORKERS_MAX),
)
def test_what_is_shown_is_what_is_in_force(compression: int, chunk_kib: int, workers: int) -> None:
    wanted = Config(intake=Intake(compression=compression, chunk_kib=chunk_kib, workers=workers))  # type: ignore[arg-type]
    assert config.parse(config.render(wanted).encode()) == wanted


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("[intake]\ncompression = 1\nworkers = 0\n", 3),
        ("[intake]\n\ncompression = 20\n", 3),
        ('[intake]\nworkers = "3"\n', 2),
        ("[intake]\nchunk_kib = 300\n", 2),
        ("[intake]\nthreads = 3\n", 2),
        ("# words\n[policy]\nquorum = 1\n", 2),
        ("[intake]\nworkers = \n", 2),
        ("[intake\n", 1),
    ],
)
def test_a_mistake_is_named_with_its_line(text: str, line: int) -> None:
    with pytest.raises(ConfigInvalid) as said:
        config.parse(text.encode())
    assert said.value.values["line"] == line


@given(text=st.binary(max_size=200))
def test_no_text_is_taken_for_other_settings_or_ends_in_another_error(text: bytes) -> None:
    try:
        found = config.parse(text)
    except ConfigInvalid:
        return
    assert 1 <= found.intake.workers <= config.WORKERS_MAX


@pytest.mark.parametrize("average", [256 << 10, 512 << 10, 1 << 20])
def test_chunks_of_every_size_that_may_be_set_fit_the_buffers(average: int) -> None:
    noise = memoryview(bytes((n * n >> 7) % 251 for n in range(1 << 20)) * 8)
    ends = [0, *chunk.Chunker(77, average).cuts(noise, last=True)]
    lengths = [end - start for start, end in pairwise(ends)]
    assert sum(lengths) == noise.nbytes
    assert max(lengths) <= 2 * average <= chunk.MAX_BYTES
    assert dataclasses.replace(IntakeSettings(), chunk_bytes=average).chunk_bytes == average
