"""Power cuts at every block write and every flush of a reference ingest, on real ext4 (60-reliability).

Each drive and the controller's own disk is one file behind FUSE that logs what it is told. From the log come
disk states as a power cut leaves them: the prefix, its last write torn, and any part of what was not flushed,
each disk on its own. Every state is mounted and recovered by the product's own services.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.block import private_mounts, reference_ingest, trial
from tests.block.record import Flush, Write
from tests.block.reference_ingest import Ingest
from tests.depth import many

pytestmark = pytest.mark.needs("block_disk")

SLICES = 8  # of the ingest, in as many tests, so that they run side by side
STRIDE = many(45, 1)
STATES_MIN = 2_000  # in full; what 60-reliability asks for
SHOWN = 5  # a broken box fails in hundreds of states


@pytest.fixture(scope="session")
def ingest(tmp_path_factory: pytest.TempPathFactory) -> Ingest:
    """Each process of a test run takes its own."""
    place = tmp_path_factory.mktemp("ingest")
    return private_mounts.privately(place, lambda: reference_ingest.take(place))


@pytest.mark.invariant("I6", "I7", "I8", "I15")
@pytest.mark.parametrize("part", range(SLICES))
def test_power_cut_at_every_block_write_and_flush_loses_nothing_acknowledged(
    ingest: Ingest, tmp_path: Path, part: int
) -> None:
    states = trial.states_of(ingest)
    begin, end = (len(states) * number // SLICES for number in (part, part + 1))
    chosen = states[begin + part % STRIDE : end : STRIDE]
    wrong = private_mounts.privately(tmp_path, lambda: list(trial.wrong_states(ingest, chosen, tmp_path)))
    assert not wrong, f"{len(wrong)} of {len(chosen)} states: " + "\n".join(wrong[:SHOWN])


def test_the_ingest_has_the_states_that_matter(ingest: Ingest) -> None:
    """Enough of them; every kind; before, between and after the commits; on every disk."""
    record, states = ingest.record, trial.states_of(ingest)
    assert len(states) >= STATES_MIN
    assert {state.how for state in states} >= {
        "prefix",
        "prefix, torn",
        "only what was flushed",
        "reordered",
        "reordered, torn",
    }
    committed = [len(ingest.moments_at(state.cut)[-1].packs) for state in states]
    assert set(committed) == {0, 2, 5, 9, 11}, "packs and manifests of so many windows"
    told = record.events[record.first :]
    for kind in (Write, Flush):
        assert {event.disk for event in told if isinstance(event, kind)} == {0, 1, 2, 3}
    assert sum(map(sum, reference_ingest.WINDOWS)) <= 4 << 20


# Planted bugs: the same states must show them. ---------------------------------------------------------


def first_wrong(ingest: Ingest, place: Path) -> str:
    """The first thing that is wrong in a few states all over the ingest."""
    states = trial.states_of(ingest)
    few = states[:: max(1, len(states) // 50)]
    return private_mounts.privately(place, lambda: next(trial.wrong_states(ingest, few, place), ""))


@pytest.mark.planted
@pytest.mark.invariant("I6", "I7")
def test_a_writer_without_fsync_loses_what_was_acknowledged_and_is_caught(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", lambda _: None)
        careless = private_mounts.privately(tmp_path, lambda: reference_ingest.take(tmp_path))
    assert "acknowledged" in first_wrong(careless, tmp_path)
