"""Every way in which a drive of the set is not the drive that it should be, and what the user is told.

The list is that of the design's catalogue: stale, foreign, in another bay, missing, full, read-only,
unreadable, yanked in the middle of a write, duplicated, with ranges of zeros. Each case ends with the
code that names it, nothing that was committed is lost, and with good drives back the box is clean again
without further help. (A hung drive: test_hung_drive.py. Single flipped bits: test_every_field.py. Errors of
real disks: tests/block.)
"""

from __future__ import annotations

import errno
import itertools
import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from appliance import errors
from appliance.adapters.directory import Directory
from appliance.compose import operational_keys
from appliance.compose.policy_files import PolicyFiles
from appliance.domain.ids import DriveIndex
from appliance.format import drive_header
from appliance.service import drive_set, shard_healing
from tests.depth import many
from tests.simulation import virtual_box
from tests.simulation.bad_bays import BadBays, Failing, Yanked
from tests.simulation.conftest import Vault
from tests.simulation.test_drive_repair import repair
from tests.simulation.test_faults_between_commands import Listener, scrub, shards, verify
from tests.simulation.virtual_box import VirtualBox

BAY = 3  # of the drive that something is wrong with
EVERYTHING = tuple(range(1, 7))
Harm = Callable[[VirtualBox, int], None]


@pytest.fixture
def box(vault: Vault, tmp_path: Path) -> VirtualBox:
    return vault.box.copy(tmp_path / "home")


@pytest.fixture
def bays(monkeypatch: pytest.MonkeyPatch) -> BadBays:
    return BadBays(monkeypatch)


def said(document: Mapping[str, Any]) -> dict[str, Mapping[str, str]]:
    """What was warned of: code, and the values of its sentence."""
    return {item["code"]: item["values"] for item in document["warnings"]}


def is_isolated(box: VirtualBox) -> bool:
    status = box.appliance().status()
    return status["isolated"] and not any(drive["powered"] for drive in status["drives"])


def assert_whole(vault: Vault, box: VirtualBox, place: Path, bays: Sequence[int] = EVERYTHING) -> None:
    """Both snapshots come back from these drives, from whichever four of them."""
    place.mkdir()
    for number, four in enumerate(list(itertools.combinations(bays, 4))[:: many(7, 1)]):
        for name, tree, seal in zip("ab", (vault.first, vault.source), box.snapshots(), strict=True):
            target = place / f"{number}{name}"
            assert not box.restore(seal, vault.identity, target, four), four
            assert not virtual_box.same(tree, target), four


def assert_clean_again(vault: Vault, box: VirtualBox, place: Path) -> None:
    """After a window or scrub that made everything good, nothing more is found."""
    report = scrub(box)
    assert (report["exit"], report["outcome"], report["warnings"]) == (errors.EXIT_OK, "clean", [])
    assert verify(box)["exit"] == errors.EXIT_OK
    assert_whole(vault, box, place)
    assert not box.appliance().status()["alarms"]
    assert is_isolated(box)


def assert_committed_without_it(window: Mapping[str, Any]) -> None:
    """The window committed on the other five, and says which."""
    assert (window["complete"], window["exit"]) == (True, errors.EXIT_WARNINGS)
    others = ", ".join(str(bay) for bay in EVERYTHING if bay != BAY)
    assert said(window)[errors.CommitDegraded.code]["drives"] == others


def assert_nothing_was_committed(box: VirtualBox, code: str) -> None:
    """Fewer drives than the write quorum: said with the reason, and what was pulled waits in staging."""
    listener = Listener()
    with pytest.raises(errors.DrivesTooFew):
        box.appliance().run_window(listener)
    assert code in listener.codes
    assert len(box.snapshots()) == 1
    assert list((box.home.staging / "batches").iterdir())
    assert is_isolated(box)


def back(box: VirtualBox, bay: int, older: VirtualBox) -> None:
    """The drive as it was in another home, in this bay."""
    shutil.rmtree(box.home.bay(bay))
    shutil.copytree(older.home.bay(bay), box.home.bay(bay))


