"""The phase table said a second time, as rules over kinds of phases, and judged by what a turn really does.

`expected` shares nothing with phases.TABLE; `observed` takes the turn in a state of that phase and compares
before and after. `differences` is empty for the real table, and for no mutant of a row (test_row_mutants.py).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import product

from firmware.model import acts, phases
from firmware.model.facts import Span
from firmware.model.fram import UsedWindow
from firmware.model.phases import Turn
from firmware.model.state import State, Supply
from firmware.wire.codes import Cause, EventKind, Phase

LINK = (Phase.CONTACT_TEST, Phase.INTAKE)
DRIVES = (Phase.SEAL, Phase.SCRUB, Phase.RECOVERY)
# What ends any live phase, whatever it is about.
ENDS = (Turn.TIME_OVER, Turn.CLOCK_LOST, Turn.OTHER_LIVE, Turn.CUT_PRESSED, Turn.HEARTBEAT_LOST)
LATE = (Turn.LINK_HALF_OVER, Turn.BUDGET_SPENT)


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """Where a turn leads and what it does on the way. `leads`: the airlock's target, if one begins."""

    to: Phase
    leads: Phase | None = None
    does: frozenset[str] = frozenset()


def effect(to: Phase, *does: str, leads: Phase | None = None) -> Effect:
    return Effect(to=to, leads=leads, does=frozenset(does))


HOME = effect(Phase.AIRLOCK, leads=Phase.ISOLATED)
GO_ON = effect(Phase.AIRLOCK, "link ended", "drive half", leads=Phase.SEAL)


def expected(phase: Phase, turn: Turn) -> Effect | None:
    """What the turn has to do in `phase`; nothing when it may not happen there."""
    link = ("link ended",) if phase in LINK else ()
    if turn is Turn.BROKEN:
        return effect(Phase.FAULT, "fault", *link) if phase is not Phase.FAULT else None
    if turn is Turn.RELEASED:
        free = effect(Phase.AIRLOCK, "unlatched", leads=Phase.ISOLATED)
        return free if phase in (Phase.SECURED, Phase.FAULT) else None
    if phase in LINK:
        return _link(phase, turn)
    if phase in DRIVES:
        return _drives(phase, turn)
    return _dark(phase, turn)


def _link(phase: Phase, turn: Turn) -> Effect | None:
    testing = phase is Phase.CONTACT_TEST
    counted = ("test counted",) if testing else ()
    if turn is Turn.ASKS_SECURED:
        return effect(Phase.SECURED, "link ended", "secured")
    if testing and turn is Turn.TEST_PASSED:
        return effect(Phase.INTAKE)
    if testing and turn is Turn.TEST_FAILED:
        return effect(Phase.ISOLATED, "link ended", *counted)
    if not testing and turn in (Turn.DONE, Turn.HEARTBEAT_LOST, *LATE):
        return GO_ON
    if turn in (*ENDS, *LATE, Turn.ASKS_ISOLATED):
        return effect(Phase.ISOLATED, "link ended", *counted)
    return None


def _drives(phase: Phase, turn: Turn) -> Effect | None:
    if turn is Turn.ASKS_SECURED:
        return effect(Phase.AIRLOCK, "secured", leads=Phase.ISOLATED)
    if turn is Turn.KEY_RELEASED:
        return HOME if phase is Phase.RECOVERY else None
    return HOME if turn in (*ENDS, Turn.DONE, Turn.CONTROLLER_SILENT, Turn.ASKS_ISOLATED) else None


