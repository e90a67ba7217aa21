"""Names from outside cannot steer a terminal."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.cli.escape import LENGTH_MAX, escape

STEERING = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
HOSTILE = [
    b"\x1b[2J", b"\x1b]0;title\x07", b"\r\n", b"\x9b31m", "\u202egpj.exe".encode(), "\u2066x\u2069".encode(),
    b"\xff\xfe", b"\x00", b"\x7f", "\u2028".encode(), "\u200d\u200b".encode(), "\U000e0041".encode(),
    b"\xed\xb2\x80", "\ufeff".encode(), b"\x08\x08\x08",
]  # fmt: skip


def steers(text: str) -> bool:
    return any(unicodedata.category(character) in STEERING for character in text)


@given(st.one_of(st.binary(max_size=300), st.text(max_size=300)))
def test_no_control_or_format_character_reaches_the_terminal(name: bytes | str) -> None:
    shown = escape(name)
    assert not steers(shown)
    assert len(shown) <= LENGTH_MAX
    shown.encode("utf-8")


@pytest.mark.parametrize("name", HOSTILE)
def test_the_known_tricks_are_shown_as_what_they_are(name: bytes) -> None:
    shown = escape(name)
    assert not steers(shown)
    assert "\\" in shown


def read_back(shown: str) -> str:
    return shown.encode("ascii", "backslashreplace").decode("unicode_escape")


@given(st.text(max_size=40, alphabet=st.characters(codec="utf-8")))
def test_a_short_name_can_be_read_back(name: str) -> None:
    assert read_back(escape(name)) == name


@given(st.binary(max_size=12), st.binary(max_size=12))
def test_two_short_names_are_shown_differently(one: bytes, two: bytes) -> None:
    undecodable = [name.decode("utf-8", "surrogateescape") for name in (one, two)]
    if one != two and not any("\x80" <= c <= "\xff" for name in undecodable for c in name):
        assert escape(one) != escape(two)


@pytest.mark.parametrize("name", ["報告書.txt", "Müller (2)", "e\u0301", "a b", "-rf"])
def test_an_ordinary_name_is_shown_as_it_is(name: str) -> None:
    assert escape(name) == name


def test_a_long_name_is_cut_in_the_middle() -> None:
    assert escape("a" * 150 + "b" * 150) == "a" * 98 + " .. " + "b" * 98


@pytest.mark.planted
def test_an_escape_that_lets_format_characters_through_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    from appliance.cli import escape as module

    monkeypatch.setattr(module, "_STEERING", frozenset({"Cc"}))
    assert any(steers(module.escape(name)) for name in HOSTILE)
