"""SIGKILL of the real command at any moment is a power cut of the whole box (05-settled 1, 19)."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from appliance import errors
from hw.twin import processes
from tests.depth import many
from tests.simulation import virtual_box
from tests.simulation.conftest import change, fill
from tests.simulation.virtual_box import VirtualBox

KILLS_PER_TEST = many(1, 10)
TESTS = many(4, 20)
WINDOW_S = 6.0  # s; about what a whole window takes on a loaded machine
LAST = signal.SIGKILL


def iwato(home: Path, *words: str) -> tuple[int, Any]:
    """Run a command to its end: exit status and JSON document."""
    done = subprocess.run(command(home, *words), capture_output=True, text=True, timeout=120, check=False)
    assert "Traceback" not in done.stderr
    return done.returncode, json.loads(done.stdout) if done.stdout else {}


def command(home: Path, *words: str) -> list[str]:
    return [sys.executable, "-m", "appliance", "--json", *words, "--home", str(home)]


@pytest.fixture(scope="session")
def committed(tmp_path_factory: pytest.TempPathFactory) -> tuple[VirtualBox, Path, Path]:
    """A home with one committed window, the source as it was then, and as it is now."""
    place = tmp_path_factory.mktemp("committed")
    source, first = place / "source", place / "first"
    for tree in (source, first):
        fill(tree)
    box = virtual_box.born(place / "home", source)
    assert box.run_window()["complete"]
    change(source)
    return box, first, source


def survivors(home: Path) -> list[str]:
    """Processes that still name this home."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            try:
                line = (entry / "cmdline").read_bytes()
            except OSError:
                continue
            if os.fsencode(home) in line:
                found.append(line.decode(errors="replace"))
    return found


def kill_somewhere(home: Path, after_s: float) -> bool:
    """Start a window and kill the command after `after_s`; False when it had ended by then."""
    running = subprocess.Popen(
        command(home, "bench", "run-window"), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    children = []
    try:
        running.wait(after_s)
    except subprocess.TimeoutExpired:
        children = list(processes.descendants(running.pid))
        running.send_signal(LAST)
        running.wait()
        end = time.monotonic() + 10
        while any(processes.alive(child) for child in children) and time.monotonic() < end:
            time.sleep(0.02)  # a killed tree needs a moment to be gone; nothing is measured
        assert not [child.name for child in children if processes.alive(child)]
        return True
    return False


@pytest.mark.invariant("I7")
@pytest.mark.parametrize("number", range(TESTS))
def test_sigkill_at_a_random_moment_of_a_window_loses_nothing_committed(
    committed: tuple[VirtualBox, Path, Path], tmp_path: Path, number: int
) -> None:
    base, first, source = committed
    dice = random.Random(number)
    identity = base.identity([1, 2, 3])
    for kill in range(KILLS_PER_TEST):
        place = tmp_path / str(kill)
        box = base.copy(place / "home")
        moment = dice.uniform(0.3, WINDOW_S)
        kill_somewhere(box.root, moment)
        told = f"seed {number}, kill {kill} after {moment:.2f} s"
        assert not survivors(box.root), told
        status, document = iwato(box.root, "status")
        assert (status, document["isolated"], document["alarms"]) == (errors.EXIT_OK, True, []), told
        status, document = iwato(box.root, "bench", "run-window")
        if not document["complete"]:  # I15 gives it two windows: a loaded machine may cost one its heartbeat
            status, document = iwato(box.root, "bench", "run-window")
        assert (status, document["complete"]) == (errors.EXIT_OK, True), f"{told}: {document}"
        snapshots = box.snapshots()
        for snapshot, tree in ((snapshots[0], first), (snapshots[-1], source)):
            target = place / snapshot.snapshot
            assert not box.restore(snapshot, identity, target, (1, 2, 5, 6)), told
            assert not virtual_box.same(tree, target), told
        shutil.rmtree(place)


def test_a_second_command_on_the_same_home_ends_with_75_and_disturbs_nothing(
    committed: tuple[VirtualBox, Path, Path], tmp_path: Path
) -> None:
    box = committed[0].copy(tmp_path / "home")
    with subprocess.Popen(
        command(box.root, "bench", "run-window"), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as running:
        with pytest.raises(subprocess.TimeoutExpired):
            running.wait(1.5)  # it has the lock by then and has not ended
        status, document = iwato(box.root, "status")
        assert (status, document["error"]["code"]) == (errors.EXIT_LATER, errors.HomeBusy.code)
        assert json.loads(running.communicate()[0])["complete"]


def test_ctrl_c_ends_with_130_and_leaves_the_box_isolated(
    committed: tuple[VirtualBox, Path, Path], tmp_path: Path
) -> None:
    box = committed[0].copy(tmp_path / "home")
    # A test run in the background of a shell inherits an ignored SIGINT; a terminal's command does not.
    at_a_terminal = ["env", "--default-signal=INT", *command(box.root, "bench", "run-window")]
    with subprocess.Popen(
        at_a_terminal, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as running:
        with pytest.raises(subprocess.TimeoutExpired):
            running.wait(2.0)
        running.send_signal(signal.SIGINT)
        _, said = running.communicate(timeout=60)
    assert running.returncode == errors.EXIT_INTERRUPTED
    assert "Traceback" not in said
    status, document = iwato(box.root, "status")
    assert (status, document["isolated"]) == (errors.EXIT_OK, True)


@pytest.mark.planted
def test_a_box_that_forgets_its_staging_in_a_cut_is_caught(
    committed: tuple[VirtualBox, Path, Path], tmp_path: Path
) -> None:
    """The check itself: a drive set that lost its newest packs does not pass for restored."""
    base, _, source = committed
    box = base.copy(tmp_path / "home")
    assert iwato(box.root, "bench", "run-window")[0] == errors.EXIT_OK
    newest = box.snapshots()[-1]
    for bay in (1, 2, 5):
        for pack in newest.packs:
            for shard in box.home.bay(bay).rglob(f"{pack.id}*"):
                shard.unlink()
    failed = box.restore(newest, base.identity([1, 2, 3]), tmp_path / "out", (1, 2, 5, 6))
    assert failed or virtual_box.same(source, tmp_path / "out")
