"""A disk that is one file of a FUSE file system: logs every write and flush, and breaks when it is told.

`python -m tests.block.fuse_disk MOUNTPOINT IMAGE LOG CONTROL NUMBER` serves IMAGE as MOUNTPOINT/disk until
it is killed or its parent is. Several disks share one LOG, so that the order between them is known; CONTROL
is a mapped file with one fault per disk. What goes through the loop device above it is whole 512-byte
sectors. Made with mfusepy (ISC, plain Python over the system's libfuse 2 or 3).
"""

from __future__ import annotations

import ctypes
import errno
import mmap
import os
import signal
import stat
import sys

import mfusepy

from tests.block.disk_wire import FAULT, FLUSH, HEADER, NAME, WRITE, Fault

PR_SET_PDEATHSIG = 1


class Disk:
    """The operations that mfusepy asks for. One thread, so the log has the order of the answers."""

    use_ns = True

    def __init__(self, image: str, log: str, control: str, number: int) -> None:
        self._image = os.open(image, os.O_RDWR)
        self._size = os.fstat(self._image).st_size
        self._log = os.open(log, os.O_WRONLY | os.O_APPEND)
        self._number = number
        with open(control, "r+b") as file:
            self._control = mmap.mmap(file.fileno(), 0)
        self._written = 0

    def getattr(self, path: str, *_: object) -> dict[str, int]:
        if path == "/":
            return {"st_mode": stat.S_IFDIR | 0o700, "st_nlink": 2}
        if path == f"/{NAME}":
            return {"st_mode": stat.S_IFREG | 0o600, "st_nlink": 1, "st_size": self._size}
        raise mfusepy.FuseOSError(errno.ENOENT)

    def open(self, *_: object) -> int:
        return 0

    def read(self, _path: str, size: int, offset: int, *_: object) -> bytes:
        if self._fault() in {Fault.ERROR, Fault.READ_ERROR}:
            raise mfusepy.FuseOSError(errno.EIO)
        return os.pread(self._image, size, offset)

    def write(self, _path: str, data: bytes, offset: int, *_: object) -> int:
        fault = self._fault()
        if self._wanted()[0]:
            self._written += 1
        if fault in {Fault.ERROR, Fault.ERROR_ONCE}:
            raise mfusepy.FuseOSError(errno.EIO)
        if fault is not Fault.LOST:
            os.writev(self._log, (HEADER.pack(WRITE, self._number, offset, len(data)), data))
            os.pwrite(self._image, data, offset)
        return len(data)

    def fsync(self, *_: object) -> int:
        if self._fault() is Fault.ERROR:
            raise mfusepy.FuseOSError(errno.EIO)
        os.write(self._log, HEADER.pack(FLUSH, self._number, 0, 0))
        return 0

    def _fault(self) -> Fault:
        """The fault that is on."""
        kind, after = self._wanted()
        is_over = kind == Fault.ERROR_ONCE and self._written > after
        return Fault.NONE if self._written < after or is_over else Fault(kind)

    def _wanted(self) -> tuple[int, int]:
        """The fault that was asked for, and how many writes succeed before it."""
        kind, after = FAULT.unpack_from(self._control, self._number * FAULT.size)
        return kind, after


def main() -> None:
    """See the module."""
    mountpoint, image, log, control, number = sys.argv[1:]
    parent = os.getppid()
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    assert os.getppid() == parent, "the parent is gone already"
    disk = Disk(image, log, control, int(number))
    mfusepy.FUSE(disk, mountpoint, foreground=True, nothreads=True, direct_io=True)


if __name__ == "__main__":
    main()
