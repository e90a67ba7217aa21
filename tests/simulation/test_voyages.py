"""Seeded voyages: random faults, random power cuts, random damage, and every invariant after each command.

A failure prints its seed and the command that replays it.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from appliance.service.pack_placing import PackPlacer, PlacedPack
from appliance.service.scrub import Scrubber, ScrubReport
from appliance.service.seal_report import SealReport
from appliance.service.sealing import Sealing
from hw.twin.memory import FileMemory
from tests.depth import many
from tests.simulation import voyage
from tests.simulation.observed_plant import Violation
from tests.simulation.voyage import Voyage, World

BLOCKS = 4  # so that they run side by side
VOYAGES = many(16, 300)
CAUGHT_WITHIN = 12  # seeds; a harness that needs more to find a planted bug looks too rarely


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return World(tmp_path_factory.mktemp("world"))


@pytest.fixture(autouse=True)
def settled(monkeypatch: pytest.MonkeyPatch) -> None:
    voyage.settle(monkeypatch.setattr)


def sailed(world: World, seed: int) -> Voyage:
    """The voyage, or a failure that says how to see it again."""
    ship = Voyage(world, seed)
    try:
        return ship.run()
    except Exception as error:
        log = "\n".join(ship.log)
        raise AssertionError(f"{error}\nreplay: {voyage.REPLAY} {seed}\n{log}") from error


@pytest.mark.invariant("I1", "I2", "I3", "I4", "I5", "I6", "I7", "I8", "I9", "I10", "I11", "I15")
@pytest.mark.parametrize("block", range(BLOCKS))
def test_no_voyage_breaks_an_invariant(world: World, block: int) -> None:
    for seed in range(block, VOYAGES, BLOCKS):
        sailed(world, seed)


def test_most_voyages_come_home_and_meet_power_cuts_faults_and_recoveries(world: World) -> None:
    """Liveness of the harness: voyages on which nothing happens would pass everything."""
    logs = [line for seed in range(100, 104) for line in sailed(world, seed).log]
    assert sum("power cut" in line for line in logs) >= 2
    assert any(line.startswith("window") and "exit" in line for line in logs)
    assert sum("[]" not in line and "[" in line for line in logs) >= 2
    assert any(line.startswith(("scrub", "restore")) for line in logs)
    assert sum(line.startswith("latched") for line in logs) <= 2


@pytest.mark.invariant("I16")
@pytest.mark.parametrize("seed", range(1, many(2, 9)))
def test_a_voyage_replays_from_its_seed(world: World, seed: int) -> None:
    first, again = sailed(world, seed), sailed(world, seed)
    assert first.log == again.log
    assert first.memory.sequence == again.memory.sequence


# Planted bugs: the same voyages must find them. ----------------------------------------------------


def first_violation(world: World) -> str:
    """The invariant that the first failing voyage names."""
    for seed in range(CAUGHT_WITHIN):
        try:
            Voyage(world, seed).run()
        except Violation as found:
            return str(found).split()[0]
    return ""


def boastful_placer(placing: Callable[..., PlacedPack]) -> Callable[..., PlacedPack]:
    """Says that every drive holds the pack when it wrote it to the first three."""

    def place(self: PackPlacer, pack: object, size: int, only: list[int], buffer: object) -> PlacedPack:
        placed = placing(self, pack, size, sorted(only)[:3], buffer)
        object.__setattr__(placed, "holders", frozenset(only))
        return placed

    return place


def tidy_scrubber(scrubbing: Callable[..., ScrubReport]) -> Callable[..., ScrubReport]:
    """Removes what is old from a drive after the scrub."""

    def run(self: Scrubber, **named: object) -> ScrubReport:
        report = scrubbing(self, **named)
        for drive in self._drives.readable:
            for path in sorted(Path(drive.files.inner._root).glob("ledger/*"))[:1]:  # type: ignore[attr-defined]
                path.unlink()
        return report

    return run


def roots(sealing: Sealing) -> list[Path]:
    """The folders of the drives that can be read."""
    return [Path(drive.files.inner._root) for drive in sealing._drives.readable]  # type: ignore[attr-defined]


def hasty_sealing(sealing: Callable[..., SealReport]) -> Callable[..., SealReport]:
    """Commits what is staged although nothing of it is on a drive. What an earlier window placed stays: its
    removal would be another bug (I8)."""

    def run(self: Sealing, facts: object) -> SealReport:
        def pretend(pack: object, size: int, only: list[int], buffer: object) -> PlacedPack:
            before = {path for root in roots(self) for path in root.rglob("*")}
            placed = PackPlacer.place(self._placer, pack, size, only, buffer)  # type: ignore[arg-type]
            for root in roots(self):
                for path in root.rglob(f"{placed.facts.pack.hex()}*"):
                    if path not in before:
                        path.unlink()
            return placed

        self._placer.place = pretend  # type: ignore[method-assign, assignment]
        return sealing(self, facts)

    return run


def keep_nothing(_memory: FileMemory, _number: int, _record: bytes) -> None:
    """An interlock that signs and persists nothing."""


@pytest.mark.planted
@pytest.mark.invariant("I6")
def test_a_placer_that_counts_drives_it_did_not_write_is_caught(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(PackPlacer, "place", boastful_placer(PackPlacer.place))
    assert first_violation(world) in {"I6", "I15"}


@pytest.mark.planted
@pytest.mark.invariant("I6", "I7")
def test_a_seal_that_commits_before_the_drives_hold_it_is_caught(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Sealing, "run", hasty_sealing(Sealing.run))
    assert first_violation(world) == "I6"


@pytest.mark.planted
@pytest.mark.invariant("I8")
def test_a_scrub_that_removes_a_file_is_caught(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Scrubber, "run", tidy_scrubber(Scrubber.run))
    assert first_violation(world) == "I8"


@pytest.mark.planted
@pytest.mark.invariant("I5", "I10")
def test_an_interlock_that_signs_before_it_persists_is_caught(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(FileMemory, "write_slot", keep_nothing)
    assert first_violation(world) == "I10"
