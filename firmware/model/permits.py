"""Whether anything may be live right now: the conditions of 20-interlock, each with its cause (PROTOCOL 5.2).

Asked at every step, not only at requests: an output level follows these conditions even if the phase
table were wrong. Cause.NONE means permitted.
"""

from __future__ import annotations

from firmware.model import exposure, limits
from firmware.model.facts import Span
from firmware.model.state import State
from firmware.wire.codes import Cause, Phase


def heartbeat_age_ms(state: State) -> int | None:
    """Milliseconds since the controller was last known alive; None when it never beat."""
    return None if state.heard_ms is None else state.uptime_ms - state.heard_ms


def heartbeat_fresh(state: State) -> bool:
    """A beat counts while the controller's supply is measured and it is young enough."""
    age = heartbeat_age_ms(state)
    return state.senses.controller_supplied and age is not None and age <= limits.HEARTBEAT_LOST_MS


def budget_left_s(state: State) -> int:
    """Seconds of link that the rolling 24 h still allow; the running second counts as spent."""
    if state.rtc_s is None:
        return 0
    return max(0, limits.LINK_DAY_S_MAX - exposure.used_s(state.fram.exposure, state.rtc_s + 1))


def gap_left_s(state: State) -> int:
    """Seconds until another attempt may connect."""
    if state.rtc_s is None or state.fram.last_cut_s == 0:
        return 0
    return max(0, state.fram.last_cut_s + limits.GAP_S - state.rtc_s)


def link_span(state: State) -> Span | None:
    """The running link half, unless this window has gone on to its drive half."""
    policy = state.fram.policy
    found = policy.window_at(state.rtc_s) if policy is not None and state.rtc_s is not None else None
    if found is None or state.rtc_s is None:
        return None
    whole, link = found
    used = state.fram.window
    if not link.holds(state.rtc_s) or (used.begin_s == whole.begin_s and used.drive_half):
        return None
    return link


def drive_span(state: State, phase: Phase) -> Span | None:
    """The time in which `phase` may have live drives: window, scrub slot, or the order's life."""
    policy, now = state.fram.policy, state.rtc_s
    if policy is None or now is None:
        return None
    if phase is Phase.SEAL:
        found = policy.window_at(now)
        return found[0] if found is not None else None
    if phase is Phase.SCRUB:
        return _while_unsealed(state, policy.scrub_at(now))
    if phase is Phase.RECOVERY and state.order is not None and now < state.order.expires_s:
        return _while_unsealed(state, Span(begin_s=now, end_s=state.order.expires_s))
    return None


def _while_unsealed(state: State, span: Span | None) -> Span | None:
    """A phase with an unsealed group ends with that order: the current group never takes its place."""
    if span is None or state.unseal is None or state.rtc_s is None:
        return span
    end_s = min(span.end_s, state.unseal.expires_s)
    return Span(begin_s=span.begin_s, end_s=end_s) if state.rtc_s < end_s else None


def group(state: State, phase: Phase) -> int:
    """The drive group that `phase` may feed, from 1: the current one, but for a reading phase the one that
    holders unsealed. Never two at once: root can overwrite whatever is fed."""
    if state.fram.policy is None:
        return 0
    if phase is Phase.SEAL or state.unseal is None:
        return state.fram.policy.current
    return state.unseal.group


def mask(state: State, phase: Phase) -> int:
    """The bays of that group, bit 0 for bay 1."""
    return state.fram.policy.mask(group(state, phase)) if state.fram.policy is not None else 0


def never(state: State) -> Cause:
    """What forbids every line, whatever the time."""
    if state.fram.fault is not Cause.NONE:
        return Cause.FAULTED
    if state.fram.secured:
        return Cause.SECURED
    if state.senses.cut_pressed:
        return Cause.CUT_PRESSED
    if state.fram.policy is None:
        return Cause.NO_POLICY
    if state.rtc_s is None:
        return Cause.CLOCK_LOST
    return Cause.NONE


def link(state: State) -> Cause:
    """Why the link may not be fed now."""
    barred = never(state)
    if barred is not Cause.NONE:
        return barred
    if state.fram.recovery_latched:
        return Cause.RECOVERY_LATCHED
    if drive_span(state, Phase.SEAL) is None:
        return Cause.OUTSIDE_WINDOW
    if link_span(state) is None or held_too_long(state):
        return Cause.LINK_HALF_OVER
    if budget_left_s(state) == 0:
        return Cause.BUDGET_SPENT
    if state.senses.drives_mask:
        return Cause.DRIVES_LIVE
    return Cause.NONE if heartbeat_fresh(state) else Cause.HEARTBEAT_STALE


def link_request(state: State) -> Cause:
    """Why an attempt to connect may not begin."""
    barred = link(state)
    if barred is not Cause.NONE:
        return barred
    if state.senses.link_touched or state.senses.k3_on_link:
        return Cause.LINK_CONDUCTING
    if gap_left_s(state):
        return Cause.GAP_TOO_SHORT
    if tests_failed(state) >= limits.TESTS_FAILED_MAX:
        return Cause.TESTS_SPENT
    if state.rtc_s is not None and exposure.full(state.fram.exposure, state.rtc_s):
        return Cause.LINKS_SPENT
    return Cause.NONE


def tests_failed(state: State) -> int:
    """Failed contact tests of the running window."""
    whole = drive_span(state, Phase.SEAL)
    same = whole is not None and state.fram.window.begin_s == whole.begin_s
    return state.fram.window.tests_failed if same else 0


def drives(state: State, phase: Phase) -> Cause:
    """Why the drives may not be fed now in `phase`, the heartbeat apart."""
    barred = never(state)
    if barred is not Cause.NONE:
        return barred
    if state.senses.link_touched or state.senses.k3_on_link:
        return Cause.LINK_CONDUCTING
    if phase is Phase.RECOVERY and not state.senses.key_turned:
        return Cause.KEY_NOT_TURNED
    if phase is Phase.RECOVERY and state.order is None:
        return Cause.NO_ORDER
    if drive_span(state, phase) is None or held_too_long(state):
        return Cause.ORDER_EXPIRED if phase is Phase.RECOVERY else Cause.OUTSIDE_WINDOW
    return Cause.DRIVES_LIVE if state.senses.drives_mask & ~mask(state, phase) else Cause.NONE


def drives_request(state: State, phase: Phase) -> Cause:
    """Why a drive phase may not be prepared; the restart that follows makes the controller clean."""
    barred = drives(state, phase)
    if barred is not Cause.NONE:
        return barred
    if state.senses.drives_mask:
        return Cause.DRIVES_LIVE
    return Cause.NONE if heartbeat_fresh(state) else Cause.HEARTBEAT_STALE


def held_too_long(state: State) -> bool:
    """The permit's own maximum hold, by the uptime counter: a stopped clock does not stretch it."""
    return state.hold_until_ms is not None and state.uptime_ms >= state.hold_until_ms