def _dark(phase: Phase, turn: Turn) -> Effect | None:
    """Each row on its own: these phases have little in common."""
    rules = {
        (Phase.UNKNOWN, Turn.PROVEN): effect(Phase.ISOLATED),
        (Phase.UNKNOWN, Turn.PROVEN_SECURED): effect(Phase.SECURED),
        (Phase.UNKNOWN, Turn.PROVEN_FAULT): effect(Phase.FAULT),
        (Phase.UNKNOWN, Turn.CUT_HELD): effect(Phase.UNKNOWN, "secured"),
        (Phase.ISOLATED, Turn.ASKS_INTAKE): effect(Phase.CONTACT_TEST, "link began"),
        (Phase.ISOLATED, Turn.ASKS_SEAL): effect(Phase.AIRLOCK, "drive half", leads=Phase.SEAL),
        (Phase.ISOLATED, Turn.ASKS_SCRUB): effect(Phase.AIRLOCK, leads=Phase.SCRUB),
        (Phase.ISOLATED, Turn.ASKS_RECOVERY): effect(Phase.AIRLOCK, "recovery latched", leads=Phase.RECOVERY),
        (Phase.ISOLATED, Turn.ASKS_ISOLATED): effect(Phase.ISOLATED),
        (Phase.ISOLATED, Turn.ASKS_SECURED): effect(Phase.SECURED, "secured"),
        (Phase.ISOLATED, Turn.CUT_HELD): effect(Phase.SECURED, "secured"),
        (Phase.SECURED, Turn.ASKS_SECURED): effect(Phase.SECURED),
        (Phase.FAULT, Turn.CUT_HELD): effect(Phase.FAULT, "secured"),
    }
    if phase is Phase.AIRLOCK:
        return _airlock(turn)
    return rules.get((phase, turn))


def _airlock(turn: Turn) -> Effect | None:
    if turn.name.startswith("RESTARTED_"):
        return effect(Phase[turn.name.removeprefix("RESTARTED_")])
    if turn is Turn.CUT_HELD:
        return effect(Phase.AIRLOCK, "secured", leads=Phase.ISOLATED)
    return HOME if turn in (Turn.TIME_OVER, Turn.CLOCK_LOST, Turn.KEY_RELEASED, Turn.CUT_PRESSED) else None


def observed(start: State, phase: Phase, turn: Turn) -> Effect:
    """What the model's own table makes of the turn."""
    before = _state(start, phase)
    after = acts.take(before, turn, Cause.SUPPLY_STUCK if turn is Turn.BROKEN else Cause.NONE)
    was, now = before.fram, after.fram
    happened = {
        "link began": after.link_since_ms not in (None, before.link_since_ms),
        "link ended": before.link_since_ms is not None and after.link_since_ms is None,
        "test counted": now.window.tests_failed > was.window.tests_failed,
        "drive half": now.window.drive_half and not was.window.drive_half,
        "recovery latched": now.recovery_latched and not was.recovery_latched,
        "secured": now.secured and not was.secured,
        "fault": now.fault is not Cause.NONE and was.fault is Cause.NONE,
        "unlatched": EventKind.RELEASED in _news(before, after) and not (now.secured or now.fault),
    }
    leads = after.target if after.supply.leaving else None
    does = frozenset(name for name, true in happened.items() if true)
    return Effect(to=after.phase, leads=leads, does=does)


def _news(before: State, after: State) -> list[EventKind]:
    """The kinds of the events that the turn wrote."""
    known = len(before.fram.journal.events)
    return [event.kind for event in after.fram.journal.events[known:]]


def _state(start: State, phase: Phase) -> State:
    """`start` inside its window, moved into `phase` with what belongs to it."""
    now_s = (start.rtc_s or 0) + 5
    policy = start.fram.policy
    assert policy is not None
    found = policy.window_at(now_s)
    assert found is not None, "the start lies just before a window"
    fram = replace(
        start.fram,
        window=UsedWindow(number=1, begin_s=found[0].begin_s),
        exposure=(Span(begin_s=now_s - 3, end_s=now_s + 7),),
        secured=phase is Phase.SECURED,
        fault=Cause.LINK_WITHOUT_ORDER if phase is Phase.FAULT else Cause.NONE,
    )
    return replace(
        start,
        fram=fram,
        phase=phase,
        rtc_s=now_s,
        uptime_ms=start.uptime_ms + 5000,
        supply=Supply(ordered=True),
        target=phase if phase in DRIVES else Phase.ISOLATED,
        link_since_ms=start.uptime_ms + 2000 if phase in LINK else None,
    )


def differences(start: State) -> Iterator[tuple[Phase, Turn]]:
    """Every pair in which the model's table does not do what the rules say."""
    return (pair for pair in product(Phase, Turn) if differs(start, *pair))


def differs(start: State, phase: Phase, turn: Turn) -> bool:
    """Whether this pair does something else than the rules say."""
    wanted = expected(phase, turn)
    if phases.listed(phase, turn) != (wanted is not None):
        return True
    return wanted is not None and observed(start, phase, turn) != wanted
