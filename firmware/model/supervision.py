"""Sense against order: what conducts although nothing feeds it, what does not move (PROTOCOL 5.6).

A mismatch is timed from the first step that shows it and becomes a latched fault when it outlasts
its limit. A contact that stays dark although it is permitted is no fault: the controller may leave it so.
"""

from __future__ import annotations

from dataclasses import replace

from firmware.model import limits
from firmware.model.state import Drive, Senses, State
from firmware.wire.codes import Cause

LIMIT_MS = {
    Cause.LINK_WITHOUT_ORDER: limits.MISMATCH_MS,
    Cause.DRIVE_WITHOUT_ORDER: limits.MISMATCH_MS,
    Cause.CHANGEOVER_STUCK: limits.MISMATCH_MS,
    Cause.SUPPLY_STUCK: limits.SUPPLY_MS,
}


def differing(orders: Drive, senses: Senses) -> tuple[Cause, ...]:
    """Every way in which the senses contradict the orders."""
    found = []
    if senses.link_touched and not orders.permit_link:
        found.append(Cause.LINK_WITHOUT_ORDER)
    if senses.drives_mask & ~(orders.drive_mask if orders.permit_drives else 0):
        found.append(Cause.DRIVE_WITHOUT_ORDER)
    if senses.k3_on_link != orders.k3_on_link:
        found.append(Cause.CHANGEOVER_STUCK)
    if senses.controller_supplied and not orders.controller_power:
        found.append(Cause.SUPPLY_STUCK)
    return tuple(found)


def watch(state: State) -> State:
    """Begin, go on with, or forget the timing of each mismatch, by the standing orders."""
    since = dict(state.mismatches)
    found = differing(state.orders, state.senses)
    if not found and not state.mismatches:
        return state
    return replace(state, mismatches=tuple((cause, since.get(cause, state.uptime_ms)) for cause in found))


def outlasted(state: State) -> Cause:
    """The first mismatch that is older than its limit, else NONE."""
    for cause, since_ms in state.mismatches:
        if state.uptime_ms - since_ms > LIMIT_MS[cause]:
            return cause
    return Cause.NONE
