"""The power goes again during the recovery from a power cut, at the blocks that ext4 and the box write then.

What the first cut left is recorded while it is mounted (ext4 replays its journal) and sealed anew; the states
of that record are judged like those of the ingest (I7: recovery is idempotent, also when it is itself cut).
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.block import private_mounts, reference_ingest, trial
from tests.block.disk_states import DiskState
from tests.block.reference_ingest import Ingest
from tests.depth import many

pytestmark = pytest.mark.needs("block_disk")

STATES = many(3, 60)  # of each recovery

WHERE: dict[str, Callable[[Ingest], int]] = {
    "while the shards are placed": lambda ingest: sum(m.event for m in ingest.moments[1:3]) // 2,
    "just before the witness is asked": lambda ingest: ingest.moments[2].event - 1,
    "just after the witness persisted": lambda ingest: ingest.moments[2].event,
}


@pytest.fixture(scope="session")
def ingest(tmp_path_factory: pytest.TempPathFactory) -> Ingest:
    place = tmp_path_factory.mktemp("ingest")
    return private_mounts.privately(place, lambda: reference_ingest.take(place))


def recovery_of(ingest: Ingest, first_cut: int, place: Path) -> Ingest:
    state = DiskState(cut=first_cut, how="prefix")
    return private_mounts.privately(place, lambda: reference_ingest.take_recovery(ingest, state, place))


def wrong_states(again: Ingest, place: Path) -> list[str]:
    states = trial.states_of(again)
    few = states[:: -max(1, len(states) // STATES)][::-1]  # with the last one, after the commit
    return private_mounts.privately(place, lambda: list(trial.wrong_states(again, few, place)))


@pytest.fixture
def places(tmp_path: Path) -> tuple[Path, Path]:
    (tmp_path / "first").mkdir()
    (tmp_path / "second").mkdir()
    return tmp_path / "first", tmp_path / "second"


@pytest.mark.invariant("I6", "I7")
@pytest.mark.parametrize("where", WHERE)
def test_power_cut_at_the_block_writes_of_a_recovery_loses_nothing_acknowledged(
    ingest: Ingest, places: tuple[Path, Path], where: str
) -> None:
    again = recovery_of(ingest, WHERE[where](ingest), places[0])
    assert len(again.record.events) > 100, "the recovery has something to do"
    wrong = wrong_states(again, places[1])
    assert not wrong, wrong[:5]


@pytest.mark.planted
@pytest.mark.invariant("I7")
def test_a_recovery_without_fsync_loses_what_it_had_acknowledged_and_is_caught(
    ingest: Ingest, places: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", lambda _: None)
        careless = recovery_of(ingest, WHERE["while the shards are placed"](ingest), places[0])
    assert wrong_states(careless, places[1])
