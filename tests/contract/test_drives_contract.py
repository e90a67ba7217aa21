"""ports.Drives: directories of the emulated board and disks on loop devices, held to the same promises."""

import errno
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import pytest

from appliance.adapters.bay_devices import BayDevice
from appliance.adapters.drives_emulated import EmulatedDrives
from appliance.ports import Drives
from tests.contract.loop_bays import Bench, files, on_bench
from tests.contract.test_drives_emulated import Supply


class Bays(Protocol):
    """Bays 1 to 3 have a drive, bay 4 is empty; `power` brings a bay's drive up."""

    @property
    def drives(self) -> Drives: ...

    def power(self, bay: int) -> None: ...

    def cut(self, bay: int) -> None: ...


class EmulatedBays:
    def __init__(self, place: Path) -> None:
        self._supply = Supply()
        for bay in (1, 2, 3):
            (place / str(bay)).mkdir()
        self.drives = EmulatedDrives(place, 4, self._supply, lambda path, alive: files(str(path), alive))

    def power(self, bay: int) -> None:
        self._supply.up.add(bay)
        numbers = [number for number in self._supply.came if number != bay] or [1, 2, 3, 4]
        self._supply.came = [number for number in numbers if number != bay] + [bay]

    def cut(self, bay: int) -> None:
        self._supply.up.discard(bay)
        self._supply.blink(bay)


class BlockBays:
    def __init__(self, bench: Bench) -> None:
        self._bench, self.drives = bench, bench.drives
        self._images = {bay: bench.bays.image(str(bay)) for bay in (1, 2, 3)}
        self._up: dict[int, BayDevice] = {}

    def power(self, bay: int) -> None:
        if bay in self._images:
            self._up[bay] = self._bench.bays.plug(bay, self._images[bay])

    def cut(self, bay: int) -> None:
        self._bench.bays.unplug(self._up.pop(bay))
        self.drives.attached()  # somebody looks, as between two phases: then the loop device is free again


Play = Callable[[Callable[[Bays], None]], None]


@pytest.fixture(params=["emulated", pytest.param("block", marks=pytest.mark.needs("block_disk"))])
def play(request: pytest.FixtureRequest, tmp_path: Path) -> Play:
    if request.param == "emulated":
        return lambda act: act(EmulatedBays(tmp_path))
    return lambda act: on_bench(tmp_path, lambda bench: act(BlockBays(bench)))


def bays_of(bays: Bays) -> list[int]:
    return [drive.bay for drive in bays.drives.attached()]


def test_nothing_is_attached_while_nothing_is_powered(play: Play) -> None:
    def act(bays: Bays) -> None:
        assert bays_of(bays) == []

    play(act)


def test_what_is_powered_is_attached_and_an_empty_bay_is_not(play: Play) -> None:
    def act(bays: Bays) -> None:
        for bay in (1, 3, 4):
            bays.power(bay)
        assert sorted(bays_of(bays)) == [1, 3]

    play(act)


def test_the_order_is_that_of_the_bus(play: Play) -> None:
    def act(bays: Bays) -> None:
        for bay in (3, 1, 2):
            bays.power(bay)
        assert bays_of(bays) == [3, 1, 2]

    play(act)


def test_a_drive_is_the_same_object_until_it_goes_and_another_one_afterwards(play: Play) -> None:
    def act(bays: Bays) -> None:
        bays.power(1)
        (first,) = bays.drives.attached()
        assert bays.drives.attached()[0] is first
        bays.cut(1)
        assert bays_of(bays) == []
        bays.power(1)
        assert bays.drives.attached()[0] is not first

    play(act)


def test_what_was_placed_is_there_when_the_drive_comes_back(play: Play) -> None:
    def act(bays: Bays) -> None:
        bays.power(2)
        bays.drives.attached()[0].files.put("packs/one", b"content")
        bays.cut(2)
        bays.power(2)
        assert bays.drives.attached()[0].files.read("packs/one", 100) == b"content"

    play(act)


def test_every_operation_on_a_drive_that_went_is_eio_for_good(play: Play) -> None:
    def act(bays: Bays) -> None:
        bays.power(1)
        old = bays.drives.attached()[0].files
        old.put("one", b"content")
        bays.cut(1)
        for back in (False, True):
            if back:
                bays.power(1)
                bays.drives.attached()
            acts: list[Callable[[], object]] = [
                lambda: old.read("one", 100),
                lambda: old.names("."),
                lambda: old.exists("one"),
                lambda: old.put("three", b""),
                old.free_bytes,
            ]
            for each in acts:
                with pytest.raises(OSError) as caught:  # noqa: PT011 - the number is checked below
                    each()
                assert caught.value.errno == errno.EIO

    play(act)
