"""The controller's state is lost, wholly or in part: `rebuild` has it again from drives and interlock."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from appliance import errors
from appliance.compose.ledger_record import LedgerRecord
from appliance.compose.policy_files import PolicyFiles
from appliance.errors import IwatoError
from appliance.format.ledger_entry import Note
from tests.depth import many
from tests.simulation import virtual_box
from tests.simulation.conftest import Vault
from tests.simulation.virtual_box import Cut, Nobody, PowerCut, VirtualBox

KEYS = ("log.key", "pairing.key")


@pytest.fixture
def box(vault: Vault, tmp_path: Path) -> VirtualBox:
    return vault.box.copy(tmp_path / "home")


def lose_all(box: VirtualBox) -> None:
    """Everything of the controller but the keys that nothing can make again."""
    for place in (box.home.policy, box.home.staging, box.home.intake_state):
        shutil.rmtree(place)
    for path in box.home.seal_state.iterdir():
        if path.is_dir():
            shutil.rmtree(path)
        elif path.name not in KEYS:
            path.unlink()


def rebuild(box: VirtualBox, cut: Cut | None = None) -> Mapping[str, Any]:
    return box.appliance(cut).rebuild(Nobody())


def is_whole(vault: Vault, box: VirtualBox, target: Path) -> bool:
    """The newest snapshot that the box knows of restores as it was pulled."""
    failed = box.restore(box.snapshots()[0], vault.identity, target, (3, 4, 5, 6))
    return not failed and not virtual_box.same(vault.first, target)


@pytest.mark.invariant("I6", "I10")
@pytest.mark.clause("THREATS 4.9")
def test_all_that_the_controller_lost_is_there_again_under_the_same_root(
    vault: Vault, box: VirtualBox, tmp_path: Path
) -> None:
    before = LedgerRecord(box.home, PolicyFiles(box.home.policy))
    snapshots, size = before.snapshots(), before.witnessed()
    texts = PolicyFiles(box.home.policy).public_files()
    root = rebuild(vault.box.copy(tmp_path / "unharmed"))["log_root"]
    lose_all(box)
    done = rebuild(box)
    assert (done["log_size"], done["log_root"]) == (size, root)
    assert done["made"] == ["folders", "pairing-key", "dedup-key", "policy"]
    assert (done["full"], done["warnings"]) == (True, [])
    assert PolicyFiles(box.home.policy).public_files() == texts
    assert box.snapshots() == snapshots
    assert is_whole(vault, box, tmp_path / "out")
    entries = LedgerRecord(box.home, PolicyFiles(box.home.policy)).entries()
    assert [entry.text for _, entry in entries if isinstance(entry, Note)] == [
        "the controller's state was rebuilt: folders, pairing-key, dedup-key, policy"
    ]


def test_the_next_window_after_a_rebuild_commits_and_reads_everything_once(
    vault: Vault, box: VirtualBox, tmp_path: Path
) -> None:
    lose_all(box)
    rebuild(box)
    first, second = box.run_window(), box.run_window()
    assert (first["complete"], first["bytes_new"]) == (True, first["bytes_read"])
    assert (second["complete"], second["bytes_new"]) == (True, 0)
    failed = box.restore(box.snapshots()[-1], vault.identity, tmp_path / "out", (1, 2, 5, 6))
    assert not failed
    assert not virtual_box.same(vault.source, tmp_path / "out")


def test_where_nothing_is_lost_nothing_is_made_anew_or_written_to_the_ledger(box: VirtualBox) -> None:
    size = LedgerRecord(box.home, PolicyFiles(box.home.policy)).witnessed()
    index = (box.home.intake_state / "index.sqlite").read_bytes()
    assert rebuild(box)["made"] == []
    assert LedgerRecord(box.home, PolicyFiles(box.home.policy)).witnessed() == size
    assert (box.home.intake_state / "index.sqlite").read_bytes() == index


@pytest.mark.parametrize("folder", ["policy", "staging", "intake_state"])
def test_one_lost_folder_costs_only_what_was_in_it(box: VirtualBox, folder: str) -> None:
    shutil.rmtree(getattr(box.home, folder))
    made = {"policy": "policy", "staging": None, "intake_state": "dedup-key"}[folder]
    assert made in [*rebuild(box)["made"], None]
    assert box.run_window()["complete"]


@pytest.mark.parametrize("key", KEYS)
def test_a_key_that_nothing_can_make_again_is_named_before_anything_is_changed(
    box: VirtualBox, key: str
) -> None:
    lose_all(box)
    (box.home.seal_state / key).unlink()
    with pytest.raises(errors.OwnFileMissing):
        rebuild(box)
    assert not box.home.policy.exists()


def test_a_box_without_its_policy_says_so_instead_of_offering_a_new_birth(box: VirtualBox) -> None:
    shutil.rmtree(box.home.policy)
    with pytest.raises(errors.OwnFileMissing) as said:
        box.appliance().status()
    assert "iwato rebuild" in said.value.remedy
    assert rebuild(box)["made"] == ["folders", "policy"]
    assert box.appliance().status()


@pytest.mark.clause("THREATS 4.9")
def test_a_policy_that_the_interlock_does_not_enforce_is_set_aside_and_not_believed(
    box: VirtualBox, tmp_path: Path, vault: Vault
) -> None:
    other = virtual_box.born(tmp_path / "other", vault.source, seed=9)
    shutil.rmtree(box.home.policy)
    shutil.copytree(other.home.policy, box.home.policy)
    texts = PolicyFiles(vault.box.home.policy).public_files()
    assert rebuild(box)["made"] == ["policy"]
    assert PolicyFiles(box.home.policy).public_files() == texts
    (aside,) = box.root.glob("policy-set-aside-*")
    assert PolicyFiles(aside).public_files() == PolicyFiles(other.home.policy).public_files()


@pytest.mark.clause("THREATS 4.9")
def test_drives_of_another_vault_give_neither_policy_nor_ledger(
    box: VirtualBox, tmp_path: Path, vault: Vault
) -> None:
    other = virtual_box.born(tmp_path / "other", vault.source, seed=9)
    lose_all(box)
    shutil.rmtree(box.home.bays)
    shutil.copytree(other.home.bays, box.home.bays)
    with pytest.raises(errors.PolicyNowhere):
        rebuild(box)
    shutil.rmtree(box.home.bays)
    shutil.copytree(vault.box.home.bays, box.home.bays)
    assert rebuild(box)["log_size"]


@pytest.mark.invariant("I10")
@pytest.mark.clause("THREATS 4.9")
def test_drives_that_were_put_back_to_an_earlier_state_are_not_taken_for_the_whole(
    vault: Vault, box: VirtualBox
) -> None:
    assert box.run_window()["complete"]
    lose_all(box)
    shutil.rmtree(box.home.bays)
    shutil.copytree(vault.box.home.bays, box.home.bays)
    done = rebuild(box)
    assert errors.LedgerTampered.code in {item["code"] for item in done["warnings"]}
    assert done["exit"] == errors.EXIT_EMERGENCY


def test_a_drive_that_lags_behind_and_one_that_is_missing_are_no_hindrance(
    vault: Vault, box: VirtualBox, tmp_path: Path
) -> None:
    shutil.move(box.home.bay(1), tmp_path / "old")
    shutil.copytree(tmp_path / "old", box.home.bay(1))
    assert box.run_window()["complete"]
    shutil.rmtree(box.home.bay(1))
    shutil.copytree(tmp_path / "old", box.home.bay(1))
    shutil.rmtree(box.home.bay(2))
    size = LedgerRecord(box.home, PolicyFiles(box.home.policy)).witnessed()
    lose_all(box)
    done = rebuild(box)
    assert (done["log_size"], done["missing"]) == (size, [2])
    assert is_whole(vault, box, tmp_path / "out")


@pytest.mark.invariant("I7")
def test_a_rebuild_that_is_cut_at_any_step_is_made_whole_by_the_next(vault: Vault, tmp_path: Path) -> None:
    counted = Cut()
    lost = vault.box.copy(tmp_path / "counted")
    lose_all(lost)
    expected = rebuild(lost, counted)["log_root"]
    steps = range(1, len(counted.labels) + 1)
    for step in steps[:: many(max(1, len(steps) // 12), 1)]:
        box = vault.box.copy(tmp_path / str(step))
        lose_all(box)
        with suppress(PowerCut, IwatoError):  # with the last steps the work was done before the power went
            rebuild(box, Cut(step))
        rebuild(box)
        texts = PolicyFiles(box.home.policy)
        assert texts.public_files() == PolicyFiles(vault.box.home.policy).public_files(), step
        assert box.snapshots() == vault.box.snapshots(), step
        assert box.appliance().verify_ledger(None, Nobody())["verdict"] == "verified", step
        assert rebuild(box)["made"] == [], step
        shutil.rmtree(box.root)
    assert expected
