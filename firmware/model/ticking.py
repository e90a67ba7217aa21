"""One tick: take in clock and senses, then at most one turn of the phase table (PROTOCOL 5.7)."""

from __future__ import annotations

from dataclasses import replace

from firmware.model import acts, limits, permits, restart, succession, supervision
from firmware.model.phases import DRIVE_PHASES, LINK_PHASES, RESTARTING, Turn
from firmware.model.state import State, Tick
from firmware.wire.codes import Cause, Phase

_LINK_ENDS = {
    Cause.CUT_PRESSED: Turn.CUT_PRESSED,
    Cause.CLOCK_LOST: Turn.CLOCK_LOST,
    Cause.OUTSIDE_WINDOW: Turn.TIME_OVER,
    Cause.LINK_HALF_OVER: Turn.LINK_HALF_OVER,
    Cause.BUDGET_SPENT: Turn.BUDGET_SPENT,
    Cause.DRIVES_LIVE: Turn.OTHER_LIVE,
    Cause.HEARTBEAT_STALE: Turn.HEARTBEAT_LOST,
}
_DRIVE_ENDS = {
    Cause.CUT_PRESSED: Turn.CUT_PRESSED,
    Cause.CLOCK_LOST: Turn.CLOCK_LOST,
    Cause.LINK_CONDUCTING: Turn.OTHER_LIVE,
    Cause.DRIVES_LIVE: Turn.OTHER_LIVE,
    Cause.KEY_NOT_TURNED: Turn.KEY_RELEASED,
    Cause.OUTSIDE_WINDOW: Turn.TIME_OVER,
    Cause.ORDER_EXPIRED: Turn.TIME_OVER,
    Cause.NO_ORDER: Turn.TIME_OVER,
}


def tick(state: State, event: Tick) -> State:
    """The state after one tick."""
    if event.uptime_ms < state.uptime_ms:
        return acts.take(state, Turn.BROKEN, Cause.UPTIME_BACKWARDS)
    state = _clock(replace(state, uptime_ms=event.uptime_ms, senses=event.senses), event.rtc_s)
    state = supervision.watch(_button(_expired(state)))
    state = _contacts(state)
    state = restart.follow(state)
    happened, fault = _happened(state)
    state = succession.follow(state) if happened is None else acts.take(state, happened, fault)
    return acts.charge_link(state)


def _clock(state: State, rtc_s: int | None) -> State:
    """The clock is believed while it runs and never before the last time it was known to be."""
    moved_ms = state.rtc_moved_ms if rtc_s == state.rtc_raw_s else state.uptime_ms
    stalled = state.uptime_ms - moved_ms > limits.CLOCK_STALL_MS
    known = rtc_s is not None and not stalled and rtc_s >= state.fram.time_floor_s
    fram = state.fram
    if known and rtc_s is not None and rtc_s > fram.time_floor_s:
        fram = replace(fram, time_floor_s=rtc_s)
    return replace(state, rtc_raw_s=rtc_s, rtc_moved_ms=moved_ms, rtc_s=rtc_s if known else None, fram=fram)


def _expired(state: State) -> State:
    """An order to unseal that nobody used in its time is gone; one in use ends its phase (permits.py)."""
    order, now = state.unseal, state.rtc_s
    gone = order is not None and now is not None and now >= order.expires_s
    return replace(state, unseal=None) if gone and state.phase is Phase.ISOLATED else state


def _button(state: State) -> State:
    if state.senses.cut_pressed == (state.cut_since_ms is not None):
        return state
    return replace(state, cut_since_ms=state.uptime_ms if state.senses.cut_pressed else None)


def _contacts(state: State) -> State:
    """What the contacts show; a controller that was near a live link is no longer clean."""
    senses, seen = state.senses, state.test
    if senses.link_conducting and state.clean:
        state = replace(state, clean=False)
    if state.phase not in LINK_PHASES:
        return state
    return replace(
        state,
        test=replace(
            seen,
            k1_alone=seen.k1_alone or (senses.k1_conducting and not senses.k2_conducting),
            k2_alone=seen.k2_alone or (senses.k2_conducting and not senses.k1_conducting),
            conducted=seen.conducted or senses.link_conducting,
        ),
    )


def _happened(state: State) -> tuple[Turn | None, Cause]:
    """The most urgent thing that is true now."""
    fault = supervision.outlasted(state)
    if fault is not Cause.NONE and state.phase is not Phase.FAULT:
        return Turn.BROKEN, fault
    held = state.cut_since_ms is not None and state.uptime_ms - state.cut_since_ms >= limits.CUT_HELD_MS
    if held and not state.fram.secured:
        return Turn.CUT_HELD, Cause.NONE
    if state.phase in RESTARTING:
        return _restarting(state), Cause.NONE
    if state.phase in LINK_PHASES:
        return _connecting(state), Cause.NONE
    if state.phase in DRIVE_PHASES:
        return _driving(state), Cause.NONE
    return None, Cause.NONE


def _restarting(state: State) -> Turn | None:
    if state.phase is Phase.AIRLOCK and state.target in DRIVE_PHASES:
        barred = permits.drives(state, state.target)
        # The link is only just releasing here; supervision times that, and dark is proven before the boot.
        if barred in _DRIVE_ENDS and _DRIVE_ENDS[barred] is not Turn.OTHER_LIVE:
            return _DRIVE_ENDS[barred]
    return restart.finished(state)


def _connecting(state: State) -> Turn | None:
    barred = permits.link(state)
    if barred in _LINK_ENDS:
        return _LINK_ENDS[barred]
    if state.phase is not Phase.CONTACT_TEST:
        return None
    seen = state.test
    if seen.k1_alone and seen.k2_alone and state.senses.link_conducting:
        return Turn.TEST_PASSED
    late = state.uptime_ms - state.phase_since_ms >= limits.CONTACT_TEST_MS
    return Turn.TEST_FAILED if late else None


def _driving(state: State) -> Turn | None:
    barred = permits.drives(state, state.phase)
    if barred in _DRIVE_ENDS:
        return _DRIVE_ENDS[barred]
    if state.heard_ms is None and state.senses.controller_supplied:
        silent = state.uptime_ms - state.phase_since_ms > limits.BOOT_MS
        return Turn.CONTROLLER_SILENT if silent else None
    return None if permits.heartbeat_fresh(state) else Turn.HEARTBEAT_LOST
