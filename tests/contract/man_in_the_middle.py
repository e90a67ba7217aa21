"""The controller's serial port on a pty, the emulated interlock at its far end, and somebody between them.

The pty and the port are real, the box's clock is virtual: `PtyLine` carries bytes over and lets the box's
time pass while it waits.
"""

from __future__ import annotations

import os
import pty
import random
import select
import tty
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TypeAlias

from appliance.adapters.clock import SystemClock
from appliance.adapters.serial_port import SerialPort
from tests.unit.twin_bench import Boot

STEP_MS = 5  # ms of the box between two looks at the line
PTY_MS = 5000  # ms that the kernel may take to carry bytes through a pty, on a busy machine
DELAY_MS = 150  # ms for which a delayed frame is held back

Meddle: TypeAlias = Callable[[list[bytes]], list[bytes]]


@dataclass
class Cable:
    """A pty: `far` is the interlock's end, `path` the controller's device. `pull` unplugs it."""

    path: str = ""
    far: int = -1

    def __post_init__(self) -> None:
        self.plug()

    def plug(self) -> None:
        self.far, near = pty.openpty()
        tty.setraw(near)
        self.path = os.ttyname(near)
        os.close(near)
        os.set_blocking(self.far, False)

    def pull(self) -> None:
        os.close(self.far)

    def say(self, data: bytes) -> None:
        os.write(self.far, data)

    def heard(self, count: int) -> bytes:
        """Exactly `count` bytes from the controller."""
        data = b""
        while len(data) < count:
            poll = select.poll()
            poll.register(self.far, select.POLLIN)
            assert poll.poll(PTY_MS), "the pty swallowed bytes"
            data += os.read(self.far, count - len(data))
        return data


@dataclass
class Frames:
    """Bytes into whole frames, zeros around each; what is not whole yet waits."""

    rest: bytes = b""

    def of(self, data: bytes) -> list[bytes]:
        *bodies, self.rest = (self.rest + data).split(b"\0")
        return [b"\0" + body + b"\0" for body in bodies if body]


@dataclass
class PtyLine:
    """adapters.interlock.SerialLine: the port and all that lies behind it."""

    boot: Boot
    outward: Meddle
    inward: Meddle
    cable: Cable = field(default_factory=Cable)

    def __post_init__(self) -> None:
        self.port = SerialPort(self.cable.path, SystemClock())
        self.port.open()
        self._out, self._in = Frames(), Frames()

    def write(self, data: bytes) -> None:
        self.port.write(data)
        for frame in self.outward(self._out.of(self.cable.heard(len(data)))):
            self.boot.channel.write(frame)

    def read(self, timeout_ms: int) -> bytes:
        left_ms = timeout_ms
        while True:
            said = b"".join(self.inward(self._in.of(self.boot.channel.read(min(left_ms, STEP_MS)))))
            if said:
                return self._carried(said)
            left_ms -= STEP_MS
            if left_ms <= 0:
                return b""

    def _carried(self, said: bytes) -> bytes:
        """Through the pty, in pieces that have nothing to do with frames."""
        heard = b""
        for start in range(0, len(said), 7):
            self.cable.say(said[start : start + 7])
        while len(heard) < len(said):
            piece = self.port.read(PTY_MS)
            assert piece, "the pty swallowed bytes"
            heard += piece
        return heard

    def close(self) -> None:
        self.port.close()
        os.close(self.cable.far)


def honest(frames: list[bytes]) -> list[bytes]:
    return frames


class Meddler:
    """Somebody on the line, with dice: spoils about one frame in `one_in`. Counts what he did."""

    def __init__(self, seed: int, one_in: int) -> None:
        self.dice, self.one_in = random.Random(seed), one_in
        self.done = 0

    def _strikes(self) -> bool:
        strikes = self.dice.randrange(self.one_in) == 0
        self.done += strikes
        return strikes

    def noise(self, frames: list[bytes]) -> list[bytes]:
        """A bit of a frame flips, or bytes that nobody sent lie between two."""
        return [piece for frame in frames for piece in self._noisy(frame)]

    def _noisy(self, frame: bytes) -> Iterator[bytes]:
        if not self._strikes():
            yield frame
        elif self.dice.random() < 0.5:
            yield self.dice.randbytes(self.dice.randrange(1, 300))
            yield frame
        else:
            spoilt = bytearray(frame)
            spoilt[self.dice.randrange(len(spoilt))] ^= 1 << self.dice.randrange(8)
            yield bytes(spoilt)

    def drop(self, frames: list[bytes]) -> list[bytes]:
        return [frame for frame in frames if not self._strikes()]

    def duplicate(self, frames: list[bytes]) -> list[bytes]:
        return [copy for frame in frames for copy in ([frame] * 2 if self._strikes() else [frame])]

    def replay(self, frames: list[bytes]) -> list[bytes]:
        """A frame of long ago comes once more."""
        self._kept = [*getattr(self, "_kept", []), *frames]
        return [
            piece
            for frame in frames
            for piece in ([self.dice.choice(self._kept), frame] if self._strikes() else [frame])
        ]

    def reorder(self, frames: list[bytes]) -> list[bytes]:
        """A frame is held back until the next one has gone before it."""
        out: list[bytes] = []
        for frame in frames:
            held: list[bytes] = getattr(self, "_held", [])
            if held:
                out += [frame, *held]
                self._held = []
            elif self._strikes():
                self._held = [frame]
            else:
                out.append(frame)
        return out

    def truncate(self, frames: list[bytes]) -> list[bytes]:
        return [frame[: self.dice.randrange(1, len(frame))] if self._strikes() else frame for frame in frames]
