"""The interlock's own event log, carried into the ledger: refusals and faults, and link seconds.

Pure arithmetic over events and entries; asks nobody. Event names are "KIND PHASE CAUSE"; the
interlock counts a refusal by its cause over all phases (PROTOCOL 8.5).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypeAlias

from appliance.domain.phases import Phase
from appliance.format.ledger_entry import AnyEntry, EventCount, Fault, Refused
from appliance.format.ledger_segment import Gap

LoggedEvent: TypeAlias = tuple[int, int, str, int]
"""(sequence, unix seconds, name, count): ports.Interlock.events."""

_REFUSED, _FAULT, _PHASE = "REFUSED", "FAULT", "PHASE"


def read_up_to(entries: Iterable[tuple[int, AnyEntry | Gap]]) -> int:
    """The last event that the ledger has taken over."""
    return max((e.upto for _, e in entries if isinstance(e, Refused | Fault)), default=0)


def news(
    events: Sequence[LoggedEvent], entries: Sequence[tuple[int, AnyEntry | Gap]], phase: Phase, unix_s: int
) -> list[Refused | Fault]:
    """The entries to append for what happened since the ledger last heard of the interlock."""
    upto = max((event[0] for event in events), default=0)
    found: list[Refused | Fault] = []
    refusals = _refusals(events, _sums(entries))
    if refusals:
        found.append(Refused(time=unix_s, phase=phase, upto=upto, counts=refusals))
    faults = _faults(events)
    if faults:
        found.append(Fault(time=unix_s, phase=phase, cause=faults[0].name, upto=upto, counts=faults))
    return found


def link_seconds(events: Sequence[LoggedEvent]) -> int:
    """Seconds that the newest link half lasted, as the interlock's clock measured it; 0 for none."""
    began = ended = None
    for _sequence, unix_s, name, _count in events:
        words = name.split()
        if words[:2] == [_PHASE, Phase.CONTACT_TEST.value]:
            began, ended = unix_s, None
        elif words[:1] == [_PHASE] and began is not None and ended is None and words[1] != Phase.INTAKE.value:
            ended = unix_s
    return ended - began if began is not None and ended is not None else 0


def _sums(entries: Iterable[tuple[int, AnyEntry | Gap]]) -> dict[str, int]:
    """What the ledger already counts per cause of refusal."""
    sums: dict[str, int] = {}
    for _, entry in entries:
        if isinstance(entry, Refused):
            for part in entry.counts:
                sums[_cause(part.name)] = sums.get(_cause(part.name), 0) + part.count
    return sums


def _refusals(events: Sequence[LoggedEvent], before: dict[str, int]) -> tuple[EventCount, ...]:
    """One count per name: what each event adds to its cause's total. A total that does not grow is
    another memory's and counts whole."""
    totals, counts = dict(before), dict[str, EventCount]()
    for _sequence, unix_s, name, total in events:
        if not name.startswith(_REFUSED + " "):
            continue
        fresh = total - totals.get(_cause(name), 0)
        totals[_cause(name)] = total
        added = (fresh if fresh > 0 else total) + (counts[name].count if name in counts else 0)
        counts[name] = EventCount(name=name, count=added, time=unix_s)
    return tuple(counts[name] for name in sorted(counts))


def _faults(events: Sequence[LoggedEvent]) -> tuple[EventCount, ...]:
    """One count per name, of the newest event: a fault is latched and happens once."""
    newest = {name: (count, unix_s) for _, unix_s, name, count in events if name.startswith(_FAULT + " ")}
    return tuple(
        EventCount(name=name, count=newest[name][0], time=newest[name][1]) for name in sorted(newest)
    )


def _cause(name: str) -> str:
    return name.rpartition(" ")[2]
