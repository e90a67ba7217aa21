"""A blank disk takes the place of a lost drive: filled from the others, and nothing else is touched."""

from __future__ import annotations

import errno
import itertools
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from appliance.compose.ledger_record import LedgerRecord
from appliance.compose.policy_files import PolicyFiles
from appliance.errors import (
    EXIT_FAILED,
    EXIT_OK,
    EXIT_WARNINGS,
    DriveDuplicate,
    DriveFailed,
    DriveForeign,
    DriveJoined,
    DriveOccupied,
    DrivesTooFew,
)
from appliance.format.drive_header import FILE_NAME
from appliance.format.ledger_entry import Note
from appliance.service import drive_replacement, drive_set, shard_writer
from appliance.service.drive_set import Drive
from appliance.service.pack_catalogue import PackCatalogue
from tests.depth import many
from tests.simulation import virtual_box
from tests.simulation.conftest import Vault
from tests.simulation.virtual_box import Cut, Nobody, PowerCut, VirtualBox


@pytest.fixture
def box(vault: Vault, tmp_path: Path) -> VirtualBox:
    return vault.box.copy(tmp_path / "home")


def repair(box: VirtualBox, cut: Cut | None = None) -> Mapping[str, Any]:
    return box.appliance(cut).scrub(Nobody(), replace=True)


def scrub(box: VirtualBox) -> Mapping[str, Any]:
    return box.appliance().scrub(Nobody())


def exchange(box: VirtualBox, bay: int) -> None:
    """The disk in a bay for a new one."""
    shutil.rmtree(box.home.bay(bay))
    box.home.bay(bay).mkdir()


def codes(document: Mapping[str, Any]) -> list[str]:
    return [str(item["code"]) for item in document["warnings"]]


def notes(box: VirtualBox) -> list[str]:
    entries = LedgerRecord(box.home, PolicyFiles(box.home.policy)).entries()
    return [entry.text for _, entry in entries if isinstance(entry, Note)]


def is_whole(vault: Vault, box: VirtualBox, target: Path, bays: tuple[int, ...]) -> bool:
    failed = box.restore(box.snapshots()[-1], vault.identity, target, bays)
    return not failed and not virtual_box.same(vault.first, target)


def content(place: Path) -> dict[str, bytes]:
    files = (path for path in place.rglob("*") if path.is_file())
    return {str(path.relative_to(place)): path.read_bytes() for path in files}


@pytest.mark.invariant("I9")
@pytest.mark.clause("FORMAT 6.11")
def test_a_blank_disk_becomes_the_missing_drive_and_carries_all_that_it_carried(
    vault: Vault, box: VirtualBox, tmp_path: Path
) -> None:
    before = content(box.home.bay(3))
    exchange(box, 3)
    done = repair(box)
    assert (done["outcome"], done["exit"]) == ("repaired", EXIT_WARNINGS)
    assert DriveJoined.code in codes(done)
    after = content(box.home.bay(3))
    assert after.pop(FILE_NAME) != before.pop(FILE_NAME)
    kept = {name: data for name, data in before.items() if not name.startswith(("ledger/", "checkpoints/"))}
    assert {name: after.get(name) for name in kept} == kept
    assert box.appliance().verify_ledger(None, Nobody())["verdict"] == "verified"
    assert [text for text in notes(box) if "bay 3 becomes drive 3" in text]
    assert (scrub(box)["outcome"], scrub(box)["exit"]) == ("clean", EXIT_OK)
    assert is_whole(vault, box, tmp_path / "out", (3, 4, 5, 6))


def test_after_all_drives_were_exchanged_one_by_one_every_four_of_the_new_ones_restore(
    vault: Vault, box: VirtualBox, tmp_path: Path
) -> None:
    for bay in range(1, 7):
        exchange(box, bay)
        assert repair(box)["outcome"] == "repaired", bay
    for number, bays in enumerate(list(itertools.combinations(range(1, 7), 4))[:: many(7, 1)]):
        assert is_whole(vault, box, tmp_path / str(number), bays), bays
    assert box.run_window()["complete"]


