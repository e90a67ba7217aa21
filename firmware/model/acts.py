"""What a turn of the phase table does to the state (PROTOCOL 5.1): one small function per Act."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Final

from firmware.model import exposure, journal, limits, permits
from firmware.model.fram import UsedWindow
from firmware.model.phases import DRIVE_PHASES, LINK_PHASES, TABLE, Act, Turn, turn
from firmware.model.state import ContactTest, State
from firmware.wire.codes import Cause, EventKind, Phase

CAUSE_OF: Final[Mapping[Turn, Cause]] = MappingProxyType(
    {
        Turn.PROVEN: Cause.STARTED,
        Turn.PROVEN_SECURED: Cause.SECURED,
        Turn.PROVEN_FAULT: Cause.FAULTED,
        Turn.TEST_PASSED: Cause.CONTACT_TEST_PASSED,
        Turn.TEST_FAILED: Cause.CONTACT_TEST_FAILED,
        Turn.LINK_HALF_OVER: Cause.LINK_HALF_OVER,
        Turn.BUDGET_SPENT: Cause.BUDGET_SPENT,
        Turn.TIME_OVER: Cause.TIME_OVER,
        Turn.HEARTBEAT_LOST: Cause.HEARTBEAT_LOST,
        Turn.CONTROLLER_SILENT: Cause.CONTROLLER_SILENT,
        Turn.CLOCK_LOST: Cause.CLOCK_LOST,
        Turn.KEY_RELEASED: Cause.KEY_RELEASED,
        Turn.OTHER_LIVE: Cause.DRIVES_LIVE,
        Turn.CUT_PRESSED: Cause.CUT_PRESSED,
        Turn.CUT_HELD: Cause.CUT_HELD,
        Turn.RELEASED: Cause.RELEASED,
        Turn.DONE: Cause.WORK_DONE,
        Turn.ASKS_INTAKE: Cause.CONTROLLER_ASKED,
        Turn.ASKS_SEAL: Cause.CONTROLLER_ASKED,
        Turn.ASKS_SCRUB: Cause.CONTROLLER_ASKED,
        Turn.ASKS_RECOVERY: Cause.CONTROLLER_ASKED,
        Turn.ASKS_ISOLATED: Cause.CONTROLLER_ASKED,
        Turn.ASKS_SECURED: Cause.CONTROLLER_ASKED,
    }
)


def now_s(state: State) -> int:
    """The best known time: the clock, else the last time it was known to be."""
    return state.fram.time_floor_s if state.rtc_s is None else state.rtc_s


def take(state: State, event: Turn, fault: Cause = Cause.NONE) -> State:
    """The state after `event`. `fault` names what BROKEN means; an unlisted pair names itself."""
    if (state.phase, event) not in TABLE:
        fault = Cause.UNLISTED_PAIR
    phase, done = turn(state.phase, event)
    cause = fault if fault is not Cause.NONE else CAUSE_OF.get(event, state.cause)
    before = state.phase
    for act in done:
        state = _ACTS[act](state, cause)
    if phase is not before:
        state = _enter(state, before, phase, cause)
    return state


def _enter(state: State, before: Phase, phase: Phase, cause: Cause) -> State:
    state = replace(state, phase=phase, cause=cause, phase_since_ms=state.uptime_ms, warned_s=None)
    if phase is not Phase.INTAKE:
        state = replace(state, hold_until_ms=None)
    if phase in DRIVE_PHASES:
        state = _hold_drives(state, phase)
    if phase is Phase.CONTACT_TEST:
        state = _hold_link(state)
    if before is Phase.UNKNOWN and phase is Phase.ISOLATED:
        return state
    kind = {Phase.FAULT: EventKind.FAULT, Phase.SECURED: EventKind.SECURED}.get(phase, EventKind.PHASE)
    return note(state, kind, cause)


def note(state: State, kind: EventKind, cause: Cause, count: int = 1) -> State:
    """One more line of the event log."""
    log = journal.note(
        state.fram.journal, time_s=now_s(state), kind=kind, phase=state.phase, cause=cause, count=count
    )
    return replace(state, fram=replace(state.fram, journal=log))


def _hold_link(state: State) -> State:
    span = permits.link_span(state)
    left_s = span.end_s - now_s(state) if span is not None else 0
    return replace(state, hold_until_ms=state.uptime_ms + left_s * 1000 + limits.HOLD_SLACK_MS)


def _hold_drives(state: State, phase: Phase) -> State:
    span = permits.drive_span(state, phase)
    left_s = min(span.end_s - now_s(state), limits.DRIVES_HOLD_S_MAX) if span is not None else 0
    return replace(state, hold_until_ms=state.uptime_ms + left_s * 1000 + limits.HOLD_SLACK_MS)


def _mark(state: State) -> State:
    whole = permits.drive_span(state, Phase.SEAL)
    used = state.fram.window
    if whole is None or whole.begin_s == used.begin_s:
        return state
    marked = UsedWindow(number=used.number + 1, begin_s=whole.begin_s)
    return replace(state, fram=replace(state.fram, window=marked))


def _begin_link(state: State, _: Cause) -> State:
    state = _mark(state)
    now = now_s(state)
    ring = exposure.begin(state.fram.exposure, now)
    fram = replace(state.fram, exposure=ring, last_cut_s=ring[-1].end_s)
    return replace(
        state,
        fram=fram,
        cut_before_s=state.fram.last_cut_s,
        link_since_ms=state.uptime_ms,
        test=ContactTest(),
        clean=False,
    )


def charge_link(state: State) -> State:
    """While the link is permitted its exposure is always persisted ahead."""
    if state.link_since_ms is None:
        return state
    ring = exposure.charge(state.fram.exposure, now_s(state))
    if ring is state.fram.exposure:
        return state
    return replace(state, fram=replace(state.fram, exposure=ring, last_cut_s=ring[-1].end_s))


def _end_link(state: State, _: Cause) -> State:
    if state.link_since_ms is None or state.phase not in LINK_PHASES:
        return state
    held_s = -((state.link_since_ms - state.uptime_ms) // 1000)
    ring = exposure.end(state.fram.exposure, now_s(state), held_s)
    # A test that never conducted was no link: it counts as exposure, but needs no gap before the next.
    last_cut_s = ring[-1].end_s if state.test.conducted else state.cut_before_s
    fram = replace(state.fram, exposure=ring, last_cut_s=last_cut_s)
    return replace(state, fram=fram, link_since_ms=None)


def _count_test(state: State, _: Cause) -> State:
    used = replace(state.fram.window, tests_failed=state.fram.window.tests_failed + 1)
    return replace(state, fram=replace(state.fram, window=used))


def _begin_drive_half(state: State, _: Cause) -> State:
    state = _mark(state)
    return replace(state, fram=replace(state.fram, window=replace(state.fram.window, drive_half=True)))


def _lead(state: State, target: Phase) -> State:
    """The controller's supply goes; what it said before counts for nothing after."""
    supply = replace(state.supply, leaving=True, since_ms=state.uptime_ms, booted_ms=None, dark_since_ms=None)
    if target is Phase.ISOLATED and state.target is Phase.RECOVERY:
        state = replace(state, order=None)
    if target is Phase.ISOLATED and state.target in (Phase.RECOVERY, Phase.SCRUB):
        state = replace(state, unseal=None)
    return replace(state, target=target, supply=supply, heard_ms=None, upload=None)


