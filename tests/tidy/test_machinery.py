"""The test machinery itself: a skip cannot hide, and the foreign packages are the locked ones."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests import conftest, facilities, node_packages


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


def test_a_registry_that_cannot_be_reached_is_tried_once_in_a_test_run_and_again_in_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried: list[Path] = []

    def unreachable(place: Path) -> str:
        tried.append(place)
        return "npm ci failed: code ECONNREFUSED"

    monkeypatch.setattr(node_packages, "npm_ci", unreachable)
    for run in ("first", "second"):
        monkeypatch.setenv("PYTEST_XDIST_TESTRUNUID", run)
        answers = [node_packages.install(tmp_path) for _ in range(3)]
        assert answers == ["npm ci failed: code ECONNREFUSED"] * 3
    assert len(tried) == 2


@pytest.mark.needs("npm")
def test_why_npm_could_not_install_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "package.json").write_text("{}", encoding="utf-8")
    reason = node_packages.npm_ci(tmp_path)  # without a lock npm refuses
    assert reason.startswith("npm ci failed: ")
    assert "\n" not in reason
