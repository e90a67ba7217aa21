"""The rules that hold for every command have violations that they catch, and the real faces are judged
with an exit status mapped wrongly and a control byte let through."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from appliance import errors
from tests.attack import command_line
from tests.attack.command_line import Ended, faults, iwato

GOOD = Ended(words=["x"], status=1, out="", err="IW-6002: gone\n  -> Look for it.\n")
PLANT = """
import sys
from appliance import errors
from appliance.cli import escape, face, live, sentence
{bug}
from appliance.__main__ import main
sys.exit(main())
"""
# Each is one careless line in the product.
UNESCAPED = "face.escape = sentence.escape = live.escape = lambda name: name"
WRONG_EXIT = "errors.HomeMissing.exit_status = 0; errors.HomeMissing.remedy = ''"
RAW_ERROR = "face.ending = lambda _face, act: act()"


def planted(bug: str, *words: str) -> Ended:
    """The real command with a bug in it."""
    ended = command_line.run_program("-c", PLANT.format(bug=bug), *words)
    return Ended(words=words, status=ended.status, out=ended.out, err=ended.err)


def test_what_follows_the_rules_passes() -> None:
    assert not faults(GOOD)


@pytest.mark.planted
@pytest.mark.parametrize(
    "bad",
    [
        Ended(words=["x"], status=1, out="", err="Traceback (most recent call last):\nIW-6002\n  -> x\n"),
        Ended(words=["x"], status=7, out="", err="IW-6002: gone\n  -> Look for it.\n"),
        Ended(words=["x"], status=1, out="", err="gone\n  -> Look for it.\n"),
        Ended(words=["x"], status=1, out="", err="IW-6002: gone\n"),
        Ended(words=["x"], status=0, out="\x1b[31mred", err=""),
        Ended(words=["x"], status=0, out="c1 \x9b31m", err=""),
        Ended(words=["x"], status=0, out="right to left \u202e", err=""),
        Ended(words=["x"], status=0, out="raw \udcff", err=""),
        Ended(words=["x"], status=1, out="", err="IW-0000: internal\n  -> Report it.\n"),
        Ended(words=["x", "--json"], status=0, out="{}{}", err=""),
        Ended(words=["x", "--json"], status=0, out=json.dumps({"exit": 3}), err=""),
    ],
    ids=lambda bad: ascii(bad.err[:30] or bad.out[:30]),
)
def test_what_breaks_a_rule_is_caught(bad: Ended) -> None:
    assert faults(bad)


@pytest.mark.planted
def test_a_face_that_lets_a_control_byte_through_is_caught(tmp_path: Path) -> None:
    words = ("status", "--home", str(tmp_path / "\x1b]0;owned\x07"))
    assert iwato(*words).code == errors.HomeMissing.code
    assert any("steer" in fault for fault in faults(planted(UNESCAPED, *words)))


@pytest.mark.planted
def test_a_face_that_shows_a_traceback_is_caught() -> None:
    found = faults(planted(RAW_ERROR, "status", "--home", "/nonexistent"))
    assert any("traceback" in fault for fault in found)


@pytest.mark.planted
def test_an_error_without_its_status_is_caught() -> None:
    words = ("status", "--home", "/nonexistent")
    assert iwato(*words).status == errors.EXIT_USAGE
    assert planted(WRONG_EXIT, *words).status != errors.EXIT_USAGE