def _lead_to_seal(state: State, _: Cause) -> State:
    return _lead(state, Phase.SEAL)


def _lead_to_scrub(state: State, _: Cause) -> State:
    return _lead(state, Phase.SCRUB)


def _lead_to_recovery(state: State, _: Cause) -> State:
    return _lead(state, Phase.RECOVERY)


def _lead_to_isolated(state: State, _: Cause) -> State:
    return _lead(state, Phase.ISOLATED)


def _latch_recovery(state: State, _: Cause) -> State:
    return replace(state, fram=replace(state.fram, recovery_latched=True))


def _latch_secured(state: State, cause: Cause) -> State:
    if state.fram.secured:
        return state
    return note(replace(state, fram=replace(state.fram, secured=True)), EventKind.SECURED, cause)


def _latch_fault(state: State, cause: Cause) -> State:
    if state.fram.fault is not Cause.NONE:
        return state
    return note(replace(state, fram=replace(state.fram, fault=cause)), EventKind.FAULT, cause)


def _unlatch(state: State, cause: Cause) -> State:
    """A pending policy gets its whole delay again: somebody may have pressed CUT to be heard."""
    delay_s = state.fram.policy.delay_s if state.fram.policy is not None else 0
    pendings = tuple(
        replace(one, due_s=max(one.due_s, now_s(state) + delay_s)) for one in state.fram.pendings
    )
    fram = replace(state.fram, secured=False, fault=Cause.NONE, pendings=pendings)
    return note(replace(state, fram=fram), EventKind.RELEASED, cause)


_ACTS: Final[Mapping[Act, Callable[[State, Cause], State]]] = MappingProxyType(
    {
        Act.BEGIN_LINK: _begin_link,
        Act.END_LINK: _end_link,
        Act.COUNT_TEST: _count_test,
        Act.BEGIN_DRIVE_HALF: _begin_drive_half,
        Act.LEAD_TO_SEAL: _lead_to_seal,
        Act.LEAD_TO_SCRUB: _lead_to_scrub,
        Act.LEAD_TO_RECOVERY: _lead_to_recovery,
        Act.LEAD_TO_ISOLATED: _lead_to_isolated,
        Act.LATCH_RECOVERY: _latch_recovery,
        Act.LATCH_SECURED: _latch_secured,
        Act.LATCH_FAULT: _latch_fault,
        Act.UNLATCH: _unlatch,
    }
)
