"""The controller's power cycle: dark is proven, then the supply is off long enough, then on (PROTOCOL 5.5).

Used by UNKNOWN (every power-on of the interlock) and AIRLOCK alike.
"""

from __future__ import annotations

from dataclasses import replace

from firmware.model import acts, limits
from firmware.model.phases import DRIVE_PHASES, Turn
from firmware.model.state import Medium, Senses, State, Supply
from firmware.wire.codes import Cause, EventKind, Phase

RESTARTED = {
    Phase.SEAL: Turn.RESTARTED_SEAL,
    Phase.SCRUB: Turn.RESTARTED_SCRUB,
    Phase.RECOVERY: Turn.RESTARTED_RECOVERY,
    Phase.ISOLATED: Turn.RESTARTED_ISOLATED,
}


def all_dark(senses: Senses) -> bool:
    """No contact of the link conducts, no drive is live, and the changeover rests."""
    return not (senses.link_touched or senses.drives_mask or senses.k3_on_link)


def off_needed_ms(state: State) -> int:
    """How long the supply must be measured off: longer where key material may have been in memory."""
    faded = state.fram.recovery_latched and state.target is not Phase.RECOVERY
    return limits.RECOVERY_OFF_MS if faded else limits.RESTART_OFF_MS


def follow(state: State) -> State:
    """Track the measured supply; order it back once everything was dark for long enough."""
    supply, now = state.supply, state.uptime_ms
    proven = all_dark(state.senses) or state.phase is Phase.FAULT
    if supply.leaving:
        parted = now - supply.since_ms >= limits.PARTING_MS
        return (
            replace(state, supply=Supply(medium=supply.medium, since_ms=now)) if proven and parted else state
        )
    if supply.ordered:
        if state.senses.controller_supplied and supply.booted_ms is None:
            return replace(state, supply=replace(supply, booted_ms=now))
        return state
    # A faulted box will never feed a line again, so its controller may come back to say what happened.
    if state.senses.controller_supplied or not proven:
        return replace(state, supply=replace(supply, dark_since_ms=None))
    if supply.dark_since_ms is None:
        supply = replace(supply, dark_since_ms=now)
    state = replace(state, supply=supply)
    if supply.dark_since_ms is None or now - supply.dark_since_ms < off_needed_ms(state):
        return state
    return _boot(state)


def _boot(state: State) -> State:
    medium: Medium = "sealing" if state.phase is Phase.AIRLOCK and state.target in DRIVE_PHASES else "intake"
    supply = Supply(ordered=True, medium=medium, since_ms=state.uptime_ms)
    if state.fram.recovery_latched and state.target is not Phase.RECOVERY:
        cleared = replace(state, fram=replace(state.fram, recovery_latched=False))
        state = acts.note(cleared, EventKind.LATCH_CLEARED, Cause.STARTED)
    return replace(state, supply=supply, clean=True, heard_ms=None)


def finished(state: State) -> Turn | None:
    """The turn that a completed restart takes."""
    if state.supply.booted_ms is None or not all_dark(state.senses):
        return None
    if state.phase is Phase.UNKNOWN:
        if state.fram.fault is not Cause.NONE:
            return Turn.PROVEN_FAULT
        return Turn.PROVEN_SECURED if state.fram.secured else Turn.PROVEN
    if state.fram.secured:
        return Turn.RESTARTED_SECURED
    return RESTARTED[state.target]