# Stale ----------------------------------------------------------------------------------------------


@pytest.mark.invariant("I9")
@pytest.mark.clause("THREATS 4.10")
@pytest.mark.parametrize("first", ["window", "scrub"])
def test_an_older_copy_of_a_drive_is_said_made_up_for_and_clean(
    vault: Vault, box: VirtualBox, tmp_path: Path, first: str
) -> None:
    assert box.run_window()["complete"]
    back(box, BAY, vault.box)
    assert verify(box)["exit"] == errors.EXIT_OK  # the copy of the ledger is short, not altered
    lacking = str(len(shards(box, 1)) - len(shards(box, BAY)))
    if first == "window":
        done = box.run_window()
        assert said(done) == {errors.DriveForgot.code: {"drive": str(BAY), "count": lacking}}
        assert done["complete"]
    else:
        done = scrub(box)
        assert said(done).keys() == {errors.DamageFound.code}
    assert done["exit"] == errors.EXIT_WARNINGS
    assert len(shards(box, BAY)) == len(shards(box, 1))
    shutil.rmtree(box.home.bay(1))
    shutil.rmtree(box.home.bay(2))
    assert not box.restore(box.snapshots()[1], vault.identity, tmp_path / "out", (3, 4, 5, 6))


def test_a_drive_that_was_away_is_not_said_to_have_forgotten(box: VirtualBox, tmp_path: Path) -> None:
    shutil.move(box.home.bay(BAY), tmp_path / "away")
    assert_committed_without_it(box.run_window())
    shutil.move(tmp_path / "away", box.home.bay(BAY))
    window = box.run_window()
    assert (window["exit"], window["warnings"]) == (errors.EXIT_OK, [])
    assert len(shards(box, BAY)) == len(shards(box, 1))


@pytest.mark.planted
def test_a_healing_that_says_nothing_of_a_stale_drive_is_caught(
    vault: Vault, box: VirtualBox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shard_healing, "_forgotten", lambda *_: {})
    with pytest.raises(AssertionError):
        test_an_older_copy_of_a_drive_is_said_made_up_for_and_clean(vault, box, tmp_path, "window")


# Foreign --------------------------------------------------------------------------------------------


def other_box(vault: Vault, box: VirtualBox, place: Path) -> None:
    other = virtual_box.born(place / "other", vault.source, seed=2)
    back(box, BAY, other)


def other_generation(vault: Vault, box: VirtualBox, place: Path) -> None:
    """Signed by this box's own key, for another set."""
    del vault, place
    texts = PolicyFiles(box.home.policy)
    (box.home.bay(BAY) / drive_header.FILE_NAME).unlink()
    drive_set.prepare(
        Directory(box.home.bay(BAY)),
        replace(texts.set_facts, generation=2),
        DriveIndex(BAY - 1),
        texts.keys.log,
        operational_keys.log_signer(box.home.seal_state, texts.policy.log_key),
        os.urandom,
    )


@pytest.mark.invariant("I8")
@pytest.mark.clause("FORMAT 6.2")
@pytest.mark.parametrize("put_in", [other_box, other_generation])
def test_a_drive_of_another_box_or_generation_is_named_and_left_alone(
    vault: Vault, box: VirtualBox, tmp_path: Path, put_in: Callable[[Vault, VirtualBox, Path], None]
) -> None:
    own = shutil.copytree(box.home.bay(BAY), tmp_path / "own")
    put_in(vault, box, tmp_path)
    before = sorted(box.home.bay(BAY).rglob("*"))
    window = box.run_window()
    assert_committed_without_it(window)
    assert said(window)[errors.DriveForeign.code]["bay"] == str(BAY)
    report = scrub(box)
    assert (report["exit"], report["missing"]) == (errors.EXIT_FAILED, [BAY])
    assert errors.DriveForeign.code in said(report)
    assert sorted(box.home.bay(BAY).rglob("*")) == before
    assert_whole(vault, box, tmp_path / "without", (1, 2, 4, 5, 6))
    shutil.rmtree(box.home.bay(BAY))
    shutil.copytree(own, box.home.bay(BAY))
    assert scrub(box)["outcome"] == "repaired"
    assert_clean_again(vault, box, tmp_path / "with")


