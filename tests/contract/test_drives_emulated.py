"""Emulated drives: there only while powered and spun up; a lost supply ends every handle for good."""

import errno
from collections.abc import Callable
from pathlib import Path

import pytest

from appliance.adapters.directory import Directory
from appliance.adapters.drives_emulated import EmulatedDrives
from appliance.domain.ids import Bay
from appliance.ports import Files


class Supply:
    """The bays' supply as the board tells it."""

    def __init__(self) -> None:
        self.up: set[int] = set()
        self.lost: dict[int, int] = {}
        self.came: list[int] = []

    def losses(self, bay: Bay) -> int | None:
        return self.lost.get(bay, 0) if bay in self.up else None

    def order(self) -> list[int]:
        return self.came

    def blink(self, bay: int) -> None:
        self.lost[bay] = self.lost.get(bay, 0) + 1


def files(path: Path, alive: Callable[[], bool]) -> Files:
    return Directory(path, alive=alive)


@pytest.fixture
def supply() -> Supply:
    return Supply()


@pytest.fixture
def drives(tmp_path: Path, supply: Supply) -> EmulatedDrives:
    for bay in (1, 2):
        (tmp_path / str(bay)).mkdir()
    return EmulatedDrives(tmp_path, 3, supply, files)


def test_no_drive_is_attached_while_nothing_is_powered(drives: EmulatedDrives) -> None:
    assert drives.attached() == []


def test_drives_are_attached_in_the_order_of_their_bus(drives: EmulatedDrives, supply: Supply) -> None:
    supply.up, supply.came = {1, 2}, [2, 3, 1]
    assert [drive.bay for drive in drives.attached()] == [2, 1]


def test_powered_drives_are_attached_by_bay_and_an_empty_bay_is_not(
    drives: EmulatedDrives, supply: Supply
) -> None:
    supply.up = {1, 2, 3}
    assert [drive.bay for drive in drives.attached()] == [1, 2]


def test_a_drive_stays_the_same_object_while_it_stays_powered(
    drives: EmulatedDrives, supply: Supply
) -> None:
    supply.up = {1}
    assert drives.attached()[0] is drives.attached()[0]


def test_work_on_a_powered_drive_is_real(drives: EmulatedDrives, supply: Supply, tmp_path: Path) -> None:
    supply.up = {1}
    drives.attached()[0].files.put("packs/one", b"content")
    assert (tmp_path / "1" / "packs" / "one").read_bytes() == b"content"


def test_every_operation_after_the_supply_is_gone_is_eio(drives: EmulatedDrives, supply: Supply) -> None:
    supply.up = {1}
    drive = drives.attached()[0].files
    drive.put("one", b"content")
    placing = drive.begin("two")
    supply.up = set()
    for act in (
        lambda: drive.read("one", 100),
        lambda: drive.names("."),
        lambda: drive.exists("one"),
        lambda: drive.put("three", b""),
        lambda: placing.pwrite(b"x", 0),
        lambda: placing.place(1),
        drive.free_bytes,
    ):
        with pytest.raises(OSError) as caught:  # noqa: PT011 - the number is checked below
            act()
        assert caught.value.errno == errno.EIO


def test_a_drive_that_came_back_has_to_be_found_anew(drives: EmulatedDrives, supply: Supply) -> None:
    supply.up = {1}
    old = drives.attached()[0].files
    old.put("one", b"content")
    supply.blink(1)
    with pytest.raises(OSError) as caught:  # noqa: PT011 - the number is checked below
        old.read("one", 100)
    assert caught.value.errno == errno.EIO
    assert drives.attached()[0].files.read("one", 100) == b"content"
