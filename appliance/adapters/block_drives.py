"""ports.Drives on a real board: disks on the bays' ports, mounted once their signed header was verified.

What is foreign is never mounted, not even for reading. A blank disk is mounted only for a job that may make a
drive of it. A disk that left and came back has to be found anew; every handle of before raises EIO.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol

from appliance.adapters import mount, unmounted_disk
from appliance.adapters.bay_devices import BayDevice
from appliance.domain.ids import Bay
from appliance.ports import Files

FilesFactory = Callable[[str, Callable[[], bool]], Files]
"""Makes the files of a mounted drive; every operation asks the second argument first."""


class Devices(Protocol):
    """The disks on the bays' ports (BayDevices)."""

    def present(self) -> Sequence[BayDevice]: ...

    def is_there(self, device: BayDevice) -> bool: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Judge:
    """`is_ours` verifies a header's bytes; `blank_too`: this job may make a drive of a blank disk."""

    is_ours: Callable[[bytes], bool]
    blank_too: bool = False


@dataclass(slots=True)
class BlockDrive:
    """ports.AttachedDrive."""

    bay: Bay
    files: Files


class BlockDrives:
    """`folder` is where drives are mounted; `refused` is told once of each disk that is not, and why.
    One thread at a time; the drives' files are for any."""

    def __init__(
        self,
        devices: Devices,
        judge: Judge,
        folder: str,
        files: FilesFactory,
        refused: Callable[[Bay, str], None],
    ) -> None:
        self._devices, self._judge, self._folder = devices, judge, folder
        self._files, self._refused = files, refused
        self._known: dict[BayDevice, BlockDrive | None] = {}

    def attached(self) -> Sequence[BlockDrive]:
        """In the order in which they came up; the same object for as long as a drive has not gone."""
        present = self._devices.present()
        for device in self._known.keys() - set(present):
            self._forget(device)
        return [drive for device in present if (drive := self._drive(device)) is not None]

    def close(self) -> None:
        """Take every drive out of sight. Repeatable."""
        for device in list(self._known):
            self._forget(device)

    def _drive(self, device: BayDevice) -> BlockDrive | None:
        """A disk that does not answer yet is asked again the next time."""
        if device not in self._known:
            try:
                descriptor = os.open(device.node, os.O_RDONLY | os.O_CLOEXEC)
            except OSError:
                return None
            try:
                self._judged(device, descriptor)
            except TimeoutError as error:
                self._refuse(device, str(error.strerror))
            except OSError:
                return None
            finally:
                os.close(descriptor)
        return self._known.get(device)

    def _judged(self, device: BayDevice, descriptor: int) -> None:
        """The descriptor holds this disk and no other, whatever happens to its name meanwhile."""
        state = os.fstat(descriptor)
        if not stat.S_ISBLK(state.st_mode) or state.st_rdev != device.number:
            return
        glance = unmounted_disk.look(descriptor)
        if not self._devices.is_there(device):
            return  # it went while we looked
        if glance.header is not None:
            if self._judge.is_ours(glance.header):
                self._mount(device, descriptor)
            else:
                self._refuse(device, "its header is not of this vault")
        elif glance.blank and self._judge.blank_too:
            self._mount(device, descriptor)
        else:
            self._refuse(device, "it is blank" if glance.blank else "it has no header of a drive")

    def _mount(self, device: BayDevice, descriptor: int) -> None:
        target = self._target(device)
        try:
            os.makedirs(target, mode=0o700, exist_ok=True)
            mount.mount_ext4(descriptor, target)
        except OSError as error:
            self._refuse(device, error.strerror or str(error))
            return
        files = self._files(target, lambda: self._devices.is_there(device))
        self._known[device] = BlockDrive(device.bay, files)

    def _refuse(self, device: BayDevice, reason: str) -> None:
        self._known[device] = None
        self._refused(device.bay, reason)

    def _forget(self, device: BayDevice) -> None:
        if self._known.pop(device) is None:
            return
        with suppress(OSError):
            mount.detach(self._target(device))
            os.rmdir(self._target(device))

    def _target(self, device: BayDevice) -> str:
        """One for each attaching: the remains of one that is gone are in nobody's way."""
        return os.path.join(self._folder, f"{device.bay}-{device.sequence}")
