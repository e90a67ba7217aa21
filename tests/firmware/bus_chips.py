"""The I2C bus of the emulated interlock, byte by byte and in the time that bytes take, and the chips on it.

A chip is named by its address. The world (what FRAM holds, what time it is) outlives every power cut.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from rp2040py.peripherals.i2c import I2CMode
from rp2040py.rp2040 import RP2040

SDA, SCL = 4, 5
BIT_NS = 2500.0  # ns; 400 kHz
BYTE_BITS = 9  # eight and the acknowledge
FUNCTION_I2C, FUNCTION_SIO = 3, 5


class BusChip:
    """Acknowledges everything and knows nothing. `present`: soldered in; `deaf`: so many times it is not."""

    present = True
    deaf = 0

    def start(self, *, reading: bool) -> None: ...

    def write(self, byte: int) -> None: ...

    def read(self) -> int:
        return 0xFF


class ClockChip(BusChip):
    """A DS3231: seven BCD registers, latched at each start, and the flag of a stopped oscillator."""

    def __init__(self, unix_s: int) -> None:
        self.unix_s, self.stopped = unix_s, False
        self.on_set: Callable[[], None] = lambda: None
        self.spoilt: dict[int, int] = {}
        self._at, self._first = 0, True
        self._latched = bytes(19)
        self._written: dict[int, int] = {}

    def start(self, *, reading: bool) -> None:
        self._first = not reading
        self._latched = self._registers()

    def write(self, byte: int) -> None:
        if self._first:
            self._at, self._first, self._written = byte, False, {}
            return
        self._written[self._at] = byte
        if self._at == 0x0F and not byte & 0x80:
            self.stopped = False
        if self._at == 6 and len(self._written) == 7:
            self.unix_s = self._set()
            self.on_set()
        self._at += 1

    def read(self) -> int:
        value = self.spoilt.get(self._at % 19, self._latched[self._at % 19])
        self._at += 1
        return value

    def _registers(self) -> bytes:
        now = datetime.fromtimestamp(self.unix_s, UTC)
        parts = (now.second, now.minute, now.hour, now.isoweekday(), now.day, now.month, now.year % 100)
        time = bytes(part // 10 << 4 | part % 10 for part in parts)
        return time + bytes(8) + bytes([0x80 if self.stopped else 0]) + bytes(3)

    def _set(self) -> int:
        second, minute, hour, weekday, day, month, year = (
            (self._written[place] >> 4) * 10 + (self._written[place] & 15) for place in range(7)
        )
        then = datetime(2000 + year, month, day, hour, minute, second, tzinfo=UTC)
        assert then.isoweekday() == weekday
        return int(then.timestamp())


class FramChip(BusChip):
    """32 KiB. A byte is there as soon as it is acknowledged; `cut_at`: power goes after so many of them."""

    def __init__(self) -> None:
        self.data = bytearray(32 << 10)
        self.writes = 0
        self.cut_at: int | None = None
        self.on_cut: Callable[[], None] = lambda: None
        self.on_write: Callable[[int], None] = lambda _: None
        self.protected = False
        self.misread: set[int] = set()  # places whose next reading has a flipped bit
        self._at, self._header = 0, 0

    def start(self, *, reading: bool) -> None:
        self._header = 2 if reading else 0

    def write(self, byte: int) -> None:
        if self._header < 2:
            self._at = (self._at << 8 | byte) % len(self.data)
            self._header += 1
            return
        if self.cut_at is not None and self.writes >= self.cut_at:
            return
        if not self.protected:
            self.data[self._at] = byte
        self.on_write(self._at)
        self._at = (self._at + 1) % len(self.data)
        self.writes += 1
        if self.writes == self.cut_at:
            self.on_cut()

    def read(self) -> int:
        value = self.data[self._at]
        if self._at in self.misread:
            self.misread.remove(self._at)
            value ^= 1
        self._at = (self._at + 1) % len(self.data)
        return value


class Bus:
    """Joins one power-on of the emulated chip to the chips. `held`: clocks until a hanging one lets go."""

    def __init__(self, chip: RP2040, chips: dict[int, BusChip]) -> None:
        self._gpio, self._port, self._chips = chip.gpio, chip.i2c[0], chips
        self._talking: BusChip | None = None
        self._next: Callable[[], None] | None = None
        self._alarm = chip.clock.create_alarm(self._fire)
        self.held, self.bit_ns = 0, BIT_NS
        port = self._port
        port.on_start = lambda _: self._later(1, port.complete_start)
        port.on_connect, port.on_write_byte = self._connect, self._write
        port.on_read_byte, port.on_stop = self._read, self._stop
        for pin in (SDA, SCL):
            self._gpio[pin].set_input_value(True)  # the external pull-ups
        self._gpio[SCL].add_listener(lambda new, _: self._clocked(int(new)))

    def hold(self, clocks: int) -> None:
        """A chip that was cut off in the middle of an answer pulls SDA low for so many clocks."""
        self.held = clocks
        self._gpio[SDA].set_input_value(not clocks)

    def forget(self) -> None:
        """The master was reset in the middle of something."""
        self._alarm.cancel()
        self._next, self._talking = None, None

    def _fire(self) -> None:
        then, self._next = self._next, None
        if then is not None:
            then()

    def _later(self, bits: int, then: Callable[[], None]) -> None:
        if self.held:
            return  # nothing completes while somebody holds the line
        self._next = then
        self._alarm.schedule(bits * self.bit_ns)

    def _connect(self, address: int, mode: I2CMode) -> None:
        found = self._chips.get(address)
        routed = all(self._gpio[pin].function_select == FUNCTION_I2C for pin in (SDA, SCL))
        deaf = found is not None and found.deaf > 0
        if found is not None and deaf:
            found.deaf -= 1
        self._talking = found if found is not None and found.present and routed and not deaf else None
        if self._talking is not None:
            self._talking.start(reading=mode == I2CMode.READ)
        answered = self._talking is not None
        self._later(BYTE_BITS, lambda: self._port.complete_connect(answered))

    def _write(self, byte: int) -> None:
        talking = self._talking
        assert talking is not None

        def arrive() -> None:
            talking.write(byte)
            self._port.complete_write(True)

        self._later(BYTE_BITS, arrive)

    def _read(self, _: bool) -> None:
        talking = self._talking
        assert talking is not None
        self._later(BYTE_BITS, lambda: self._port.complete_read(talking.read()))

    def _stop(self) -> None:
        self._talking = None
        self._later(1, self._port.complete_stop)

    def _clocked(self, level: int) -> None:
        released = level != 0
        if self.held and released and self._gpio[SCL].function_select == FUNCTION_SIO:
            self.hold(self.held - 1)
