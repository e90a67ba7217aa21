"""Power cuts at the block writes of a whole window: link half, index, staging, drive half, on real ext4.

The second window of a box whose home and drives are recorded disks (tests/block). Disk states from all over
the window, reordered and torn, get the interlock's memory as it was and live through another window. With it
come the files that the matrices of whole files leave alone, sqlite's above all (I6, I7, I15).
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from appliance.errors import IwatoError
from tests.block import disk_states, private_mounts, record
from tests.block.disk_states import DiskState, Platters
from tests.block.rack import Rack
from tests.block.record import Record
from tests.depth import many
from tests.simulation.conftest import Vault
from tests.simulation.test_power_cut_window import losses
from tests.simulation.virtual_box import Cut, VirtualBox

pytestmark = pytest.mark.needs("block_disk")

DISKS = 7  # the controller's and six drives
ROOMY_BYTES = 512 << 20  # bytes, most of them holes; intake keeps 256 MiB of staging free
SLICES = 4  # the window in as many tests, so that they run side by side
STATES = many(1, 30)  # of each slice


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """`chips` ascend: from that event on the interlock's memory holds these files."""

    record: Record
    chips: Sequence[tuple[int, Mapping[str, bytes]]]

    def chip_at(self, cut: int) -> Mapping[str, bytes]:
        return [files for event, files in self.chips if event <= cut][-1]


class Watch(Cut):
    """Never cuts; notes where in the disks' log the interlock persisted what."""

    def __init__(self, rack: Rack) -> None:
        super().__init__()
        self._rack = rack
        self.persisted: list[tuple[int, Mapping[str, bytes]]] = []

    def __call__(self, label: str) -> None:
        super().__call__(label)
        if label == "fram written":
            self.note()

    def note(self) -> None:
        files = {path.name: path.read_bytes() for path in chip(self._rack).iterdir()}
        self.persisted.append((self._rack.position(), files))


def chip(rack: Rack) -> Path:
    """What is no disk: the interlock's memory and clock."""
    return rack.place / "emulated"


def mounted(rack: Rack) -> VirtualBox:
    """The box on the rack's disks."""
    rack.mount()
    rack.bind(chip(rack), rack.root / "emulated")
    return VirtualBox(rack.root)


def take(vault: Vault, place: Path) -> Window:
    """One window on recorded disks."""
    rack = Rack(place, DISKS, ROOMY_BYTES)
    chip(rack).mkdir()
    rack.make()
    bases = [record.runs(rack.image(disk)) for disk in range(DISKS)]
    try:
        rack.serve()
        rack.mount()
        (rack.root / "emulated").mkdir()
        rack.bind(chip(rack), rack.root / "emulated")
        shutil.copytree(vault.box.root, rack.root, symlinks=True, dirs_exist_ok=True)
        rack.sync()
        watch = Watch(rack)
        watch.note()
        done = VirtualBox(rack.root).run_window(watch)
        assert done["complete"], done["warnings"]
        log = rack.log.read_bytes()
    finally:
        rack.stop()
    chips = [(len(record.parse(log[:position])), files) for position, files in watch.persisted]
    taken = Record(disk_bytes=ROOMY_BYTES, bases=bases, events=record.parse(log), first=chips[0][0])
    return Window(record=taken, chips=chips)


@pytest.fixture(scope="session")
def window(vault: Vault, tmp_path_factory: pytest.TempPathFactory) -> Window:
    place = tmp_path_factory.mktemp("window")
    return private_mounts.privately(place, lambda: take(vault, place))


def wrong_states(vault: Vault, window: Window, states: Iterable[DiskState], place: Path) -> Iterator[str]:
    """What does not hold after these power cuts."""
    rack = Rack(place, DISKS, ROOMY_BYTES)
    platters = Platters(window.record, [rack.image(disk) for disk in range(DISKS)])
    for number, state in enumerate(states):
        platters.show(state)
        fill_chip(rack, window.chip_at(state.cut))
        restored = rack.place / f"restored-{number}"
        restored.mkdir()
        found = _wrong(vault, mounted(rack), restored)
        rack.unmount()
        shutil.rmtree(restored)
        if found:
            yield f"after {state.cut} of {len(window.record.events)}, {state.how}: {found}"


def _wrong(vault: Vault, box: VirtualBox, restored: Path) -> list[str]:
    try:
        return losses(vault, box, restored)
    except (IwatoError, OSError, AssertionError) as error:
        return [repr(error)]


def fill_chip(rack: Rack, files: Mapping[str, bytes]) -> None:
    shutil.rmtree(chip(rack), ignore_errors=True)
    chip(rack).mkdir()
    for name, content in files.items():
        (chip(rack) / name).write_bytes(content)


def states_of(window: Window) -> list[DiskState]:
    told = window.record
    return list(disk_states.after_cuts(told, range(told.first, len(told.events) + 1)))


@pytest.mark.invariant("I6", "I7", "I15")
@pytest.mark.parametrize("part", range(SLICES))
def test_power_cut_at_the_block_writes_of_a_whole_window_loses_nothing_acknowledged(
    vault: Vault, window: Window, tmp_path: Path, part: int
) -> None:
    states = states_of(window)
    begin, end = (len(states) * number // SLICES for number in (part, part + 1))
    chosen = states[begin + part : end : (end - begin) // STATES]
    wrong = private_mounts.privately(tmp_path, lambda: list(wrong_states(vault, window, chosen, tmp_path)))
    assert not wrong, f"{len(wrong)} of {len(chosen)} states: " + "\n".join(wrong[:5])


def test_the_window_writes_its_index_and_its_staging_to_the_recorded_disk(
    vault: Vault, window: Window, tmp_path: Path
) -> None:
    """Without these the matrix would be the one of the drive half again."""
    names: list[str] = []

    def look() -> None:
        rack = Rack(tmp_path, DISKS, ROOMY_BYTES)
        images = [rack.image(disk) for disk in range(DISKS)]
        states = states_of(window)
        for state in states[:: len(states) // 8]:
            Platters(window.record, images).show(state)
            rack.mount()
            names.extend(str(path.relative_to(rack.root)) for path in rack.root.rglob("*"))
            rack.unmount()

    private_mounts.privately(tmp_path, look)
    new = set(names) - {str(path.relative_to(vault.box.root)) for path in vault.box.root.rglob("*")}
    for begin in ("intake-state/", "staging/packs/", "staging/batches/", "seal-state/", "bay/6/shards/"):
        assert any(name.startswith(begin) for name in new), begin


@pytest.mark.planted
@pytest.mark.invariant("I6")
def test_a_window_without_fsync_loses_what_was_acknowledged_and_is_caught(
    vault: Vault, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    places = [tmp_path / name for name in ("taken", "tried")]
    for place in places:
        place.mkdir()
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", lambda _: None)
        careless = private_mounts.privately(places[0], lambda: take(vault, places[0]))
    last = states_of(careless)[-3:]
    assert private_mounts.privately(
        places[1], lambda: next(wrong_states(vault, careless, last, places[1]), "")
    )
