"""Directory descriptors that cannot leave a root: the path jail of restore.

Purpose: resolve a relative path of bytes beneath a root directory without following any symlink,
by openat2(2) where the kernel has it and by walking descriptors where not. Creates directories only
when asked. Raises OSError as the system says it (ELOOP or EXDEV for an escape).
"""

from __future__ import annotations

import ctypes
import os
import struct
from types import TracebackType
from typing import Self

_SYS_OPENAT2 = 437  # the number is the same on x86-64 and arm64 (include/uapi/asm-generic/unistd.h)
_RESOLVE_NO_MAGICLINKS = 0x02
_RESOLVE_NO_SYMLINKS = 0x04
_RESOLVE_BENEATH = 0x08
_OPEN_HOW = struct.Struct("=QQQ")  # struct open_how: flags, mode, resolve
_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_ENOSYS = 38

_libc = ctypes.CDLL(None, use_errno=True)


def open_directory(root_fd: int, path: bytes, *, plain_walk: bool = False) -> int:
    """A descriptor of directory `path` beneath `root_fd`; b"" is the root itself."""
    if not path:
        return os.open(".", _DIRECTORY, dir_fd=root_fd)
    if not plain_walk:
        how = _OPEN_HOW.pack(_DIRECTORY, 0, _RESOLVE_BENEATH | _RESOLVE_NO_SYMLINKS | _RESOLVE_NO_MAGICLINKS)
        fd = int(_libc.syscall(_SYS_OPENAT2, root_fd, path, how, _OPEN_HOW.size))
        if fd >= 0:
            return fd
        number = ctypes.get_errno()
        if number != _ENOSYS:
            raise OSError(number, os.strerror(number), os.fsdecode(path))
    return _walk(root_fd, path)


def _walk(root_fd: int, path: bytes) -> int:
    fd = os.open(".", _DIRECTORY, dir_fd=root_fd)
    for part in path.split(b"/"):
        if part in {b"", b".", b".."}:
            os.close(fd)
            raise OSError(18, "path leaves the target", os.fsdecode(path))
        try:
            below = os.open(part, _DIRECTORY, dir_fd=fd)
        finally:
            os.close(fd)
        fd = below
    return fd


class Parent:
    """The directory of one path, kept while consecutive paths share it: most do."""

    def __init__(self, root_fd: int) -> None:
        self._root_fd, self._path, self._fd = root_fd, b"", -1

    def of(self, path: bytes) -> tuple[int, bytes]:
        """(descriptor of the directory, last component) of `path`."""
        directory, _, name = path.rpartition(b"/")
        if self._fd < 0 or directory != self._path:
            self.close()
            self._fd = open_directory(self._root_fd, directory)
            self._path = directory
        return self._fd, name

    def close(self) -> None:
        """Let the kept descriptor go."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()
