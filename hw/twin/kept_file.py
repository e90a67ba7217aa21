"""Reading what the bench keeps between two power-ons. Anything may have been put in a file's place."""

from __future__ import annotations

import os
import stat
from pathlib import Path

# A FIFO there must be refused, not waited for, and a link not followed.
_READ_FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


class KeptInvalid(ValueError):
    """What is kept was changed by something that does not know it."""


def read(path: Path, limit: int) -> bytes:
    """At most `limit` bytes of a regular file: a longer one was never ours, its reader finds out.
    FileNotFoundError where there is none, KeptInvalid for anything else that cannot be read."""
    try:
        descriptor = os.open(path, _READ_FLAGS)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise KeptInvalid(f"{path}: {error.strerror}") from error
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise KeptInvalid(f"{path}: not a file")
        with os.fdopen(descriptor, "rb", closefd=False) as file:
            return file.read(limit)
    except OSError as error:
        raise KeptInvalid(f"{path}: {error.strerror}") from error
    finally:
        os.close(descriptor)
