"""Bays whose disks are images on loop devices, in a mount namespace of the test's own. Needs `block_disk`.

The devices are the kernel's, with their own sequence numbers in sysfs; only on which port they sit is ours.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from appliance.adapters import unmounted_disk
from appliance.adapters.bay_devices import BayDevice
from appliance.adapters.block_drives import BlockDrives, Judge
from appliance.adapters.directory import Directory
from appliance.domain.ids import Bay
from appliance.ports import Files
from tests.block import private_mounts, rack

T = TypeVar("T")

HEADER = b"a header that was signed by us\n"
DISK_BYTES = 8 << 20


class LoopBays:
    """block_drives.Devices. `place` is a folder in memory."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self.plugged: dict[BayDevice, int] = {}
        for name in ("images", "nodes", "mounts"):
            (place / name).mkdir()

    def image(self, name: str, *, header: bytes | None = HEADER, more: tuple[str, ...] = ()) -> Path:
        """An ext4 image with this header, and after that debugfs's requests `more`."""
        path = self.place / "images" / name
        with path.open("wb") as file:
            file.truncate(DISK_BYTES)
        options = ["-q", "-F", "-b", "4096", "-N", "64", "-O", "^has_journal"]
        subprocess.run([rack.mkfs(), *options, path], check=True)
        requests = list(more)
        if header is not None:
            content = self.place / "header"
            content.write_bytes(header)
            requests.insert(0, f"write {content} IWATO-DRIVE")
        for request in requests:
            changing = [unmounted_disk.program(), "-w", "-R", request, str(path)]
            subprocess.run(changing, check=True, capture_output=True)
        return path

    def plug(self, bay: int, image: Path) -> BayDevice:
        node, descriptor = private_mounts.attached(image, self.place / "nodes")
        folder = Path("/sys/block") / node.name
        device = BayDevice(
            bay=Bay(bay),
            node=str(node),
            number=os.stat(node).st_rdev,
            sequence=int((folder / "diskseq").read_text()),
            folder=str(folder),
        )
        self.plugged[device] = descriptor
        return device

    def unplug(self, device: BayDevice) -> None:
        os.close(self.plugged.pop(device))

    def present(self) -> list[BayDevice]:
        return sorted(self.plugged, key=lambda device: device.sequence)

    def is_there(self, device: BayDevice) -> bool:
        return device in self.plugged

    def mounts(self) -> list[str]:
        """The options of everything that is mounted below the bays' folder."""
        lines = Path("/proc/thread-self/mountinfo").read_text().splitlines()
        return [line.split()[5] for line in lines if line.split()[4].startswith(str(self.place / "mounts"))]


class Bench:
    """`drives` over loop devices; `refused` is what it said of those that it did not mount."""

    def __init__(self, place: Path, *, blank_too: bool = False) -> None:
        self.bays = LoopBays(place)
        self.refused: list[tuple[int, str]] = []
        self.asked: list[bytes] = []
        self.drives = BlockDrives(
            self.bays,
            Judge(is_ours=self._is_ours, blank_too=blank_too),
            str(place / "mounts"),
            files,
            lambda bay, reason: self.refused.append((bay, reason)),
        )

    def _is_ours(self, header: bytes) -> bool:
        self.asked.append(header)
        return header == HEADER

    def close(self) -> None:
        self.drives.close()
        for device in list(self.bays.plugged):
            self.bays.unplug(device)


def files(path: str, alive: Callable[[], bool]) -> Files:
    return Directory(path, alive=alive)


def on_bench(place: Path, work: Callable[[Bench], T], *, blank_too: bool = False) -> T:
    """`work` with a bench, where mounts are private and end with it."""

    def inside() -> T:
        bench = Bench(place, blank_too=blank_too)
        try:
            return work(bench)
        finally:
            bench.close()

    return private_mounts.privately(place, inside)
