"""A debugger's breakpoints in the emulated chip: what functions are called with, and when they return.

The image stays as it was built: a breakpoint lies in the emulated flash only after the image has checked
itself, is taken away before a reset, and the instruction below it is executed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from firmware.interlock import build
from tests.firmware.bus_chips import BusChip
from tests.firmware.chip import FLASH_BYTES, Chip

FLASH = 0x1000_0000
BREAK = 0xBE00  # BKPT #0
R0, R1, R2, R3, SP, LR, PC = 0, 1, 2, 3, 13, 14, 15


class ProbedChip(Chip):
    """A chip of `image` whose functions can be watched by name."""

    def __init__(self, image: build.Image, chips: dict[int, BusChip], watch: tuple[int, ...]) -> None:
        self._symbols: Mapping[str, int] = image.symbols
        self._calls: dict[int, Callable[[], None]] = {}
        self._below: dict[int, int] = {}
        self._once: set[int] = set()
        self._checked = False
        super().__init__(image.data, chips, watch)

    def on_call(self, function: str, then: Callable[[], None]) -> Callable[[], None]:
        """`then` at each call of `function`, before its first instruction; what was done there before."""
        address = self._symbols[function] & ~1
        before = self._calls.get(address, lambda: None)
        self._calls[address] = then
        if self._checked:
            self._arm()
        return before

    def on_return(self, then: Callable[[], None]) -> None:
        """`then`, once, when the function that is just being called has returned."""
        address = self.register(LR) & ~1
        self._calls[address] = then
        self._once.add(address)
        self._arm()

    def replace(self, image: build.Image) -> None:
        """Another build goes on in this one's place: nothing in it may lie elsewhere."""
        assert image.symbols == self._symbols, "another layout"
        self._below.clear()
        self._image = image.data
        self.chip.flash[: len(image.data)] = image.data
        self._flash = bytes(self.chip.flash[:FLASH_BYTES])
        self._calls.clear()

    def symbol(self, name: str) -> int:
        return self._symbols[name] & ~1

    def bite(self) -> None:
        """A reset, as the watchdog makes it."""
        self._bite()

    def register(self, number: int) -> int:
        return int(self.chip.core.registers[number])

    def stacked(self, place: int) -> int:
        """The argument that lies so many bytes above the stack pointer, at a call."""
        return int(self.chip.read_uint32(self.register(SP) + place))

    def memory(self, address: int, count: int) -> bytes:
        return bytes(self.chip.read_uint8(address + at) for at in range(count))

    def power_on(self) -> None:
        self._below.clear()
        self._checked = False
        super().power_on()

    def _arm(self) -> None:
        for address in self._calls:
            if address not in self._below:
                self._below[address] = int(self.chip.read_uint16(address))
                self._put(address, BREAK)

    def _put(self, address: int, halfword: int) -> None:
        at = address - FLASH
        self.chip.flash[at : at + 2] = halfword.to_bytes(2, "little")
        self._flash = bytes(self.chip.flash[:FLASH_BYTES])

    def _edge(self, pin: int, level: int) -> None:
        if level < 2 and not self._checked:  # the first pin is driven behind the image's own check
            self._checked = True
            self._arm()
        super()._edge(pin, level)

    def _bite(self) -> None:
        for address, halfword in self._below.items():
            self._put(address, halfword)
        self._below.clear()
        self._checked = False
        super()._bite()

    def _undefined(self, code: int) -> None:
        core = self.chip.core
        address = self.register(PC) - 2
        below = self._below.get(address)
        if below is None:
            super()._undefined(code)
            return
        core.registers[PC] = address
        then = self._calls[address]
        if address in self._once:
            del self._calls[address]
        then()
        self._put(address, below)
        masked, core.pm = core.pm, True  # or an interrupt would come first, and this call would be seen twice
        core.interrupts_updated = False
        core.execute_instruction()
        core.pm, core.interrupts_updated = masked, True
        if address in self._calls:
            self._put(address, BREAK)
        else:
            del self._below[address]
