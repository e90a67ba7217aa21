"""What the daemon plans: nothing it does not know, no window twice, and every window that there is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.daemon import duty
from appliance.daemon.box import Schedule
from appliance.daemon.duty import Act
from appliance.daemon.record import Record
from appliance.domain.schedule import DAY_S, Slot, Window

DAY = 20_000 * DAY_S
SLOT = Slot(begin_s=3 * 3600, end_s=5 * 3600, offset_s=0)
SCRUB = Slot(begin_s=6 * 3600, end_s=22 * 3600, offset_s=0)
PLAN = Schedule(windows=(Window.halved(SLOT),), scrubs=(SCRUB,), sources=("docs",))
BEGIN = DAY + SLOT.begin_s


def test_a_window_is_tried_from_its_first_second_and_not_before() -> None:
    assert duty.decide(PLAN, Record(), BEGIN - 1) == duty.Decision(act=Act.WAIT, until_s=BEGIN)
    assert duty.decide(PLAN, Record(), BEGIN).act is Act.WINDOW


@pytest.mark.clause("DAEMON 1.4")
def test_without_a_clock_nothing_is_due() -> None:
    assert duty.decide(PLAN, Record(), 0).act is Act.WAIT


def test_a_closed_window_is_not_tried_again_and_the_next_day_is() -> None:
    record = Record(window_s=BEGIN, closed=True)
    assert duty.decide(PLAN, record, BEGIN + 60).act is Act.WAIT
    assert duty.decide(PLAN, record, BEGIN + DAY_S).act is Act.WINDOW


def test_a_failed_window_rests_longer_each_time_and_ends_with_its_link_half() -> None:
    record = Record(window_s=BEGIN, closed=False, tries=1, again_s=BEGIN + 100)
    assert duty.decide(PLAN, record, BEGIN + 99) == duty.Decision(
        act=Act.WAIT, until_s=BEGIN + 100, span=duty.opening_now(PLAN, BEGIN).span  # type: ignore[union-attr]
    )
    assert duty.decide(PLAN, record, BEGIN + 100).act is Act.WINDOW
    assert duty.decide(PLAN, record, BEGIN + 3600).act is Act.CLOSE
    record.tries = duty.TRIES_MAX
    assert duty.decide(PLAN, record, BEGIN + 100).act is Act.CLOSE
    rests = [duty.rest_s(tries) for tries in range(1, duty.TRIES_MAX + 1)]
    assert rests == sorted(set(rests))
    assert rests[0] > 60, "the interlock's gap"


@pytest.mark.clause("DAEMON 1.4")
def test_a_clock_that_goes_back_tries_no_window_twice() -> None:
    record = Record(window_s=BEGIN + DAY_S, closed=True)
    assert duty.decide(PLAN, record, BEGIN + 60).act is Act.WAIT


def test_a_skipped_window_is_left_out_once() -> None:
    assert duty.decide(PLAN, Record(skip=True), BEGIN).act is Act.SKIP


def test_a_slot_is_scrubbed_once() -> None:
    noon = DAY + 12 * 3600
    assert duty.decide(PLAN, Record(), noon).act is Act.SCRUB
    assert duty.decide(PLAN, Record(scrub_s=DAY + SCRUB.begin_s), noon).act is Act.WAIT


@pytest.mark.parametrize("days", [0, 1, 5])
def test_windows_that_passed_untouched_are_missed_each_once(days: int) -> None:
    record = Record(since_s=DAY, window_s=BEGIN, closed=True)
    later = BEGIN + SLOT.length_s + days * DAY_S
    assert duty.missed(PLAN, record, later) == [BEGIN + n * DAY_S for n in range(1, days + 1)]


def test_a_window_of_before_the_daemons_first_day_is_nobodys() -> None:
    assert not duty.missed(PLAN, Record(since_s=DAY + 8 * 3600), DAY + 9 * 3600)


@given(st.integers(DAY, DAY + 3 * DAY_S), st.integers(DAY - DAY_S, DAY + 3 * DAY_S), st.booleans(),
       st.integers(0, 6))  # fmt: skip
def test_whatever_is_remembered_a_window_is_tried_in_its_link_half_only(
    now_s: int, window_s: int, closed: bool, tries: int
) -> None:
    record = Record(window_s=window_s, closed=closed, tries=tries)
    decision = duty.decide(PLAN, record, now_s)
    if decision.act is Act.WINDOW:
        opening = duty.opening_now(PLAN, now_s)
        assert opening is not None
        assert opening.span.begin_s <= now_s < opening.link_end_s
        assert opening.span.begin_s >= record.window_s
    assert decision.until_s >= now_s
