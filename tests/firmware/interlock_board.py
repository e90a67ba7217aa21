"""The interlock's real image on its emulated board: chip, clock, memory, and the pins by their names.

Nothing here knows what the image should do. The board's world (clock, memory, sense lines) outlives the chip.
"""

from __future__ import annotations

from collections.abc import Sequence

from firmware.interlock import build
from firmware.model.state import Senses
from tests.firmware import images
from tests.firmware.bus_chips import ClockChip, FramChip
from tests.firmware.drivers_board import (
    OUTPUTS,
    SENSE_BAY_1,
    SENSE_CUT,
    SENSE_K1,
    SENSE_K2,
    SENSE_K3,
    SENSE_KEY,
    SENSE_SUPPLY,
)
from tests.firmware.probe import ProbedChip

SLOT_BYTES = 0x4000  # platform.h
HEAD = 4  # bytes before each record: its length and the complement of that
BAYS = 6
SELF_TEST_MS = 700  # ms from reset until the logic is started and has put its first record away


def put_slots(fram: FramChip, slots: Sequence[bytes]) -> None:
    """The records where the image looks for them; b"" is an empty slot."""
    for number, record in enumerate(slots):
        length = len(record)
        head = length.to_bytes(2, "big") + (length ^ 0xFFFF).to_bytes(2, "big") if record else bytes(HEAD)
        at = number * SLOT_BYTES
        fram.data[at : at + HEAD + length] = head + record


def slots_of(fram: FramChip) -> list[bytes]:
    """What the image would find in each slot."""
    found = []
    for at in (0, SLOT_BYTES):
        length, check = (int.from_bytes(fram.data[at + part : at + part + 2], "big") for part in (0, 2))
        found.append(bytes(fram.data[at + HEAD : at + HEAD + length]) if length ^ check == 0xFFFF else b"")
    return found


class InterlockBoard:
    """A chip that was just powered on; nothing has run yet. Every line is dark."""

    def __init__(self, slots: Sequence[bytes], rtc_s: int, image: build.Image | None = None) -> None:
        self.clock, self.fram = ClockChip(rtc_s), FramChip()
        put_slots(self.fram, slots)
        image = image or images.image("interlock")
        self.chip = ProbedChip(image, {0x68: self.clock, 0x50: self.fram}, watch=OUTPUTS)
        self.fram.on_cut = self.chip.stop
        self.used = False  # for one power-on that began behind the self-test
        self.sense(Senses())

    def put_slots(self, slots: Sequence[bytes]) -> None:
        put_slots(self.fram, slots)

    def sense(self, senses: Senses) -> None:
        """The sense lines from now on."""
        lines = {
            SENSE_K1: senses.k1_conducting,
            SENSE_K2: senses.k2_conducting,
            SENSE_K3: senses.k3_on_link,
            SENSE_CUT: senses.cut_pressed,
            SENSE_KEY: senses.key_turned,
            SENSE_SUPPLY: senses.controller_supplied,
        } | {SENSE_BAY_1 + bay: bool(senses.drives_mask >> bay & 1) for bay in range(BAYS)}
        self.chip.sense(**{f"gpio{pin}": level for pin, level in lines.items()})
