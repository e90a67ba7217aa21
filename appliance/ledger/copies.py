"""One drive's copy of the ledger held against the one history: what it holds, lacks and contradicts.

An absent drive may be behind and a crash may leave an entry that was never witnessed; both are notices.
Everything else that differs is tampering or damage, and names the drive. FORMAT 7.5.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from appliance.format.ledger_segment import Gap
from appliance.ledger import checkpoint
from appliance.ledger.growth import Link
from appliance.ledger.verdict import Finding, Kind

LEFTOVER_ENTRIES_MAX = 16  # entries; leaves are witnessed one by one, so a crash leaves few behind it

Span: TypeAlias = tuple[int, int]
"""Entries from the first number up to, not including, the second."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Copy:
    """The ledger files of one drive (or of staging) by name; `label` is shown to people."""

    label: str
    segments: Mapping[str, bytes] = field(default_factory=dict)
    checkpoints: Mapping[str, bytes] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Truth:
    """The one history as far as it is known. `laid` are the links that its states lead to; `excused`
    the entries that the ledger itself says are lost; `intact` as in the verdict."""

    leaves: Sequence[bytes]
    gaps: frozenset[int]
    laid: frozenset[Link]
    excused: frozenset[int]
    intact: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """What one copy holds: `spans` of true entries, the indices at which it `forks`, the sizes of the
    checkpoints that are `refused` and to be written again, its findings."""

    label: str
    spans: tuple[Span, ...]
    forks: tuple[int, ...]
    refused: tuple[int, ...]
    tampering: tuple[Finding, ...]
    notices: tuple[Finding, ...]

    def lacking(self, size: int) -> tuple[Span, ...]:
        """The spans of the first `size` entries that this copy does not hold."""
        return _holes(self.spans, size)


def survey(
    label: str, segments: Mapping[str, Link | None], checkpoints: Mapping[str, bool], truth: Truth
) -> Holding:
    """Hold one copy against the truth. A file that is unreadable or not what its name says is None,
    a checkpoint that does not verify False."""
    spans: list[Span] = []
    forks: dict[int, list[Link]] = defaultdict(list)
    damaged: list[str] = []
    for name, link in segments.items():
        agreeing = _agreeing(link, truth) if link else 0
        if link is None or (agreeing == len(link.leaves) and truth.intact and link not in truth.laid):
            damaged.append(name)  # true entries under a false root are no segment of this history
            continue
        spans += _held(link, agreeing, truth)
        known = truth.intact or link in truth.laid or link.segment.first < len(truth.leaves)
        if agreeing < len(link.leaves) and known:
            forks[link.segment.first + agreeing].append(link)
    merged = _merge(spans)
    tampering: list[Finding] = []
    notices: list[Finding] = []
    _judge_holes(label, merged, forks, tampering)
    _judge_forks(label, merged, forks, truth, (tampering, notices))
    whole = not tampering and merged == (((0, len(truth.leaves)),) if truth.leaves else ())
    for name in damaged:
        kind = Kind.DAMAGE_REPLACED if whole else Kind.COPY_DAMAGED
        (notices if whole else tampering).append(Finding(kind=kind, where=label, detail=name))
    refused = _judge_checkpoints(label, checkpoints, (tampering, notices))
    if not whole and not tampering:
        held = merged[0][1] if merged else 0
        notices.append(Finding(kind=Kind.BEHIND, where=label, index=held, other=len(truth.leaves)))
    return Holding(
        label=label,
        spans=merged,
        forks=tuple(sorted(forks)),
        refused=refused,
        tampering=tuple(tampering),
        notices=tuple(notices),
    )


def _judge_checkpoints(
    label: str, checkpoints: Mapping[str, bool], findings: tuple[list[Finding], list[Finding]]
) -> tuple[int, ...]:
    """Sizes of the checkpoints that do not hold and are not there a second time."""
    tampering, notices = findings
    good = {checkpoint.size_named(name) for name, holds in checkpoints.items() if holds}
    refused = {name: checkpoint.size_named(name) for name, holds in checkpoints.items() if not holds}
    for name, size in refused.items():
        replaced = size is not None and size in good
        kind = Kind.DAMAGE_REPLACED if replaced else Kind.CHECKPOINT_REFUSED
        (notices if replaced else tampering).append(Finding(kind=kind, where=label, detail=name))
    return tuple(sorted({size for size in refused.values() if size is not None and size not in good}))


def _judge_holes(
    label: str, spans: Sequence[Span], forks: Mapping[int, Sequence[Link]], tampering: list[Finding]
) -> None:
    """Whoever holds a later entry held the earlier ones."""
    for begin, _ in _holes(spans, spans[-1][1] if spans else 0):
        kind = Kind.COPY_ALTERED if begin in forks else Kind.COPY_MISSING
        tampering.append(Finding(kind=kind, where=label, index=begin))


def _judge_forks(
    label: str,
    spans: Sequence[Span],
    forks: Mapping[int, Sequence[Link]],
    truth: Truth,
    findings: tuple[list[Finding], list[Finding]],
) -> None:
    """A fork beside the true entry, or a short one where this copy ends, is what a crash leaves."""
    tampering, notices = findings
    top = spans[-1][1] if spans else 0
    beyond = [index for index in sorted(forks) if index >= top]
    for index in forks:
        if _covers(spans, index):
            notices.append(Finding(kind=Kind.SUPERSEDED, where=label, index=index))
    if beyond:
        links = [link for index in beyond for link in forks[index]]
        length = max(link.segment.end for link in links) - top
        fits = beyond[0] == top and length <= LEFTOVER_ENTRIES_MAX and truth.laid.issuperset(links)
        kind = Kind.SUPERSEDED if fits else Kind.COPY_FORKED
        (notices if fits else tampering).append(Finding(kind=kind, where=label, index=beyond[0]))


def _agreeing(link: Link, truth: Truth) -> int:
    """How many of the link's first leaves are the history's."""
    true = tuple(truth.leaves[link.segment.first : link.segment.end])
    if true == link.leaves:
        return len(true)
    pairs = enumerate(zip(true, link.leaves, strict=False))
    return next((number for number, (ours, theirs) in pairs if ours != theirs), len(true))


def _held(link: Link, agreeing: int, truth: Truth) -> list[Span]:
    """The link's true records, cut where it has a bare hash although the entry is known elsewhere."""
    begin, spans = link.segment.first, list[Span]()
    for number, record in enumerate(link.segment.records[:agreeing], link.segment.first):
        if isinstance(record, Gap) and number not in truth.gaps | truth.excused:
            spans.append((begin, number))
            begin = number + 1
    return [*spans, (begin, link.segment.first + agreeing)]


def _merge(spans: Sequence[Span]) -> tuple[Span, ...]:
    merged: list[Span] = []
    for begin, end in sorted(span for span in spans if span[0] < span[1]):
        if merged and begin <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], end))
        else:
            merged.append((begin, end))
    return tuple(merged)


def _holes(spans: Sequence[Span], size: int) -> tuple[Span, ...]:
    edges = [0, *(edge for span in spans for edge in span), size]
    return tuple(
        (end, begin) for end, begin in zip(edges[::2], edges[1::2], strict=True) if end < begin
    )


def _covers(spans: Sequence[Span], index: int) -> bool:
    return any(begin <= index < end for begin, end in spans)
