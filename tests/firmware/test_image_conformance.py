"""The real image in the emulator, model and host build: the same traces, no difference (PROTOCOL 1.2)."""

from __future__ import annotations

import random
import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest

from firmware.interlock import build
from firmware.wire.codes import Phase, UploadKind
from firmware.wire.messages import Cosign, Granted, Heartbeat, RequestPhase
from tests.depth import FULL, many
from tests.firmware import host_build, image_walk, images, levels, lives
from tests.firmware.host_program import HostProgram
from tests.firmware.image_box import ImageBox
from tests.firmware.image_stages import WINDOW_S, begun, linked, sealing
from tests.firmware.papers import Pen
from tests.firmware.probe import FLASH
from tests.firmware.recording import Record, replay
from tests.firmware.test_host_flips import flips
from tests.firmware.walk import Pool

pytestmark = pytest.mark.needs("arm-none-eabi-gcc", "interlock_host")

WALKS = many(2, 200)
STEPS = 3
STACK_BYTES = 16 << 10  # memory.ld
ROW_BYTES = 5  # struct Row: listed, phase, three acts


def same(voyage: Callable[[], ImageBox]) -> str:
    """Sails in a fork; what the pins or the host build did otherwise. Other differences raise at once."""

    def sail() -> tuple[Record, str]:
        box = voyage()
        with HostProgram(host_build.program()) as host:
            return box.record, levels.judge(box, host)

    host_build.program()
    record, trouble = lives.apart(sail)
    return trouble or replay(host_build.program(), [record])


# Voyages ----------------------------------------------------------------------------------------------


def a_window() -> ImageBox:
    """Intake, sealing, a cosignature and the same again, CUT, home."""
    box = sealing()
    leaf = Cosign(size=1, leaf_hash=b"\x01" * 32)
    if FULL:
        assert box.say(leaf) == box.say(leaf)
        box.beat()
    box.cut = True
    box.run(60)
    box.cut = False
    box.until(lambda: box.phase is Phase.ISOLATED, 5000)
    box.beat()
    return box


def the_links_end() -> ImageBox:
    """The link half ends by the clock; the airlock, and a controller that stays away."""
    box = linked()
    box.jump_to(WINDOW_S + 59)
    box.beat()
    box.run(1000)
    assert box.phase is Phase.AIRLOCK
    box.until(lambda: box.phase is Phase.SEAL, 5000)
    return box


def birth() -> ImageBox:
    """The first policy with three signatures, an order with three more, and the recovery that it allows."""
    box = begun(policy=False)
    box.birth()
    assert box.state.fram.policy is not None
    Pen(box).hand_in(UploadKind.RECOVERY_ORDER, Pen(box).recovery())
    box.key = True
    box.run(60)
    box.beat()
    assert box.answer(RequestPhase(phase=Phase.RECOVERY)) == Granted(phase=Phase.AIRLOCK)
    box.until(lambda: box.phase is Phase.RECOVERY, 5000)
    box.beat()
    box.coils.drives = 1
    box.run(200)
    box.key = False
    box.run(100)
    assert box.phase is not Phase.RECOVERY
    return box


def cut_held() -> ImageBox:
    """CUT held in a window: dark at once, SECURED after three seconds, nobody connects any more."""
    box = linked()
    box.cut = True
    box.run(3200)
    box.cut = False
    box.until(lambda: box.phase is Phase.SECURED, 5000)
    box.beat()
    box.say(RequestPhase(phase=Phase.INTAKE))
    return box


def a_lost_supply() -> ImageBox:
    """Through what the planted bugs change: a second's wave, a lost supply, the end of an intake."""
    box = linked()
    box.jump_to(WINDOW_S + 10)
    for _ in range(3):
        box.run(300)
        box.beat()
    senses = box.senses()
    box.pass_ms(4, replace(senses, controller_supplied=False))
    box.pass_ms(36, senses)
    box.beat()
    if box.phase is Phase.INTAKE:
        box.done()
    box.run(60)
    return box


VOYAGES = (a_window, *((the_links_end, birth, cut_held, a_lost_supply) if FULL else ()))


@pytest.mark.clause("PROTOCOL 1.2")
@pytest.mark.parametrize("voyage", VOYAGES, ids=lambda one: one.__name__)
def test_a_voyage_is_the_same_in_the_image(voyage: Callable[[], ImageBox]) -> None:
    assert not same(voyage)


