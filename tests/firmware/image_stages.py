"""Where tests of the real image begin: booted, with the link live, with the drives live. Each in a fork."""

from __future__ import annotations

from functools import cache

from firmware.wire.codes import Phase
from tests.firmware import image_walk, lives
from tests.firmware.box import NOON_S
from tests.firmware.image_box import ImageBox
from tests.firmware.recording import RecordingBox

WINDOW_S = 12 * 3600 + 600
Slots = tuple[list[bytes], int]


@cache
def born(*, policy: bool = True) -> Slots:
    """What a commissioned memory holds, and what time it is."""
    box = RecordingBox()
    box.boot()
    if policy:
        box.birth()
    return list(box.slots), box.rtc_s or NOON_S


def begun(*, policy: bool = True, second_of_day: int | None = None) -> ImageBox:
    """The image on its own power, booted and ISOLATED; in a fork."""
    board = lives.tested()
    board.chip.bus.bit_ns = image_walk.BIT_NS
    slots, rtc_s = born(policy=policy)
    box = ImageBox(slots=list(slots), rtc_s=rtc_s, board=board)
    box.boot()
    if second_of_day is not None:
        box.jump_to(second_of_day)
        box.beat()
    return box


def linked() -> ImageBox:
    box = begun(second_of_day=WINDOW_S)
    box.connect()
    box.beat()
    return box


def sealing() -> ImageBox:
    box = linked()
    box.done()
    box.until(lambda: box.phase is Phase.SEAL, 5000)
    box.beat()
    box.coils.drives = 7
    box.run(100)
    box.beat()
    assert box.orders.permit_drives
    return box
