"""The battery clock of the box: moved by the plant, written down at every new second."""

from __future__ import annotations

from hw.twin.faults import Hands
from hw.twin.memory import Memory

_MILLION = 1_000_000


class Crystal:
    """Unix milliseconds, or nothing where the battery was lost or `hands` took the clock away."""

    def __init__(self, memory: Memory, hands: Hands) -> None:
        self._memory, self._hands = memory, hands
        self._unix_ms = memory.rtc_ms()
        self._saved_s = -1
        self._owed = 0  # millionths of a millisecond that the drift has not moved yet

    @property
    def unix_ms(self) -> int:
        """0 while the clock is lost."""
        return self._unix_ms or 0

    def second(self) -> int | None:
        """Whole seconds, as the chip gives them."""
        return None if self._unix_ms is None or self._hands.clock_lost else self._unix_ms // 1000

    def set(self, unix_s: int) -> None:
        """By a hand on the bench."""
        self._unix_ms = unix_s * 1000
        self.keep()

    def order(self, unix_s: int) -> None:
        """By the interlock, because its holders ordered it; a chip that was set runs again."""
        self._hands.clock_lost = False
        self.set(unix_s)

    def move(self, dt_ms: int, drift_ppm: int = 0) -> None:
        """Time passes, by a crystal that is `drift_ppm` too fast. A new second is written before the
        interlock can see it, so that its time floor never runs ahead of the chip."""
        if self._unix_ms is None:
            return
        self._owed += dt_ms * drift_ppm
        extra_ms, self._owed = divmod(self._owed, _MILLION)
        self._unix_ms += dt_ms + extra_ms
        if self._unix_ms // 1000 != self._saved_s:
            self.keep()

    def keep(self) -> None:
        """Write the time down."""
        if self._unix_ms is not None:
            self._saved_s = self._unix_ms // 1000
            self._memory.write_rtc(self._unix_ms)
