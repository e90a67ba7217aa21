"""Seeded walks of the real image: those of `walk.py` in time that passes, each life in its own process.

What costs the emulator seconds is rare here and has voyages instead: signatures, and whole minutes. An uptime
that goes back cannot be made on a chip.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from firmware.model.state import Senses
from firmware.wire.codes import Phase
from tests.firmware import levels, lives
from tests.firmware.host_program import HostProgram
from tests.firmware.image_box import CLOCK_SEEN_MS, ImageBox, PowerLostError
from tests.firmware.interlock_board import InterlockBoard
from tests.firmware.papers import Pen
from tests.firmware.recording import Record
from tests.firmware.walk import DRIVING, ODDS, Pool, Walk

BIT_NS = 100.0  # ns; the bus is fast here, because the image waits for it in a loop that is dear to emulate
STEP_MS_MAX = 160  # ms; longer steps of a walk are cut to this
SLICE_MS = 20  # ms; how long hardware takes to obey
BOOTS_MAX = 60  # slices until the controller is up
IMAGE_ODDS = {action: odds for action, odds in ODDS.items() if action is not Walk.backwards} | {
    Walk.paper: 0.02,
    Walk.cosign: 0.3,
    Walk.drive: 2,
}
ACTIONS: tuple[Callable[[Walk], None], ...] = tuple(IMAGE_ODDS)
WEIGHTS = tuple(IMAGE_ODDS.values())


class ImageWalk(Walk):
    """A walk that needs a board for each life; it can be pickled between two."""

    box: ImageBox
    driving = tuple(one for one in DRIVING if one[0] is not Phase.RECOVERY)  # an order is three signatures

    def __init__(self, dice: random.Random, slots: list[bytes], rtc_s: int, steps: int) -> None:
        self.dice, self.left, self.said = dice, steps, []
        self.slots, self.rtc_s, self.born = slots, rtc_s, False
        self.obeying = True

    def live(self, board: InterlockBoard) -> bool:
        """One life; whether it was the last one."""
        board.chip.bus.bit_ns = BIT_NS
        if not self.born:
            self.box = ImageBox(slots=list(self.slots), rtc_s=self.rtc_s, board=board)
            self.pen = Pen(self.box)
            self.pen.nonce = self.dice.getrandbits(60)
            self.born = True
        else:
            self.box.begin(board)
        try:
            if self.dice.random() < 0.8:
                self.boot()
            while self.left > 0:
                self.left -= 1
                self.dice.choices(ACTIONS, WEIGHTS)[0](self)
        except PowerLostError:
            return False
        self.tick(100, self.plain(), self.later(100))
        return True

    def boot(self) -> None:
        for _ in range(BOOTS_MAX):
            self.tick(SLICE_MS, self.plain(), self.later(SLICE_MS))
            if self.box.phase is not Phase.UNKNOWN:
                break
        self.beat()

    def plain(self) -> Senses:
        self.obeying = True
        return super().plain()

    def odd(self) -> Senses:
        self.obeying = False
        return super().odd()

    def tick(self, step_ms: int, senses: Senses, rtc_s: int | None) -> None:
        """Time passes under these senses; hardware that obeys lets go of what is no longer fed."""
        del rtc_s  # the world's clock is the box's
        clock_s = self.box.rtc_s
        for _ in range(max(1, min(step_ms, STEP_MS_MAX) // SLICE_MS)):
            self.box.uptime_ms += SLICE_MS
            self.box.pass_ms(SLICE_MS, self._obeyed(senses) if self.obeying else senses)
        self.box.rtc_s = clock_s

    def _obeyed(self, senses: Senses) -> Senses:
        orders = self.box.orders
        mask = orders.drive_mask if orders.permit_drives else 0
        return replace(
            senses,
            k1_conducting=senses.k1_conducting and orders.permit_link,
            k2_conducting=senses.k2_conducting and orders.permit_link,
            k3_on_link=orders.k3_on_link,
            drives_live=tuple(live and bool(mask >> bay & 1) for bay, live in enumerate(senses.drives_live)),
            controller_supplied=orders.controller_power,
        )

    def jump(self) -> None:
        super().jump()
        self.tick(CLOCK_SEEN_MS, self.plain(), self.later(CLOCK_SEEN_MS))

    def connect(self) -> None:
        if self.box.rtc_s is not None:
            self.box.rtc_s += (43_801 - self.box.rtc_s) % 86_400
            self.tick(CLOCK_SEEN_MS, self.plain(), self.later(CLOCK_SEEN_MS))
        super().connect()

    def bad_clock(self) -> None:
        self.box.rtc_s = self.dice.choice((None, self.box.rtc_s, (self.box.rtc_s or 0) + 40 * 86_400))
        self.tick(CLOCK_SEEN_MS, self.plain(), None)


def walked(seed: str, steps: int, pool: Pool, host: Path) -> Record:
    """One walk; the record of all its lives. Raises AssertionError with the first difference."""
    dice = random.Random(seed)
    slots, rtc_s = dice.choice(pool.kept)
    walk = ImageWalk(dice, list(slots), rtc_s, steps)
    board = lives.tested()
    over = False
    while not over:
        over, walk = lives.apart(lambda: _life(walk, board, host))  # noqa: B023 - it runs at once
    return walk.box.record


def _life(walk: ImageWalk, board: InterlockBoard, host: Path) -> tuple[bool, ImageWalk]:
    over = walk.live(board)
    with HostProgram(host) as program:
        trouble = levels.judge(walk.box, program)
    assert not trouble, trouble
    return over, walk
