"""The real image as a process of its own that lives on in slices of emulated time. Decides nothing.

The process is a fork of the moment behind the boot self-test (lives.tested). It gets one order at a time and
answers with what left the chip meanwhile. Breakpoints note what the logic was called with, so that the golden
model can be asked the same (image_device.py).
"""

from __future__ import annotations

import contextlib
import os
import pickle
import signal
import socket
import struct
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from firmware.model.state import PowerOn, Senses, Tick
from tests.firmware import lives
from tests.firmware.drivers_board import BAY_1, DRIVES, K3, LINK, MEDIUM, POWER
from tests.firmware.interlock_board import BAYS, InterlockBoard, slots_of
from tests.firmware.probe import PC, R0, R1, R2, R3
from tests.firmware.recording import RTC_LOST

ANSWER_BYTES_MAX = 1 << 20  # bytes; a slice says a few frames
LENGTH = struct.Struct("!I")
SENSES = struct.Struct("<6?2xI")  # struct Senses of logic/logic.h
MOMENT = struct.Struct("<q")
WFI = (0xBF30).to_bytes(2, "little")
STAY_DARK_BYTES = 64  # bytes; more than the function has
EDGE_NS = 1_200_000  # ns; a dynamic output makes an edge every 500,000, so a wave older than this has stopped

