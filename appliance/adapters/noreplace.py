"""Rename that never replaces: a placed file can only come into being, not be overwritten (I8).

Python has no call for it, so renameat2(2) is reached through the C library. Does not fall back to a
plain rename: where the file system cannot do it, a hard link does the same in two steps.
"""

from __future__ import annotations

import ctypes
import errno
import os

RENAME_NOREPLACE = 1  # flag of renameat2(2), linux/fs.h
_UNSUPPORTED = (errno.EINVAL, errno.ENOSYS)  # the file system or the kernel does not know the flag


def rename(folder: int, old: str, new: str) -> None:
    """Give `old` the name `new` in the folder of this descriptor. FileExistsError when `new` is taken."""
    old_bytes, new_bytes = os.fsencode(old), os.fsencode(new)
    if _renameat2(folder, old_bytes, folder, new_bytes, RENAME_NOREPLACE) == 0:
        return
    number = ctypes.get_errno()
    if number not in _UNSUPPORTED:
        raise OSError(number, os.strerror(number), new)
    os.link(old, new, src_dir_fd=folder, dst_dir_fd=folder, follow_symlinks=False)
    os.unlink(old, dir_fd=folder)


_renameat2 = ctypes.CDLL(None, use_errno=True).renameat2
_renameat2.argtypes = (ctypes.c_int, ctypes.c_char_p, ctypes.c_int, ctypes.c_char_p, ctypes.c_uint)
_renameat2.restype = ctypes.c_int
