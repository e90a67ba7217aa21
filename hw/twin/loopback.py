"""The controller in the caller's own thread: its waiting is what moves the board's clock.

For tests with a virtual clock: no process, no socket, no real time. Every call of the endpoint or the
clock may raise SupplyLost, as a real controller stops between two instructions.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence

from hw import channel
from hw.channel import Packet
from hw.twin.slot import Ended, Implant, Removal, Said

WAIT_STEP_MS = 5  # ms; how finely a waiting controller looks at its line
HUNG_STEP_MS = 100  # ms; a hung controller looks at nothing
SEND_QUEUE_MAX = 4096  # packets; a program that never waits is a bug in the test


class SupplyLost(BaseException):  # no handler of the appliance's code may survive its own power
    """The controller has no supply (any more), or was killed."""


class Halted(BaseException):  # as SupplyLost
    """The observer has seen what it waited for; the program is not gone on with."""


def _never() -> bool:
    return False


class LoopbackController:
    """One boot. It is the program's channel (`send`, `take`, `wait`), clock and console at once."""

    def __init__(self, advance: Callable[[int], None], uptime_ms: Callable[[], int]) -> None:
        self._advance, self._uptime_ms = advance, uptime_ms
        self._out: deque[Packet] = deque()
        self._in: deque[bytes] = deque()
        self._said: list[Said] = []
        self._turn = threading.RLock()
        self._supplied = True
        self._hung = False
        self.begun = False
        self.halt: Callable[[], bool] = _never

    # The controller's side.

    def send(self, raw: bytes) -> None:
        """One packet to the board."""
        with self._turn:
            self._live()
            assert len(self._out) < SEND_QUEUE_MAX
            self._out.append(channel.decode(raw))

    def take(self) -> bytes | None:
        """The next packet from the board that is there."""
        with self._turn:
            self._live()
            return self._in.popleft() if self._in else None

    def wait(self, timeout_ms: int) -> None:
        """Let the board's time pass until it says something, `timeout_ms` at the most."""
        with self._turn:
            left_ms = timeout_ms
            while not self._in and left_ms > 0:
                step_ms = 1 if self._out else min(WAIT_STEP_MS, left_ms)
                self._advance(step_ms)
                left_ms -= step_ms
                self._live()

    def monotonic_ms(self) -> int:
        return self._uptime_ms()

    def sleep_ms(self, duration_ms: int) -> None:
        """Let the board's time pass."""
        with self._turn:
            left_ms = duration_ms
            while left_ms > 0:
                step_ms = min(HUNG_STEP_MS, left_ms)
                self._advance(step_ms)
                left_ms -= step_ms
                self._live()

    def say(self, event: str, **fields: object) -> None:
        """The console."""
        self._said.append(Said(event={"event": event, **fields}))

    # The board's side.

    def arrived(self, most: int) -> Sequence[Packet]:
        return [self._out.popleft() for _ in range(min(most, len(self._out)))]

    def push(self, packet: Packet) -> None:
        self._in.append(channel.encode(packet))

    def said(self) -> Sequence[Said]:
        said, self._said = self._said, []
        return said

    def ended(self) -> Sequence[Ended]:
        return ()

    def hang(self) -> None:
        self._hung = True

    def crash(self) -> None:
        self._supplied = False

    def plant(self, implant: Implant) -> None:
        raise NotImplementedError(f"{implant.name}: an implant needs real processes (process.py)")

    def remove_supply(self) -> Removal:
        self._supplied = False
        return Removal()

    def _live(self) -> None:
        while self._hung and self._supplied and not self.halt():
            self._advance(HUNG_STEP_MS)
        if not self._supplied:
            raise SupplyLost
        if self.halt():
            raise Halted


class VacantSlot:
    """A controller that runs nothing: its pins rest, its line is silent."""

    def arrived(self, most: int) -> Sequence[Packet]:  # noqa: ARG002 - the slot's signature
        return ()

    def push(self, packet: Packet) -> None:
        """Nobody reads it."""

    def said(self) -> Sequence[Said]:
        return ()

    def ended(self) -> Sequence[Ended]:
        return ()

    def hang(self) -> None:
        """It does nothing anyway."""

    def crash(self) -> None:
        """It does nothing anyway."""

    def plant(self, implant: Implant) -> None:
        """There is nothing to plant it in."""

    def remove_supply(self) -> Removal:
        return Removal()
