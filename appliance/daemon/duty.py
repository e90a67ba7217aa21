"""What is due now: a pure decision from the policy's times, the record and the interlock's clock.

Fails to dark: whatever it does not know ends as waiting. Performs nothing; the interlock permits, this only
plans. A window is tried again while its link half lasts, each time after a longer rest.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from appliance.daemon.box import Schedule
from appliance.daemon.record import Record
from appliance.domain.schedule import DAY_S
from appliance.window import calendar
from appliance.window.calendar import Span

TRIES_MAX = 5  # attempts in one window; the interlock grants as many contact tests
REST_S = 90  # s after the first failed attempt; the interlock wants 60 s between two links
LINK_MARGIN_S = 5  # s; an attempt that begins later in its link half pulls nothing
MISSED_DAYS_MAX = 400  # days that are looked back; the count says "400 days" for more
WAIT_S_MAX = DAY_S  # s; nothing is planned further ahead


class Act(StrEnum):
    """What to do."""

    WAIT = "wait"
    WINDOW = "window"
    CLOSE = "close"
    SKIP = "skip"
    SCRUB = "scrub"


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """`span` is the window or slot that it is about; `until_s`: when to ask again at the latest."""

    act: Act
    until_s: int
    span: Span | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """An occurrence of a window, and the end of its link half."""

    span: Span
    link_end_s: int


def opening_now(schedule: Schedule, now_s: int) -> Opening | None:
    """The window that `now_s` lies in."""
    for window in schedule.windows:
        span = calendar.span_now(window.slot, now_s)
        if span is not None:
            return Opening(span=span, link_end_s=span.begin_s + window.link_s)
    return None


def decide(schedule: Schedule, record: Record, now_s: int) -> Decision:
    """What is due. `now_s` 0 or less: nobody knows the time, so nothing is."""
    if now_s <= 0:
        return Decision(act=Act.WAIT, until_s=now_s + 60)
    opening = opening_now(schedule, now_s)
    if not record.closed and (opening is None or opening.span.begin_s != record.window_s):
        return Decision(act=Act.CLOSE, until_s=now_s)
    if opening is not None:
        return _in_window(record, opening, now_s)
    slot = calendar.in_scrub(schedule.scrubs, now_s)
    if slot is not None and record.scrub_s < slot.begin_s:
        return Decision(act=Act.SCRUB, until_s=slot.end_s, span=slot)
    return Decision(act=Act.WAIT, until_s=_next_s(schedule, now_s))


def _in_window(record: Record, opening: Opening, now_s: int) -> Decision:
    span = opening.span
    wait = Decision(act=Act.WAIT, until_s=span.end_s, span=span)
    if record.window_s > span.begin_s:
        return wait  # the clock went back: no window is tried twice
    if record.window_s < span.begin_s:
        if record.skip:
            return Decision(act=Act.SKIP, until_s=span.end_s, span=span)
        if now_s + LINK_MARGIN_S >= opening.link_end_s:
            return wait  # too late for its link half; it is counted as missed when it has passed
        return Decision(act=Act.WINDOW, until_s=span.end_s, span=span)
    if record.closed:
        return wait
    begin_s = max(now_s, record.again_s)
    if record.tries >= TRIES_MAX or begin_s + LINK_MARGIN_S >= opening.link_end_s:
        return Decision(act=Act.CLOSE, until_s=now_s, span=span)
    if now_s < record.again_s:
        return Decision(act=Act.WAIT, until_s=record.again_s, span=span)
    return Decision(act=Act.WINDOW, until_s=span.end_s, span=span)


def rest_s(tries: int) -> int:
    """Seconds to the next attempt after `tries` failed ones."""
    return REST_S << max(0, min(tries, TRIES_MAX) - 1)


def missed(schedule: Schedule, record: Record, now_s: int) -> list[int]:
    """Begins of the windows that have passed untouched, oldest first."""
    after_s = max(record.window_s, record.since_s - 1, now_s - MISSED_DAYS_MAX * DAY_S)
    found = []
    for window in schedule.windows:
        begin_s = calendar.span_next(window.slot, after_s + 1).begin_s
        while begin_s + window.slot.length_s <= now_s:
            found.append(begin_s)
            begin_s += DAY_S
    return sorted(found)


def upcoming(schedule: Schedule, now_s: int, count: int) -> list[Span]:
    """The next windows, the soonest first."""
    found: list[Span] = []
    at_s = now_s
    while schedule.windows and len(found) < count:
        found.append(calendar.next_window(schedule.windows, at_s))
        at_s = found[-1].begin_s + 1
    return found


def _next_s(schedule: Schedule, now_s: int) -> int:
    begins = [now_s + WAIT_S_MAX]
    if schedule.windows:
        begins.append(calendar.next_window(schedule.windows, now_s + 1).begin_s)
    if schedule.scrubs:
        begins.append(calendar.next_scrub(schedule.scrubs, now_s + 1).begin_s)
    return min(begins)
