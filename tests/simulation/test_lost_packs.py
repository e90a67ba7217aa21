"""What the vault no longer has is pulled anew: after a loss beyond repair, and after a rollback (I6, I9)."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from appliance.adapters.dedup_index import SqliteIndex
from appliance.errors import EXIT_FAILED, DrivesTooFew, IndexDamaged, SnapshotsDamaged, StagingFailed
from appliance.format import receipt
from appliance.service import losses
from tests.simulation import virtual_box
from tests.simulation.conftest import Vault
from tests.simulation.virtual_box import Cut, Nobody, PowerCut, VirtualBox


@pytest.fixture
def box(vault: Vault, tmp_path: Path) -> VirtualBox:
    """Two windows, so that intake counts the first one's packs."""
    box = vault.box.copy(tmp_path / "home")
    assert box.run_window()["complete"]
    return box


def lose_everything(box: VirtualBox) -> None:
    """The shards of all packs, on three drives of six."""
    for bay in (1, 2, 3):
        for path in (box.home.bay(bay) / "shards").rglob("*"):
            if path.is_file():
                path.unlink()


def lose_and_scrub(box: VirtualBox) -> None:
    lose_everything(box)
    assert box.appliance().scrub(Nobody())["exit"] == EXIT_FAILED


def sources_of(document: Mapping[str, Any]) -> set[str]:
    """The sources that are named with lost packs."""
    lost = (item for item in document["warnings"] if item["code"] == SnapshotsDamaged.code)
    return {item["values"]["sources"] for item in lost}


def codes(window: Mapping[str, Any]) -> set[str]:
    return {str(item["code"]) for item in window["warnings"]}


def latest_is_whole(vault: Vault, box: VirtualBox, target: Path) -> bool:
    failed = box.restore(box.snapshots()[-1], vault.identity, target, (1, 2, 3, 4))
    return not failed and not virtual_box.same(vault.source, target)


def receipts(box: VirtualBox) -> list[Path]:
    return sorted((box.home.staging / receipt.FOLDER).glob("00000000-*"))


@pytest.mark.invariant("I6")
@pytest.mark.invariant("I9")
@pytest.mark.clause("FORMAT 6.9")
def test_what_a_scrub_found_lost_is_stored_anew_by_the_next_window(
    vault: Vault, box: VirtualBox, tmp_path: Path
) -> None:
    lose_and_scrub(box)
    window = box.run_window()
    assert (window["complete"], window["warnings"]) == (True, [])
    assert int(str(window["bytes_new"])) > 300_000
    assert latest_is_whole(vault, box, tmp_path / "out")


def test_a_loss_that_was_pulled_anew_costs_nothing_when_it_is_found_again(
    vault: Vault, box: VirtualBox, tmp_path: Path
) -> None:
    """The packs stay lost for ever, and a scrub comes every day."""
    lose_and_scrub(box)
    box.run_window()
    box.run_window()
    assert box.appliance().scrub(Nobody())["exit"] == EXIT_FAILED
    window = box.run_window()
    assert (window["bytes_new"], window["warnings"]) == (0, [])
    assert not receipts(box)
    assert latest_is_whole(vault, box, tmp_path / "out")


@pytest.mark.clause("FORMAT 6.9")
@pytest.mark.parametrize("scrubbed", [True, False], ids=["untold", "unscrubbed"])
def test_a_window_that_was_not_told_of_a_loss_says_so_and_the_next_one_is_whole(
    vault: Vault, box: VirtualBox, tmp_path: Path, scrubbed: bool
) -> None:
    """Told or not, it cannot be silent: the receipt was lost with the power, or nobody scrubbed."""
    if scrubbed:
        lose_everything(box)
        cut = Cut()
        probe = box.copy(tmp_path / "probe")
        probe.appliance(cut).scrub(Nobody())
        cut = Cut(after=next(n for n, label in enumerate(cut.labels) if receipt.FOLDER in label))
        with pytest.raises(PowerCut):
            box.appliance(cut).scrub(Nobody())
        assert not receipts(box)
    else:
        lose_everything(box)
    window = box.run_window()
    assert SnapshotsDamaged.code in codes(window)
    assert sources_of(window) == {virtual_box.SOURCE}
    assert not latest_is_whole(vault, box, tmp_path / "bad")
    if not scrubbed:
        box.appliance().scrub(Nobody())
    assert SnapshotsDamaged.code not in codes(box.run_window())
    assert latest_is_whole(vault, box, tmp_path / "out")


