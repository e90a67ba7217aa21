"""What the interlock says of itself (PROTOCOL 3): Status, HelloAck and warnings."""

from __future__ import annotations

from dataclasses import replace

from firmware.model import exposure, frontier, journal, limits, permits
from firmware.model.phases import DRIVE_PHASES
from firmware.model.state import State
from firmware.wire import codes
from firmware.wire.codes import Phase
from firmware.wire.messages import Authority, CutWarning, HelloAck, Status


def report(state: State) -> Status:
    """Everything measured, ordered and to come."""
    fram, senses, orders, now = state.fram, state.senses, state.orders, state.rtc_s
    policy = fram.policy if now is not None else None
    window = policy.next_window(now) if policy is not None and now is not None else None
    scrub = policy.next_scrub(now) if policy is not None and now is not None else None
    return Status(
        phase=state.phase,
        target=state.target,
        cause=state.cause,
        fault=fram.fault,
        k1_conducting=senses.k1_conducting,
        k2_conducting=senses.k2_conducting,
        k3_on_link=senses.k3_on_link,
        cut_pressed=senses.cut_pressed,
        key_turned=senses.key_turned,
        controller_supplied=senses.controller_supplied,
        drives_live=senses.drives_mask,
        ordered_link=orders.permit_link,
        ordered_drives=orders.permit_drives,
        ordered_k3_on_link=orders.k3_on_link,
        ordered_mask=orders.drive_mask,
        boot_medium=_medium(state),
        clock_valid=now is not None,
        secured=fram.secured,
        recovery_latched=fram.recovery_latched,
        time_s=now or 0,
        stamp_ms=state.uptime_ms,
        window_number=fram.window.number,
        window_begin_s=window.begin_s if window else 0,
        window_end_s=window.end_s if window else 0,
        scrub_begin_s=scrub.begin_s if scrub else 0,
        scrub_end_s=scrub.end_s if scrub else 0,
        window_left_s=_window_left_s(state),
        link_left_s=link_left_s(state),
        drives_left_s=drives_left_s(state),
        gap_left_s=permits.gap_left_s(state),
        exposure_used_s=exposure.used_s(fram.exposure, now) if now is not None else 0,
        exposure_left_s=permits.budget_left_s(state),
        tests_failed=permits.tests_failed(state),
        refused=journal.refused(fram.journal),
        last_refused=journal.last_refused(fram.journal),
        wire_faults=journal.wire_faults(fram.journal),
        event_newest=fram.journal.newest,
        policy_version=fram.policy.version if fram.policy else 0,
        log_size=fram.log.size,
    )


def greeting(state: State) -> HelloAck:
    """All that a controller on the sealing medium may trust."""
    fram = state.fram
    return HelloAck(
        phase=state.phase,
        boot_medium=_medium(state),
        policy_version=fram.policy.version if fram.policy else 0,
        policy_hash=fram.policy.digest if fram.policy else bytes(32),
        log_size=fram.log.size,
        log_root=frontier.root(fram.log.edge),
        last_leaf_hash=fram.log.last_leaf,
        time_s=state.rtc_s or 0,
        stamp_ms=state.uptime_ms,
        window_number=fram.window.number,
    )


def authority(state: State) -> Authority:
    """The policy in force, the one that waits, and what holders have ordered."""
    fram, pending = state.fram, state.fram.pending
    orders = [one.kind for one in (state.order, state.unseal) if one is not None]
    return Authority(
        policy_version=fram.policy.version if fram.policy else 0,
        policy_hash=fram.policy.digest if fram.policy else bytes(32),
        generation=fram.policy.generation if fram.policy else 0,
        firmware=fram.firmware,
        pending_version=pending.policy.version if pending else 0,
        pending_hash=pending.policy.digest if pending else bytes(32),
        pending_due_s=pending.due_s if pending else 0,
        vetoes=pending.vetoes if pending else 0,
        overridden=pending.overridden if pending else False,
        group=fram.policy.current if fram.policy else 0,
        unsealed=state.unseal.group if state.unseal else 0,
        orders=sum(1 << kind for kind in orders),
    )


def link_left_s(state: State) -> int:
    """Seconds until the clock or the budget ends the link; 0 outside a link half."""
    span = permits.link_span(state)
    if span is None or state.rtc_s is None:
        return 0
    return min(span.end_s - state.rtc_s, permits.budget_left_s(state))


def drives_left_s(state: State) -> int:
    """Seconds until the clock ends the present or coming drive phase, else those left for a SEAL now."""
    phase = state.phase
    if phase is Phase.AIRLOCK and state.target in DRIVE_PHASES:
        phase = state.target
    span = permits.drive_span(state, phase if phase in DRIVE_PHASES else Phase.SEAL)
    if span is None or state.rtc_s is None:
        return 0
    return min(span.end_s - state.rtc_s, limits.DRIVES_HOLD_S_MAX)


def warning(state: State) -> tuple[State, CutWarning | None]:
    """A warning that is due and was not yet given in this phase."""
    if state.phase is Phase.INTAKE:
        left = link_left_s(state)
    elif state.phase in DRIVE_PHASES:
        left = drives_left_s(state)
    else:
        return state, None
    due = [mark for mark in limits.WARNINGS_S if left <= mark]
    mark = min(due, default=None)
    if mark is None or (state.warned_s is not None and state.warned_s <= mark):
        return state, None
    return replace(state, warned_s=mark), CutWarning(phase=state.phase, left_s=max(0, left))


def _window_left_s(state: State) -> int:
    span = permits.drive_span(state, Phase.SEAL)
    return span.end_s - state.rtc_s if span is not None and state.rtc_s is not None else 0


def _medium(state: State) -> codes.Medium:
    return codes.Medium.SEALING if state.supply.medium == "sealing" else codes.Medium.INTAKE
