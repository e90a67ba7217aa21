"""The schedule as `init` takes it: one form, clear refusals, a scrub slot that keeps its distance."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.compose import window_text
from appliance.domain.schedule import DAY_S, LINK_S_MAX
from appliance.errors import UsageError


def test_the_default_is_japan_time_with_half_the_window_for_the_link() -> None:
    window = window_text.parse("03:00-05:00 daily")
    assert (window.slot.begin_s, window.slot.end_s, window.slot.offset_s) == (10_800, 18_000, 32_400)
    assert window.link_s == 3600


def test_seconds_and_an_offset_west_of_greenwich_are_understood() -> None:
    window = window_text.parse("23:59:50-00:00:30 daily -03:30")
    assert window.slot.length_s == 40
    assert window.slot.offset_s == -12_600


REFUSED = (
    "",
    "3-5",
    "03:00-05:00",
    "24:00-05:00 daily",
    "03:60-05:00 daily",
    "03:00-03:00 daily",
    "03:00:00-03:00:02 daily",
    "03:00-05:00 weekly",
    "03:00-05:00 daily +9",
    "03:00-05:00 daily; rm -rf",
)


@pytest.mark.parametrize("text", REFUSED)
def test_anything_else_is_a_usage_error(text: str) -> None:
    with pytest.raises(UsageError):
        window_text.parse(text)


def test_a_window_that_leaves_no_time_for_scrubbing_is_refused() -> None:
    with pytest.raises(UsageError):
        window_text.scrub_slot(window_text.parse("00:00-22:30 daily"))


@given(begin=st.integers(0, DAY_S - 1), length=st.integers(window_text.WINDOW_S_MIN, 21 * 3600))
def test_scrub_slot_and_window_never_meet(begin: int, length: int) -> None:
    def clock(second: int) -> str:
        return f"{second // 3600:02d}:{second // 60 % 60:02d}:{second % 60:02d}"

    window = window_text.parse(f"{clock(begin)}-{clock((begin + length) % DAY_S)} daily")
    scrub = window_text.scrub_slot(window)
    taken = set(range(0, window.slot.length_s, 60))
    free = {(scrub.begin_s - begin + second) % DAY_S for second in range(0, scrub.length_s, 60)}
    assert not {second // 60 for second in taken} & {second // 60 for second in free}
    assert window.link_s <= LINK_S_MAX