@pytest.mark.clause("FORMAT 6.9")
def test_a_window_that_was_pulled_before_the_scrub_and_sealed_after_it_says_so(
    vault: Vault, box: VirtualBox, tmp_path: Path
) -> None:
    for bay in (5, 6):
        shutil.move(box.home.bay(bay), tmp_path / f"bay-{bay}")
    with pytest.raises(DrivesTooFew):
        box.run_window()
    for bay in (5, 6):
        shutil.move(tmp_path / f"bay-{bay}", box.home.bay(bay))
    lose_and_scrub(box)
    window = box.run_window()  # seals the one before first
    assert SnapshotsDamaged.code in codes(window)
    assert latest_is_whole(vault, box, tmp_path / "out")


def test_a_receipt_that_could_not_be_put_is_put_by_the_next_drive_phase(
    vault: Vault, box: VirtualBox, tmp_path: Path
) -> None:
    """Root in a link half can plant a folder under its name."""
    probe = box.copy(tmp_path / "probe")
    lose_and_scrub(probe)
    (name,) = [path.relative_to(probe.root) for path in receipts(probe)]
    (box.root / name / "planted").mkdir(parents=True)
    lose_everything(box)
    scrub = box.appliance().scrub(Nobody())
    assert StagingFailed.code in codes(scrub)
    assert SnapshotsDamaged.code in codes(box.run_window())
    assert SnapshotsDamaged.code not in codes(box.run_window())
    assert latest_is_whole(vault, box, tmp_path / "out")


@pytest.mark.planted
@pytest.mark.invariant("I6")
def test_a_scrub_that_tells_intake_nothing_is_caught(
    vault: Vault, box: VirtualBox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(losses, "tell", lambda _phase: [])
    lose_and_scrub(box)
    assert box.run_window()["complete"]
    assert not latest_is_whole(vault, box, tmp_path / "out")


# Rollback -------------------------------------------------------------------------------------------

IMAGE = ("bay", "seal-state", "emulated")


def put_back(box: VirtualBox, image: VirtualBox) -> None:
    """Drives, sealing state and the interlock's memory as they were; intake's state stays newer."""
    for name in IMAGE:
        shutil.rmtree(box.root / name)
        shutil.copytree(image.root / name, box.root / name, symlinks=True)


def lived_on(vault: Vault, tmp_path: Path, windows: int) -> VirtualBox:
    """Put back to its first window, after `windows` more that drives and interlock forgot."""
    box = vault.box.copy(tmp_path / "home")
    for _ in range(windows):
        box.run_window()
    put_back(box, vault.box)
    return box


@pytest.mark.invariant("I9")
def test_an_index_from_a_future_that_was_rolled_back_is_forgotten(vault: Vault, tmp_path: Path) -> None:
    box = lived_on(vault, tmp_path, 2)
    window = box.run_window()
    assert window["complete"]
    assert IndexDamaged.code in codes(window)
    assert latest_is_whole(vault, box, tmp_path / "out")
    assert IndexDamaged.code not in codes(box.run_window())
    assert box.run_window()["bytes_new"] == 0


@pytest.mark.clause("FORMAT 6.9")
def test_a_receipt_from_a_future_that_was_rolled_back_never_counts(vault: Vault, tmp_path: Path) -> None:
    """Its packs are not on the drives, also when the new ledger has grown as long as the old one."""
    box = lived_on(vault, tmp_path, 1)
    for number in range(3):
        box.run_window()
        assert latest_is_whole(vault, box, tmp_path / f"out-{number}")
    assert box.run_window()["bytes_new"] == 0


@pytest.mark.planted
@pytest.mark.invariant("I9")
def test_an_index_that_forgets_how_far_it_reached_is_caught(
    vault: Vault, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(SqliteIndex, "reached", lambda _self, _log_size: None)
    box = lived_on(vault, tmp_path, 2)
    assert box.run_window()["complete"]
    assert not latest_is_whole(vault, box, tmp_path / "out")
