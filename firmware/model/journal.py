"""The interlock's own event log: what happened, and what was refused how often (PROTOCOL 8.5).

A flood cannot fill it: equal refusals share one counter, and become an event only at the powers of
ten and after an hour of quiet.
"""

from __future__ import annotations

from firmware.model.fram import Journal, Refusal
from firmware.model.limits import EVENTS_MAX, REFUSAL_QUIET_S
from firmware.wire.codes import Cause, EventKind, Phase
from firmware.wire.messages import Event

COUNT_MAX = 2**32 - 1  # the counter's field; it stays there


def note(
    journal: Journal, *, time_s: int, kind: EventKind, phase: Phase, cause: Cause, count: int = 1
) -> Journal:
    """One more event; the oldest is forgotten when the ring is full."""
    event = Event(
        sequence=journal.newest + 1, time_s=time_s, kind=kind, phase=phase, cause=cause, count=count
    )
    events = (*journal.events, event)[-EVENTS_MAX:]
    return Journal(newest=event.sequence, events=events, refusals=journal.refusals)


def power_on(journal: Journal, *, time_s: int) -> Journal:
    """A power-on right after a power-on raises that event's count, so that many do not hide the rest."""
    last = journal.events[-1] if journal.events else None
    if last is None or last.kind is not EventKind.POWER_ON:
        return note(journal, time_s=time_s, kind=EventKind.POWER_ON, phase=Phase.UNKNOWN, cause=Cause.STARTED)
    again = Event(
        sequence=last.sequence,
        time_s=time_s,
        kind=last.kind,
        phase=last.phase,
        cause=last.cause,
        count=min(last.count + 1, COUNT_MAX),
    )
    return Journal(newest=journal.newest, events=(*journal.events[:-1], again), refusals=journal.refusals)


def refuse(journal: Journal, *, time_s: int, phase: Phase, cause: Cause, count: int = 1) -> Journal:
    """`cause` was met `count` times more."""
    before = next((one for one in journal.refusals if one.cause is cause), None)
    total = min((before.count if before else 0) + count, COUNT_MAX)
    others = tuple(one for one in journal.refusals if one.cause is not cause)
    refusals = (*others, Refusal(cause=cause, count=total, last_s=time_s))
    after = Journal(newest=journal.newest, events=journal.events, refusals=refusals)
    quiet = before is None or time_s - before.last_s >= REFUSAL_QUIET_S
    if not quiet and len(str(total)) == len(str(before.count if before else 0)):
        return after
    return note(after, time_s=time_s, kind=EventKind.REFUSED, phase=phase, cause=cause, count=total)


def refused(journal: Journal) -> int:
    """All refusals of requests, wire faults apart."""
    return min(COUNT_MAX, sum(one.count for one in journal.refusals if one.cause < Cause.WIRE_CORRUPT))


def wire_faults(journal: Journal) -> int:
    """All faults of the wire."""
    return min(COUNT_MAX, sum(one.count for one in journal.refusals if one.cause >= Cause.WIRE_CORRUPT))


def last_refused(journal: Journal) -> Cause:
    """The newest refusal's cause."""
    causes = [one.cause for one in journal.refusals if one.cause < Cause.WIRE_CORRUPT]
    return causes[-1] if causes else Cause.NONE


def after(journal: Journal, sequence: int) -> Event | None:
    """The oldest event behind `sequence`."""
    return next((event for event in journal.events if event.sequence > sequence), None)
