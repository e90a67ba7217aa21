"""Directory descriptors that cannot leave a root: the path jail of restore.

Purpose: resolve a relative path of bytes beneath a root directory without following any symlink,
by openat2(2) where the kernel has it and by walking descriptors where not. Makes and removes nothing.
Raises OSError as the system says it; EXDEV for a path that is not canonical or leads out.
"""

from __future__ import annotations

import ctypes
import errno
import os
import struct

_SYS_OPENAT2 = 437  # the number is the same on x86-64 and arm64 (include/uapi/asm-generic/unistd.h)
_RESOLVE_NO_MAGICLINKS = 0x02
_RESOLVE_NO_SYMLINKS = 0x04
_RESOLVE_BENEATH = 0x08
_RESOLVE = _RESOLVE_BENEATH | _RESOLVE_NO_SYMLINKS | _RESOLVE_NO_MAGICLINKS
_OPEN_HOW = struct.Struct("=QQQ")  # struct open_how: flags, mode, resolve
_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_NO_NAMES = frozenset({b"", b".", b".."})
# Where walking does as well: no such call (ENOSYS; a sandbox says EPERM), a path that is longer than a
# kernel takes in one piece, and a rename elsewhere at the same moment, which openat2 gives up on.
_WALK_INSTEAD = frozenset({errno.ENOSYS, errno.EPERM, errno.ENAMETOOLONG, errno.EAGAIN})

_libc = ctypes.CDLL(None, use_errno=True)


def open_directory(root_fd: int, path: bytes) -> int:
    """A descriptor of directory `path` beneath `root_fd`; b"" is the root itself."""
    if not path:
        return os.open(".", _DIRECTORY, dir_fd=root_fd)
    parts = path.split(b"/")
    for part in parts:
        check_name(part)
    try:
        return _openat2(root_fd, path)
    except OSError as error:
        if error.errno not in _WALK_INSTEAD:
            raise
    return _walk(root_fd, parts)


def check_name(name: bytes) -> None:
    """EXDEV unless `name` names something in its directory: no separator, no NUL, not `.` or `..`."""
    if name in _NO_NAMES or b"/" in name or b"\0" in name:
        raise OSError(errno.EXDEV, "path leaves the target", os.fsdecode(name))


def _openat2(root_fd: int, path: bytes) -> int:
    how = _OPEN_HOW.pack(_DIRECTORY, 0, _RESOLVE)
    fd = int(_libc.syscall(_SYS_OPENAT2, root_fd, path, how, _OPEN_HOW.size))
    if fd < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), os.fsdecode(path))
    return fd


def _walk(root_fd: int, parts: list[bytes]) -> int:
    fd = os.open(".", _DIRECTORY, dir_fd=root_fd)
    for part in parts:
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
        """(descriptor of the directory, last component) of `path`. The descriptor stays ours."""
        directory, _, name = path.rpartition(b"/")
        check_name(name)
        if self._fd < 0 or directory != self._path:
            self.close()
            self._fd = open_directory(self._root_fd, directory)
            self._path = directory
        return self._fd, name

    def close(self) -> None:
        """Let the kept descriptor go; twice is harmless."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1
