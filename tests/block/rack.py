"""The disks of a box as images in memory: made, attached through FUSE or plainly, and mounted as one tree.

Disk 0 is the controller's own, with staging and state; disk N is mounted over its folder bay/N. To be used
inside private_mounts.privately, in the folder that it gives.
"""

from __future__ import annotations

import errno
import mmap
import os
import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from tests.block import private_mounts
from tests.block.disk_wire import FAULT, NAME, Fault

DISK_BYTES = 16 << 20  # bytes; room for a 4 MiB journal, the least that ext4 accepts, and some packs
PROJECT = Path(__file__).parents[2]
# Nothing is left to the background after the first mount: it would be in every record.
AT_ONCE = "lazy_itable_init=0,lazy_journal_init=0"
EXT4 = ["-q", "-F", "-b", "4096", "-J", "size=4", "-N", "1024", "-E", AT_ONCE]
START_S = 30  # s; a machine that is busy takes its time to start a program

LOOK_S = 0.01  # s; between two looks whether it has


def mkfs() -> str:
    """mkfs.ext4, also where the folder that holds it is not on PATH; empty where it is not installed."""
    return shutil.which("mkfs.ext4", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin") or ""


def try_out() -> None:
    """One disk served, mounted and unmounted; OSError where this machine cannot."""
    with tempfile.TemporaryDirectory() as place:
        private_mounts.privately(Path(place), lambda: _try_out(Path(place)))


def _try_out(place: Path) -> None:
    rack = Rack(place, 1)
    rack.make()
    try:
        rack.serve()
        rack.mount()
    finally:
        rack.stop()


@dataclass
class Rack:
    """`place` is a folder in memory of which all is the rack's own."""

    place: Path
    disks: int
    disk_bytes: int = DISK_BYTES
    servers: list[subprocess.Popen[bytes]] = field(default_factory=list)
    mounted: list[Path] = field(default_factory=list)

    def __post_init__(self) -> None:
        for name in ("images", "nodes", "fuse", "root"):
            (self.place / name).mkdir()
        self.log.touch()
        with self.control.open("wb") as file:
            file.truncate(mmap.PAGESIZE)

    @property
    def root(self) -> Path:
        """Where the box's tree is."""
        return self.place / "root"

    @property
    def log(self) -> Path:
        return self.place / "log"

    @property
    def control(self) -> Path:
        return self.place / "control"

    def image(self, disk: int) -> Path:
        return self.place / "images" / str(disk)

    def make(self) -> None:
        """Blank file systems."""
        for disk in range(self.disks):
            with self.image(disk).open("wb") as file:
                file.truncate(self.disk_bytes)
            subprocess.run([mkfs(), *EXT4, str(self.image(disk))], check=True)

    # FUSE ---------------------------------------------------------------------------------------------

    def serve(self) -> None:
        """Every image behind a disk that logs."""
        for disk in range(self.disks):
            front = self.place / "fuse" / str(disk)
            front.mkdir(exist_ok=True)
            words = [str(front), str(self.image(disk)), str(self.log), str(self.control), str(disk)]
            command = [sys.executable, "-m", "tests.block.fuse_disk", *words]
            self.servers.append(subprocess.Popen(command, cwd=PROJECT))
        end = time.monotonic() + START_S
        for disk, server in enumerate(self.servers):
            while not self._front(disk).exists():
                with suppress(subprocess.TimeoutExpired):
                    server.wait(LOOK_S)
                if server.returncode is not None or time.monotonic() > end:
                    raise OSError(errno.ENODEV, f"disk {disk} does not appear")

    def yank(self, disk: int) -> None:
        """The drive is pulled out of its bay: its server is killed."""
        self.servers[disk].kill()
        self.servers[disk].wait()

    def stop(self) -> None:
        """The supply goes: nothing that is still cached reaches a disk."""
        for disk in range(len(self.servers)):
            self.yank(disk)
        self.unmount(lazily=True)
        self.servers.clear()

    def break_disk(self, disk: int, fault: Fault, after: int = 0) -> None:
        """From its write number `after` on, counted from now."""
        with self.control.open("r+b") as file:
            os.pwrite(file.fileno(), FAULT.pack(fault, after), disk * FAULT.size)

    def position(self) -> int:
        """Bytes of the log so far."""
        return self.log.stat().st_size

    # The tree -----------------------------------------------------------------------------------------

    def mount(self, *, doubtful: int = 0) -> bool:
        """The controller's disk and the drives. False: drive `doubtful` has no file system any more, and
        its bay is empty."""
        self._mount(0, self.root)
        for disk in range(1, self.disks):
            bay = self.root / "bay" / str(disk)
            bay.mkdir(parents=True, exist_ok=True)
            try:
                self._mount(disk, bay)
            except OSError:
                if disk != doubtful:
                    raise
        return len(self.mounted) == self.disks

    def bind(self, source: Path, target: Path) -> None:
        """What is no disk, as a folder of the tree."""
        private_mounts.mount(str(source), target, "", private_mounts.MS_BIND)
        self.mounted.append(target)

    def unmount(self, *, lazily: bool = False) -> None:
        while self.mounted:
            private_mounts.unmount(self.mounted[-1], lazily=lazily)
            self.mounted.pop()

    def sync(self) -> None:
        for target in self.mounted:
            private_mounts.sync(target)

    def _mount(self, disk: int, target: Path) -> None:
        image = self._front(disk) if self.servers else self.image(disk)
        private_mounts.mount_ext4(image, target, self.place / "nodes")
        self.mounted.append(target)

    def _front(self, disk: int) -> Path:
        return self.place / "fuse" / str(disk) / NAME
