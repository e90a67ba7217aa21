"""ports.Readable over an open file of the local file system. Knows no name."""

from __future__ import annotations

import os
from collections.abc import Callable

from appliance.adapters.direct import Descriptor


class ReadableFile:
    """`check_alive` raises when the drive is gone. Owns the descriptor `number`."""

    def __init__(self, check_alive: Callable[[], None], number: int, *, want_direct: bool) -> None:
        self._check_alive = check_alive
        self._descriptor = Descriptor(number, want_direct=want_direct)
        self.size = os.fstat(number).st_size

    def pread_into(self, buffer: memoryview, offset: int) -> int:
        self._check_alive()
        return self._descriptor.read_into(buffer, offset)

    def close(self) -> None:
        self._descriptor.close()
