"""The Node packages of tests/node, installed once per checkout from the committed lock.

All workers of a test run share one attempt: a registry that cannot be reached costs its time once,
not once for each test that wanted a package.
"""

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
from pathlib import Path

from tests import facilities

PROJECT = Path(__file__).resolve().parents[1]
LOCKED = PROJECT / "tests" / "node"
PLACE = PROJECT / ".tools" / "node"
TIMEOUT_S = 180  # s; a registry that takes longer is as good as absent
REASON_MAX = 200  # characters of npm's own words in a skip


def locked_version(package: str) -> str:
    """The version of a package in the committed lock; KeyError where it is not in it."""
    lock = json.loads((LOCKED / "package-lock.json").read_text(encoding="utf-8"))
    return str(lock["packages"][f"node_modules/{package}"]["version"])


def this_run() -> str:
    """What all workers of one test run share and no two runs do."""
    return os.environ.get("PYTEST_XDIST_TESTRUNUID", f"process {os.getpid()}")


def npm_ci(place: Path) -> str:
    """`npm ci` in a folder, whose lock's hashes npm checks; "" or what failed, in one line."""
    command = facilities.npm_command()
    assert command is not None
    command += ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--fetch-retries=1"]
    try:
        done = subprocess.run(
            command, cwd=place, capture_output=True, text=True, timeout=TIMEOUT_S, check=False
        )
    except subprocess.TimeoutExpired:
        return f"npm did not end within {TIMEOUT_S} s"
    if done.returncode == 0:
        return ""
    said = done.stderr.splitlines()
    words = [line.removeprefix("npm error ") for line in said if "complete log" not in line]
    return f"npm ci failed: {'; '.join(words)[:REASON_MAX]}"


def install(place: Path = PLACE) -> str:
    """Install what the lock says into `place`/node_modules; "" or why this test run cannot have it."""
    lock = (LOCKED / "package-lock.json").read_bytes()
    complete, failed = place / "complete", place / "failed"
    expected = hashlib.sha256(lock).hexdigest()
    place.mkdir(parents=True, exist_ok=True)
    with (place / "lock").open("w") as guard:  # workers install once, not twice
        fcntl.flock(guard, fcntl.LOCK_EX)
        if complete.is_file() and complete.read_text(encoding="ascii") == expected:
            return ""
        if failed.is_file():
            run, _, reason = failed.read_text(encoding="utf-8").partition("\n")
            if run == this_run():
                return reason
        complete.unlink(missing_ok=True)
        for name in ("package.json", "package-lock.json"):
            shutil.copyfile(LOCKED / name, place / name)
        reason = npm_ci(place)
        if reason:
            failed.write_text(f"{this_run()}\n{reason}", encoding="utf-8")
        else:
            failed.unlink(missing_ok=True)
            complete.write_text(expected, encoding="ascii")
    return reason
