"""Drives swapped, broken, foreign or gone; the ledger bent; tokens wrong: what the commands answer.

Between two commands somebody changes the home's files, as a broken or stolen part would. Every case ends
with a clear error or a repair, nothing committed lost, and the box ISOLATED.
"""

from __future__ import annotations

import errno
import json
import os
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest

from appliance import errors
from appliance.adapters import console, file_names
from appliance.adapters.local_file import LocalFile
from appliance.compose import documents
from appliance.compose.emulated_appliance import EmulatedAppliance
from appliance.domain.ids import PackId, SnapshotId
from appliance.ports import CopyRequest, RestoreRequest
from appliance.service import drive_jobs, stripe_workers
from appliance.service.drive_phase import DrivePhase
from appliance.service.scrub import Scrubber, ScrubReport
from tests.simulation import virtual_box
from tests.simulation.conftest import Vault, change, fill
from tests.simulation.virtual_box import Nobody, VirtualBox, VirtualEmulation


@pytest.fixture
def box(vault: Vault, tmp_path: Path) -> VirtualBox:
    return vault.box.copy(tmp_path / "home")


def scrub(box: VirtualBox) -> Mapping[str, Any]:
    return box.appliance().scrub(Nobody())


def verify(box: VirtualBox, checkpoint: bytes | None = None, *, alone: bool = False) -> Mapping[str, Any]:
    return box.appliance().verify_ledger(checkpoint, Nobody(), alone=alone)


def is_calm(box: VirtualBox) -> bool:
    """ISOLATED, nothing powered, no alarm."""
    status = box.appliance().status()
    return status["isolated"] and not status["alarms"] and not any(d["powered"] for d in status["drives"])


def shards(box: VirtualBox, bay: int) -> list[Path]:
    return sorted((box.home.bay(bay) / "shards").rglob("*.*"))


def flip(path: Path, offset: int) -> None:
    content = bytearray(path.read_bytes())
    content[offset] ^= 1
    path.write_bytes(content)


# Drives ---------------------------------------------------------------------------------------------


def test_drives_in_other_bays_are_the_same_drives(box: VirtualBox) -> None:
    bays = [box.home.bay(bay) for bay in (1, 4)]
    bays[0].rename(box.root / "aside")
    bays[1].rename(bays[0])
    (box.root / "aside").rename(bays[1])
    assert scrub(box)["exit"] == errors.EXIT_OK
    assert box.run_window()["complete"]


@pytest.mark.parametrize("offset", [0, 5000, -1, -40, -4000])
def test_a_flipped_bit_is_found_repaired_and_gone(box: VirtualBox, offset: int) -> None:
    flip(shards(box, 2)[0], offset)
    first = scrub(box)
    assert (first["exit"], first["outcome"], first["repaired"]) == (errors.EXIT_WARNINGS, "repaired", 1)
    assert scrub(box)["exit"] == errors.EXIT_OK
    assert is_calm(box)


@pytest.mark.parametrize("harm", ["truncate", "delete", "empty"])
def test_a_shard_that_was_cut_or_removed_is_written_anew(
    vault: Vault, box: VirtualBox, tmp_path: Path, harm: str
) -> None:
    path = shards(box, 3)[0]
    if harm == "delete":
        path.unlink()
    else:
        os.truncate(path, 4096 if harm == "truncate" else 0)
    assert scrub(box)["outcome"] == "repaired"
    assert scrub(box)["exit"] == errors.EXIT_OK
    assert not box.restore(box.snapshots()[0], vault.identity, tmp_path / "out", (3, 4, 5, 6))


def test_more_damage_than_parity_is_named_and_the_rest_stays(box: VirtualBox) -> None:
    lost = shards(box, 1)[0].name.split(".")[0]
    for bay in (1, 2, 3):
        flip(next(path for path in shards(box, bay) if path.name.startswith(lost)), 100)
    report = scrub(box)
    assert (report["exit"], report["outcome"]) == (errors.EXIT_FAILED, "unrepaired")
    assert list(report["lost"]) == [lost]
    assert report["lost"][lost] == [box.snapshots()[0].snapshot]