# Bays, missing ---------------------------------------------------------------------------------------


def test_all_drives_in_other_bays_are_the_same_drives(
    vault: Vault, box: VirtualBox, tmp_path: Path
) -> None:
    box.home.bays.rename(tmp_path / "aside")
    box.home.bays.mkdir()
    for bay in EVERYTHING:
        (tmp_path / "aside" / str(bay)).rename(box.home.bay(bay % 6 + 1))
    window = box.run_window()
    assert (window["exit"], window["warnings"]) == (errors.EXIT_OK, [])
    assert_clean_again(vault, box, tmp_path / "out")


@pytest.mark.invariant("I15")
def test_one_missing_drive_degrades_a_window_and_is_filled_when_it_is_back(
    vault: Vault, box: VirtualBox, tmp_path: Path
) -> None:
    shutil.move(box.home.bay(BAY), tmp_path / "away")
    window = box.run_window()
    assert_committed_without_it(window)
    assert said(window)[errors.DrivesMissing.code] == {"drives": str(BAY)}
    shutil.move(tmp_path / "away", box.home.bay(BAY))
    assert scrub(box)["outcome"] == "repaired"
    assert_clean_again(vault, box, tmp_path / "out")


def test_more_missing_drives_than_a_commit_may_lack_commit_nothing_and_lose_nothing(
    vault: Vault, box: VirtualBox, tmp_path: Path
) -> None:
    for bay in (1, BAY):
        shutil.move(box.home.bay(bay), tmp_path / str(bay))
    assert_nothing_was_committed(box, errors.DrivesMissing.code)
    for bay in (1, BAY):
        shutil.move(tmp_path / str(bay), box.home.bay(bay))
    assert box.run_window()["complete"]
    assert_clean_again_with_three(vault, box, tmp_path / "out")


def assert_clean_again_with_three(vault: Vault, box: VirtualBox, place: Path) -> None:
    """As above, where the window that could not be committed was made up for by the one after it: it may
    have left a snapshot of its own."""
    assert scrub(box)["exit"] == errors.EXIT_OK
    assert not box.restore(box.snapshots()[-1], vault.identity, place, (1, 2, 3, 5))
    assert not virtual_box.same(vault.source, place)
    assert is_isolated(box)


# Errors ---------------------------------------------------------------------------------------------

ERRORS = {
    "full": (errno.ENOSPC, "No space left on device"),
    "read-only": (errno.EROFS, "Read-only file system"),
    "failing": (errno.EIO, "Input/output error"),
}


@pytest.mark.invariant("I9", "I15")
@pytest.mark.parametrize("after", [0, 2, 5][:: many(2, 1)])
@pytest.mark.parametrize("kind", list(ERRORS))
def test_a_drive_that_takes_no_more_is_named_with_its_reason_and_made_up_for(
    vault: Vault, box: VirtualBox, bays: BadBays, tmp_path: Path, kind: str, after: int
) -> None:
    number, reason = ERRORS[kind]
    bays.ails[BAY] = Failing(number, after, word="/")
    window = box.run_window()
    assert_committed_without_it(window)
    failed = said(window)[errors.DriveFailed.code]
    assert failed["bay"] == str(BAY)
    assert failed["reason"].endswith(reason)  # the other worker may have been told of "an earlier write"
    assert_whole(vault, box, tmp_path / "without", (1, 2, 4, 5, 6))
    bays.ails.clear()
    report = scrub(box)
    assert report["outcome"] in {"repaired", "clean"}
    window = box.run_window()
    assert (window["exit"], window["warnings"]) == (errors.EXIT_OK, [])


