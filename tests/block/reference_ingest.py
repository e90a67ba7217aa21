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
from tests.block.rack import DISK_BYTES, Rack
from tests.block.record import Record
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
        self._rack = rack
        self.witness: Witness | None = None
        self.persisted: list[tuple[int, Fram]] = []

    def step(self, label: str) -> None:
        super().step(label)
        if label == "witness persisted" and self.witness is not None:
            self.note(self.witness)

    def note(self, witness: Witness) -> None:
        self.persisted.append((self._rack.position(), witness.memory))


def take(place: Path, geometry: Geometry = TWO_ONE) -> Ingest:
    """Run it once, on new disks in the folder `place` (see private_mounts.privately)."""
    rack = Rack(place, geometry.drives + 1)
    rack.make()
    bases = [record.runs(rack.image(disk)) for disk in range(rack.disks)]
    rack.serve()
    try:
        rack.mount()
        timeline = Timeline(rack)
        bench = Bench(rack.root, geometry, supply=timeline)
        rack.sync()
        timeline.witness = bench.witness
        timeline.note(bench.witness)
        windows = [_window(bench, sizes) for sizes in WINDOWS]
        seals = bench.boot().catalogue().seals
        log = rack.log.read_bytes()
    finally:
        rack.stop()
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
    taken = Record(disk_bytes=DISK_BYTES, bases=bases, events=record.parse(log), first=moments[0].event)
    return Ingest(record=taken, bench=bench, windows=windows, moments=moments)


def _window(bench: Bench, sizes: Sequence[int]) -> frozenset[PackId]:
    before = set(bench.contents)
    bench.stage(sizes)
    bench.boot().seal()
    return frozenset(bench.contents) - before
