"""ports.Clock: the machine's monotonic clock, and a clock that stands still until it is told to move."""

from __future__ import annotations

import time


class SystemClock:
    """CLOCK_MONOTONIC of this machine; setting the machine's date does not move it."""

    def monotonic_ms(self) -> int:
        return time.monotonic_ns() // 1_000_000

    def sleep_ms(self, duration_ms: int) -> None:
        time.sleep(max(0, duration_ms) / 1000)


class VirtualClock:
    """Sleeping moves it at once. For one thread."""

    def __init__(self, start_ms: int = 0) -> None:
        self._now_ms = start_ms

    def monotonic_ms(self) -> int:
        return self._now_ms

    def sleep_ms(self, duration_ms: int) -> None:
        self._now_ms += max(0, duration_ms)
