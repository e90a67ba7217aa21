"""What every suite shares: facilities, vectors, Node packages, random counts, honest skips.

A skip is never silent: all are counted and listed by reason at the end, and where everything has to
be present (CI=true and DEPTH=ci) a skip is a failure, unless only a real board could run the test.
"""

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
from collections import Counter
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from tests import depth, facilities
from tests import vectors as public_vectors

PROJECT = Path(__file__).resolve().parents[1]
NODE_LOCK = PROJECT / "tests" / "node"
NODE_PLACE = PROJECT / ".tools" / "node"
NPM_TIMEOUT_S = 180  # s; a registry that takes longer is as good as absent

MUST_RUN_ALL = os.environ.get("CI") == "true" and depth.FULL
HARDWARE = "hardware:"

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
    if item.get_closest_marker("hardware") is not None:
        pytest.skip(f"{HARDWARE} a board with relays has to be attached")


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


def _locked_version(package: str) -> str:
    lock = json.loads((NODE_LOCK / "package-lock.json").read_text(encoding="utf-8"))
    return str(lock["packages"][f"node_modules/{package}"]["version"])


def _install_node_packages() -> str:
    """`npm ci` from the committed lock, whose integrity hashes npm checks; "" or what failed."""
    command = facilities.npm_command()
    assert command is not None
    lock = (NODE_LOCK / "package-lock.json").read_bytes()
    stamp = NODE_PLACE / "complete"
    expected = hashlib.sha256(lock).hexdigest()
    NODE_PLACE.mkdir(parents=True, exist_ok=True)
    with (NODE_PLACE / "lock").open("w") as guard:  # xdist workers install once, not twice
        fcntl.flock(guard, fcntl.LOCK_EX)
        if stamp.is_file() and stamp.read_text(encoding="ascii") == expected:
            return ""
        stamp.unlink(missing_ok=True)
        for name in ("package.json", "package-lock.json"):
            shutil.copyfile(NODE_LOCK / name, NODE_PLACE / name)
        try:
            done = subprocess.run(
                [*command, "ci", "--ignore-scripts", "--no-audit", "--no-fund"],
                cwd=NODE_PLACE, capture_output=True, text=True, timeout=NPM_TIMEOUT_S, check=False,
            )
        except subprocess.TimeoutExpired:
            return f"npm did not end within {NPM_TIMEOUT_S} s"
        if done.returncode != 0:
            return f"npm ci failed: {done.stderr.strip()[-300:]}"
        stamp.write_text(expected, encoding="ascii")
    return ""


@pytest.fixture(scope="session")
def npm(node: Path) -> Callable[[str, str], Path]:
    """`npm("age-encryption", "0.3.1")` → the `node_modules` folder that holds it and what it needs.

    The package is one of tests/node/package.json; its version has to be the locked one.
    """
    assert node.is_file()

    def install(package: str, version: str) -> Path:
        assert _locked_version(package) == version, f"tests/node locks {package} {_locked_version(package)}"
        failed = _install_node_packages()
        if failed:
            pytest.skip(f"needs npm: {failed}")
        return NODE_PLACE / "node_modules"

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
