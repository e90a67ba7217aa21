"""The reference ingest: four windows staged and sealed on recorded disks, and what was acknowledged when.

`bench_at` is the box after a power cut, over whatever disks are mounted then: the interlock's memory is a
chip of its own and holds what it had persisted.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from appliance.domain.geometry import Geometry
from appliance.domain.ids import PackId
from firmware.model.fram import Fram
from tests.block import record
from tests.block.disk_states import DiskState, Platters
from tests.block.rack import DISK_BYTES, Rack
from tests.block.record import Record, Runs
from tests.simulation.sealing_bench import Bench, Supply, Witness

TWO_ONE = Geometry(data=2, parity=1, write_quorum=3)
# Plain bytes per pack: less than one stripe, two stripes, several packs; below 4 MiB in all.
WINDOWS: Sequence[Sequence[int]] = ([5_000], [2_300_000, 90_000], [600_000, 700, 20_000], [40_000])


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """From event `event` on the interlock's memory is this, and it has acknowledged these packs."""

    event: int
    memory: Fram
    packs: frozenset[PackId]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ingest:
    """`windows` are the packs and segments of each; `moments` ascend, and the first is before the record."""

    record: Record
    bench: Bench
    windows: Sequence[frozenset[PackId]]
    moments: Sequence[Moment]

    def moments_at(self, cut: int) -> list[Moment]:
        """What the interlock may remember when the power goes after `cut` events: two answers are possible
        where it persisted just then."""
        newest = max(number for number, moment in enumerate(self.moments) if moment.event <= cut)
        first = newest - 1 if newest and self.moments[newest].event == cut else newest
        return list(self.moments[first : newest + 1])

    def bench_at(self, root: Path, moment: Moment) -> Bench:
        """A box that lost its power at this moment, with its disks at `root`."""
        bench = copy.copy(self.bench)
        bench.root, bench.supply, bench.contents = root, Supply(), dict(self.bench.contents)
        bench.witness = Witness(bench.supply)
        bench.witness.memory, bench.witness.now_s = moment.memory, self.bench.witness.now_s
        return bench


class Timeline(Supply):
    """Notes where in the log of the disks the interlock persisted what."""

    def __init__(self, rack: Rack) -> None:
        super().__init__()
        self.rack = rack
        self.witness: Witness | None = None
        self.persisted: list[tuple[int, Fram]] = []

    def step(self, label: str) -> None:
        super().step(label)
        if label == "witness persisted" and self.witness is not None:
            self.note(self.witness)

    def note(self, witness: Witness) -> None:
        self.persisted.append((self.rack.position(), witness.memory))


def take(place: Path, geometry: Geometry = TWO_ONE) -> Ingest:
    """Run it once, on new disks in the folder `place` (see private_mounts.privately)."""
    rack = Rack(place, geometry.drives + 1)
    rack.make()
    bases = [record.runs(rack.image(disk)) for disk in range(rack.disks)]
    timeline = Timeline(rack)
    try:
        rack.serve()
        rack.mount()
        bench = Bench(rack.root, geometry, supply=timeline)
        rack.sync()
        timeline.witness = bench.witness
        timeline.note(bench.witness)
        windows = [_window(bench, sizes) for sizes in WINDOWS]
        return _ingest(timeline, bench, windows, bases)
    finally:
        rack.stop()


def take_recovery(ingest: Ingest, state: DiskState, place: Path) -> Ingest:
    """The record of what comes after this power cut: the file systems' own recovery and the box's."""
    rack = Rack(place, ingest.bench.geometry.drives + 1)
    images = [rack.image(disk) for disk in range(rack.disks)]
    Platters(ingest.record, images).show(state)
    bases = [record.runs(image) for image in images]
    bench = ingest.bench_at(rack.root, ingest.moments_at(state.cut)[-1])
    timeline = Timeline(rack)
    bench.supply = bench.witness.supply = timeline
    timeline.witness = bench.witness
    timeline.note(bench.witness)
    try:
        rack.serve()
        rack.mount()
        bench.boot().seal()
        return _ingest(timeline, bench, ingest.windows, bases)
    finally:
        rack.stop()


def _window(bench: Bench, sizes: Sequence[int]) -> frozenset[PackId]:
    before = set(bench.contents)
    bench.stage(sizes)
    bench.boot().seal()
    return frozenset(bench.contents) - before


def _ingest(
    timeline: Timeline, bench: Bench, windows: Sequence[frozenset[PackId]], bases: Sequence[Runs]
) -> Ingest:
    """What the rack has recorded until now."""
    seals = bench.boot().catalogue().seals
    log = timeline.rack.log.read_bytes()
    moments = [
        Moment(
            event=len(record.parse(log[:position])),
            memory=memory,
            packs=frozenset(
                PackId(bytes.fromhex(part.id))
                for index, seal in seals.items()
                if index < memory.log.size
                for part in seal.packs
            ),
        )
        for position, memory in timeline.persisted
    ]
    first = max(1, moments[0].event)
    taken = Record(disk_bytes=DISK_BYTES, bases=bases, events=record.parse(log), first=first)
    return Ingest(record=taken, bench=bench, windows=windows, moments=moments)
