"""Which disks count: those on the bays' ports of the USB tree, each attaching by itself. On umockdev."""

from collections.abc import Iterator

import pytest

from hw import profile
from tests.contract.usb_room import PORTS, UsbRoom

pytestmark = pytest.mark.needs("umockdev")


@pytest.fixture
def room() -> Iterator[UsbRoom]:
    room = UsbRoom()
    yield room
    room.close()


def test_a_bay_is_a_port_and_the_devices_name_means_nothing(room: UsbRoom) -> None:
    assert room.bays() == []
    room.plug("1.4.1", "sda", 5)
    room.plug("1.1", "sdb", 6)
    assert room.bays() == [(3, "sda"), (1, "sdb")]


def test_disks_are_in_the_order_in_which_they_came_up(room: UsbRoom) -> None:
    for port, name, sequence in (("1.1", "sda", 9), ("1.2", "sdb", 7), ("2.1", "sdc", 8)):
        room.plug(port, name, sequence)
    assert room.bays() == [(2, "sdb"), (4, "sdc"), (1, "sda")]


@pytest.mark.parametrize("port", ["3", "1", "1.3", "1.1.1", "1.10", "11.1", "1.4"])
def test_a_disk_on_any_other_port_is_on_no_bay(room: UsbRoom, port: str) -> None:
    assert port not in PORTS
    room.plug(port, "sda", 1)
    assert room.bays() == []


def test_a_disk_that_is_on_no_bus_of_the_bays_and_a_partition_are_no_drives(room: UsbRoom) -> None:
    room.plug_nowhere("mmcblk0", 1)
    room.plug("1.1", "sda", 2)  # which brings a partition with it
    assert room.bays() == [(1, "sda")]


def test_a_disk_that_left_and_came_back_is_another_one(room: UsbRoom) -> None:
    room.plug("1.1", "sda", 1)
    assert room.bays() == [(1, "sda")]
    assert room.is_there("sda")
    room.unplug("sda")
    assert not room.is_there("sda")
    room.plug("1.1", "sdb", 2)
    assert not room.is_there("sda")
    assert room.bays() == [(1, "sdb")]
    assert room.is_there("sdb")


def test_a_disk_that_came_back_under_its_old_name_between_two_looks_is_another_one(room: UsbRoom) -> None:
    room.plug("1.1", "sda", 1)
    assert room.bays() == [(1, "sda")]
    room.replug("sda", 2)
    assert not room.is_there("sda")
    assert room.bays() == [(1, "sda")]
    assert room.is_there("sda")


def test_two_disks_on_one_port_are_both_seen(room: UsbRoom) -> None:
    """A case with two units; which of them is a drive, their headers say."""
    room.plug("1.1", "sda", 1)
    room.plug("1.1", "sdb", 2)
    assert room.bays() == [(1, "sda"), (1, "sdb")]


@pytest.mark.parametrize("board", sorted(set(profile.names()) - {"emulated"}))
def test_every_boards_ports_are_written_as_the_kernel_writes_them(board: str) -> None:
    copper = profile.load(board).wired
    assert copper is not None
    assert len(set(copper.ports)) == len(copper.ports) == profile.load(board).bays_max
    assert all(part.isdecimal() for port in copper.ports for part in port.split("."))
