"""A window that is sealed while one of its disks is broken, and the power cut that ends it.

On recorded disks: one window committed, a second one staged, then the fault, then the drive half. What the
disks hold then is mounted plainly, as in a box whose drive has been repaired or has come back.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from appliance.domain.geometry import Geometry
from appliance.domain.ids import DriveIndex, PackId
from appliance.errors import IwatoError
from tests.block.rack import Rack
from tests.simulation.sealing_bench import Bench, Supply

TWO_TWO = Geometry(data=2, parity=2, write_quorum=3)
WINDOWS: Sequence[Sequence[int]] = ([5_000], [600_000, 9_000])  # plain bytes per pack


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokenWindow:
    """`named` are the bays of the drives that the ledger entry counts on, none when the drive half ended
    with `error`. `failed` are bays that ended their part. `acknowledged` is what the interlock signed."""

    rack: Rack
    bench: Bench
    windows: Sequence[frozenset[PackId]]
    acknowledged: frozenset[PackId]
    named: frozenset[int]
    failed: frozenset[int]
    error: IwatoError | None


class Trigger(Supply):
    """Does something to the disks after the `number`-th durable step whose label begins with `word`."""

    def __init__(self) -> None:
        super().__init__()
        self.word, self.number = "", 0
        self.act: Callable[[], None] = lambda: None

    def step(self, label: str) -> None:
        super().step(label)
        if self.word and label.startswith(self.word):
            self.number -= 1
            if not self.number:
                self.word = ""
                self.act()


def seal(place: Path, break_it: Callable[[Rack, Trigger], None]) -> BrokenWindow:
    """In a folder of private_mounts.privately. The rack is mounted by nobody afterwards."""
    rack, trigger = Rack(place, TWO_TWO.drives + 1), Trigger()
    rack.make()
    try:
        rack.serve()
        rack.mount()
        bench = Bench(rack.root, TWO_TWO, supply=trigger)
        windows = []
        for sizes in WINDOWS:
            before = set(bench.contents)
            bench.stage(sizes)
            windows.append(frozenset(bench.contents) - before)
            if len(windows) == 1:
                assert len(bench.boot().seal().sealed) == 1
        break_it(rack, trigger)
        return _sealed(rack, bench, windows)
    finally:
        rack.stop()


def _sealed(rack: Rack, bench: Bench, windows: Sequence[frozenset[PackId]]) -> BrokenWindow:
    size = bench.witness.memory.log.size
    booted = bench.boot()
    bays = {drive.index: drive.bay for drive in booted.drives.readable}
    named: frozenset[int] = frozenset()
    error = None
    try:
        report = booted.seal()
        named = frozenset(bays[DriveIndex(drive)] for item in report.sealed for drive in item.entry.drives)
    except IwatoError as raised:
        error = raised
    return BrokenWindow(
        rack=rack,
        bench=bench,
        windows=windows,
        acknowledged=frozenset().union(*windows[: 1 + bench.witness.memory.log.size - size]),
        named=named,
        failed=frozenset(bays[index] for index in booted.drives.failures),
        error=error,
    )
