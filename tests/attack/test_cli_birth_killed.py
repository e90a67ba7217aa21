"""SIGKILL of the real `init` at any moment: what it leaves is never taken for an appliance."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from appliance import errors
from hw.twin import processes
from tests.attack.command_line import PROJECT, TIMEOUT_S, Ended, at_rest, iwato

MOMENTS = (
    "unborn",
    "bay/6",
    "emulated/fram-0",
    "seal-state/log.key",
    "tokens/holder-1/identity.age",
    "tokens/holder-5/passphrase.txt",
    "tokens/holder-3/share-1.age",
    "policy/vault-1.age1pq",
    "policy/policy-1.txt",
    "emulated/bench.json",
    "bay/1/IWATO-DRIVE",
    "bay/6/policy/policy-1.txt",
)


def words(home: Path) -> list[str]:
    source = home.parent / "source"
    source.mkdir(exist_ok=True)
    return ["init", "--home", str(home), "--source", f"docs={source}"]


def begin(home: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "appliance", *words(home)],
        cwd=PROJECT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def stop_when(running: subprocess.Popen[bytes], reached: Callable[[], bool], number: int) -> None:
    """Send the signal at the first moment that `reached` holds."""
    end = time.monotonic() + TIMEOUT_S
    while not reached():
        assert running.poll() is None, "it ended before that moment"
        assert time.monotonic() < end
    running.send_signal(number)


@contextmanager
def all_ended_afterwards() -> Iterator[None]:
    """What a killed command had started ends with it, but a moment later: the kernel sees to that."""
    processes.become_subreaper()
    before = {process.pid for process in processes.descendants(os.getpid())}
    yield
    end = time.monotonic() + TIMEOUT_S
    while {process.pid for process in processes.descendants(os.getpid())} - before:
        assert time.monotonic() < end, "a process outlives the command that started it"


def require_told(ended: Ended) -> None:
    assert (ended.status, ended.code) == (errors.EXIT_USAGE, errors.BirthInterrupted.code)


@pytest.mark.parametrize("moment", MOMENTS)
def test_an_init_that_was_killed_leaves_no_appliance_and_is_named(tmp_path: Path, moment: str) -> None:
    home = tmp_path / "home"
    with all_ended_afterwards(), begin(home) as running:
        stop_when(running, (home / moment).exists, signal.SIGKILL)
    left = sorted(home.rglob("*"))
    for command in (("status",), ("bench", "run-window")):
        require_told(iwato(*command, "--home", str(home)))
    require_told(iwato(*words(home)))
    assert sorted(home.rglob("*")) == left  # what is not surely ours alone is removed by a person


def test_after_an_interrupted_birth_another_directory_serves(tmp_path: Path) -> None:
    with begin(tmp_path / "first") as running:
        stop_when(running, (tmp_path / "first" / "policy" / "policy-1.txt").exists, signal.SIGKILL)
    assert iwato(*words(tmp_path / "second")).status == errors.EXIT_OK
    assert not (tmp_path / "second" / "unborn").exists()
    at_rest(tmp_path / "second")


def test_an_empty_directory_that_a_killed_init_left_serves_again(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    assert iwato("status", "--home", str(home)).code == errors.HomeMissing.code
    assert iwato(*words(home)).status == errors.EXIT_OK


def test_a_birth_that_goes_on_is_busy_and_not_interrupted(tmp_path: Path) -> None:
    home = tmp_path / "home"
    with begin(home) as running:
        stop_when(running, (home / "unborn").exists, signal.SIGSTOP)
        try:
            for command in (["status", "--home", str(home)], words(home)):
                ended = iwato(*command)
                assert (ended.status, ended.code) == (errors.EXIT_LATER, errors.HomeBusy.code)
        finally:
            running.send_signal(signal.SIGCONT)
        assert running.wait(TIMEOUT_S) == errors.EXIT_OK
    at_rest(home)


@pytest.mark.planted
def test_a_birth_that_takes_its_mark_away_too_early_is_caught(tmp_path: Path) -> None:
    home = tmp_path / "home"
    with begin(home) as running:
        stop_when(running, (home / "policy" / "policy-1.txt").exists, signal.SIGKILL)
    os.unlink(home / "unborn")
    with pytest.raises(AssertionError):
        require_told(iwato("status", "--home", str(home)))