def test_more_losses_than_a_line_of_the_console_holds_are_counted_and_named_in_part(
    box: VirtualBox, monkeypatch: pytest.MonkeyPatch
) -> None:
    snapshots = (SnapshotId(box.snapshots()[0].snapshot),) * 9
    lost: dict[PackId, tuple[SnapshotId, ...]]
    lost = {PackId(number.to_bytes(32, "big")): snapshots for number in range(20_000)}
    monkeypatch.setattr(Scrubber, "run", lambda *_, **__: ScrubReport(packs=20_000, lost=lost))
    monkeypatch.setattr(drive_jobs, "LOST_SAID", 0)
    said: list[str] = []
    monkeypatch.setattr(documents, "scrub", lambda log: said.append(json.dumps(log.reports["scrubbed"])))
    scrub(box)
    assert len(said[0]) < console.LINE_BYTES_MAX - 1_000
    report = json.loads(said[0])
    assert (report["lost_packs"], len(report["lost"])) == (20_000, drive_jobs.LOST_LISTED)


def stopped_scrub(box: VirtualBox, monkeypatch: pytest.MonkeyPatch) -> Mapping[str, Any]:
    """Its time is over after one pack."""
    with monkeypatch.context() as patch:
        patch.setattr(stripe_workers, "WORKERS", 1)
        calls = iter([False])
        patch.setattr(DrivePhase, "stop", lambda _: next(calls, True))
        return scrub(box)


def test_a_scrub_that_was_stopped_goes_on_with_the_next_command_and_then_begins_anew(
    box: VirtualBox, monkeypatch: pytest.MonkeyPatch
) -> None:
    every = scrub(box)["packs"]
    reports = [stopped_scrub(box, monkeypatch), scrub(box), scrub(box)]
    assert every > 1
    assert [report["packs"] for report in reports] == [1, every - 1, every]
    assert [report["finished"] for report in reports] == [False, True, True]


@pytest.mark.parametrize("text", [b"f" * 64, b"F" * 64, b"\xff" * 64, b"0" * 65, b"00\n", b" " * 64])
def test_a_planted_place_to_go_on_at_hides_no_pack_from_scrub(box: VirtualBox, text: bytes) -> None:
    every = scrub(box)["packs"]
    (box.home.seal_state / drive_jobs.SCRUB_RECORD).write_bytes(text)
    assert scrub(box)["packs"] == every


@pytest.mark.parametrize("bay", [1, 6])
def test_a_missing_drive_is_unrepaired_redundancy(box: VirtualBox, bay: int) -> None:
    shutil.rmtree(box.home.bay(bay))
    report = scrub(box)
    assert (report["exit"], report["missing"]) == (errors.EXIT_FAILED, [bay])


def test_a_blank_drive_is_said_and_not_written_to(box: VirtualBox) -> None:
    shutil.rmtree(box.home.bay(2))
    box.home.bay(2).mkdir()
    report = scrub(box)
    assert errors.DriveBlank.code in {item["code"] for item in report["warnings"]}
    assert not list(box.home.bay(2).iterdir())


def test_a_drive_of_another_vault_is_said_and_not_written_to(
    vault: Vault, box: VirtualBox, tmp_path: Path
) -> None:
    other = virtual_box.born(tmp_path / "other", vault.source, seed=2)
    shutil.rmtree(box.home.bay(5))
    shutil.copytree(other.home.bay(5), box.home.bay(5))
    before = sorted(path.name for path in box.home.bay(5).rglob("*"))
    report = scrub(box)
    assert errors.DriveForeign.code in {item["code"] for item in report["warnings"]}
    assert sorted(path.name for path in box.home.bay(5).rglob("*")) == before


def test_a_copy_of_one_drive_in_another_bay_counts_for_neither(box: VirtualBox) -> None:
    shutil.rmtree(box.home.bay(6))
    shutil.copytree(box.home.bay(1), box.home.bay(6))
    report = scrub(box)
    assert errors.DriveDuplicate.code in {item["code"] for item in report["warnings"]}
    assert report["exit"] == errors.EXIT_FAILED


@pytest.mark.parametrize("command", ["window", "restore"])
def test_fewer_than_k_drives_fail_clearly(box: VirtualBox, tmp_path: Path, command: str) -> None:
    for bay in (1, 2, 3):
        shutil.rmtree(box.home.bay(bay))
    if command == "window":
        with pytest.raises(errors.DrivesTooFew):
            box.run_window()
    else:
        failed = box.restore(box.snapshots()[0], box.identity([1, 2, 3]), tmp_path / "out", (4, 5, 6))
        assert failed
    assert is_calm(box)


def spoil_writing(box: VirtualBox, bays: Iterable[int]) -> None:
    """The drives can be read, but take no entry of the ledger."""
    for bay in bays:
        shutil.rmtree(box.home.bay(bay) / "ledger")
        (box.home.bay(bay) / "ledger").write_bytes(b"")


