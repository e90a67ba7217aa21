"""How idle time passes: with the machine's monotonic clock, one to one or faster. `daemon.box.Wake`."""

from __future__ import annotations

import threading
import time

from appliance.daemon.box import Box

TICK_S = 1.0  # s between looks at the box while nothing is due
TICK_S_MIN = 0.01  # s; a due moment is met by going there, not by looking more often
SPEED_MAX = 1_000_000  # emulated seconds per second; eleven days in one


class Pace:
    """`speed` emulated seconds pass in a second of ours while the box is idle; jobs run one to one."""

    def __init__(self, speed: int = 1) -> None:
        self._speed = speed
        self._lived_ms = self.now_ms()

    def now_ms(self) -> int:
        """See Wake. Goes on while the machine sleeps, as the box's battery clock does."""
        return time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1_000_000

    def rejoin(self) -> None:
        """See Wake."""
        self._lived_ms = self.now_ms()

    def wait(self, box: Box, until_s: int, called: threading.Event) -> None:
        """See Wake. At most a tick."""
        left_s = max(0, until_s - box.look().unix_s)
        called.wait(max(TICK_S_MIN, min(TICK_S, left_s / self._speed)))
        now_ms = self.now_ms()
        passed_ms, self._lived_ms = (now_ms - self._lived_ms) * self._speed, now_ms
        box.live(passed_ms if self._speed == 1 else min(passed_ms, max(1, left_s) * 1000))
