"""A brake for the emulated source, so that a slow link can be shown: bytes per second.

Sleeps on the clock it is given, which on the bench may be a virtual one. Measures nothing.
"""

from __future__ import annotations

from appliance.ports import Clock

STEP_S = 4  # parts of a second that one read may take, so that a reader can stop between two of them
STEP_BYTES_MIN = 4096  # bytes; below that the calls cost more than the bytes


class Rate:
    """At most `bytes_per_s` on average; the first step is free of waiting, as a real link's buffer is."""

    def __init__(self, bytes_per_s: int, clock: Clock) -> None:
        if bytes_per_s <= 0:
            raise ValueError(f"a rate of {bytes_per_s} bytes per second")
        self._bytes_per_s = bytes_per_s
        self._clock = clock
        self._free_at_ms = clock.monotonic_ms()
        self.step_bytes = max(STEP_BYTES_MIN, bytes_per_s // STEP_S)

    def took(self, length: int) -> None:
        """`length` bytes came; wait until the link would have carried them."""
        now_ms = self._clock.monotonic_ms()
        self._free_at_ms = max(self._free_at_ms, now_ms) + -(-length * 1000 // self._bytes_per_s)
        self._clock.sleep_ms(self._free_at_ms - now_ms)