@pytest.mark.parametrize("kind", list(ERRORS))
@pytest.mark.parametrize("many_of_them", [(1, BAY), EVERYTHING], ids=["two", "all"])
def test_more_such_drives_than_a_commit_may_lack_commit_nothing_and_are_all_named(
    vault: Vault, box: VirtualBox, bays: BadBays, tmp_path: Path, kind: str, many_of_them: Sequence[int]
) -> None:
    for bay in many_of_them:
        bays.ails[bay] = Failing(ERRORS[kind][0])
    assert_nothing_was_committed(box, errors.DriveFailed.code)
    bays.ails.clear()
    assert box.run_window()["complete"]
    assert_clean_again_with_three(vault, box, tmp_path / "out")


def test_a_full_drive_is_not_repaired_and_no_scrub_calls_it_clean(
    box: VirtualBox, bays: BadBays
) -> None:
    shards(box, BAY)[0].unlink()
    bays.ails[BAY] = Failing(errno.ENOSPC)
    report = scrub(box)
    assert (report["exit"], report["outcome"]) == (errors.EXIT_FAILED, "unrepaired")
    assert said(report)[errors.DriveFailed.code]["reason"].endswith("No space left on device")
    bays.ails.clear()
    assert scrub(box)["outcome"] == "repaired"
    assert scrub(box)["outcome"] == "clean"


def test_a_file_system_that_cannot_be_read_is_the_drives_failure_and_no_damaged_header(
    vault: Vault, box: VirtualBox, bays: BadBays, tmp_path: Path
) -> None:
    bays.ails[BAY] = Yanked(after=0)  # not even its header
    window = box.run_window()
    assert_committed_without_it(window)
    assert said(window)[errors.DriveFailed.code] == {"bay": str(BAY), "reason": "the drive is gone"}
    assert errors.DriveHeaderDamaged.code not in said(window)
    assert scrub(box)["missing"] == [BAY]
    assert errors.DriveJoined.code not in said(repair(box))
    bays.ails.clear()
    assert scrub(box)["outcome"] == "repaired"
    assert_clean_again(vault, box, tmp_path / "out")


@pytest.mark.invariant("I6", "I15")
@pytest.mark.parametrize("is_back", [True, False], ids=["at once", "in the next phase"])
@pytest.mark.parametrize("after", range(1, many(5, 25), many(3, 1)))
def test_a_drive_that_vanishes_in_the_middle_of_a_write_takes_no_part_any_more_and_is_made_up_for(
    vault: Vault, box: VirtualBox, bays: BadBays, tmp_path: Path, after: int, is_back: bool
) -> None:
    yanked = bays.ails[BAY] = Yanked(after, back=2 if is_back else None)
    window = box.run_window()
    if yanked.after > 0:
        assert window["exit"] == errors.EXIT_OK  # the window had fewer steps than that
    else:
        assert window["complete"]
        # Either of two workers may meet it first, one that writes or one that reads back.
        reason = said(window)[errors.DriveFailed.code]["reason"]
        assert reason.endswith(("the drive is gone", "it gave back other bytes than were written"))
    assert_whole(vault, box, tmp_path / "without", (1, 2, 4, 5, 6))
    bays.ails.clear()
    assert box.run_window()["complete"]
    assert scrub(box)["exit"] == errors.EXIT_OK
    assert not box.restore(box.snapshots()[1], vault.identity, tmp_path / "with", (3, 4, 5, 6))


# Duplicated -----------------------------------------------------------------------------------------


@pytest.mark.invariant("I8")
def test_a_copy_of_drive_2_in_bay_5_lets_neither_count_and_four_drives_still_restore(
    vault: Vault, box: VirtualBox, tmp_path: Path
) -> None:
    shutil.move(box.home.bay(5), tmp_path / "fifth")
    shutil.copytree(box.home.bay(2), box.home.bay(5))
    before = [sorted(box.home.bay(bay).rglob("*")) for bay in (2, 5)]
    assert_nothing_was_committed(box, errors.DriveDuplicate.code)
    report = scrub(box)
    assert said(report)[errors.DriveDuplicate.code] == {"bay": "2", "other": "5", "index": "2"}
    assert (report["exit"], report["missing"]) == (errors.EXIT_FAILED, [2, 5])
    assert [sorted(box.home.bay(bay).rglob("*")) for bay in (2, 5)] == before
    assert not box.restore(box.snapshots()[0], vault.identity, tmp_path / "out", EVERYTHING)
    shutil.rmtree(box.home.bay(5))
    shutil.move(tmp_path / "fifth", box.home.bay(5))
    assert box.run_window()["complete"]
    assert_clean_again_with_three(vault, box, tmp_path / "later")


