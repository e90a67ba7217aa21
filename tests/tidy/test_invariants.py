"""Every invariant has a test that holds it and a planted bug that is caught, or is named as not reached."""

import pytest

from tests.tidy import invariants, verdict
from tests.tidy.invariants import Shown
from tests.tidy.tree import PROJECT, Source, python_sources

WHOLE = Shown(held=["a"], planted=["b"])


def test_every_invariant_is_shown_or_named_as_not_reached() -> None:
    readme = (PROJECT / "tests" / "README.md").read_text(encoding="utf-8")
    verdict.clean(invariants.gaps(invariants.shown(python_sources("tests")), invariants.not_reached(readme)))


def test_marks_are_read_with_and_without_a_planted_bug() -> None:
    text = """
@pytest.mark.invariant("I3", "I4")
def test_a(): ...
@pytest.mark.planted
@pytest.mark.invariant("I3")
def test_b(): ...
"""
    found = invariants.shown([Source(path="tests/x.py", text=text)])
    assert found["I3"] == Shown(held=["tests/x.py:test_a"], planted=["tests/x.py:test_b"])
    assert found["I4"] == Shown(held=["tests/x.py:test_a"], planted=[])


@pytest.mark.planted
def test_an_invariant_without_a_planted_bug_is_caught() -> None:
    tests = dict.fromkeys(invariants.ALL, WHOLE) | {"I7": Shown(held=["a"], planted=[])}
    assert invariants.gaps(tests, {}) == ["I7 has no planted bug"]


@pytest.mark.planted
def test_an_invariant_that_nobody_tests_and_nobody_names_is_caught() -> None:
    tests = {name: WHOLE for name in invariants.ALL if name != "I16"}
    assert invariants.gaps(tests, {}) == ["I16 has no test", "I16 has no planted bug"]
    assert not invariants.gaps(tests, {"I16": "a later issue"})


@pytest.mark.planted
def test_a_list_that_calls_a_shown_invariant_not_reached_is_caught() -> None:
    tests = dict.fromkeys(invariants.ALL, WHOLE)
    assert len(invariants.gaps(tests, {"I1": "a later issue", "I99": "no such"})) == 2
