"""hw.twin.device.Device played by the real image: its pins and frames move the twin's copper and controller.

Outputs come from the chip's pins and line alone. The golden model is asked what the image's logic was asked,
for looking (the phase) and for comparing: a frame that the model would not have said ends the run.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from firmware.model import step as model
from firmware.model.state import Drive, Output, PowerOn, Received, Send, State, Tick
from firmware.model.state import Senses as ModelSenses
from firmware.wire.session import Role, Session
from hw.twin.memory import Memory
from hw.twin.senses import Senses
from tests.hil.running_image import Lived, Running, Slice


class Shadow:
    """The golden model beside the image."""

    def __init__(self) -> None:
        self.state: State = model.blank()
        self._session: Session | None = None
        self._expected = bytearray()

    def take(self, kind: str, moment: object) -> None:
        match moment:
            case (bytes() as entropy, PowerOn() as power):
                self.state, outputs = model.step(model.blank(), power)
                self._session = Session(Role.INTERLOCK, self.state.fram.factory.pairing_key, entropy)
                self._expected.clear()
                self._say(outputs)
            case Tick() as tick:
                self._step(tick)
            case bytes() as data if kind == "heard":
                assert self._session is not None
                for item in self._session.receive(data):
                    self._step(Received(message=item))
            case bytes() as data:
                wanted, self._expected = self._expected[: len(data)], self._expected[len(data) :]
                assert data == wanted, f"the image says {data.hex()}, the model {bytes(wanted).hex()}"

    def _step(self, event: Tick | Received) -> None:
        self.state, outputs = model.step(self.state, event)
        self._say(outputs)

    def _say(self, outputs: tuple[Output, ...]) -> None:
        assert self._session is not None
        for output in outputs:
            if isinstance(output, Send):
                self._expected += self._session.send(output.message)


class ImageDevice:
    """One power-on, or one reset, of the image that `running` runs."""

    def __init__(self, running: Running, memory: Memory, set_clock: Callable[[int], None]) -> None:
        self._running, self._memory, self._set_clock = running, memory, set_clock
        self._shadow = Shadow()
        self._said = bytearray()
        self._heard = bytearray()
        self._uptime_ms = 0
        self.drive = Drive()
        self.resets = 0  # by its own watchdog

    @property
    def state(self) -> State:
        return self._shadow.state

    @state.setter
    def state(self, _: State) -> None:
        raise AttributeError("the image's own")

    def tick(self, *, uptime_ms: int, rtc_s: int | None, senses: Senses) -> None:
        passed_ms, self._uptime_ms = uptime_ms - self._uptime_ms, uptime_ms
        seen = ModelSenses(
            k1_conducting=senses.k1_conducting,
            k2_conducting=senses.k2_conducting,
            k3_on_link=senses.k3_on_link,
            drives_live=senses.drives_live,
            cut_pressed=senses.cut_pressed,
            key_turned=senses.key_turned,
            controller_supplied=senses.controller_supplied,
        )
        heard, self._heard = bytes(self._heard), bytearray()
        self._take(
            self._running.live(Slice(deed="live", ms=passed_ms, senses=seen, rtc_s=rtc_s, heard=heard))
        )

    def hear(self, data: bytes) -> None:
        self._heard += data

    def take_said(self) -> bytes:
        said, self._said = bytes(self._said), bytearray()
        return said

    def hang(self) -> bool:
        """From its next tick on it stands with interrupts off; its own watchdog bites."""
        self._running.live(Slice(deed="hang"))
        return True

    def sleep(self) -> None:
        """From its next tick on its foreground sleeps for ever, interrupts go on."""
        self._running.live(Slice(deed="sleep"))

    def reset(self) -> None:
        """As a spike on its reset pin would: it goes through its whole self-test."""
        self._take(self._running.live(Slice(deed="reset")))
        self.resets = 0

    def lose_power(self) -> None:
        self._running.close()
        self.drive = Drive()

    def _take(self, lived: Lived) -> None:
        self.resets += lived.resets
        if lived.slots is not None:  # durable before anything that follows from it can be seen
            for number, record in enumerate(lived.slots):
                if self._memory.slot(number) != record:
                    self._memory.write_slot(number, record)
        if lived.clock_set_s is not None:
            self._set_clock(lived.clock_set_s)
        for kind, moment in lived.moments:
            self._shadow.take(kind, moment)
            if kind == "said":
                assert isinstance(moment, bytes)
                self._said += moment
        link, drives, mask, k3, power, sealing = lived.levels
        self.drive = replace(
            self.drive,
            permit_link=link,
            permit_drives=drives,
            drive_mask=mask,
            k3_on_link=k3,
            controller_power=power,
            boot_medium="sealing" if sealing else "intake",
        )


class ImageMaker:
    """Makes the devices of one power-on of the box: the first is a fork, each that follows a reset of it.
    `device` is the newest."""

    def __init__(self) -> None:
        self.device: ImageDevice | None = None
        self._running: Running | None = None

    def __call__(self, memory: Memory, _nonce: bytes, set_clock: Callable[[int], None]) -> ImageDevice:
        if self._running is None:
            self._running = Running([memory.slot(0), memory.slot(1)])
            self.device = ImageDevice(self._running, memory, set_clock)
        else:
            self.device = ImageDevice(self._running, memory, set_clock)
            self.device.reset()
        return self.device

    def close(self) -> None:
        if self._running is not None:
            self._running.close()
