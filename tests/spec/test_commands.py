"""The documents that the commands really print, on a small emulated appliance, keep their schemas."""

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.spec import documents


@dataclass(frozen=True, kw_only=True)
class Box:
    """One emulated appliance and what its commands printed, in the order of their running."""

    born: dict[str, Any]
    empty: dict[str, Any]
    windows: list[dict[str, Any]]
    copies: dict[str, Any]
    plans: list[dict[str, Any]]
    after: dict[str, Any]


def command(home: Path, *words: str) -> dict[str, Any]:
    """Run `iwato … --json`; the document. The status of these commands has to be 0."""
    done = subprocess.run(
        [sys.executable, "-m", "appliance", *words, "--home", str(home), "--json"],
        capture_output=True, text=True, check=False,
    )
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert isinstance(document, dict)
    return document


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> Box:
    place = tmp_path_factory.mktemp("box")
    source, home = place / "source", place / "home"
    source.mkdir()
    (source / "a.txt").write_text("first", encoding="utf-8")
    command(home, "init", "--source", f"docs={source}")
    born, empty = command(home, "status"), command(home, "copies", "list")
    first = command(home, "bench", "run-window")
    (source / "b.txt").write_text("second", encoding="utf-8")
    second = command(home, "bench", "run-window")
    target = str(place / "out")
    plans = [command(home, "restore", "plan"), command(home, "restore", "plan", "--target", target)]
    return Box(
        plans=plans, born=born, empty=empty, windows=[first, second],
        copies=command(home, "copies", "list"), after=command(home, "status"),
    )


def test_the_status_keeps_its_schema_before_and_after_the_first_windows(box: Box) -> None:
    assert not documents.fault("status", box.born)
    assert not documents.fault("status", box.after)


def test_a_resting_box_says_that_it_is_isolated_with_every_line_cut(box: Box) -> None:
    for status in (box.born, box.after):
        assert status["isolated"] is True
        assert status["link"]["measured"] is False
        assert [drive["powered"] for drive in status["drives"]] == [False] * 6
        assert status["alarms"] == []


def test_a_window_keeps_its_schema_and_says_what_it_did(box: Box) -> None:
    for window in box.windows:
        assert not documents.fault("run-window", window)
        assert window["complete"] is True
        assert window["bytes_new"] <= window["bytes_read"]


def test_the_list_of_copies_keeps_its_schema_and_is_empty_at_birth(box: Box) -> None:
    assert not documents.fault("copies-list", box.empty)
    assert box.empty["snapshots"] == []


def test_the_copies_are_those_of_the_windows_oldest_first(box: Box) -> None:
    assert not documents.fault("copies-list", box.copies)
    snapshots = box.copies["snapshots"]
    assert [snapshot["id"] for snapshot in snapshots] == [window["snapshot"] for window in box.windows]
    assert [snapshot["time"] for snapshot in snapshots] == sorted(s["time"] for s in snapshots)
    assert all(snapshot["sources"] == ["docs"] for snapshot in snapshots)


def test_the_ledger_grows_with_every_window(box: Box) -> None:
    assert box.after["log_size"] > box.born["log_size"]


def test_the_plan_of_a_restore_keeps_its_schema_with_and_without_a_target(box: Box) -> None:
    without, with_one = box.plans
    assert not documents.fault("restore-plan", without)
    assert not documents.fault("restore-plan", with_one)
    assert (without["target"], without["free"], without["fits"]) == (None, None, None)
    assert with_one["fits"] is True
    assert (with_one["files"], with_one["bytes"]) == (2, len("first") + len("second"))
    assert (with_one["holders"], with_one["drives"]) == ({"needed": 3, "of": 5}, {"needed": 4, "of": 6})
