"""The test machinery itself: a skip cannot hide, and the foreign packages are the locked ones."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests import conftest, facilities


def skipped(reason: str) -> pytest.TestReport:
    return pytest.TestReport(
        nodeid="t", location=("t", 0, "t"), keywords={}, outcome="skipped",
        longrepr=("t", 0, f"Skipped: {reason}"), when="setup",
    )


@pytest.mark.planted
def test_where_nothing_may_be_skipped_a_skip_is_a_failure_that_names_its_reason() -> None:
    report = skipped("needs tmux: tmux is not installed")
    conftest.refuse_skip(report)
    assert report.failed
    assert "needs tmux" in str(report.longrepr)


def test_a_test_that_needs_a_real_board_may_be_skipped_everywhere() -> None:
    report = skipped("hardware: a board with relays has to be attached")
    conftest.refuse_skip(report)
    assert report.skipped


def test_an_expected_failure_is_not_taken_for_a_skip() -> None:
    report = skipped("")
    report.wasxfail = "a known limit"
    conftest.refuse_skip(report)
    assert report.skipped


def test_a_facility_that_no_probe_knows_is_an_error_rather_than_a_skip() -> None:
    with pytest.raises(KeyError):
        facilities.lacking(["quantum-annealer"])


@pytest.mark.needs("npm")
def test_the_other_implementations_are_installed_as_the_lock_says(npm: Callable[[str, str], Path]) -> None:
    modules = npm("age-encryption", "0.3.1")
    assert (modules / "age-encryption" / "package.json").is_file()
    assert (npm("slip39", "0.1.9") / "slip39" / "package.json").is_file()


@pytest.mark.planted
def test_another_version_than_the_locked_one_is_refused(npm: Callable[[str, str], Path]) -> None:
    with pytest.raises(AssertionError, match="locks age-encryption"):
        npm("age-encryption", "0.0.1")
