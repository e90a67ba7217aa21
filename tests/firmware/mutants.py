"""Planted bugs: each breaks one promise in the model; the harness has to notice every one of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

import pytest

from firmware.model import (
    acts,
    authority,
    exposure,
    fram,
    levels,
    limits,
    permits,
    phases,
    restart,
    step,
    supervision,
    ticking,
    witness,
)
from firmware.model.phases import Act, Turn
from firmware.wire.codes import Cause, Phase

Plant = Callable[[pytest.MonkeyPatch], None]


@dataclass(frozen=True, slots=True)
class Mutant:
    """`breaks`: the invariant whose name the harness should report."""

    name: str
    breaks: str
    plant: Plant


def row(phase: Phase, event: Turn, after: phases.Row | None) -> Plant:
    """Changes one row of the table, or takes it away."""

    def plant(patch: pytest.MonkeyPatch) -> None:
        table = dict(phases.TABLE)
        if after is None:
            del table[phase, event]
        else:
            table[phase, event] = after
        frozen = MappingProxyType(table)
        for module in (phases, acts):
            patch.setattr(module, "TABLE", frozen)

    return plant


def swap(module: Any, name: str, value: Any) -> Plant:
    return lambda patch: patch.setattr(module, name, value)


def both(*plants: Plant) -> Plant:
    def plant(patch: pytest.MonkeyPatch) -> None:
        for one in plants:
            one(patch)

    return plant


_link = permits.link
_drives = permits.drives
_never = permits.never
_levels = levels.of
_clock = ticking._clock
_append = witness.append
_power_on = step._power_on


def _ignoring(function: Callable[..., Cause], *causes: Cause) -> Callable[..., Cause]:
    def judged(*args: Any) -> Cause:
        found = function(*args)
        return Cause.NONE if found in causes else found

    return judged


def _forgetful(event: Any) -> Any:
    state = _power_on(event)
    blank = replace(state.fram, fault=Cause.NONE, secured=False)
    return replace(state, fram=blank)


def _amnesia(event: Any) -> Any:
    """Takes the older of the two records."""
    records = [fram.decode(slot) for slot in (event.fram_bytes_slot_a, event.fram_bytes_slot_b)]
    sound = [record for record in records if record is not None]
    old = min(sound, key=lambda record: record.sequence)
    state = _power_on(event)
    return replace(state, fram=old, saved=old)


def _two_heads(record: fram.Fram, request: Any, now_s: int) -> fram.Fram | Cause:
    if request.size == record.log.size:
        return replace(record, log=replace(record.log, last_leaf=request.leaf_hash, last_time_s=now_s))
    return _append(record, request, now_s)


def _restamped(record: fram.Fram, request: Any, now_s: int) -> fram.Fram | Cause:
    """The same leaf with a new time: a second signed head, and nothing in memory tells."""
    after = _append(record, request, now_s)
    if after is record:
        object.__setattr__(record.log, "last_time_s", now_s)
    return after


def _any_clock(state: Any, rtc_s: int | None) -> Any:
    return replace(_clock(state, rtc_s), rtc_s=rtc_s)


def _eager(state: Any) -> Any:
    """Feeds the drives while the link is still up."""
    drive = _levels(state)
    if state.phase is Phase.INTAKE:
        return replace(drive, permit_drives=True, drive_mask=7)
    return drive


def _never_dirty(state: Any) -> Any:
    return _levels(replace(state, clean=True))


_DIRTY = (Phase.SEAL, (Act.END_LINK, Act.BEGIN_DRIVE_HALF))

MUTANTS = (
    Mutant(
        "link permitted outside the window",
        "I1",
        swap(permits, "link", _ignoring(_link, Cause.OUTSIDE_WINDOW, Cause.LINK_HALF_OVER)),
    ),
    Mutant("heartbeat never lost", "I14", swap(permits, "heartbeat_fresh", lambda _: True)),
    Mutant(
        "heartbeat counted from its arrival, however old",
        "I14",
        swap(limits, "ECHO_CREDIT_MS", 1_000_000),
    ),
    Mutant("CUT ignored", "I14", swap(permits, "never", _ignoring(_never, Cause.CUT_PRESSED))),
    Mutant("fault not latched", "I2", row(Phase.ISOLATED, Turn.BROKEN, (Phase.ISOLATED, ()))),
    Mutant(
        "drives in the wrong time",
        "I1",
        swap(permits, "drives", _ignoring(_drives, Cause.OUTSIDE_WINDOW, Cause.ORDER_EXPIRED)),
    ),
    Mutant(
        "recovery without the key switch",
        "I1",
        swap(permits, "drives", _ignoring(_drives, Cause.KEY_NOT_TURNED)),
    ),
    Mutant("drives fed during intake", "I3", swap(levels, "of", _eager)),
    Mutant(
        "no restart between intake and seal",
        "I3",
        both(row(Phase.INTAKE, Turn.DONE, _DIRTY), swap(levels, "of", _never_dirty)),
    ),
    Mutant("restart without the supply seen dark", "I3", swap(restart, "off_needed_ms", lambda _: 0)),
    Mutant(
        "link after recovery without a long restart",
        "I4",
        swap(limits, "RECOVERY_OFF_MS", 1000),
    ),
    Mutant("exposure forgotten", "I1", swap(exposure, "used_s", lambda *_: 0)),
    Mutant("no gap", "GAP", swap(permits, "gap_left_s", lambda _: 0)),
    Mutant("welds unnoticed", "I2", swap(supervision, "outlasted", lambda _: Cause.NONE)),
    Mutant("the older memory taken", "I5", swap(step, "_power_on", _amnesia)),
    Mutant("faults and SECURED forgotten at reset", "I5", swap(step, "_power_on", _forgetful)),
    Mutant("clock believed when it goes back", "I1", swap(ticking, "_clock", _any_clock)),
    Mutant("order nonces forgotten", "I5", swap(authority, "live_nonces", lambda _: ())),
    Mutant("two heads for one size", "I5", swap(witness, "append", _two_heads)),
    Mutant("a retry gets another answer", "I10", swap(witness, "append", _restamped)),
    Mutant("a needed row is missing", "TABLE", row(Phase.INTAKE, Turn.HEARTBEAT_LOST, None)),
    Mutant("SECURED not latched", "I5", row(Phase.ISOLATED, Turn.ASKS_SECURED, (Phase.SECURED, ()))),
)

__all__ = ["MUTANTS", "Mutant", "row"]
