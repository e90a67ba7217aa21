"""`daemon.box.Keep` as one private file: replaced as a whole, durable before it counts."""

from __future__ import annotations

import os
from pathlib import Path

from appliance.adapters import small_file

RECORD_BYTES_MAX = 1 << 20  # bytes; 256 alarms and 90 windows have some 150 KB


class KeptRecord:
    """The file and the name under which it is written first, in one folder."""

    def __init__(self, path: Path) -> None:
        self._path, self._new = path, path.with_name(path.name + ".new")

    def load(self) -> bytes | None:
        """See Keep."""
        try:
            return small_file.read(self._path, RECORD_BYTES_MAX)
        except FileNotFoundError:
            return None

    def store(self, content: bytes) -> None:
        """See Keep."""
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
        fd = os.open(self._new, flags, 0o600)
        try:
            view = memoryview(content)
            while view:
                view = view[os.write(fd, view) :]
            os.fsync(fd)
        finally:
            os.close(fd)
        os.rename(self._new, self._path)
        folder = os.open(self._path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