class Listener(Nobody):
    """Keeps what was said."""

    def __init__(self) -> None:
        super().__init__()
        self.codes: list[object] = []

    def event(self, event: str, fields: Mapping[str, object]) -> None:
        if event == "warning":
            self.codes.append(fields["code"])


@pytest.mark.parametrize("bays", [range(1, 7), [4]], ids=["all", "one"])
def test_a_drive_that_cannot_be_written_leaves_no_scrub_clean(box: VirtualBox, bays: Iterable[int]) -> None:
    spoil_writing(box, bays)
    report = scrub(box)
    assert (report["exit"], report["outcome"]) == (errors.EXIT_FAILED, "unrepaired")
    assert errors.DriveFailed.code in {item["code"] for item in report["warnings"]}


def test_a_window_that_no_drive_takes_says_what_they_failed_with(box: VirtualBox) -> None:
    spoil_writing(box, range(1, 7))
    listener = Listener()
    with pytest.raises(errors.DrivesTooFew):
        box.appliance().run_window(listener)
    assert listener.codes.count(errors.DriveFailed.code) == 6


# The box's own state --------------------------------------------------------------------------------


def test_a_state_disk_that_refuses_is_named_and_not_taken_for_staging(box: VirtualBox) -> None:
    shutil.rmtree(box.home.seal_state / "ledger")
    (box.home.seal_state / "ledger").write_bytes(b"")
    with pytest.raises(errors.StateFailed):
        scrub(box)
    assert is_calm(box)


def test_a_state_disk_that_cannot_be_swept_is_named(box: VirtualBox) -> None:
    leaf = file_names.temporary("left")
    (box.home.seal_state / leaf).write_bytes(b"")

    def failing(label: str) -> None:
        if label == f"unlink {leaf}":
            raise OSError(errno.EROFS, "planted")

    with pytest.raises(errors.StateFailed):
        EmulatedAppliance(box.root, VirtualEmulation(1, failing)).scrub(Nobody())


def test_what_was_seen_of_the_drives_stops_nothing_when_it_cannot_be_written(box: VirtualBox) -> None:
    (box.home.seal_state / "drives.json").unlink()
    (box.home.seal_state / "drives.json").mkdir()
    report = scrub(box)
    assert (report["exit"], report["outcome"]) == (errors.EXIT_OK, "clean")
    assert [item["code"] for item in report["warnings"]] == [errors.StateFailed.code]
    assert box.run_window()["snapshot"]


# Ledger ---------------------------------------------------------------------------------------------


def test_an_untouched_ledger_is_verified_three_ways(box: VirtualBox) -> None:
    note = max((box.home.bay(1) / "checkpoints").iterdir()).read_bytes()
    assert (verify(box)["verdict"], verify(box)["exit"]) == ("verified", errors.EXIT_OK)
    assert verify(box, note)["exit"] == errors.EXIT_OK
    alone = verify(box, alone=True)
    assert (alone["verdict"], alone["exit"]) == ("self-consistent", errors.EXIT_WARNINGS)


@pytest.mark.parametrize("bays", [(2,), tuple(range(1, 7))], ids=["one drive", "every drive"])
@pytest.mark.parametrize("harm", ["alter", "remove"])
def test_a_bent_ledger_ends_with_4_and_its_reason(box: VirtualBox, bays: tuple[int, ...], harm: str) -> None:
    for bay in bays:
        segment = sorted((box.home.bay(bay) / "ledger").iterdir())[1]
        if harm == "alter":
            flip(segment, -50)
        else:
            segment.unlink()
    found = verify(box)
    assert (found["verdict"], found["exit"]) == ("tampered", errors.EXIT_EMERGENCY)
    assert found["reason"]
    assert is_calm(box)


def test_drives_rolled_back_together_do_not_fool_the_interlocks_head(vault: Vault, box: VirtualBox) -> None:
    assert box.run_window()["complete"]
    for bay in range(1, 7):
        shutil.rmtree(box.home.bay(bay))
        shutil.copytree(vault.box.home.bay(bay), box.home.bay(bay))
    found = verify(box)
    assert (found["verdict"], found["exit"]) == ("tampered", errors.EXIT_EMERGENCY)
    assert found["reason"] == "entry 3 is missing"


def test_a_checkpoint_of_another_vault_is_refused(vault: Vault, box: VirtualBox, tmp_path: Path) -> None:
    other = virtual_box.born(tmp_path / "other", vault.source, seed=2)
    note = max((other.home.bay(1) / "checkpoints").iterdir()).read_bytes()
    assert verify(box, note)["exit"] == errors.EXIT_EMERGENCY


