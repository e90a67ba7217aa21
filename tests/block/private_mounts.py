"""Mounts that nobody else sees and that end with the work they were made for.

A mount namespace of one thread's own holds them; threads and programs that it starts are inside too. When
the last of them is gone, also by SIGKILL, the kernel takes the mounts away and the loop devices with them.
"""

from __future__ import annotations

import ctypes
import errno
import fcntl
import os
import stat
import struct
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")

CLONE_NEWNS = 0x0002_0000
MS_REC_PRIVATE = 0x4000 | 0x4_0000  # nothing that is mounted here spreads to the machine
MS_BIND = 0x1000
MNT_DETACH = 2

LOOP_CTL_GET_FREE = 0x4C82
LOOP_CONFIGURE = 0x4C0A  # Linux 5.8
LO_FLAGS_AUTOCLEAR = 4  # detached when its last user is gone
LOOP_MAJOR = 7
LOOP_CONFIG = "=II QQQQQ IIII 64s64s32s QQ 64x"  # struct loop_config with its struct loop_info64
TRIES = 100  # somebody else may take the free device first

_libc = ctypes.CDLL(None, use_errno=True)


def privately(place: Path, work: Callable[[], T]) -> T:
    """Do `work` where `place` is an empty folder in memory and mounts are private; needs root. What it
    raises is raised here."""
    made: list[T] = []
    raised: list[BaseException] = []

    def inside() -> None:
        try:
            _checked(_libc.unshare(CLONE_NEWNS), "unshare")
            mount("none", Path("/"), "", MS_REC_PRIVATE)
            mount("tmpfs", place, "tmpfs")
            try:
                made.append(work())
            finally:
                _checked(_libc.umount2(os.fsencode(place), MNT_DETACH), str(place))
        except BaseException as error:  # noqa: BLE001 - carried over to the caller's thread
            raised.append(error)

    thread = threading.Thread(target=inside, daemon=True)
    thread.start()
    thread.join()
    if raised:
        raise raised[0]
    return made[0]


def mount(source: str, target: Path, kind: str, flags: int = 0) -> None:
    """mount(2)."""
    done = _libc.mount(source.encode(), os.fsencode(target), kind.encode(), ctypes.c_ulong(flags), None)
    _checked(done, str(target))


def unmount(target: Path, *, lazily: bool = False) -> None:
    """umount2(2): waits until the file system is down, unless `lazily`."""
    _checked(_libc.umount2(os.fsencode(target), MNT_DETACH if lazily else 0), str(target))


def mount_ext4(image: Path, target: Path, nodes: Path) -> None:
    """The ext4 in `image` at `target`, through a loop device that goes when it is unmounted. `nodes` is a
    folder for device nodes: the machine's /dev may have too few."""
    node, device = attached(image, nodes)
    try:
        mount(str(node), target, "ext4")
    finally:
        os.close(device)


def sync(target: Path) -> None:
    """Everything of this file system onto its disk."""
    folder = os.open(target, os.O_RDONLY | os.O_DIRECTORY)
    try:
        _checked(_libc.syncfs(folder), str(target))
    finally:
        os.close(folder)


def attached(image: Path, nodes: Path) -> tuple[Path, int]:
    """A loop device's node, and the descriptor that holds it until it is mounted."""
    for _ in range(TRIES):
        node, number = _free_node(nodes)
        device = os.open(node, os.O_RDWR)
        try:
            _configure(device, image, number)
        except OSError as error:
            os.close(device)
            if error.errno != errno.EBUSY:
                raise
        else:
            return node, device
    raise OSError(errno.EBUSY, "no loop device is free")


def _free_node(nodes: Path) -> tuple[Path, int]:
    control = os.open("/dev/loop-control", os.O_RDWR)
    try:
        number = fcntl.ioctl(control, LOOP_CTL_GET_FREE)
    finally:
        os.close(control)
    node = nodes / f"loop{number}"
    if not node.exists():
        os.mknod(node, stat.S_IFBLK | 0o600, os.makedev(LOOP_MAJOR, number))
    return node, number


def _configure(device: int, image: Path, number: int) -> None:
    backing = os.open(image, os.O_RDWR)
    try:
        wanted = (backing, 0, 0, 0, 0, 0, 0, number, 0, 0, LO_FLAGS_AUTOCLEAR, b"", b"", b"", 0, 0)
        fcntl.ioctl(device, LOOP_CONFIGURE, struct.pack(LOOP_CONFIG, *wanted))
    finally:
        os.close(backing)


def _checked(result: int, what: str) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), what)
