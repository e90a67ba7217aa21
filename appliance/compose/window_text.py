"""The schedule of a new appliance from what was typed: `HH:MM[:SS]-HH:MM[:SS] daily [+hh:mm]`."""

from __future__ import annotations

import re

from appliance.domain.schedule import DAY_S, Slot, Window
from appliance.errors import UsageError

JAPAN_S = 9 * 3600  # s ahead of UTC; the default, because the box's operators live there
SCRUB_AFTER_S = 3600  # s between a window's end and the scrub slot, and before the next window
SCRUB_S_MAX = 16 * 3600  # s; a working day and its evening, when somebody hears the drives
SCRUB_S_MIN = 600  # s; less would scrub nothing
WINDOW_S_MIN = 4  # s; a link half and a drive half of two seconds: for tests of what ends early
_TEXT = re.compile(
    r"(\d\d):([0-5]\d)(?::([0-5]\d))?-(\d\d):([0-5]\d)(?::([0-5]\d))?"
    r" +daily(?: +([+-])(\d\d):([0-5]\d))?",
    re.ASCII,
)
_HOURS = 24


def parse(text: str) -> Window:
    """The window with its link half: half the window, at most what the firmware allows."""
    found = _TEXT.fullmatch(text.strip())
    if found is None:
        raise UsageError(detail=f"--window {text}: it has the form 03:00-05:00 daily +09:00")
    begin_s, end_s = _seconds(found[1], found[2], found[3]), _seconds(found[4], found[5], found[6])
    offset_s = JAPAN_S if found[7] is None else _offset(found[7], found[8], found[9])
    slot = Slot(begin_s=begin_s, end_s=end_s, offset_s=offset_s)
    if begin_s == end_s or slot.length_s < WINDOW_S_MIN:
        raise UsageError(detail=f"--window {text}: it must be at least {WINDOW_S_MIN} s long")
    return Window.halved(slot)


def scrub_slot(window: Window) -> Slot:
    """One slot a day, an hour clear of the window on both sides."""
    slot = window.slot
    length_s = min(SCRUB_S_MAX, DAY_S - slot.length_s - 2 * SCRUB_AFTER_S)
    if length_s < SCRUB_S_MIN:
        raise UsageError(detail="the window leaves no time of day for scrubbing")
    begin_s = (slot.end_s + SCRUB_AFTER_S) % DAY_S
    return Slot(begin_s=begin_s, end_s=(begin_s + length_s) % DAY_S, offset_s=slot.offset_s)


def _seconds(hours: str, minutes: str, seconds: str | None) -> int:
    if int(hours) >= _HOURS:
        raise UsageError(detail=f"--window: there is no hour {hours}")
    return int(hours) * 3600 + int(minutes) * 60 + int(seconds or 0)


def _offset(sign: str, hours: str, minutes: str) -> int:
    offset_s = int(hours) * 3600 + int(minutes) * 60
    return -offset_s if sign == "-" else offset_s
