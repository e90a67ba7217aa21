"""How much work all clients together may make: a token bucket on a clock that is an argument."""

from __future__ import annotations


class Budget:
    """`rate` acts per second, `burst` at once."""

    def __init__(self, rate: int, burst: int) -> None:
        self._rate, self._burst = rate, burst
        self._left = float(burst)
        self._at_ms: int | None = None

    def spend(self, now_ms: int) -> bool:
        """Whether one more act may be done now."""
        if self._at_ms is not None:
            self._left = min(self._burst, self._left + self._rate * max(0, now_ms - self._at_ms) / 1000)
        self._at_ms = now_ms
        if self._left < 1:
            return False
        self._left -= 1
        return True
