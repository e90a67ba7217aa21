"""mount(2) as the drives need it: ext4 only, no devices, no set-id, no programs; private."""

from __future__ import annotations

import ctypes
import os

CLONE_NEWNS = 0x0002_0000
MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_NOATIME = 0x2, 0x4, 0x8, 0x400
MS_REC_PRIVATE = 0x4000 | 0x4_0000  # nothing that is mounted here spreads to the machine
MNT_DETACH = 2
FLAGS = MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_NOATIME
OPTIONS = b"errors=remount-ro"  # a file system that finds itself damaged is not written to any more

_libc = ctypes.CDLL(None, use_errno=True)


def keep_private() -> None:
    """From now on what this thread, and those that it starts, mount is seen by nobody else, and is gone with
    the last of them, also by SIGKILL. Needs root. OSError."""
    _checked(_libc.unshare(CLONE_NEWNS), "unshare")
    _checked(_libc.mount(b"none", b"/", None, ctypes.c_ulong(MS_REC_PRIVATE), None), "/")


def mount_ext4(descriptor: int, target: str) -> None:
    """The open disk at the folder `target`. OSError."""
    source = f"/proc/self/fd/{descriptor}".encode()
    done = _libc.mount(source, os.fsencode(target), b"ext4", ctypes.c_ulong(FLAGS), OPTIONS)
    _checked(done, target)


def detach(target: str) -> None:
    """At once out of sight; finally when its last open file is closed. OSError."""
    _checked(_libc.umount2(os.fsencode(target), MNT_DETACH), target)


def _checked(result: int, what: str) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), what)
