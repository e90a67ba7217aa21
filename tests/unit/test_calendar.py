"""Daily slots on the line of Unix seconds, against a plain walk through local time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.domain.schedule import Slot
from appliance.window import calendar

DAY = 86_400
SLOTS = st.builds(
    Slot,
    begin_s=st.integers(0, DAY - 1),
    end_s=st.integers(0, DAY - 1),
    offset_s=st.integers(-12 * 60, 14 * 60).map(lambda minutes: minutes * 60),
)
MOMENTS = st.integers(1_500_000_000, 2_500_000_000)


def local_second(slot: Slot, unix_s: int) -> int:
    """The second of the slot's local day, by the standard library's calendar."""
    zone = timezone(timedelta(seconds=slot.offset_s))
    moment = datetime.fromtimestamp(unix_s, tz=zone)
    return moment.hour * 3600 + moment.minute * 60 + moment.second


def inside(slot: Slot, unix_s: int) -> bool:
    second = local_second(slot, unix_s)
    if slot.begin_s < slot.end_s:
        return slot.begin_s <= second < slot.end_s
    return second >= slot.begin_s or second < slot.end_s


@given(SLOTS, MOMENTS)
def test_a_moment_lies_in_the_slot_exactly_when_the_wall_clock_says_so(slot: Slot, unix_s: int) -> None:
    span = calendar.span_now(slot, unix_s)
    assert (span is not None) == inside(slot, unix_s)
    if span is not None:
        assert span.begin_s <= unix_s < span.end_s == span.begin_s + slot.length_s


@given(SLOTS, MOMENTS)
def test_the_next_occurrence_begins_within_a_day_at_the_slots_local_time(slot: Slot, unix_s: int) -> None:
    span = calendar.span_next(slot, unix_s)
    assert unix_s <= span.begin_s < unix_s + DAY
    assert local_second(slot, span.begin_s) == slot.begin_s
    assert inside(slot, span.begin_s)
    assert not inside(slot, span.end_s) or slot.length_s == DAY


NIGHT = Slot(begin_s=23 * 3600, end_s=3600, offset_s=9 * 3600)
NOON = Slot(begin_s=12 * 3600, end_s=13 * 3600, offset_s=9 * 3600)
TEN = int(datetime(2026, 11, 23, 1, 0, tzinfo=UTC).timestamp())  # 10:00 in Japan


def test_the_nearest_of_several_slots_comes_next() -> None:
    noon = calendar.next_scrub([NIGHT, NOON], TEN)
    assert noon.begin_s - TEN == 2 * 3600
    assert calendar.next_scrub([NIGHT, NOON], noon.begin_s + 1).begin_s - TEN == 13 * 3600


def test_a_slot_across_midnight_is_one_slot() -> None:
    after_midnight = TEN + 14 * 3600 + 60
    now = calendar.in_scrub([NOON, NIGHT], after_midnight)
    assert now is not None
    assert (now.begin_s, now.end_s) == (TEN + 13 * 3600, TEN + 15 * 3600)


def test_at_its_very_end_a_slot_is_over_and_at_its_begin_it_is_now() -> None:
    begin = TEN + 2 * 3600
    assert calendar.in_scrub([NOON], begin + 3600) is None
    assert calendar.in_scrub([NOON], begin) == calendar.next_scrub([NOON], begin)


def test_of_slots_that_overlap_the_one_that_ends_last_counts() -> None:
    slots = [Slot(begin_s=0, end_s=60, offset_s=0), Slot(begin_s=30, end_s=120, offset_s=0)]
    day = TEN - TEN % DAY
    found = calendar.in_scrub(slots, day + 40)
    assert found is not None
    assert found.end_s == day + 120
    assert calendar.in_scrub(slots, day + 120) is None
    assert calendar.next_scrub(slots, day + 1).begin_s == day + 30


@pytest.mark.planted
def test_a_calendar_that_forgets_the_offset_is_caught() -> None:
    wrong = Slot(begin_s=NOON.begin_s, end_s=NOON.end_s, offset_s=0)
    assert any(
        (calendar.span_now(wrong, TEN + step) is not None) != inside(NOON, TEN + step)
        for step in range(0, DAY, 600)
    )
