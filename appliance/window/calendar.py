"""When a daily slot comes next, and whether it is now. Pure: the moment is an argument, in Unix seconds.

Local days have a fixed offset from UTC, so an occurrence begins every 86,400 s, on any date. The
interlock decides by its own clock and its own copy of this rule (firmware/model) and tells when the next
window is; only whoever plans a scrub asks here.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from appliance.domain.schedule import DAY_S, Slot, Window


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """One occurrence of a slot: Unix seconds, half-open."""

    begin_s: int
    end_s: int


def span_now(slot: Slot, unix_s: int) -> Span | None:
    """The occurrence that `unix_s` lies in."""
    begin = unix_s - (unix_s - slot.begin_utc_s) % DAY_S
    return Span(begin_s=begin, end_s=begin + slot.length_s) if unix_s < begin + slot.length_s else None


def span_next(slot: Slot, unix_s: int) -> Span:
    """The first occurrence that begins at `unix_s` or later."""
    begin = unix_s + (slot.begin_utc_s - unix_s) % DAY_S
    return Span(begin_s=begin, end_s=begin + slot.length_s)


def in_scrub(slots: Iterable[Slot], unix_s: int) -> Span | None:
    """The scrub slot that `unix_s` lies in; of several the one that ends last."""
    spans = [span for slot in slots if (span := span_now(slot, unix_s)) is not None]
    return max(spans, key=lambda span: span.end_s, default=None)


def next_scrub(slots: Iterable[Slot], unix_s: int) -> Span:
    """The first scrub slot that begins at `unix_s` or later. ValueError if there are none."""
    return min((span_next(slot, unix_s) for slot in slots), key=lambda span: span.begin_s)


def scrub_from(slots: Sequence[Slot], unix_s: int) -> int:
    """`unix_s` where it lies in a scrub slot, else when the next one begins."""
    return unix_s if in_scrub(slots, unix_s) is not None else next_scrub(slots, unix_s).begin_s


def next_window(windows: Iterable[Window], unix_s: int) -> Span:
    """The first window that begins at `unix_s` or later. ValueError if there are none."""
    return min((span_next(window.slot, unix_s) for window in windows), key=lambda span: span.begin_s)
