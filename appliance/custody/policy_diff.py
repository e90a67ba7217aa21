"""What a policy says, and what changes from one to the next, as sentences that a signer understands.

Sentences are message ids with their values; the face translates them. Compares facts, not texts: nothing
that changes a fact is left out (tests/unit/test_policy_diff.py). Decides nothing. THREATS 3.9.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from appliance.custody import line_text
from appliance.custody.policy import DriveGroup, Holder, Policy, SourceLine
from appliance.domain.schedule import Slot, Window
from appliance.words import N_

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One sentence. `risk`: 1 where the change exposes more or weakens something, -1 where less, 0 else."""

    text: str
    values: Mapping[str, object]
    risk: int = 0


def exposure_minutes(policy: Policy) -> float:
    """Minutes a day for which the link may be CONNECTED."""
    return sum(window.link_s for window in policy.windows) / 60


def changes(old: Policy, new: Policy) -> list[Line]:
    """Every difference that a person has to know, the effect first."""
    return [
        *_effect(old, new),
        *_set(old.windows, new.windows, _window, (N_("+ window {item}"), N_("- window {item}")), 1),
        *_set(old.scrubs, new.scrubs, _slot, (N_("+ scrub slot {item}"), N_("- scrub slot {item}")), 0),
        *_sources(old, new),
        *_set(old.groups, new.groups, _group, (N_("+ drives {item}"), N_("- drives {item}")), 0),
        *_delay(old, new),
        *_people(old, new),
        *_keys(old, new),
    ]


def described(policy: Policy) -> list[Line]:
    """The policy itself, for reading."""
    lines = [
        Line(text=N_("policy {version}"), values={"version": policy.version}),
        Line(
            text=N_("{quorum} of {count} holders decide; {hardware} of them have hardware tokens"),
            values={
                "quorum": policy.quorum,
                "count": len(policy.holders),
                "hardware": sum(holder.has_hardware for holder in policy.holders),
            },
        ),
        Line(
            text=N_("windows per day {count}: exposure {minutes} min"),
            values={"count": len(policy.windows), "minutes": _number(exposure_minutes(policy))},
        ),
        *(Line(text=N_("  window {item}"), values={"item": _window(item)}) for item in policy.windows),
        *(Line(text=N_("  scrub slot {item}"), values={"item": _slot(item)}) for item in policy.scrubs),
        *(Line(text=N_("  source {item}"), values={"item": _source(item)}) for item in policy.sources),
        *(Line(text=N_("  drives {item}"), values={"item": _group(item)}) for item in policy.groups),
        Line(
            text=N_("a change takes effect after {delay}; until then any one holder may veto it"),
            values={"delay": line_text.write_duration(policy.delay)},
        ),
    ]
    return [*lines, *(_holder_line(N_("  holder {number}: {key}"), one) for one in policy.holders)]


def _effect(old: Policy, new: Policy) -> Iterator[Line]:
    before, after = exposure_minutes(old), exposure_minutes(new)
    counts = len(old.windows), len(new.windows)
    if (before, counts[0]) != (after, counts[1]):
        yield Line(
            text=N_("windows per day {before} -> {after}: exposure {less} -> {more} min"),
            values={
                "before": counts[0],
                "after": counts[1],
                "less": _number(before),
                "more": _number(after),
            },
            risk=(after > before) - (after < before) or (counts[1] > counts[0]) - (counts[1] < counts[0]),
        )


def _set(
    old: Sequence[_T],
    new: Sequence[_T],
    shown: Callable[[_T], str],
    texts: tuple[str, str],
    risk: int,
) -> Iterator[Line]:
    added, removed = texts
    for item in new:
        if item not in old:
            yield Line(text=added, values={"item": shown(item)}, risk=risk)
    for item in old:
        if item not in new:
            yield Line(text=removed, values={"item": shown(item)}, risk=-risk)
    if set(old) == set(new) and tuple(old) != tuple(new):
        yield Line(text=N_("lines `{item}` in another order"), values={"item": shown(new[0]).split()[0]})


def _sources(old: Policy, new: Policy) -> Iterator[Line]:
    before = {source.name: source for source in old.sources}
    after = {source.name: source for source in new.sources}
    for name, source in after.items():
        if name not in before:
            yield Line(text=N_("+ source {item}"), values={"item": _source(source)})
        elif before[name] != source:
            yield Line(
                text=N_("source {name}: {before} -> {after}"),
                values={"name": name, "before": _place(before[name]), "after": _place(source)},
                risk=1,
            )
    for name, source in before.items():
        if name not in after:
            text = N_("- source {item}: it is backed up no more; what is stored stays")
            yield Line(text=text, values={"item": _source(source)}, risk=1)
    if list(before) != list(after) and set(before) == set(after):
        yield Line(text=N_("lines `{item}` in another order"), values={"item": "source"})


def _delay(old: Policy, new: Policy) -> Iterator[Line]:
    if old.delay != new.delay:
        before, after = old.delay.seconds, new.delay.seconds
        yield Line(
            text=N_("the delay in which one holder can stop a change: {before} -> {after}"),
            values={
                "before": line_text.write_duration(old.delay),
                "after": line_text.write_duration(new.delay),
            },
            risk=(after < before) - (after > before),
        )


def _people(old: Policy, new: Policy) -> Iterator[Line]:
    if (old.quorum, len(old.holders)) != (new.quorum, len(new.holders)):
        yield Line(
            text=N_("quorum {before} of {count} -> {after} of {total}"),
            values={
                "before": old.quorum,
                "count": len(old.holders),
                "after": new.quorum,
                "total": len(new.holders),
            },
            risk=(new.quorum < old.quorum) - (new.quorum > old.quorum),
        )
    for holder in new.holders:
        if holder not in old.holders:
            yield _holder_line(N_("+ holder {number}: {key}"), holder, risk=1)
    for holder in old.holders:
        if holder not in new.holders:
            yield _holder_line(N_("- holder {number}: {key}"), holder, risk=1)


def _keys(old: Policy, new: Policy) -> Iterator[Line]:
    if old.generations != new.generations:
        yield Line(
            text=N_("vault keys: generation {before} -> {after}"),
            values={"before": old.generation.number, "after": new.generation.number},
            risk=1,
        )
    for name, before, after in (
        ("log", old.log_key, new.log_key),
        ("witness", old.witness_key, new.witness_key),
    ):
        if before != after:
            yield Line(text=N_("another key of the {name}"), values={"name": name}, risk=1)


def _holder_line(text: str, holder: Holder, risk: int = 0) -> Line:
    kind = "P-256" if holder.has_hardware else "Ed25519"
    return Line(text=text, values={"number": holder.number, "key": f"{kind} {_short(holder)}"}, risk=risk)


def _short(holder: Holder) -> str:
    return line_text.write_key(holder.ssh_key)[:16] + "…"


def _window(window: Window) -> str:
    return f"{_slot(window.slot)} link={line_text.write_duration(window.link)}"


def _slot(slot: Slot) -> str:
    return line_text.write_slot(slot)


def _group(group: DriveGroup) -> str:
    geometry = group.geometry
    mark = " sealed" if group.sealed else ""
    return f"{geometry.data}+{geometry.parity} write={geometry.write_quorum}{mark}"


def _source(source: SourceLine) -> str:
    return f"{source.name} {_place(source)}"


def _place(source: SourceLine) -> str:
    return f"tier={source.tier} path={line_text.write_path(source.path)}"


def _number(minutes: float) -> str:
    return f"{minutes:g}" if minutes == int(minutes) else f"{minutes:.1f}"
