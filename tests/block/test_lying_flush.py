"""Disks that say "flushed" and keep nothing, through a power cut after the box has relied on them.

One of k+m: nothing is lost, and what the drive forgot is made up for. All drives: the box names the packs
that are gone. All disks: the witness's count exposes it at the next power-on (60-reliability, measured 2).
"""

from __future__ import annotations

import random
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import TypeVar

import pytest

from appliance.domain.ids import PackId
from appliance.errors import LedgerTampered
from appliance.service import shard_healing
from appliance.service.shard_healing import Healed
from firmware.model.fram import Fram
from tests.block import private_mounts, record, recovery, reference_ingest
from tests.block.broken_window import TWO_TWO
from tests.block.disk_states import DiskState, Platters
from tests.block.rack import Rack
from tests.block.record import Write
from tests.block.reference_ingest import Ingest
from tests.depth import many
from tests.simulation.sealing_bench import Bench

T = TypeVar("T")

pytestmark = pytest.mark.needs("block_disk")

LIAR = 4  # its bay
OTHERS = (1, 2, 3)
DRIVES = (1, 2, 3, 4)


@pytest.fixture(scope="session")
def ingest(tmp_path_factory: pytest.TempPathFactory) -> Ingest:
    place = tmp_path_factory.mktemp("lied")
    return private_mounts.privately(place, lambda: reference_ingest.take(place, TWO_TWO))


def forgotten(ingest: Ingest, disks: Collection[int], cut: int, keep: Callable[[int], bool]) -> DiskState:
    """After `cut` events, with those writes of these disks lost that `keep` does not keep."""
    told = enumerate(ingest.record.events[:cut])
    writes = [
        number
        for number, event in told
        if isinstance(event, Write) and event.disk in disks and number >= ingest.record.first
    ]
    return DiskState(cut=cut, how="lied", lost=frozenset(number for number in writes if not keep(number)))


def powered_on(
    ingest: Ingest, liars: Collection[int], state: DiskState, place: Path, look: Callable[[Bench, bool], T]
) -> T:
    """What `look` says of the box; it is told whether the liar still has a file system."""

    def work() -> T:
        rack = Rack(place, TWO_TWO.drives + 1)
        images = [rack.image(disk) for disk in range(rack.disks)]
        Platters(record.lying(ingest.record, liars), images).show(state)
        is_whole = rack.mount(doubtful=LIAR)
        try:
            return look(ingest.bench_at(rack.root, ingest.moments_at(state.cut)[-1]), is_whole)
        finally:
            rack.unmount(lazily=True)

    place.mkdir(exist_ok=True)
    return private_mounts.privately(place, work)


def cuts(ingest: Ingest) -> Iterator[int]:
    """Some, and the one right after each commit."""
    first, end = ingest.record.first, len(ingest.record.events)
    yield from range(first + 40, end + 1, (end - first) // many(3, 40))
    yield from (moment.event for moment in ingest.moments[1:][:: many(3, 1)])


def wrong_in_order(ingest: Ingest, place: Path) -> list[str]:
    """The liar shows a time before the cut."""
    wrong = []
    for cut in cuts(ingest):
        until = random.Random(cut).randrange(ingest.record.first, cut)
        state = forgotten(ingest, [LIAR], cut, until.__gt__)
        packs = ingest.moments_at(cut)[-1].packs

        def look(bench: Bench, _: bool, packs: frozenset[PackId] = packs) -> list[str]:
            return recovery.wrong_after(bench, ingest.windows, packs)

        wrong += powered_on(ingest, [LIAR], state, place / str(cut), look)
    return wrong


@pytest.mark.invariant("I6", "I7", "I9")
def test_a_drive_whose_flushes_lied_loses_nothing_and_is_made_up_for(ingest: Ingest, tmp_path: Path) -> None:
    wrong = wrong_in_order(ingest, tmp_path)
    assert not wrong, wrong


@pytest.mark.invariant("I6", "I15")
def test_a_drive_that_forgot_some_of_what_it_flushed_harms_nothing_on_the_others(
    ingest: Ingest, tmp_path: Path
) -> None:
    """Its file system may be damaged, or none any more."""
    mountable = []
    for cut in cuts(ingest):
        kept = set(random.Random(cut).choices(range(cut), k=cut))  # two of three
        state = forgotten(ingest, [LIAR], cut, kept.__contains__)
        packs = ingest.moments_at(cut)[-1].packs

        def look(bench: Bench, is_whole: bool, packs: Collection[PackId] = packs) -> list[str]:
            mountable.append(is_whole)
            bench.boot().seal()
            bench.stage([2_000])
            sealed = bench.boot().seal().sealed
            return [*recovery.unreadable(bench, OTHERS, packs), *([] if sealed else ["no next window"])]

        wrong = powered_on(ingest, [LIAR], state, tmp_path / str(cut), look)
        assert not wrong, wrong
    assert True in mountable


def losses_said(ingest: Ingest, place: Path) -> tuple[set[PackId], set[PackId]]:
    """When all drives and not the controller's disk forgot the last windows: what is lost, what is said."""
    first, end = ingest.moments[1].event, len(ingest.record.events)
    state = forgotten(ingest, DRIVES, end, lambda number: number < first + 60)
    return powered_on(ingest, DRIVES, state, place, lambda bench, _: _losses_said(bench))


def _losses_said(bench: Bench) -> tuple[set[PackId], set[PackId]]:
    booted = bench.boot()
    report = booted.seal()
    lost = {pack for pack in bench.committed(booted) if recovery.unreadable(bench, DRIVES[:2], [pack])}
    return lost, set(report.healed.lost)


@pytest.mark.invariant("I9")
def test_when_all_drives_lied_every_lost_pack_is_named(ingest: Ingest, tmp_path: Path) -> None:
    lost, said = losses_said(ingest, tmp_path)
    assert lost
    assert said == lost


def everything_forgotten(ingest: Ingest, place: Path, memory: Fram) -> None:
    """Power-on after every disk of the box has gone back in time, with this memory in the interlock."""
    state = forgotten(ingest, range(5), len(ingest.record.events), lambda _: False)

    def look(bench: Bench, _: bool) -> None:
        bench.witness.memory = memory
        bench.boot()

    powered_on(ingest, range(5), state, place, look)


@pytest.mark.invariant("I10")
def test_when_every_disk_lied_the_witness_exposes_it_at_the_next_power_on(
    ingest: Ingest, tmp_path: Path
) -> None:
    with pytest.raises(LedgerTampered):
        everything_forgotten(ingest, tmp_path, ingest.moments[-1].memory)


# Planted bugs -----------------------------------------------------------------------------------------


@pytest.mark.planted
@pytest.mark.invariant("I9")
def test_a_box_that_makes_up_for_nothing_is_caught(
    ingest: Ingest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shard_healing, "heal", lambda *_: Healed())
    assert any("from the drives" in line for line in wrong_in_order(ingest, tmp_path))
    lost, said = losses_said(ingest, tmp_path / "all")
    assert lost - said


@pytest.mark.planted
@pytest.mark.invariant("I10")
def test_an_interlock_whose_count_goes_back_with_the_disks_is_caught(ingest: Ingest, tmp_path: Path) -> None:
    """Nothing else in the box would have noticed."""
    with pytest.raises(pytest.fail.Exception), pytest.raises(LedgerTampered):
        everything_forgotten(ingest, tmp_path, ingest.moments[0].memory)