# Tokens ---------------------------------------------------------------------------------------------


def recall(box: VirtualBox, target: Path, *tokens: Path) -> Mapping[str, Any]:
    request = RestoreRequest(
        copy=CopyRequest(snapshot="latest", tokens=tuple(map(str, tokens))), target=str(target)
    )
    return box.appliance().restore(request, Nobody())


def refusal(box: VirtualBox, target: Path, *tokens: Path) -> errors.IwatoError:
    """The error of a restore that must not happen; nothing may have been written."""
    with pytest.raises(errors.IwatoError) as caught:
        recall(box, target, *tokens)
    assert not target.exists() or not list(target.iterdir())
    assert is_calm(box)
    return caught.value


def test_two_tokens_are_too_few(box: VirtualBox, tmp_path: Path) -> None:
    error = refusal(box, tmp_path / "out", box.home.token(1), box.home.token(2))
    assert error.exit_status == errors.EXIT_QUORUM


def test_one_token_twice_is_one_person(box: VirtualBox, tmp_path: Path) -> None:
    tokens = [box.home.token(holder) for holder in (1, 2, 2)]
    assert refusal(box, tmp_path / "out", *tokens).code == errors.ShareRepeated.code


def test_a_token_of_another_vault_is_named(vault: Vault, box: VirtualBox, tmp_path: Path) -> None:
    other = virtual_box.born(tmp_path / "other", vault.source, seed=2)
    tokens = [box.home.token(1), box.home.token(2), other.home.token(3)]
    assert refusal(box, tmp_path / "out", *tokens).code == errors.TokenForeign.code


@pytest.mark.parametrize(
    ("content", "code"), [("wrong words here", "PassphraseWrong"), (None, "PassphraseMissing")]
)
def test_a_wrong_or_missing_passphrase_is_named(
    box: VirtualBox, tmp_path: Path, content: str | None, code: str
) -> None:
    passphrase = box.home.token(3) / "passphrase.txt"
    passphrase.unlink()
    if content is not None:
        passphrase.write_text(content, encoding="ascii")
    tokens = [box.home.token(holder) for holder in (1, 2, 3)]
    error = refusal(box, tmp_path / "out", *tokens)
    assert (error.code, error.exit_status) == (getattr(errors, code).code, errors.EXIT_QUORUM)


def test_a_folder_that_is_no_token_is_named(box: VirtualBox, tmp_path: Path) -> None:
    tokens = [box.home.token(1), box.home.token(2), tmp_path]
    assert refusal(box, tmp_path / "out", *tokens).code == errors.TokenMissing.code


# Sources --------------------------------------------------------------------------------------------


def test_files_that_change_while_they_are_pulled_are_said_by_the_window_and_by_the_restore(
    box: VirtualBox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(LocalFile, "unchanged", lambda self: False)
    window: Mapping[str, Any] = box.run_window()
    assert (window["exit"], window["complete"]) == (errors.EXIT_WARNINGS, True)
    assert [item["code"] for item in window["warnings"]] == [errors.FilesChanged.code]
    assert window["warnings"][0]["values"]["count"] == str(window["changed"]) > "0"
    back = recall(box, tmp_path / "out", *(box.home.token(holder) for holder in (1, 2, 3)))
    assert back["exit"] == errors.EXIT_WARNINGS
    assert errors.FilesChanged.code in {item["code"] for item in back["warnings"]}


def test_a_source_that_is_gone_is_said_and_comes_back(tmp_path: Path) -> None:
    source = tmp_path / "source"
    fill(source)
    box = virtual_box.born(tmp_path / "home", source)
    source.rename(tmp_path / "away")
    window = box.run_window()
    assert window["exit"] == errors.EXIT_FAILED
    assert errors.SourceMissing.code in {item["code"] for item in window["warnings"]}  # type: ignore[attr-defined]
    assert is_calm(box)
    (tmp_path / "away").rename(source)
    change(source)
    assert box.run_window()["complete"]


# The harness catches what it should -----------------------------------------------------------------


@pytest.mark.planted
def test_a_scrub_that_looks_at_nothing_is_caught(box: VirtualBox, monkeypatch: pytest.MonkeyPatch) -> None:
    from appliance.service import scrub as scrubbing

    monkeypatch.setattr(scrubbing.Scrubber, "_from", lambda _self, _begin: iter(()))
    flip(shards(box, 2)[0], 0)
    assert scrub(box)["outcome"] != "repaired"