def test_two_blank_disks_in_other_bays_take_the_numbers_that_are_missing(
    vault: Vault, box: VirtualBox, tmp_path: Path
) -> None:
    for bay in (2, 5):
        exchange(box, bay)
    shutil.move(box.home.bay(6), tmp_path / "sixth")
    shutil.move(box.home.bay(2), box.home.bay(6))
    shutil.move(tmp_path / "sixth", box.home.bay(2))
    assert repair(box)["outcome"] == "repaired"
    assert scrub(box)["outcome"] == "clean"
    assert is_whole(vault, box, tmp_path / "out", (5, 6, 1, 3))


@pytest.mark.parametrize("harm", ["gone", "folder"])
def test_without_a_blank_disk_it_repairs_as_a_scrub_does(box: VirtualBox, harm: str) -> None:
    (shard, *_) = (path for path in (box.home.bay(2) / "shards").rglob("*") if path.is_file())
    shard.unlink()
    if harm == "folder":
        shard.mkdir()
    assert repair(box)["outcome"] == "repaired"
    assert scrub(box)["outcome"] == "clean"
    assert not notes(box)


@pytest.mark.invariant("I8")
@pytest.mark.clause("FORMAT 6.11", "THREATS 4.8")
def test_a_disk_that_holds_anything_is_not_touched(vault: Vault, box: VirtualBox, tmp_path: Path) -> None:
    exchange(box, 1)
    (box.home.bay(1) / "holiday.jpg").write_bytes(b"the only copy")
    exchange(box, 2)
    (box.home.bay(2) / "lost+found").mkdir()  # a new file system
    done = repair(box)
    assert DriveOccupied.code in codes(done)
    assert (done["outcome"], done["exit"]) == ("unrepaired", EXIT_FAILED)
    assert content(box.home.bay(1)) == {"holiday.jpg": b"the only copy"}
    # The empty one took the first number that was missing, whatever its bay.
    assert is_whole(vault, box, tmp_path / "out", (2, 3, 4, 5))


@pytest.mark.invariant("I8")
def test_a_drive_of_another_vault_is_not_touched(box: VirtualBox, vault: Vault, tmp_path: Path) -> None:
    other = virtual_box.born(tmp_path / "other", vault.source, seed=9)
    shutil.rmtree(box.home.bay(4))
    shutil.copytree(other.home.bay(4), box.home.bay(4))
    before = content(box.home.bay(4))
    done = repair(box)
    assert DriveForeign.code in codes(done)
    assert DriveJoined.code not in codes(done)
    assert content(box.home.bay(4)) == before


def test_a_number_that_two_disks_have_is_not_given_to_a_third(vault: Vault, tmp_path: Path) -> None:
    box = virtual_box.born(tmp_path / "home", vault.source, data_shards=3)
    shutil.rmtree(box.home.bay(6))
    shutil.copytree(box.home.bay(2), box.home.bay(6))
    exchange(box, 4)
    done = repair(box)
    assert DriveDuplicate.code in codes(done)
    assert [text for text in notes(box) if "bay 4 becomes drive 4" in text]
    assert done["exit"] == EXIT_FAILED


@pytest.mark.clause("FORMAT 6.11")
def test_where_too_few_drives_are_left_no_disk_is_written(box: VirtualBox) -> None:
    for bay in (1, 2, 3):
        exchange(box, bay)
    with pytest.raises(DrivesTooFew):
        repair(box)
    assert [content(box.home.bay(bay)) for bay in (1, 2, 3)] == [{}, {}, {}]


@pytest.mark.invariant("I7", "I9")
def test_power_cut_at_every_durable_step_of_a_replacement_goes_on_where_it_was(
    vault: Vault, box: VirtualBox, tmp_path: Path
) -> None:
    exchange(box, 4)
    probe = Cut()
    assert repair(box.copy(tmp_path / "probe"), probe)["outcome"] == "repaired"
    joining = [number for number, label in enumerate(probe.labels) if FILE_NAME in label]
    every = {*range(1, len(probe.labels), many(29, 1)), *joining, *(number + 1 for number in joining)}
    for after in sorted(every):
        tried = box.copy(tmp_path / "tried")
        with pytest.raises(PowerCut):
            repair(tried, Cut(after=after))
        repair(tried)
        assert scrub(tried)["outcome"] == "clean", after
        assert "becomes drive 4" in notes(tried)[-1], after
        assert is_whole(vault, tried, tmp_path / "out", (3, 4, 5, 6)), after
        shutil.rmtree(tried.root)
        shutil.rmtree(tmp_path / "out")


