"""The real command on the bad day: drives and tokens gone, and what comes back all the same."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from appliance import errors
from tests.attack.command_line import at_rest, iwato
from tests.simulation import virtual_box
from tests.simulation.conftest import Vault
from tests.simulation.virtual_box import VirtualBox


def restore(box: VirtualBox, target: Path, holders: tuple[int, ...]) -> tuple[int, Any]:
    """`iwato restore run` of the newest snapshot: exit status and document."""
    tokens = [word for holder in holders for word in ("--token", str(box.home.token(holder)))]
    words = ["restore", "run", "--snapshot", "latest", "--target", str(target), *tokens]
    done = subprocess.run(
        [sys.executable, "-m", "appliance", "--json", *words, "--home", str(box.root)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert "Traceback" not in done.stderr
    return done.returncode, json.loads(done.stdout)


@pytest.fixture(scope="module")
def newest(vault: Vault, tmp_path_factory: pytest.TempPathFactory) -> VirtualBox:
    box = vault.box.copy(tmp_path_factory.mktemp("newest") / "home")
    assert box.run_window()["complete"]
    return box


def test_two_drives_and_two_tokens_lost_are_no_loss(vault: Vault, newest: VirtualBox, tmp_path: Path) -> None:
    box = newest.copy(tmp_path / "home")
    for bay in (2, 5):
        shutil.rmtree(box.home.bay(bay))
    for holder in (1, 4):
        shutil.rmtree(box.home.token(holder))
    status, document = restore(box, tmp_path / "out", (2, 3, 5))
    assert status == errors.EXIT_OK
    assert {item["code"] for item in document["warnings"]} == {errors.DrivesMissing.code}
    assert not virtual_box.same(vault.source, tmp_path / "out")


def test_two_blank_disks_are_filled_and_then_two_other_drives_may_be_lost(
    vault: Vault, newest: VirtualBox, tmp_path: Path
) -> None:
    box = newest.copy(tmp_path / "home")
    for bay in (2, 5):
        shutil.rmtree(box.home.bay(bay))
        box.home.bay(bay).mkdir()
    ended = iwato("drive", "repair", "--json", "--home", str(box.root))
    assert (ended.status, ended.document["outcome"]) == (errors.EXIT_WARNINGS, "repaired")
    assert at_rest(box.root)
    for bay in (1, 6):
        shutil.rmtree(box.home.bay(bay))
    status, _ = restore(box, tmp_path / "out", (2, 3, 5))
    assert status == errors.EXIT_OK
    assert not virtual_box.same(vault.source, tmp_path / "out")


def test_three_drives_lost_are_too_many_and_nothing_is_pretended(newest: VirtualBox, tmp_path: Path) -> None:
    box = newest.copy(tmp_path / "home")
    for bay in (1, 3, 6):
        shutil.rmtree(box.home.bay(bay))
    status, document = restore(box, tmp_path / "out", (1, 2, 3))
    assert status == errors.EXIT_FAILED, document
    assert document["error"]["code"] == errors.DrivesTooFew.code


def test_a_target_that_holds_something_is_left_alone(newest: VirtualBox, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine").write_text("mine", encoding="ascii")
    status, document = restore(newest, tmp_path / "out", (1, 2, 3))
    assert (status, document["error"]["code"]) == (errors.EXIT_REFUSED, errors.TargetNotEmpty.code)
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["mine"]


@pytest.mark.parametrize("holders", [(1, 2), (3, 3, 4)])
def test_too_few_people_end_with_5(newest: VirtualBox, tmp_path: Path, holders: tuple[int, ...]) -> None:
    status, _ = restore(newest, tmp_path / "out", holders)
    assert status == errors.EXIT_QUORUM


@pytest.mark.needs("root")
def test_a_target_without_room_is_refused_before_anything_is_written(
    newest: VirtualBox, mounted: Path, tmp_path: Path
) -> None:
    (mounted / "out").mkdir()
    (mounted / "ballast").write_bytes(bytes(400_000))
    status, document = restore(newest, mounted / "out", (1, 2, 3))
    assert (status, document["error"]["code"]) == (errors.EXIT_REFUSED, errors.TargetTooSmall.code)
    assert list((mounted / "out").iterdir()) == []
    (mounted / "ballast").unlink()
    subprocess.run(["mount", "-o", "remount,size=8m", str(mounted)], check=True)
    status, _ = restore(newest, mounted / "out", (1, 2, 3))
    assert status == errors.EXIT_OK


def test_a_plan_needs_no_token_no_drive_and_leaves_everything_as_it_was(
    newest: VirtualBox, tmp_path: Path
) -> None:
    box = newest.copy(tmp_path / "home")
    for number in range(1, 7):
        shutil.rmtree(box.home.bay(number))
    for holder in range(1, 6):
        shutil.rmtree(box.home.token(holder))
    plan = ("restore", "plan", "--home", str(box.root), "--target", str(tmp_path / "new" / "out"))
    ended = iwato(*plan, "--json")
    assert ended.status == errors.EXIT_OK
    assert ended.document["snapshot"] == newest.snapshots()[-1].snapshot
    assert ended.document["fits"] is True
    assert not (tmp_path / "new").exists()
    said = iwato(*plan, "--plain")
    assert "any 3 of 5" in said.out
    assert "it fits" in said.out
    assert "収まります" in iwato(*plan, "--plain", "--lang", "ja").out


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("--snapshot", "20260101T000000Z-00000000"), errors.SnapshotUnknown),
        (("--source", "gone"), errors.SourceUnknown),
        (("--source", "\x1b[2J"), errors.SourceUnknown),
    ],
)
def test_a_plan_of_what_is_not_there_is_refused_by_name(
    newest: VirtualBox, words: tuple[str, ...], code: type[errors.IwatoError]
) -> None:
    ended = iwato("restore", "plan", "--home", str(newest.root), *words, "--json")
    assert ended.document["error"]["code"] == code.code
    assert "\x1b" not in ended.out


def test_a_plan_into_the_box_itself_or_onto_files_is_said(newest: VirtualBox, tmp_path: Path) -> None:
    plan = ("restore", "plan", "--home", str(newest.root), "--json", "--target")
    assert iwato(*plan, str(newest.root / "out")).document["error"]["code"] == errors.PathUnsafe.code
    (tmp_path / "mine").touch()
    ended = iwato(*plan, str(tmp_path))
    assert ended.status == errors.EXIT_WARNINGS
    assert [item["code"] for item in ended.document["warnings"]] == [errors.TargetNotEmpty.code]
