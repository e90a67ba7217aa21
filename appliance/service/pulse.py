"""What makes the keeper tick while work is done.

`Pulse` ticks from its own thread, so that the work may block in the kernel. `InlinePulse` ticks from
the work's own progress calls and sleeps, for virtual clocks where nothing takes time by itself.
"""

from __future__ import annotations

import threading
from types import TracebackType
from typing import Protocol, Self

from appliance.ports import Clock
from appliance.service.keeper import Keeper

TICK_MS = 50  # ms; a tenth of the heartbeat's period, so that a beat is late by 10 % at most


class Pulsing(Protocol):
    """Either pulse, as the halves use it."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def moved(self) -> None:
        """The work made progress."""
        ...

    def wait(self, duration_ms: int) -> None:
        """Let time pass; the keeper goes on ticking and this counts as progress."""
        ...


class Pulse:
    """Ticks from a thread. An error of the thread ends the beats and is raised at the end."""

    def __init__(self, keeper: Keeper, clock: Clock) -> None:
        self._keeper, self._clock = keeper, clock
        self._ended = threading.Event()
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="keeper", daemon=True)

    def _run(self) -> None:
        try:
            while not self._ended.wait(TICK_MS / 1000):
                self._keeper.tick(self._clock.monotonic_ms())
        except BaseException as error:  # noqa: BLE001 - carried to the thread that joins
            self._error = error
            self._keeper.finish_early.set()

    def moved(self) -> None:
        """See Pulsing."""
        self._keeper.moved()

    def wait(self, duration_ms: int) -> None:
        """See Pulsing. Whoever waits for the keeper need not wait for its thread as well: the contact
        test has half a second."""
        self._keeper.moved()
        self._clock.sleep_ms(duration_ms)
        self._keeper.tick(self._clock.monotonic_ms())

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._thread.join()
        if self._error is not None and error is None:
            raise self._error


class InlinePulse:
    """Ticks in the caller's thread, at most once per TICK_MS of the (virtual) clock."""

    def __init__(self, keeper: Keeper, clock: Clock) -> None:
        self._keeper, self._clock = keeper, clock
        self._ticked_ms = -TICK_MS

    def moved(self) -> None:
        """See Pulsing."""
        self._keeper.moved()
        self._tick()

    def _tick(self) -> None:
        now_ms = self._clock.monotonic_ms()
        if now_ms - self._ticked_ms >= TICK_MS:
            self._ticked_ms = now_ms
            self._keeper.tick(now_ms)

    def wait(self, duration_ms: int) -> None:
        """See Pulsing."""
        self._keeper.moved()
        while duration_ms > 0:
            self._clock.sleep_ms(min(TICK_MS, duration_ms))
            duration_ms -= TICK_MS
            self._tick()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None
