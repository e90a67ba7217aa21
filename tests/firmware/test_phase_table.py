"""The phase table: every row is reached, every missing pair faults, and requests never latch anything."""

from __future__ import annotations

from dataclasses import replace

import pytest

from firmware.model import acts, phases, step
from firmware.model.facts import Span
from firmware.model.phases import Turn
from firmware.model.state import State
from firmware.wire.codes import Cause, Phase, UploadKind
from firmware.wire.messages import Done, Granted, Refused, RequestPhase
from tests.firmware import explore, scenarios
from tests.firmware.box import Box, order_text, sign
from tests.firmware.papers import Pen, stamp

OWN = tuple(turn for turn in Turn if not turn.name.startswith("ASKS") and turn is not Turn.DONE)


def hold_cut(box: Box) -> None:
    box.cut = True
    box.run(3200)
    box.cut = False
    box.run(1500)


def into(phase: Phase) -> Box:
    """A box in `phase`, its controller beating."""
    box = Box()
    box.ready(scenarios.SCRUB if phase is Phase.SCRUB else scenarios.WINDOW)
    if phase is Phase.INTAKE:
        box.connect()
    if phase is Phase.RECOVERY:
        policy, now = box.state.fram.policy, box.rtc_s
        assert policy is not None
        assert now is not None
        text = order_text(policy, expires=stamp(now + 300))
        box.upload(UploadKind.RECOVERY_ORDER, text, sign(text, b"iwato-recovery-order@v1", (1, 2, 3)))
        box.key = True
        box.tick()
    if phase in phases.DRIVE_PHASES:
        box.beat()
        assert box.answer(RequestPhase(phase=phase)) == Granted(phase=Phase.AIRLOCK)
        box.until(lambda: box.phase is phase, 3000)
    return box


def tours() -> None:
    """Ways through the rows that the exploration's short horizon does not reach."""
    for phase in (Phase.ISOLATED, Phase.SEAL, Phase.FAULT):
        box = into(Phase.SEAL) if phase is Phase.SEAL else into(Phase.ISOLATED)
        if phase is Phase.FAULT:
            box.weld.k1 = True
            box.run(400)
            box.weld.k1 = False
        hold_cut(box)
        box.power_on()
        box.boot()
    box = into(Phase.ISOLATED)
    box.power_on()
    hold_cut(box)
    for phase in (Phase.SEAL, Phase.SCRUB, Phase.RECOVERY):
        box = into(phase)
        box.state = replace(box.state, hold_until_ms=None)
        box.rtc_s = None if phase is Phase.RECOVERY else box.rtc_s
        box.run(3000)
    for phase in (Phase.SCRUB, Phase.SEAL, Phase.RECOVERY):
        box = into(phase)
        box.state = replace(box.state, phase_since_ms=box.uptime_ms - 180_000)
        box.run(100)
    box = into(Phase.SEAL)
    box.say(RequestPhase(phase=Phase.SECURED))
    box.run(3000)
    assert box.phase is Phase.SECURED
    starts_that_go_wrong()
    quorum_releases(box)
    quorum_releases(broken())
    budget_ends_in_the_contact_test()


def starts_that_go_wrong() -> None:
    """A contact is welded at power-on; CUT is held while the memory of a recovery fades."""
    box = into(Phase.ISOLATED)
    box.weld.k1 = True
    box.power_on()
    box.run(400)
    assert box.phase is Phase.FAULT
    box = into(Phase.RECOVERY)
    box.power_on()
    hold_cut(box)
    assert box.state.fram.secured


def broken() -> Box:
    """A box in FAULT whose contact is whole again and whose controller is back."""
    box = into(Phase.ISOLATED)
    box.weld.k1 = True
    box.run(400)
    box.weld.k1 = False
    box.run(6000)
    box.beat()
    return box


def quorum_releases(box: Box) -> None:
    fram = box.state.fram
    box.key = True
    box.tick()
    pen = Pen(box)
    pen.hand_in(UploadKind.RELEASE_ORDER, pen.release(secured=fram.secured, fault=fram.fault))
    assert box.phase is Phase.AIRLOCK


def budget_ends_in_the_contact_test() -> None:
    box = into(Phase.ISOLATED)
    box.run(20)
    assert box.rtc_s is not None
    spans = (Span(begin_s=box.rtc_s - 16_000, end_s=box.rtc_s - 16_000 + 14_398),)
    box.state = replace(box.state, fram=replace(box.state.fram, exposure=spans))
    box.until(lambda: box.rtc_part_ms >= 800, 1000)
    box.beat()
    assert box.answer(RequestPhase(phase=Phase.INTAKE)) == Granted(phase=Phase.CONTACT_TEST)
    box.run(400)
    assert box.state.cause is Cause.BUDGET_SPENT


@pytest.mark.clause("PROTOCOL 5.1")
def test_every_row_of_the_table_is_reached_and_no_other_pair_is(monkeypatch: pytest.MonkeyPatch) -> None:
    taken: set[tuple[Phase, Turn]] = set()
    take = acts.take

    def noting(state: State, event: Turn, fault: Cause = Cause.NONE) -> State:
        taken.add((state.phase, event))
        return take(state, event, fault)

    monkeypatch.setattr(acts, "take", noting)
    tours()
    for scenario in scenarios.SCENARIOS:
        scenario(step.step)
    explore.explore(900)
    assert taken == set(phases.TABLE)


@pytest.mark.clause("PROTOCOL 5.1")
@pytest.mark.parametrize("phase", Phase, ids=lambda phase: phase.name)
def test_an_unlisted_pair_of_the_interlocks_own_events_is_a_latched_fault(phase: Phase) -> None:
    start = explore.born()
    for event in OWN:
        if (phase, event) in phases.TABLE:
            continue
        after = acts.take(replace(start, phase=phase), event)
        assert after.phase is Phase.FAULT
        assert after.fram.fault is Cause.UNLISTED_PAIR


@pytest.mark.clause("PROTOCOL 5.1")
def test_the_first_fault_is_kept_and_no_later_one_replaces_it() -> None:
    box = into(Phase.ISOLATED)
    box.weld.k1 = True
    box.run(400)
    assert box.state.fram.fault is Cause.LINK_WITHOUT_ORDER
    box.weld.drives = 0b1
    box.run(400)
    box.power_on()
    box.run(4000)
    assert box.state.fram.fault is Cause.LINK_WITHOUT_ORDER
    assert box.phase is Phase.FAULT


@pytest.mark.clause("PROTOCOL 5.10")
@pytest.mark.parametrize("asked", Phase, ids=lambda phase: phase.name)
def test_an_unlisted_request_is_refused_and_counted_and_changes_nothing(asked: Phase) -> None:
    for phase in (Phase.ISOLATED, Phase.INTAKE, Phase.SEAL):
        box = into(phase)
        for message in (RequestPhase(phase=asked), Done(phase=asked)):
            before = (box.phase, box.orders)
            answer = box.answer(message)
            if isinstance(answer, Refused):
                assert (box.phase, box.orders) == before
                assert box.state.fram.fault is Cause.NONE
            else:
                box = into(phase)


@pytest.mark.clause("PROTOCOL 5.1")
def test_the_box_starts_in_UNKNOWN_with_everything_dark_and_proves_itself_into_ISOLATED() -> None:
    box = Box()
    assert box.phase.name == "UNKNOWN"
    assert not box.orders.controller_power
    box.weld.k2 = True
    box.run(60)
    assert box.phase.name == "UNKNOWN"
    box.weld.k2 = False
    box.run(1400)
    assert box.phase is Phase.ISOLATED
    assert box.uptime_ms >= 1000
