"""ports.Clock of a controller whose board is slower than life: it reads the board's own milliseconds.

The chip's emulator needs several seconds for a signature that takes the chip 0.1 s. With a clock of its own
the controller would give its interlock up; so its processes read the board's time, which the board keeps in a
small file.
"""

from __future__ import annotations

import mmap
import os
import time
from pathlib import Path

ENVIRONMENT = "HIL_CLOCK"
_BYTES = 8
_NAP_S = 0.001


class ClockFile:
    """The board's side. `close` leaves the file."""

    def __init__(self, path: Path) -> None:
        path.write_bytes(bytes(_BYTES))
        with path.open("r+b") as file:
            self._memory = mmap.mmap(file.fileno(), _BYTES)

    def show(self, now_ms: int) -> None:
        self._memory[:] = now_ms.to_bytes(_BYTES, "little")


class BoardClock:
    """The controller's side."""

    def __init__(self, path: Path) -> None:
        descriptor = os.open(path, os.O_RDONLY)
        self._memory = mmap.mmap(descriptor, _BYTES, access=mmap.ACCESS_READ)
        os.close(descriptor)

    def monotonic_ms(self) -> int:
        return int.from_bytes(self._memory[:], "little")

    def sleep_ms(self, duration_ms: int) -> None:
        end_ms = self.monotonic_ms() + duration_ms
        while self.monotonic_ms() < end_ms:
            time.sleep(_NAP_S)
