"""Alarms: an acknowledgement is for one occurrence, and what is over is said to be over."""

from __future__ import annotations

import pytest

from appliance.daemon import alarms, overdue
from appliance.daemon.alarm_table import ALARMS_MAX, TABLE
from appliance.daemon.box import Room
from appliance.daemon.record import Past, Record, decode, encode
from appliance.domain.schedule import DAY_S
from appliance.errors import AlarmUnknown, SourceSilent, WindowBarren

DAY = 20_000 * DAY_S


def barren(window: str = "w") -> WindowBarren:
    return WindowBarren(window=window, tries=1, cause_code="IW-6001", cause="lost")


@pytest.mark.clause("DAEMON 5.2")
def test_an_acknowledgement_never_hides_the_next_occurrence() -> None:
    record = Record()
    alarms.sound(record, "barren window", barren(), now_s=1)
    alarms.acknowledge(record, 1, "Aoki", 2)
    assert not list(alarms.pressing(record))
    again = alarms.sound(record, "barren window", barren(), now_s=3)
    assert again is not None
    assert again.number == 2
    assert [alarm.number for alarm in alarms.pressing(record)] == [2]


@pytest.mark.clause("DAEMON 5.2")
def test_a_condition_that_ended_and_came_back_is_a_new_alarm() -> None:
    record = Record()
    error = SourceSilent(source="docs", windows=2)
    assert alarms.sound(record, "silent source", error, key="docs", now_s=1)
    assert alarms.sound(record, "silent source", error, key="docs", now_s=2) is None, "the same goes on"
    alarms.acknowledge(record, 1, "Aoki", 3)
    assert alarms.sound(record, "silent source", error, key="docs", now_s=4) is None
    alarms.end(record, "silent source", key="docs", now_s=5)
    assert alarms.sound(record, "silent source", error, key="docs", now_s=6) is not None


def test_an_emergency_presses_as_long_as_it_lasts_whoever_has_seen_it() -> None:
    record = Record()
    error = TABLE["foreign network"].error(count=1)
    alarms.sound(record, "foreign network", error, now_s=1)
    alarms.acknowledge(record, 1, "Aoki", 2)
    assert len(list(alarms.pressing(record))) == 1
    alarms.end(record, "foreign network", now_s=3)
    assert not list(alarms.pressing(record))


def test_an_alarm_that_nobody_knows_cannot_be_seen() -> None:
    with pytest.raises(AlarmUnknown):
        alarms.acknowledge(Record(), 7, "Aoki", 1)


@pytest.mark.clause("DAEMON 5.3")
def test_the_record_is_bounded_and_forgets_what_was_seen_first() -> None:
    record = Record()
    for number in range(1, 2 * ALARMS_MAX):
        alarms.sound(record, "barren window", barren(str(number)), now_s=number)
        alarms.acknowledge(record, number, "Aoki", number)
    last = alarms.sound(record, "missed window", TABLE["missed window"].error(count=1, window="w"), now_s=1)
    assert last in record.alarms
    assert len(record.alarms) == ALARMS_MAX
    assert decode(encode(record)) == record


def test_overdue_work_full_drives_and_silent_sources_are_alarms_and_end_with_their_cause() -> None:
    record = Record(since_s=DAY, silent={"docs": 2})
    past = [Past(begin_s=DAY + n * DAY_S, outcome="committed", bytes_stored=100) for n in range(10)]
    record.windows = past
    room = Room(place="bay/1", free=1000, total=100_000, share=2)
    late = DAY + 200 * DAY_S
    found = {alarm.kind: alarm for alarm in overdue.look(record, [room], 0, 15, late)}
    assert set(found) == {
        "scrub overdue", "drill overdue", "checkpoint unseen", "nearly full", "silent source"
    }  # fmt: skip
    assert found["nearly full"].values["percent"] == 99
    assert found["nearly full"].values["date"] == "2025-05-12"
    record.scrubbed_s, record.silent, record.windows = late, {"docs": 0}, []
    assert not overdue.look(record, [Room(place="bay/1", free=90, total=100)], late, 0, late + 1)
    assert all(alarm.over_s for alarm in record.alarms)


def test_a_forecast_needs_a_pace() -> None:
    assert overdue.full_s(Record(), 1000, DAY) == 0
