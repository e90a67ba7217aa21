"""A Box whose interlock is the real image: the harness moves pins, clock and serial line.

Breakpoints tell what the image's logic is called with; the golden model takes just the same event at that
moment, and when the image's function returns, everything that left the chip meanwhile (frames, records, a set
clock, levels) has to be what the model put out, in the model's order. What the logic was told has to be what
pins, clock and time were. `levels.py` judges the pins afterwards. The events are on record for the host build
as well, so that three executions have taken the same trace.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from firmware.model.state import Drive, PowerOn, Received, Senses, Tick
from tests.firmware.box import STEP_MS
from tests.firmware.interlock_board import BAYS, HEAD, SLOT_BYTES, InterlockBoard, slots_of
from tests.firmware.probe import R0, R1, R2, R3
from tests.firmware.recording import RTC_LOST, RecordingBox, blob, senses_bytes

BUSY_MS_MAX = 20_000  # ms; an upload with 32 signatures is the longest that one event may take
CLOCK_SEEN_MS = 140  # ms until the image has looked at its clock again and made a tick
SENSED_NS = 1_000_000  # ns from the pins to the logic's tick: the clock chip may be looked at in between
CLOCK_OLD_NS = 125_000_000  # ns; how old the image's reading of its clock may be
UPTIME_OFF_MS = 2  # ms; both are read off a counter of whole milliseconds
TICK_MS_MAX = 22  # ms between two ticks, what the logic worked meanwhile apart (PROTOCOL 5.7 asks for 100)
FAULTY_TICK_MS_MAX = 60  # ms; three tries of a clock chip that does not answer take 30
PIECE = 64  # bytes that the image takes in at once, or up to a zero
DRIVE_BYTES, SENSES_BYTES = 12, 12  # struct Drive, struct Senses
Moment = tuple[int, str, bytes]  # nanoseconds, what, and its bytes


class PowerLostError(Exception):
    """This life of the chip is over; another process has to begin the next one."""


@dataclass
class ImageBox(RecordingBox):
    """`board`: one whose self-test has just passed (lives.tested), for one power-on."""

    board: InterlockBoard | None = None
    log: list[Moment] = field(default_factory=list)
    worlds: list[tuple[int, Senses]] = field(default_factory=list)

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "board": None}

    # The image's side ----------------------------------------------------------------------------------

    def _start(self) -> None:
        if self.board is None or self.board.used:
            raise PowerLostError
        self.begin(self.board)

    def begin(self, board: InterlockBoard) -> None:
        """The image goes on from its self-test with this memory."""
        self.board, board.used = board, True
        self.came, self.frame, self.busy = b"", bytearray(), True
        self.log, self.worlds = [], []
        self.sent = self.consumed = self.waiting = self.working_ns = 0
        self.ticked: tuple[int, int] = (0, 0)
        self.clocks: list[tuple[int, int | None]] = []
        chip = board.chip
        if self.slots != slots_of(board.fram):
            board.put_slots(self.slots)
        board.fram.on_write, board.clock.on_set, chip.on_said = self._written, self._set, self._said
        for function, then in (
            ("interlock_start", self._started),
            ("interlock_tick", self._ticked),
            ("interlock_receive", self._received),
            ("platform_drive", self._driven),
        ):
            chip.on_call(function, then)
        self._world(Senses())
        self._settle()

    def restarted(self) -> None:
        """The chip was reset and goes through its self-test again; the world goes on."""
        self.boots += 1
        self.uptime_ms, self.orders, self.moves, self.settled = 0, Drive(), {}, {}
        self._fresh_controller()
        self.sent = self.consumed = self.waiting = self.working_ns = 0
        self.ticked, self.frame, self.busy = (0, 0), bytearray(), True
        self._settle()

    def _settle(self) -> None:
        """Until the image has taken in everything and waits."""
        assert self.board is not None
        for _ in range(4 * BUSY_MS_MAX):
            if not self.busy and self.consumed == self.sent:
                return
            self.board.chip.run(0.25)
        raise AssertionError("the image does not come back")

    def _enter(self, kind: str) -> None:
        assert self.board is not None
        self.came, self.busy = b"", True
        self.entered_ns = self.board.chip.now_ns
        self.log.append((self.board.chip.now_ns, kind, b""))
        self.board.chip.on_return(self._returned)

    def _started(self) -> None:
        assert self.board is not None
        chip = self.board.chip
        self._entropy = chip.memory(chip.stacked(0), 8)
        a = chip.memory(chip.register(R0), chip.register(R1))
        b = chip.memory(chip.register(R2), chip.register(R3))
        silent = not self.board.fram.present or self.board.chip.bus.held
        assert [a, b] == ([b"", b""] if silent else slots_of(self.board.fram)), "not what the memory holds"
        self._enter("P")
        self._take(PowerOn(fram_bytes_slot_a=a, fram_bytes_slot_b=b))

    def _ticked(self) -> None:
        assert self.board is not None
        chip = self.board.chip
        senses = _senses(chip.memory(chip.register(R0), SENSES_BYTES))
        rtc_s = _signed(chip.register(R2), chip.register(R3))
        uptime_ms = _signed(chip.stacked(0), chip.stacked(4))
        self._check_what_was_measured(senses, rtc_s, uptime_ms)
        self._enter("T")
        self._take(Tick(uptime_ms=uptime_ms, rtc_s=None if rtc_s == RTC_LOST else rtc_s, senses=senses))

    def _check_what_was_measured(self, senses: Senses, rtc_s: int, uptime_ms: int) -> None:
        """The image's word for pins, clock and time against the world's; and it looks often enough."""
        assert self.board is not None
        now_ns, clock = self.board.chip.now_ns, self.board.clock
        before, [lately] = self.worlds[-2:-1], self.worlds[-1:]
        shown = [lately[1], *(one[1] for one in before if now_ns - lately[0] < SENSED_NS)]
        assert senses_bytes(senses) in map(senses_bytes, shown), f"senses {senses}, pins {shown}"
        faulty = not clock.present or self.board.chip.bus.held > 0
        self.clocks += [(now_ns, self.rtc_s), *([(now_ns, None)] if faulty else [])]
        self.clocks = [one for one in self.clocks if now_ns - one[0] < CLOCK_OLD_NS]
        assert rtc_s in {RTC_LOST if one[1] is None else one[1] for one in self.clocks}, f"clock {rtc_s}"
        passed_ms = (now_ns - self.ticked[0]) / 1e6
        if self.ticked[1]:
            assert abs(uptime_ms - self.ticked[1] - passed_ms) < UPTIME_OFF_MS, f"uptime {uptime_ms}"
            limit_ms = FAULTY_TICK_MS_MAX if faulty else TICK_MS_MAX
            assert passed_ms - self.working_ns / 1e6 < limit_ms, f"no tick for {passed_ms} ms"
        self.ticked, self.working_ns = (now_ns, uptime_ms), 0

    def _received(self) -> None:
        assert self.board is not None
        chip = self.board.chip
        piece = chip.memory(chip.register(R0), chip.register(R1))
        self.consumed += len(piece)
        self._enter("R")
        self.record.begin(b"R" + blob(piece))
        for item in self.inner.receive(piece):
            self._take(Received(message=item))

    def entropy(self) -> bytes:
        return self._entropy

    def _driven(self) -> None:
        assert self.board is not None
        raw = self.board.chip.memory(self.board.chip.register(R0), DRIVE_BYTES)
        levels = raw[:5] + raw[8:][::-1]
        self.came += b"D" + levels
        self.log.append((self.board.chip.now_ns, "D", levels))

    def _said(self) -> None:
        assert self.board is not None
        self.frame += self.board.chip.said
        self.board.chip.said.clear()
        if len(self.frame) > 1 and self.frame[-1] == 0:
            self.came += b"S" + blob(bytes(self.frame))
            self.frame.clear()

    def _written(self, address: int) -> None:
        assert self.board is not None
        slot, place = divmod(address, SLOT_BYTES)
        record = slots_of(self.board.fram)[slot]
        if place == HEAD - 1 and record:
            self.came += b"W" + bytes([slot]) + blob(record)

    def _set(self) -> None:
        assert self.board is not None
        self.came += b"C" + self.board.clock.unix_s.to_bytes(8, "big")

    def _returned(self) -> None:
        assert self.board is not None
        self.busy = False
        self.working_ns += self.board.chip.now_ns - self.entered_ns
        self.log.append((self.board.chip.now_ns, "-", b""))
        event, wanted = self.record.events[-1], self.record.outputs[-1]
        assert self.came == wanted, f"event {event.hex()}\nmodel {wanted.hex()}\nimage {self.came.hex()}"

    # The world's side ----------------------------------------------------------------------------------

    def _world(self, senses: Senses) -> None:
        assert self.board is not None
        self.board.sense(senses)
        self.worlds.append((self.board.chip.now_ns, senses))
        self.board.clock.stopped = self.rtc_s is None
        if self.rtc_s is not None:
            self.board.clock.unix_s = self.rtc_s

    def _pass(self, senses: Senses) -> None:
        self.pass_ms(STEP_MS, senses)

    def pass_ms(self, duration_ms: float, senses: Senses) -> None:
        assert self.board is not None
        self._world(senses)
        self.board.chip.run(duration_ms)

    def raw(self, data: bytes) -> list[Any]:
        """Bytes on the line; what the controller has heard when the image has done with them."""
        assert self.board is not None
        self.heard = []
        for byte in data:
            self.waiting += 1
            if byte == 0 or self.waiting == PIECE:
                self.sent, self.waiting = self.sent + self.waiting, 0
        self.board.chip.send(data)
        self._settle()
        return self.heard

    def jump_to(self, second_of_day: int) -> None:
        super().jump_to(second_of_day)
        self.run(CLOCK_SEEN_MS)


def _senses(raw: bytes) -> Senses:
    """Of a struct Senses."""
    mask = int.from_bytes(raw[8:], "little")
    k1, k2, k3, cut, key, supplied = map(bool, raw[:6])
    return Senses(
        k1_conducting=k1,
        k2_conducting=k2,
        k3_on_link=k3,
        cut_pressed=cut,
        key_turned=key,
        controller_supplied=supplied,
        drives_live=tuple(bool(mask >> bay & 1) for bay in range(BAYS)),
    )


def _signed(low: int, high: int) -> int:
    value = high << 32 | low
    return value - (1 << 64) if high >> 31 else value

