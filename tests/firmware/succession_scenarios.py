"""Directed attacks on policies and orders, each against a given model and under the observer's eyes.

Every one goes on after a refusal: a mutant that accepts what it should refuse is met on the next step.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from firmware.model import step
from firmware.wire.codes import Cause, Phase, UploadKind
from firmware.wire.messages import RequestPhase
from tests.firmware.box import Box, Stepper
from tests.firmware.papers import Pen, votes
from tests.firmware.voyage import Voyage

SCRUB = 46_800
DELAY_S = 1800
POLICY, VETO, OVERRIDE = UploadKind.POLICY, UploadKind.VETO, UploadKind.OVERRIDE
RELEASE, UNSEAL, TIME = UploadKind.RELEASE_ORDER, UploadKind.UNSEAL_ORDER, UploadKind.TIME_ORDER


def started(stepper: Stepper) -> Pen:
    pen = Voyage(0, stepper).pen
    pen.box.jump_to(SCRUB)
    pen.box.key = True
    pen.box.tick()
    pen.box.beat()
    return pen


def wait(box: Box, seconds: int) -> None:
    assert box.rtc_s is not None
    box.rtc_s += seconds
    box.run(10_200)


def a_policy_that_few_signed(stepper: Stepper = step.step) -> None:
    pen = started(stepper)
    for holders in ((1, 2), (1,), ()):
        pen.hand_in(POLICY, pen.successor(delay="1h"), holders)
        wait(pen.box, DELAY_S)


def a_policy_in_a_hurry(stepper: Stepper = step.step) -> None:
    """Due in half an hour; looked at at once, a moment before, and over a reset."""
    pen = started(stepper)
    pen.hand_in(POLICY, pen.successor(delay="1h"))
    wait(pen.box, 0)
    wait(pen.box, DELAY_S - 60)
    pen.box.power_on()
    pen.box.boot()
    wait(pen.box, 0)
    wait(pen.box, 60)
    assert pen.policy.version == 2


def a_veto_that_somebody_shakes_off(stepper: Stepper = step.step) -> None:
    """By waiting, a reset, the same text again, another and back, too few others, the vetoer's own vote."""
    pen = started(stepper)
    text, other = pen.successor(delay="1h"), pen.successor(delay="2h")
    pen.hand_in(POLICY, text)
    pen.hand_in(VETO, pen.veto(), (4,))
    wait(pen.box, DELAY_S)
    pen.box.power_on()
    pen.box.boot()
    wait(pen.box, 0)
    pen.hand_in(POLICY, text)
    wait(pen.box, DELAY_S)
    pen.hand_in(OVERRIDE, pen.override(4), (1, 2))
    pen.hand_in(OVERRIDE, pen.override(4), (1, 2, 4))
    wait(pen.box, 0)
    pen.hand_in(POLICY, other)
    pen.hand_in(POLICY, text)
    wait(pen.box, DELAY_S)


def an_override_from_before_the_second_veto(stepper: Stepper = step.step) -> None:
    pen = started(stepper)
    pen.hand_in(POLICY, pen.successor(delay="1h"))
    pen.hand_in(VETO, pen.veto(), (4,))
    early = pen.override(4)
    pen.hand_in(OVERRIDE, early)
    pen.hand_in(VETO, pen.veto(), (5,))
    pen.hand_in(OVERRIDE, early)
    wait(pen.box, DELAY_S)


def a_generation_taken_back(stepper: Stepper = step.step) -> None:
    pen = started(stepper)
    later = (f"generation 1 vault=sha256:{'cd' * 32}", f"generation 3 vault=sha256:{'ce' * 32}")
    pen.hand_in(POLICY, pen.successor(generations=later))
    wait(pen.box, DELAY_S)
    pen.hand_in(POLICY, pen.successor())
    wait(pen.box, 3 * 86_400)


def a_release_without_the_right(stepper: Stepper = step.step) -> None:
    pen = started(stepper)
    box = pen.box
    box.say(RequestPhase(phase=Phase.SECURED))
    for holders, key in (((1, 2), True), ((1, 2, 3), False)):
        box.key = key
        box.tick()
        _try(pen, RELEASE, pen.release(secured=True), holders)
    box.key = True
    box.tick()
    text = pen.release(secured=True)
    box.upload(RELEASE, text, votes(UploadKind.RECOVERY_ORDER, text))
    box.weld.k1 = True
    box.run(8000)
    box.beat()
    _try(pen, RELEASE, pen.release(secured=True, fault=Cause.LINK_WITHOUT_ORDER), (1, 2))


def a_clock_set_by_few(stepper: Stepper = step.step) -> None:
    pen = started(stepper)
    now_s = pen.box.rtc_s or 0
    for offset, holders in ((3600, (1, 2)), (-200, (1,)), (-86_400, (1, 2, 3)), (-250, (1, 2, 3))):
        _try(pen, TIME, pen.time(now_s + offset), holders)
        pen.box.run(200)


def a_sealed_group_asked_for(stepper: Stepper = step.step) -> None:
    """Without an order, by few, with one, and once more after it served."""
    pen = started(stepper)
    _scrub(pen)
    _try(pen, UNSEAL, pen.unseal(2), (1, 2))
    _scrub(pen)
    _try(pen, UNSEAL, pen.unseal(2), (1, 2, 3))
    _scrub(pen)
    _scrub(pen)


def _scrub(pen: Pen) -> None:
    box = pen.box
    box.beat()
    box.say(RequestPhase(phase=Phase.SCRUB))
    box.run(2500)
    box.beat()
    box.coils.drives = 0b111111
    box.run(300)
    box.say(RequestPhase(phase=Phase.ISOLATED))
    box.run(3000)


def _try(pen: Pen, kind: UploadKind, text: bytes, holders: Sequence[int]) -> None:
    if pen.box.state.senses.controller_supplied:
        pen.hand_in(kind, text, holders)


SCENARIOS: tuple[Callable[[Stepper], None], ...] = (
    a_policy_that_few_signed,
    a_policy_in_a_hurry,
    a_veto_that_somebody_shakes_off,
    an_override_from_before_the_second_veto,
    a_generation_taken_back,
    a_release_without_the_right,
    a_clock_set_by_few,
    a_sealed_group_asked_for,
)