def test_a_stopped_scrub_does_not_keep_a_new_drive_from_being_filled(box: VirtualBox) -> None:
    """The scrub had done with the first packs; the new drive lacks them all the same."""
    packs = sorted((box.home.bay(1) / "shards").rglob("*.0"))
    last = packs[-1].name.partition(".")[0]
    (box.home.seal_state / "scrub-next").write_bytes(last.encode())
    exchange(box, 6)
    assert repair(box)["repaired"] == len(packs)
    assert scrub(box)["outcome"] == "clean"


def test_a_stopped_repair_goes_on_where_it_was(box: VirtualBox) -> None:
    """Twenty terabytes need more than one slot: a repair that began anew each time would never end."""
    exchange(box, 6)
    assert repair(box)["outcome"] == "repaired"
    packs = list(PackCatalogue(LedgerRecord(box.home, PolicyFiles(box.home.policy)).entries()).facts)
    (box.home.seal_state / "scrub-next").write_bytes(packs[-1].hex().encode())
    assert repair(box)["packs"] == 1
    assert repair(box)["packs"] == len(packs) > 1


def test_a_disk_that_cannot_be_written_leaves_its_number_to_the_next_one(
    vault: Vault, box: VirtualBox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for bay in (2, 5):
        exchange(box, bay)
    prepare = drive_set.prepare

    def broken_in_bay_2(files: Any, *rest: Any) -> Any:
        if files.inner._root.endswith("/2"):
            raise OSError(errno.EIO, "it is broken")
        return prepare(files, *rest)

    monkeypatch.setattr(drive_set, "prepare", broken_in_bay_2)
    done = repair(box)
    assert (done["outcome"], codes(done).count(DriveJoined.code)) == ("unrepaired", 1)
    assert DriveFailed.code in codes(done)
    assert "drive 2" in notes(box)[-1]
    monkeypatch.undo()
    assert repair(box)["outcome"] == "repaired"
    assert is_whole(vault, box, tmp_path / "out", (2, 5, 1, 3))


@pytest.mark.invariant("I9")
@pytest.mark.clause("FORMAT 6.11")
def test_a_repaired_drive_that_is_exchanged_later_counts_at_once(box: VirtualBox) -> None:
    """Its shards have the revisions that the ledger records, not those of a first writing."""
    for path in (box.home.bay(2) / "shards").rglob("*"):
        if path.is_file():
            path.unlink()
            path.mkdir()
    assert scrub(box)["outcome"] == "repaired"
    exchange(box, 2)
    assert repair(box)["outcome"] == "repaired"
    assert scrub(box)["outcome"] == "clean"


@pytest.mark.planted
def test_a_replacement_that_forgets_what_was_recorded_is_caught(
    box: VirtualBox, monkeypatch: pytest.MonkeyPatch
) -> None:
    next_name = shard_writer.next_name
    monkeypatch.setattr(
        "appliance.service.shard_repair.next_name", lambda drive, pack, _least: next_name(drive, pack)
    )
    with pytest.raises(AssertionError):
        test_a_repaired_drive_that_is_exchanged_later_counts_at_once(box)


@pytest.mark.planted
def test_a_replacement_that_is_said_after_the_header_is_written_is_caught(
    vault: Vault, box: VirtualBox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def silent_first(phase: Any, disk: Any, index: Any, drive_id: bytes) -> None:
        shop, facts = phase.shop, phase.facts
        header = drive_set.prepare(
            disk.files, shop.set_facts, index, shop.keys.log, shop.sign, lambda _length: drive_id
        )
        text = f"a blank disk in bay {disk.bay} becomes drive {index + 1}: {drive_id.hex()}"
        phase.ledger.append(Note(time=facts.unix_s, phase=facts.phase, text=text))
        phase.drives.join(Drive(header=header, bay=disk.bay, files=disk.files))

    monkeypatch.setattr(drive_replacement, "_join", silent_first)
    with pytest.raises((AssertionError, IndexError)):
        test_power_cut_at_every_durable_step_of_a_replacement_goes_on_where_it_was(vault, box, tmp_path)


@pytest.mark.planted
def test_a_replacement_of_a_disk_with_content_is_caught(
    vault: Vault, box: VirtualBox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drive_replacement, "_is_empty", lambda _disk: True)
    with pytest.raises(AssertionError):
        test_a_disk_that_holds_anything_is_not_touched(vault, box, tmp_path)
