"""What every suite shares: facilities, vectors, Node packages, random counts, honest skips.

A skip is never silent: all are counted and listed by reason at the end, and where everything has to
be present (CI=true and DEPTH=ci) a skip is a failure, unless only a real board could run the test.
"""

import os
from collections import Counter
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from tests import depth, facilities, node_packages
from tests import vectors as public_vectors

MUST_RUN_ALL = os.environ.get("CI") == "true" and depth.FULL
HARDWARE = "hardware:"
BENCH = "IWATO_BENCH"  # the home, with its config.toml, of a controller on a wired bench

# Deadlines are timed assertions, which a shared machine breaks. Under `make test` the examples are
# the same on every run; under DEPTH=ci they are fresh and many.
settings.register_profile(
    "quick", max_examples=25, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile(
    "ci", max_examples=400, deadline=None, print_blob=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("ci" if depth.FULL else "quick")


# Facilities -----------------------------------------------------------------------------------------


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip what this machine cannot run, with the reason."""
    for mark in item.iter_markers("needs"):
        reason = facilities.lacking(mark.args)
        if reason:
            pytest.skip(reason)
    if item.get_closest_marker("hardware") is not None and not os.environ.get(BENCH):
        pytest.skip(f"{HARDWARE} a board with relays has to be attached, and {BENCH} has to name its home")


@pytest.fixture(scope="session")
def vectors() -> Path:
    """The folder of public test vectors."""
    place = public_vectors.folder()
    if place is None:
        pytest.skip(facilities.lacking(["vectors"]))
    return place


@pytest.fixture(scope="session")
def node() -> Path:
    """The Node binary that runs the other implementations."""
    binary = facilities.node()
    if binary is None:
        pytest.skip(facilities.lacking(["npm"]))
    return binary


@pytest.fixture(scope="session")
def npm(node: Path) -> Callable[[str, str], Path]:
    """`npm("age-encryption", "0.3.1")` → the `node_modules` folder that holds it and what it needs.

    The package is one of tests/node/package.json; its version has to be the locked one.
    """
    assert node.is_file()

    def install(package: str, version: str) -> Path:
        locked = node_packages.locked_version(package)
        assert locked == version, f"tests/node locks {package} {locked}"
        failed = node_packages.install()
        if failed:
            pytest.skip(f"needs npm: {failed}")
        return node_packages.PLACE / "node_modules"

    return install


# Honest skips ---------------------------------------------------------------------------------------


def skip_reason(report: pytest.TestReport | pytest.CollectReport) -> str:
    """The sentence given to `pytest.skip`."""
    if isinstance(report.longrepr, tuple):
        return str(report.longrepr[2]).removeprefix("Skipped: ")
    return str(report.longrepr)


def refuse_skip(report: pytest.TestReport | pytest.CollectReport) -> None:
    """Turn a skip into a failure; a test that needs a real board and an expected failure stay."""
    if not report.skipped or hasattr(report, "wasxfail"):
        return
    reason = skip_reason(report)
    if reason.startswith(HARDWARE):
        return
    report.outcome = "failed"
    report.longrepr = f"skipped where nothing may be skipped: {reason}"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if MUST_RUN_ALL:
        refuse_skip(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    if MUST_RUN_ALL:
        refuse_skip(report)
    return report


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """The count of skips, by reason; the line is printed also when it is 0."""
    reasons = Counter(skip_reason(report) for report in terminalreporter.stats.get("skipped", []))
    terminalreporter.section("skips")
    terminalreporter.write_line(f"{sum(reasons.values())} skipped")
    for reason, count in sorted(reasons.items()):
        terminalreporter.write_line(f"{count} skipped: {reason}")