def test_the_deepest_stack_of_the_self_test_stays_below_the_computed_bound() -> None:
    """P-256 is the deepest that the image does."""
    stack = bytes(lives.tested().chip.chip.sram[:STACK_BYTES])
    untouched = len(stack) - len(stack.lstrip(b"\xa5"))
    assert 4000 < STACK_BYTES - untouched <= images.image("interlock").stack_bytes


# Walks ------------------------------------------------------------------------------------------------


@cache
def memories() -> Pool:
    return Pool(random.Random("memories"))


@pytest.mark.parametrize("part", range(many(1, 10)))
def test_random_and_adversarial_walks_of_the_image_have_no_difference(part: int) -> None:
    host = host_build.program()
    number = WALKS // many(1, 10)
    records = [image_walk.walked(f"{part} {n}", STEPS, memories(), host) for n in range(number)]
    assert not replay(host, records)
    assert sum(len(record.events) for record in records) > 50 * number


# Flips ------------------------------------------------------------------------------------------------


def heard_flips(step: int, pairs: int) -> tuple[int, int]:
    """How many broken beats were sent, and how many frames came back."""
    box = begun()
    data = box.outer.send(Heartbeat(progress=1, stamp_ms=box.stamp_ms))
    singles = 8 * (len(data) - 2)
    answers = sent = 0
    for number, broken in enumerate(flips(data)):
        if number >= singles + pairs:
            break
        if number % step and number < singles:
            continue
        answers += len(box.raw(broken))
        sent += 1
    assert box.raw(data), "the whole frame is still heard"
    return sent, answers


@pytest.mark.clause("PROTOCOL 2.3")
def test_the_image_hears_no_beat_with_one_or_two_flipped_bits() -> None:
    sent, answers = lives.apart(lambda: heard_flips(many(32, 1), many(4, 100)))
    assert sent >= many(14, 8 * 40)
    assert answers == 0


# Negative controls ------------------------------------------------------------------------------------

def changed_row(_: Path) -> build.Image:
    """The image as it was built, but for one byte in flash: the end of an intake is not listed."""
    image = images.image("interlock")
    turns = re.findall(r"TURN_\w+", (build.HERE / "logic" / "tables.h").read_text("utf-8"))
    number = Phase.INTAKE * turns.index("TURN_COUNT") + turns.index("TURN_DONE")
    at = image.symbols["TURNS"] - FLASH + ROW_BYTES * number
    assert image.data[at : at + 2] == bytes([1, Phase.AIRLOCK])
    return replace(image, data=image.data[:at] + bytes(1) + image.data[at + 1 :])


def changed(file: str, before: str, after: str) -> Callable[[Path], build.Image]:
    """A private build with one change."""

    def make(folder: Path) -> build.Image:
        for name in ("rp2040", "logic"):
            shutil.copytree(build.HERE / name, folder / "sources" / name)
        place = folder / "sources" / file
        text = place.read_text("utf-8")
        assert text.count(before) == 1, before
        place.write_text(text.replace(before, after), "utf-8")
        return build.build("interlock", folder / "out", sources=folder / "sources")

    return make


K1 = "    senses->k1_conducting = in & BIT(PIN_SENSE_K1);\n"
K2 = "    senses->k2_conducting = in & BIT(PIN_SENSE_K2);\n"
GLUE = "rp2040/interlock_image.c"
# One changed row, pin, interval or judgement that moves nothing else, and what is said of it.
PLANTED = (
    (changed_row, "image"),
    (changed("rp2040/lines.c", K1 + K2, K1.replace("k1", "k2") + K2.replace("k2", "k1")), "senses"),
    (changed(GLUE, "#define CLOCK_MS 100", "#define CLOCK_MS 200"), "clock"),
    (changed(GLUE, "#define TICK_MS 20", "#define TICK_MS 40"), "no tick for"),
    (changed(GLUE, "&& held.permit_link", "&& held.controller_power"), "allowed"),
)


def caught(image: build.Image) -> str:
    """What is said of this image on the same voyage."""

    def sail() -> str:
        lives.tested().chip.replace(image)
        try:
            return same(a_lost_supply)
        except AssertionError as trouble:
            return str(trouble)

    return lives.apart(sail)


@pytest.mark.planted
@pytest.mark.parametrize(("make", "named"), PLANTED[: many(1, 5)])
def test_a_bug_in_the_image_is_caught(
    make: Callable[[Path], build.Image], named: str, tmp_path: Path
) -> None:
    assert named in caught(make(tmp_path))
