"""The interlock as a device: the golden model between its pins, its serial line and its memory.

It performs what the model decides, in the model's order: a record is durable before anything after it
happens. Decides nothing itself; has no clock (the plant ticks it).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Protocol

from firmware.model import step as model
from firmware.model.state import Drive, Output, Persist, PowerOn, Received, Send, SetClock, State, Tick
from firmware.model.state import Senses as ModelSenses
from firmware.wire.session import Role, Session
from hw.twin.memory import Memory
from hw.twin.senses import Senses

NONCE_BYTES = 8  # bytes; firmware.wire session nonce


class Device(Protocol):
    """One power-on of an interlock as the plant uses it. Tests run the real image in one (tests/hil)."""

    drive: Drive  # its outputs' levels
    state: State  # for looking only

    def tick(self, *, uptime_ms: int, rtc_s: int | None, senses: Senses) -> None:
        """It is now `uptime_ms` after its power-on; its lines and its clock chip read so."""
        ...

    def hear(self, data: bytes) -> None:
        """Bytes from the controller's serial line."""
        ...

    def take_said(self) -> bytes:
        """Bytes for the controller's serial line."""
        ...

    def hang(self) -> bool:
        """It does nothing any more. Whether it has a watchdog of its own that will bite."""
        ...

    def lose_power(self) -> None:
        """Its outputs fall."""
        ...


MakeDevice = Callable[[Memory, bytes, Callable[[int], None]], Device]


class InterlockDevice:
    """One power-on of the interlock. `nonce`: 8 fresh random bytes; `set_clock` sets its clock chip."""

    def __init__(self, memory: Memory, nonce: bytes, set_clock: Callable[[int], None]) -> None:
        self._memory, self._set_clock = memory, set_clock
        self._said = bytearray()
        self._hung = False
        self.drive = Drive()
        slots = memory.slot(0), memory.slot(1)
        self.state: State
        power_on = PowerOn(fram_bytes_slot_a=slots[0], fram_bytes_slot_b=slots[1])
        self.state, outputs = model.step(model.blank(), power_on)
        self._session = Session(Role.INTERLOCK, self.state.fram.factory.pairing_key, nonce)
        self._perform(outputs)

    def tick(self, *, uptime_ms: int, rtc_s: int | None, senses: Senses) -> None:
        """Let the model look at its clock and senses."""
        if self._hung:
            return
        seen = ModelSenses(
            k1_conducting=senses.k1_conducting,
            k2_conducting=senses.k2_conducting,
            k3_on_link=senses.k3_on_link,
            drives_live=senses.drives_live,
            cut_pressed=senses.cut_pressed,
            key_turned=senses.key_turned,
            controller_supplied=senses.controller_supplied,
        )
        self._step(Tick(uptime_ms=uptime_ms, rtc_s=rtc_s, senses=seen))

    def hear(self, data: bytes) -> None:
        """Bytes from the controller's serial line."""
        for item in () if self._hung else self._session.receive(data):
            self._step(Received(message=item))

    def take_said(self) -> bytes:
        """Bytes for the controller's serial line."""
        said, self._said = bytes(self._said), bytearray()
        return said

    def hang(self) -> bool:
        """It does nothing any more: its dynamic outputs give no edges, whatever level they stopped at, and
        every other pin keeps its level until the watchdog bites, which is the plant's part here."""
        self._hung = True
        self.drive = replace(self.drive, permit_link=False, permit_drives=False)
        return False

    def lose_power(self) -> None:
        """Its outputs fall; what it remembers is in its memory."""
        self.drive = replace(
            self.drive,
            permit_link=False,
            permit_drives=False,
            drive_mask=0,
            k3_on_link=False,
            controller_power=False,
        )

    def _step(self, event: Tick | Received) -> None:
        self.state, outputs = model.step(self.state, event)
        self._perform(outputs)

    def _perform(self, outputs: tuple[Output, ...]) -> None:
        for output in outputs:
            match output:
                case Persist(fram=record):
                    self._memory.write_slot(record.slot, record.encode())
                case SetClock(rtc_s=rtc_s):
                    self._set_clock(rtc_s)
                case Send(message=message):
                    self._said += self._session.send(message)
                case Drive():
                    self.drive = output
