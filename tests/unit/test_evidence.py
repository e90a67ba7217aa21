"""What a report says of the past: days, windows, and the figures that are computed from them."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.domain.geometry import Geometry
from appliance.domain.phases import Phase
from appliance.domain.schedule import DAY_S
from appliance.format.ledger_entry import AnyEntry, EventCount, Recovery, Refused, Seal
from appliance.format.ledger_segment import Gap
from appliance.service import evidence
from appliance.service.evidence import WindowPast

TOKYO_S = 9 * 3600
DAY = 20_000  # any day
NOON_S = DAY * DAY_S + 12 * 3600 - TOKYO_S
HASH = "ab" * 32


def seal(window: int, begin_s: int, *, link_s: int = 0, complete: bool = True, stored: int = 0) -> Seal:
    return Seal(
        time=begin_s + 60, phase=Phase.SEAL, window=window, snapshot="20240101T000000Z-00000000",
        complete=complete, begin=begin_s, sources=(), packs=(), segments=(HASH,) if complete else (),
        recipient=HASH, policy=1, bytes_read=stored, bytes_new=stored, bytes_stored=stored, unreadable=0,
        link_s=link_s, drives=(0, 1), degraded=not complete,
    )  # fmt: skip


def past(*entries: AnyEntry | Gap, since_s: int = 0) -> evidence.Evidence:
    return evidence.gathered(enumerate(entries), since_s)


def test_a_day_has_the_seconds_of_the_windows_that_began_in_it_at_the_policys_offset() -> None:
    before_midnight, after = NOON_S + 12 * 3600 - 1, NOON_S + 12 * 3600
    found = past(seal(1, NOON_S, link_s=10), seal(2, before_midnight, link_s=20), seal(3, after, link_s=40))
    per_day = evidence.exposure(found.windows.values(), TOKYO_S, DAY - 1, 4)
    assert per_day == [0, 30, 40, 0]


def test_a_window_of_several_entries_is_one_and_complete_when_its_last_is() -> None:
    found = past(seal(7, NOON_S, link_s=30, complete=False, stored=5), seal(7, NOON_S, link_s=30, stored=2))
    (window,) = found.windows.values()
    assert (window.link_s, window.complete, window.bytes_stored, window.degraded) == (30, True, 7, True)
    assert len(found.snapshots) == 1


def test_what_was_before_the_period_is_not_in_it() -> None:
    refused = Refused(time=NOON_S, phase=Phase.SEAL, upto=1, counts=(EventCount(name="A", count=2, time=1),))
    recovery = Recovery(
        time=NOON_S, phase=Phase.RECOVERY, order=HASH, nonce="00" * 16,
        snapshot="20240101T000000Z-00000000", sources=(), why="", destination="-",
    )  # fmt: skip
    entries = (seal(1, NOON_S), refused, recovery)
    inside, outside = past(*entries, since_s=NOON_S), past(*entries, since_s=NOON_S + 1)
    assert (len(inside.windows), inside.refusals["A"], len(inside.recoveries)) == (1, 2, 1)
    assert (len(outside.windows), outside.refusals["A"], len(outside.recoveries)) == (0, 0, 0)


def test_an_entry_of_which_only_the_hash_is_left_is_counted() -> None:
    assert past(Gap(leaf=b"\0" * 32)).gaps == 1


@pytest.mark.parametrize(
    ("needed_s", "link_s", "windows", "days"),
    [(60, [60], 1, 1), (61, [60], 1, 2), (61, [60], 2, 1), (600, [0, 10, 20, 90], 1, 30), (1, [], 1, None)],
)
def test_an_attack_waits_for_as_many_median_windows_as_it_needs(
    needed_s: int, link_s: list[int], windows: int, days: int | None
) -> None:
    assert evidence.days_for(needed_s, link_s, windows) == days


def test_with_one_drive_to_spare_the_chance_of_loss_is_that_of_a_second_failure() -> None:
    geometry = Geometry(data=2, parity=1, write_quorum=2)
    second = 0.1 * 36.5 / 365
    expected = 3 * 0.1 * (1 - (1 - second) ** 2)
    assert evidence.loss_per_year(geometry, 0.1, 36) == pytest.approx(expected, rel=0.03)


@given(rate=st.floats(0, 1), days=st.integers(1, 3650), data=st.integers(2, 8), parity=st.integers(1, 4))
def test_it_is_a_chance_whatever_is_assumed(rate: float, days: int, data: int, parity: int) -> None:
    geometry = Geometry(data=data, parity=parity, write_quorum=data)
    assert 0 <= evidence.loss_per_year(geometry, rate, days) <= 1


@given(rate=st.floats(1e-6, 0.2), days=st.integers(1, 90), data=st.integers(2, 8))
def test_with_drives_replaced_in_time_more_parity_is_safer(rate: float, days: int, data: int) -> None:
    sets = [Geometry(data=data, parity=parity, write_quorum=data) for parity in (1, 2, 3)]
    first, second, third = [evidence.loss_per_year(geometry, rate, days) for geometry in sets]
    assert first > second > third


@pytest.mark.planted
def test_a_report_that_counts_days_in_utc_is_caught() -> None:
    window = WindowPast(number=1, begin_s=DAY * DAY_S - 1, link_s=9, complete=True, bytes_read=0,
                        bytes_stored=0, degraded=False)  # fmt: skip
    right = evidence.exposure([window], TOKYO_S, DAY, 1)
    assert right == [9] != evidence.exposure([replace(window)], 0, DAY, 1)
