"""The box in real time: emulated milliseconds follow the machine's clock one to one while a controller lives.

While its slot is empty nobody could tell: the box then moves as fast as it computes (decision 0002).
If this process itself was starved, the emulated crystal slows down instead of faking a lost heartbeat:
waiting frames are taken first, then at most STARVED_MS pass. Decides nothing.
"""

from __future__ import annotations

import select
import time
from collections.abc import Callable

from hw.twin.measured import Measured
from hw.twin.plant import Plant

TICK_MS = 10  # ms; half of the shortest operate time
STARVED_MS = 50  # ms; a third of what the interlock's mismatch and heartbeat limits leave as margin
WATCH_MS = 150  # ms; about seven looks a second are a smooth countdown on a slow console
_NS = 1_000_000


def no_watch(_: Measured) -> None:
    """Nobody looks."""


class RealTime:
    """Runs one plant. `slowest_ms`: the longest time that one round of the board's own work took."""

    def __init__(self, plant: Plant, watch: Callable[[Measured], None] = no_watch) -> None:
        self._plant, self._watch = plant, watch
        self._seen_ns = time.monotonic_ns()
        self._watched_ms = -WATCH_MS
        self.slowest_ms = 0.0
        self.starved_ms = 0

    def run(self, until: Callable[[Plant], bool], *, limit_s: float) -> bool:
        """Live until `until` is true (True) or `limit_s` emulated seconds have passed (False)."""
        end_ms = self._plant.uptime_ms + round(limit_s * 1000)
        self._seen_ns = time.monotonic_ns()
        while not until(self._plant):
            if self._plant.uptime_ms >= end_ms:
                return False
            self._round()
        return True

    def _round(self) -> None:
        passed_ms = TICK_MS if self._plant.controller is None else self._passed_ms()
        begun_ns = time.monotonic_ns()
        self._plant.advance(passed_ms)
        if self._plant.controller is None:
            self._seen_ns = time.monotonic_ns()
        if self._plant.uptime_ms - self._watched_ms >= WATCH_MS:
            self._watched_ms = self._plant.uptime_ms
            self._watch(self._plant.measured())
        self.slowest_ms = max(self.slowest_ms, (time.monotonic_ns() - begun_ns) / _NS)

    def _passed_ms(self) -> int:
        """Wait a little; how much time that took."""
        self._wait()
        passed_ms = (time.monotonic_ns() - self._seen_ns) // _NS
        self._seen_ns += passed_ms * _NS
        if passed_ms > STARVED_MS:
            self.starved_ms += passed_ms - STARVED_MS
            passed_ms = STARVED_MS
        return passed_ms

    def _wait(self) -> None:
        """Until the controller says something or a tick is over, and never less than a millisecond."""
        descriptors: tuple[int, ...] = getattr(self._plant.controller, "descriptors", tuple)()
        poll = select.poll()  # select(2) knows no descriptor above 1023
        for descriptor in descriptors:
            poll.register(descriptor, select.POLLIN)
        poll.poll(TICK_MS)
        early_ns = self._seen_ns + _NS - time.monotonic_ns()
        if early_ns > 0:
            time.sleep(early_ns / 1e9)
