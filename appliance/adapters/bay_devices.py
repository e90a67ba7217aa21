"""Which disks answer on the bays' ports: pyudev's view of the USB tree, nothing of what the disks hold.

A disk counts only where its hub port is one that the board's profile names; which drive of which vault it is,
only its signed header says (block_drives.py). Opens no device.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass

import pyudev

from appliance.domain.ids import Bay
from appliance.errors import ToolMissing

_SEQUENCE = "diskseq"  # the kernel's own number of each attaching of a disk, never used twice (Linux 5.15)
_ANSWER_BYTES_MAX = 32  # bytes; it is a number


@dataclass(frozen=True, slots=True, kw_only=True)
class BayDevice:
    """One attaching of one disk. `node` is its device file, `number` that file's device number, `folder` its
    place in sysfs."""

    bay: Bay
    node: str
    number: int
    sequence: int
    folder: str


class BayDevices:
    """`ports`: the hub port of each bay, first bay first, as the kernel writes it without the bus ("1.4.2"),
    since one socket has a bus for each of its speeds. A disk that sits behind a further hub is on no bay.
    ToolMissing."""

    def __init__(self, ports: Sequence[str]) -> None:
        self._bays = {port: Bay(number) for number, port in enumerate(ports, 1)}
        try:
            self._context = pyudev.Context()
        except ImportError:
            raise ToolMissing(program="libudev", package="libudev1") from None

    def present(self) -> list[BayDevice]:
        """Whole disks, in the order in which they came up."""
        found = [
            device
            for disk in self._context.list_devices(subsystem="block", DEVTYPE="disk")
            if (device := self._device(disk)) is not None
        ]
        return sorted(found, key=lambda device: device.sequence)

    def is_there(self, device: BayDevice) -> bool:
        """It is still the same attaching of the same disk: one that left and came back is another."""
        return _sequence(device.folder) == device.sequence

    def _device(self, disk: pyudev.Device) -> BayDevice | None:
        socket = disk.find_parent("usb", "usb_device")
        if socket is None or disk.device_node is None:
            return None
        bay = self._bays.get(str(socket.sys_name).partition("-")[2])
        sequence = _sequence(disk.sys_path)
        if bay is None or sequence is None:
            return None
        return BayDevice(
            bay=bay,
            node=str(disk.device_node),
            number=int(disk.device_number),
            sequence=sequence,
            folder=str(disk.sys_path),
        )


def _sequence(folder: str) -> int | None:
    """None where the disk has gone, or its kernel does not count."""
    try:
        with open(os.path.join(folder, _SEQUENCE), "rb") as file:
            return int(file.read(_ANSWER_BYTES_MAX))
    except (OSError, ValueError):
        return None
