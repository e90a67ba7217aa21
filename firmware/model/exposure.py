"""How long the link was permitted in the last 24 hours (PROTOCOL 5.4).

A ring of spans. The newest is charged ahead and persisted before the link is permitted, so a power
cut can make the box believe in too much exposure, never in too little.
"""

from __future__ import annotations

from firmware.model.facts import Span
from firmware.model.limits import CHARGE_S, DAY_S, LINKS_MAX

Ring = tuple[Span, ...]


def used_s(ring: Ring, now_s: int) -> int:
    """Seconds of exposure in the 24 hours that end now."""
    since = now_s - DAY_S
    return sum(max(0, min(span.end_s, now_s) - max(span.begin_s, since)) for span in ring)


def full(ring: Ring, now_s: int) -> bool:
    """Whether another link would make the ring forget one of the last 24 hours."""
    return len(_living(ring, now_s)) >= LINKS_MAX


def begin(ring: Ring, now_s: int) -> Ring:
    """A link begins now."""
    return (*_living(ring, now_s), Span(begin_s=now_s, end_s=now_s + CHARGE_S))


def charge(ring: Ring, now_s: int) -> Ring:
    """The link goes on: charged ahead again once less than a second of the charge is left."""
    span = ring[-1]
    if now_s + 1 < span.end_s:
        return ring
    return (*ring[:-1], Span(begin_s=span.begin_s, end_s=now_s + CHARGE_S))


def end(ring: Ring, now_s: int, held_s: int) -> Ring:
    """The link ended now after `held_s` seconds by the uptime counter; the longer of both clocks counts."""
    span = ring[-1]
    return (*ring[:-1], Span(begin_s=span.begin_s, end_s=max(now_s + 1, span.begin_s + held_s)))


def moved(ring: Ring, by_s: int, now_s: int) -> Ring:
    """The clock was set to `now_s`, `by_s` seconds later than it showed: what was spent stays spent. What
    would lie before 1970 or in the future counts as spent just now."""
    return tuple(_recent(span, by_s, now_s) for span in ring)


def _recent(span: Span, by_s: int, now_s: int) -> Span:
    length_s = span.end_s - span.begin_s
    end_s = min(now_s, span.end_s + by_s)
    return Span(begin_s=max(0, end_s - length_s), end_s=max(end_s, min(length_s, now_s)))


def _living(ring: Ring, now_s: int) -> Ring:
    return tuple(span for span in ring if span.end_s > now_s - DAY_S)
