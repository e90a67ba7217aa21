"""What a controller says arrives whole or shortened by name, never as nothing."""

import json
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.adapters.console import LINE_BYTES_MAX, JsonConsole


def said(**fields: object) -> dict[str, object]:
    reading, writing = os.pipe()
    os.set_blocking(reading, False)
    try:
        JsonConsole(writing).say("report", **fields)
        line = os.read(reading, 1 << 16)
    finally:
        os.close(reading)
        os.close(writing)
    assert len(line) <= LINE_BYTES_MAX
    found = json.loads(line)
    assert isinstance(found, dict)
    return found


def test_a_line_that_fits_is_said_as_it_is() -> None:
    assert said(objects=3, left_out=["a"]) == {"event": "report", "objects": 3, "left_out": ["a"]}


@pytest.mark.parametrize(
    "long", [["set-ID bit"] * 10_000, {str(n): "pack" for n in range(9_000)}, "名" * 30_000, {b"x" * 70_000}]
)
def test_a_line_that_is_too_long_keeps_every_field_and_says_what_was_cut(long: object) -> None:
    found = said(objects=3, verdict="tampered", left_out=long)
    assert (found["objects"], found["verdict"], found["shortened"]) == (3, "tampered", ["left_out"])
    assert found["left_out"]


@given(
    fields=st.dictionaries(
        st.sampled_from(["one", "two", "three"]),
        st.one_of(st.integers(), st.text(), st.lists(st.text(), max_size=4)).map(lambda item: [item] * 5_000),
    )
)
def test_no_report_is_lost(fields: dict[str, object]) -> None:
    assert set(said(**fields)) >= set(fields)