# Ranges of zeros -------------------------------------------------------------------------------------


def zero(path: Path, begin: int, length: int) -> bool:
    """Whether that changed anything: what lies beyond a small pack's end is zeros already."""
    content = path.read_bytes()
    zeroed = content[:begin] + bytes(len(content[begin : begin + length])) + content[begin + length :]
    path.write_bytes(zeroed)
    return zeroed != content


LENGTHS = [1 << 10, 4 << 10, 64 << 10, 1 << 20, 1 << 30]  # bytes; the last ones are whole files here


@pytest.mark.invariant("I9")
@pytest.mark.parametrize("length", LENGTHS[:: many(2, 1)])
@pytest.mark.parametrize("begin", [0, 3000])
def test_zeros_on_as_many_drives_as_there_is_parity_are_repaired(
    vault: Vault, box: VirtualBox, tmp_path: Path, length: int, begin: int
) -> None:
    assert box.run_window()["complete"]
    hit = sum(zero(path, begin, length) for path in (*shards(box, 1), *shards(box, 6)))
    report = scrub(box)
    assert hit
    assert (report["exit"], report["outcome"], report["lost_packs"]) == (errors.EXIT_WARNINGS, "repaired", 0)
    assert report["repaired"] == hit
    assert_clean_again(vault, box, tmp_path / "out")


@pytest.mark.invariant("I9")
@pytest.mark.parametrize("length", LENGTHS[:: many(2, 1)])
def test_zeros_on_one_drive_more_lose_what_they_hit_by_name_and_the_rest_restores(
    vault: Vault, box: VirtualBox, tmp_path: Path, length: int
) -> None:
    assert box.run_window()["complete"]
    first = {path.name.split(".")[0] for path in shards(vault.box, 1)}
    hit = {path.name.split(".")[0] for path in shards(box, 1)} - first  # of the second snapshot
    for path in [path for bay in (1, 5, 6) for path in shards(box, bay)]:
        assert path.name.split(".")[0] not in hit or zero(path, 0, length)
    report = scrub(box)
    assert (report["exit"], report["outcome"]) == (errors.EXIT_FAILED, "unrepaired")
    later = box.snapshots()[1].snapshot
    assert report["lost"] == {pack: [later] for pack in hit}
    assert errors.SnapshotsDamaged.code in said(report)
    assert not box.restore(box.snapshots()[0], vault.identity, tmp_path / "first", EVERYTHING)
    assert not virtual_box.same(vault.first, tmp_path / "first")
    failed = box.restore(box.snapshots()[1], vault.identity, tmp_path / "second", EVERYTHING)
    assert failed
    assert {error.code for _, error in failed if isinstance(error, errors.IwatoError)} == {"IW-3207"}
    assert is_isolated(box)


def test_a_drive_that_is_all_zeros_is_named_and_replaced_by_a_blank_one(
    vault: Vault, box: VirtualBox, tmp_path: Path
) -> None:
    assert box.run_window()["complete"]
    for path in box.home.bay(BAY).rglob("*"):
        if path.is_file():
            zero(path, 0, 1 << 30)
    report = scrub(box)
    assert said(report)[errors.DriveHeaderDamaged.code]["bay"] == str(BAY)
    assert (report["exit"], report["missing"]) == (errors.EXIT_FAILED, [BAY])
    shutil.rmtree(box.home.bay(BAY))
    box.home.bay(BAY).mkdir()
    assert errors.DriveJoined.code in said(repair(box))
    assert_clean_again(vault, box, tmp_path / "out")