Deed = Literal["live", "hang", "sleep", "reset"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Slice:
    """What the chip's world is for the next `ms`. `rtc_s` None: its oscillator had stopped."""

    deed: Deed
    ms: int = 0
    senses: Senses | None = None
    rtc_s: int | None = None
    heard: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lived:
    """What left the chip in a slice. `moments`: a PowerOn with its entropy, a Tick, bytes that it heard
    ("heard") or said ("said"), in their order. `slots` is None where the memory did not change."""

    levels: tuple[bool, bool, int, bool, bool, bool] = (False, False, 0, False, False, False)
    resets: int = 0
    moments: tuple[tuple[str, object], ...] = ()
    slots: tuple[bytes, bytes] | None = None
    clock_set_s: int | None = None
    trouble: str = ""


class Child:
    """The image on its board, in the process that was forked for it."""

    def __init__(self, slots: Sequence[bytes]) -> None:
        self.board: InterlockBoard = lives.tested()
        self.board.put_slots(slots)
        self._moments: list[tuple[str, object]] = []
        self._clock_set_s: int | None = None
        self._changed = False
        self._stands: Deed | None = None
        chip = self.board.chip
        self.board.fram.on_write, self.board.clock.on_set = self._written, self._set
        for function, then in (
            ("interlock_start", self._started),
            ("interlock_tick", self._ticked),
            ("interlock_receive", self._received),
        ):
            chip.on_call(function, then)

    def live(self, order: Slice) -> Lived:
        chip, clock = self.board.chip, self.board.clock
        self._moments, self._changed, self._clock_set_s = [], False, None
        chip.edges.clear()
        resets = len(chip.resets_ns)
        if order.deed == "reset":
            chip.bite()
        if order.deed in {"hang", "sleep"}:
            self._stands = order.deed
        if order.senses is not None:
            self.board.sense(order.senses)
            clock.stopped = order.rtc_s is None
            clock.unix_s = clock.unix_s if order.rtc_s is None else order.rtc_s
        if order.heard:
            chip.send(order.heard)
        if order.ms:
            chip.run(order.ms)
        self._flush()
        return Lived(
            levels=self._levels(),
            resets=len(chip.resets_ns) - resets,
            moments=tuple(self._moments),
            slots=(slots_of(self.board.fram)[0], slots_of(self.board.fram)[1]) if self._changed else None,
            clock_set_s=self._clock_set_s,
        )

    def _levels(self) -> tuple[bool, bool, int, bool, bool, bool]:
        """As the copper sees the pins: a released one is low, a dynamic one feeds while it makes edges."""
        chip = self.board.chip
        waves = {
            edge.pin
            for edge in chip.edges
            if edge.pin in {LINK, DRIVES} and edge.level < 2 and chip.now_ns - edge.at_ns < EDGE_NS
        }
        mask = sum((chip.level(BAY_1 + bay) == 1) << bay for bay in range(BAYS))
        plain = (chip.level(K3) == 1, chip.level(POWER) == 1, chip.level(MEDIUM) == 1)
        return (LINK in waves, DRIVES in waves, mask, *plain)

    def _flush(self) -> None:
        chip = self.board.chip
        if chip.said:
            self._moments.append(("said", bytes(chip.said)))
            chip.said.clear()

    def _note(self, kind: str, moment: object) -> None:
        self._flush()
        self._moments.append((kind, moment))

    def _started(self) -> None:
        chip = self.board.chip
        entropy = chip.memory(chip.stacked(0), 8)
        slot_a = chip.memory(chip.register(R0), chip.register(R1))
        slot_b = chip.memory(chip.register(R2), chip.register(R3))
        self._note("power", (entropy, PowerOn(fram_bytes_slot_a=slot_a, fram_bytes_slot_b=slot_b)))

    def _ticked(self) -> None:
        chip = self.board.chip
        if self._stands is not None:
            self._stand(self._stands)
            return
        *lines, mask = SENSES.unpack(chip.memory(chip.register(R0), SENSES.size))
        k1, k2, k3, cut, key, supplied = lines
        rtc_s = _signed(chip.register(R2), chip.register(R3))
        senses = Senses(
            k1_conducting=k1,
            k2_conducting=k2,
            k3_on_link=k3,
            cut_pressed=cut,
            key_turned=key,
            controller_supplied=supplied,
            drives_live=tuple(bool(mask >> bay & 1) for bay in range(BAYS)),
        )
        uptime_ms = _signed(chip.stacked(0), chip.stacked(4))
        self._note(
            "tick", Tick(uptime_ms=uptime_ms, rtc_s=None if rtc_s == RTC_LOST else rtc_s, senses=senses)
        )

    def _stand(self, how: Deed) -> None:
        """The foreground goes on nowhere: in a loop with interrupts off, or asleep with interrupts on."""
        chip, self._stands = self.board.chip, None
        place = chip.symbol("fault")
        if how == "sleep":
            place = chip.symbol("stay_dark")
            place += chip.memory(place, STAY_DARK_BYTES).index(WFI)
        chip.chip.core.registers[PC], chip.chip.core.pm = place, how == "hang"

    def _received(self) -> None:
        chip = self.board.chip
        self._note("heard", chip.memory(chip.register(R0), chip.register(R1)))

    def _written(self, _: int) -> None:
        self._changed = True

    def _set(self) -> None:
        self._clock_set_s = self.board.clock.unix_s


def _signed(low: int, high: int) -> int:
    return int(MOMENT.unpack(struct.pack("<II", low, high))[0])


class Running:
    """One process with one chip. Ends with `close`, or when its parent ends."""

    def __init__(self, slots: Sequence[bytes]) -> None:
        lives.tested()
        self._near, far = socket.socketpair()
        self.pid = os.fork()
        if self.pid == 0:
            self._near.close()
            _serve(far, slots)
            os._exit(0)
        far.close()

    def live(self, order: Slice) -> Lived:
        """Raises AssertionError where the image did what silicon would not do."""
        _put(self._near, pickle.dumps(order))
        lived = pickle.loads(_get(self._near))  # noqa: S301 - our own child wrote it
        assert isinstance(lived, Lived)
        assert not lived.trouble, lived.trouble
        return lived

    def close(self) -> None:
        self._near.close()
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)
        with contextlib.suppress(ChildProcessError):
            os.waitpid(self.pid, 0)


def _serve(line: socket.socket, slots: Sequence[bytes]) -> None:
    try:
        child = Child(slots)
        while True:
            order = pickle.loads(_get(line))  # noqa: S301 - our own parent wrote it
            _put(line, pickle.dumps(child.live(order)))
    except EOFError:
        return
    except BaseException:  # noqa: BLE001 - whatever it is, it is the parent's to report
        with contextlib.suppress(OSError):
            _put(line, pickle.dumps(Lived(trouble=traceback.format_exc())))


def _put(line: socket.socket, data: bytes) -> None:
    line.sendall(LENGTH.pack(len(data)) + data)


def _get(line: socket.socket) -> bytes:
    (length,) = LENGTH.unpack(_exactly(line, LENGTH.size))
    assert length <= ANSWER_BYTES_MAX
    return _exactly(line, length)


def _exactly(line: socket.socket, count: int) -> bytes:
    data = bytearray()
    while len(data) < count:
        piece = line.recv(count - len(data))
        if not piece:
            raise EOFError
        data += piece
    return bytes(data)
