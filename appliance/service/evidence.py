"""What a report tells of the past, out of the ledger's witnessed entries. Pure: the moment is an argument.

Nothing here is measured by the report itself. `link_s` is what the interlock's clock measured of each link
half; a window in which nothing was committed left no entry, so it is counted as absent, not as dark.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from math import comb

from appliance.custody.policy import Policy
from appliance.domain.geometry import Geometry
from appliance.domain.schedule import DAY_S
from appliance.format.ledger_entry import AnyEntry, Fault, Recovery, Refused, Scrub, Seal
from appliance.format.ledger_segment import Gap

# Assumptions of the durability figure; printed beside it, and replaced on the command line.
FAILURES_PER_YEAR = 0.03  # of one drive: the order of published statistics of large fleets of hard disks
REPLACED_AFTER_DAYS = 30  # until a lost drive is replaced and filled
YEAR_DAYS = 365


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowPast:
    """One window that committed something. Sizes in bytes, `link_s` seconds, `begin_s` unix seconds."""

    number: int
    begin_s: int
    link_s: int
    complete: bool
    bytes_read: int
    bytes_stored: int
    degraded: bool


@dataclass(slots=True)
class Evidence:
    """The entries of a period, sorted by what they prove; `windows` by number."""

    windows: dict[int, WindowPast] = field(default_factory=dict)
    snapshots: list[Seal] = field(default_factory=list)
    refusals: Counter[str] = field(default_factory=Counter)
    faults: list[Fault] = field(default_factory=list)
    scrubs: list[Scrub] = field(default_factory=list)
    recoveries: list[Recovery] = field(default_factory=list)
    gaps: int = 0


def gathered(entries: Iterable[tuple[int, AnyEntry | Gap]], since_s: int) -> Evidence:
    """What happened at `since_s` or later."""
    found = Evidence()
    for _, entry in entries:
        if isinstance(entry, Gap):
            found.gaps += 1
        elif isinstance(entry, Seal):
            if entry.begin >= since_s:
                _add_window(found, entry)
        elif entry.time < since_s:
            continue
        elif isinstance(entry, Refused):
            found.refusals.update({part.name: part.count for part in entry.counts})
        elif isinstance(entry, Fault):
            found.faults.append(entry)
        elif isinstance(entry, Scrub):
            found.scrubs.append(entry)
        elif isinstance(entry, Recovery):
            found.recoveries.append(entry)
    return found


def _add_window(found: Evidence, seal: Seal) -> None:
    """A window may have several entries: the last one tells whether it is complete."""
    before = found.windows.get(seal.window)
    found.windows[seal.window] = WindowPast(
        number=seal.window,
        begin_s=seal.begin,
        link_s=max(seal.link_s, before.link_s if before else 0),
        complete=seal.complete,
        bytes_read=max(seal.bytes_read, before.bytes_read if before else 0),
        bytes_stored=seal.bytes_stored + (before.bytes_stored if before else 0),
        degraded=seal.degraded or bool(before and before.degraded),
    )
    if seal.segments:
        found.snapshots.append(seal)


def exposure(windows: Iterable[WindowPast], offset_s: int, first: int, days: int) -> list[int]:
    """Seconds of link for each local day, `days` of them from day number `first` on (day_of)."""
    per_day = [0] * days
    for window in windows:
        number = day_of(window.begin_s, offset_s) - first
        if 0 <= number < days:
            per_day[number] += window.link_s
    return per_day


def day_of(unix_s: int, offset_s: int) -> int:
    """The number of the local day, from 1970-01-01 on."""
    return (unix_s + offset_s) // DAY_S


def limit_s(policy: Policy) -> int:
    """Seconds of link that the policy allows in a day."""
    return sum(window.link_s for window in policy.windows)


def days_for(needed_s: int, link_s: Sequence[int], windows_per_day: int) -> int | None:
    """Days that an attacker waits who needs `needed_s` of connection and gets the median window's; None
    where no window was measured."""
    measured = sorted(seconds for seconds in link_s if seconds)
    if not measured or not windows_per_day:
        return None
    median = measured[len(measured) // 2]
    windows = -(-needed_s // median)
    return -(-windows // windows_per_day)


def loss_per_year(geometry: Geometry, failures_per_year: float, replaced_after_days: int) -> float:
    """Chance that in one year some drive fails and, before it is replaced, `parity` more do. Independent
    failures at a constant rate; bounded by 1."""
    others, more = geometry.drives - 1, geometry.parity
    in_time = min(1.0, failures_per_year * replaced_after_days / YEAR_DAYS)
    at_least = sum(
        comb(others, count) * in_time**count * (1 - in_time) ** (others - count)
        for count in range(more, others + 1)
    )
    return min(1.0, geometry.drives * failures_per_year * at_least)
