"""Reading a small file of the box's own. Whoever may write its folder may have put anything in its place."""

from __future__ import annotations

import os
import stat

# A FIFO must be refused, not waited for, and a link not followed.
_READ_FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


def read(path: str | os.PathLike[str], limit: int) -> bytes:
    """The whole file. ValueError for what is no regular file or has more than `limit` bytes."""
    name = os.path.basename(path)
    descriptor = os.open(path, _READ_FLAGS)
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise ValueError(f"{name} is not a file")
        with open(descriptor, "rb", closefd=False) as file:
            content = file.read(limit + 1)
    finally:
        os.close(descriptor)
    if len(content) > limit:
        raise ValueError(f"{name} is longer than {limit} bytes")
    return content
