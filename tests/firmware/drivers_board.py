"""The driver test image on its emulated board, with words for what its one-letter commands mean."""

from __future__ import annotations

from tests.firmware import images
from tests.firmware.bus_chips import ClockChip, FramChip
from tests.firmware.chip import Chip, Edge

LINK, DRIVES, K3, POWER, MEDIUM, BAY_1 = 2, 3, 6, 7, 8, 16
OUTPUTS = (LINK, DRIVES, K3, POWER, MEDIUM, *range(BAY_1, BAY_1 + 6))
SENSE_K1, SENSE_K2, SENSE_K3, SENSE_CUT, SENSE_KEY, SENSE_SUPPLY, SENSE_BAY_1 = 9, 10, 11, 12, 13, 14, 22
ORDER_LINK, ORDER_DRIVES, ORDER_K3, ORDER_POWER, ORDER_SEALING = 1, 2, 4, 8, 16
NOW_S = 1_795_000_000


class Board:
    """A chip that has said its name, every sense line dark and K3 on the link unless said otherwise."""

    def __init__(self, data: bytes | None = None, *, k3_on_link: bool = True) -> None:
        self.clock, self.fram = ClockChip(NOW_S), FramChip()
        data = images.image("drivers").data if data is None else data
        self.chip = Chip(data, {0x68: self.clock, 0x50: self.fram}, watch=OUTPUTS)
        self.fram.on_cut = self.chip.stop
        for pin in (*range(SENSE_K1, SENSE_SUPPLY + 1), *range(SENSE_BAY_1, SENSE_BAY_1 + 6)):
            self.sense(pin, on=pin == SENSE_K3 and k3_on_link)

    def boot(self) -> Board:
        assert self.chip.line() == "drivers"
        return self

    def sense(self, pin: int, *, on: bool) -> None:
        self.chip.sense(**{f"gpio{pin}": on})

    def order(self, bits: int, bays: int = 0) -> None:
        assert self.chip.ask(f"p{bits | bays << 8:08x}") == ["ordered"]
        self.chip.run(11)

    def write(self, slot: int, seed: int, count: int) -> str:
        return self.chip.ask(f"w{slot}{seed:02x}{count:04x}", 2000)[0]

    def read(self, slot: int) -> tuple[int, int]:
        """Length and CRC-32 of what the slot holds."""
        word, count, crc = self.chip.ask(f"r{slot}", 2000)
        assert word == "slot"
        return int(count, 16), int(crc, 16)

    def time(self) -> tuple[str, int, int]:
        """`time` or `lost`, Unix seconds, microseconds that it took."""
        word, unix_s, took_us = self.chip.ask("t")
        return word, int(unix_s, 16), int(took_us, 16)

    def wave(self, pin: int, since_ns: int = 0) -> list[Edge]:
        """What the pin did while the chip drove it."""
        return [e for e in self.chip.edges if e.pin == pin and e.level < 2 and e.at_ns >= since_ns]


def contents(seed: int, count: int) -> bytes:
    """The record that `write` makes."""
    return bytes((seed + at * 7) & 0xFF for at in range(count))
