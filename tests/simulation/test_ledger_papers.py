"""What leaves a box and comes back to it: exports, proofs, checkpoints, and the dead-man rule."""

import io
import shutil
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from appliance.compose import ledger_papers
from appliance.compose.policy_files import PolicyFiles
from appliance.domain.ledger_request import LedgerAct, LedgerRequest
from appliance.errors import (
    EXIT_EMERGENCY,
    EXIT_OK,
    EXIT_WARNINGS,
    CheckCodeUnknown,
    CheckpointContradicted,
    CheckpointRefused,
    CheckpointUnseen,
    LedgerBehind,
    PlaceUnusable,
    SnapshotUnknown,
)
from appliance.ledger import proof
from appliance.rosetta import iwato_ledger
from appliance.service.ledger_desk import LedgerDesk
from tests.simulation.virtual_box import Nobody, VirtualBox, born


@pytest.fixture(scope="module")
def living(tmp_path_factory: pytest.TempPathFactory) -> VirtualBox:
    """A box after two windows."""
    place = tmp_path_factory.mktemp("papers")
    source = place / "source"
    source.mkdir()
    box = born(place / "home", source)
    for number in range(2):
        (source / f"file-{number}").write_bytes(b"content %d" % number)
        box.run_window()
    return box


@pytest.fixture(scope="module")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> VirtualBox:
    """Another box; nobody changes it."""
    place = tmp_path_factory.mktemp("stranger")
    (place / "source").mkdir()
    return born(place / "home", place / "source", seed=2)


@pytest.fixture
def box(living: VirtualBox, tmp_path: Path) -> VirtualBox:
    return living.copy(tmp_path / "box")


def consult(box: VirtualBox, act: LedgerAct, **words: Any) -> Mapping[str, Any]:
    return box.appliance().consult_ledger(LedgerRequest(act=act, **words))


def checkpoint(box: VirtualBox) -> Mapping[str, Any]:
    return consult(box, LedgerAct.CHECKPOINT)


def papers(*documents: Mapping[str, Any], form: str = "note") -> tuple[tuple[str, bytes], ...]:
    return tuple((f"paper-{n}", document[form].encode()) for n, document in enumerate(documents))


def codes(document: Mapping[str, Any], name: str = "warnings") -> set[str]:
    return {item["code"] for item in document[name]}


def standings(document: Mapping[str, Any]) -> list[str]:
    return [paper["standing"] for paper in document["papers"]]


@pytest.mark.clause("FORMAT 7.7")
@pytest.mark.clause("THREATS 4.12")
def test_an_exported_ledger_is_the_one_that_was_seen_outside(box: VirtualBox, tmp_path: Path) -> None:
    seen = checkpoint(box)
    box.run_window()
    place = tmp_path / "ledger"
    document = consult(box, LedgerAct.EXPORT, to=str(place))
    assert document["bytes"] == place.stat().st_size
    newest = checkpoint(box)
    outside = [iwato_ledger.parse_note(seen["note"].encode()), iwato_ledger.parse_short(newest["short"])]
    for number, said in enumerate(outside):
        said.label = str(number)
    policy = iwato_ledger.policy_keys(PolicyFiles(box.home.policy).text)
    walk = iwato_ledger.Walk(outside, policy).run(io.BytesIO(place.read_bytes()))
    assert (walk.exit_code(), walk.size) == (EXIT_OK, document["size"])
    with pytest.raises(PlaceUnusable):
        consult(box, LedgerAct.EXPORT, to=str(place))


def test_an_export_that_cannot_be_written_leaves_nothing(
    box: VirtualBox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> Any:
        yield b"begun"
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(ledger_papers, "_gathered", full)
    (tmp_path / "stick").mkdir()
    with pytest.raises(OSError, match="No space"):
        consult(box, LedgerAct.EXPORT, to=str(tmp_path / "stick" / "ledger"))
    assert list((tmp_path / "stick").iterdir()) == []


@pytest.mark.clause("FORMAT 7.6")
def test_a_snapshot_is_proven_beside_its_data(box: VirtualBox) -> None:
    keys = PolicyFiles(box.home.policy).keys
    for seal in box.snapshots():
        document = consult(box, LedgerAct.PROVE, snapshot=seal.snapshot)
        index, said = proof.verify(document["proof"].encode(), document["entry"].encode(), keys)
        assert (index, said.size) == (document["index"], checkpoint(box)["entries"])
    with pytest.raises(SnapshotUnknown):
        consult(box, LedgerAct.PROVE, snapshot="20000101T000000Z-00000000")


@pytest.mark.clause("THREATS 4.12")
def test_everything_put_back_to_an_older_state_is_found_by_what_was_seen_outside(box: VirtualBox) -> None:
    """Drives, state and the interlock's memory together look whole; the paper does not agree."""
    older = box.copy(box.root.parent / "older")
    box.run_window()
    newer = checkpoint(box)
    for name in ("bay", "seal-state", "intake-state", "emulated", "staging"):
        shutil.rmtree(box.root / name)
        shutil.copytree(older.root / name, box.root / name)
    for form in ("note", "short"):
        document = consult(box, LedgerAct.COMPARE, papers=papers(newer, form=form))
        assert standings(document) == ["rolled_back"]
        assert document["exit"] == EXIT_EMERGENCY
        assert codes(document) == {CheckpointContradicted.code}
    box.run_window()
    box.run_window()
    document = consult(box, LedgerAct.COMPARE, papers=papers(newer, checkpoint(box)))
    assert standings(document) == ["forked", "agrees"]
    verified = box.appliance().verify_ledger(newer["short"].encode(), Nobody())
    assert verified["verdict"] == "tampered"


def test_a_paper_of_another_box_accuses_nobody(box: VirtualBox, stranger: VirtualBox) -> None:
    document = consult(box, LedgerAct.COMPARE, papers=(*papers(checkpoint(stranger)), ("junk", b"\xff")))
    assert standings(document) == ["not_ours", "not_ours"]
    assert document["exit"] == EXIT_WARNINGS
    assert codes(document) == {CheckpointRefused.code}


def test_while_our_own_copy_lacks_entries_nobody_is_accused_of_removing_them(box: VirtualBox) -> None:
    newest = checkpoint(box)
    for folder in ("ledger", "checkpoints"):
        files = sorted((box.root / "seal-state" / folder).iterdir())
        files[-1].unlink()
    with pytest.raises(LedgerBehind):
        consult(box, LedgerAct.COMPARE, papers=papers(newest))


# The dead-man rule ----------------------------------------------------------------------------------


@pytest.mark.clause("THREATS 4.13")
def test_windows_that_nobody_saw_are_an_alarm_until_a_code_is_read_back(
    box: VirtualBox, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert box.appliance().status()["seen"] == {"entries": 0, "windows": 2}
    assert CheckpointUnseen.code not in codes(box.appliance().status(), "alarms")
    monkeypatch.setattr(ledger_papers, "UNSEEN_WINDOWS_MAX", 1)
    assert CheckpointUnseen.code in codes(box.appliance().status(), "alarms")
    seen = checkpoint(box)
    document = consult(box, LedgerAct.SEEN, code=f" {seen['short'][-8:-4]}-{seen['short'][-4:].lower()}")
    assert (document["entries"], document["windows"]) == (seen["entries"], 0)
    assert CheckpointUnseen.code not in codes(box.appliance().status(), "alarms")
    box.run_window()
    assert box.appliance().status()["seen"] == {"entries": seen["entries"], "windows": 1}
    box.run_window()
    assert CheckpointUnseen.code in codes(box.appliance().status(), "alarms")


@pytest.mark.clause("THREATS 4.13")
def test_a_kept_checkpoint_is_read_back_and_an_older_one_changes_nothing(box: VirtualBox) -> None:
    older = checkpoint(box)
    box.run_window()
    newer = checkpoint(box)
    for form in ("short", "note"):
        document = consult(box, LedgerAct.SEEN, papers=papers(newer, form=form))
        assert document["entries"] == newer["entries"]
    assert consult(box, LedgerAct.SEEN, papers=papers(older))["entries"] == newer["entries"]
    assert consult(box, LedgerAct.SEEN, code=older["short"])["entries"] == newer["entries"]


@pytest.mark.clause("THREATS 4.13")
def test_what_was_not_scanned_from_this_box_does_not_count_as_seen(
    box: VirtualBox, stranger: VirtualBox
) -> None:
    for code in ("", "0" * 8, checkpoint(box)["short"][-7:], "IWATO1:"):
        with pytest.raises(CheckCodeUnknown):
            consult(box, LedgerAct.SEEN, code=code or "-")
    document = consult(box, LedgerAct.SEEN, papers=papers(checkpoint(stranger)))
    assert standings(document) == ["not_ours"]
    assert box.appliance().status()["seen"]["entries"] == 0


@pytest.mark.clause("THREATS 4.13")
@pytest.mark.parametrize("content", [b"", b"\xff" * 100, b"x" * 100_000, None])
def test_a_record_that_does_not_hold_is_as_good_as_none(
    box: VirtualBox, stranger: VirtualBox, content: bytes | None
) -> None:
    if content is None:  # a checkpoint of another box
        content = checkpoint(stranger)["note"].encode()
    consult(box, LedgerAct.SEEN, code=checkpoint(box)["short"])
    assert box.appliance().status()["seen"]["entries"]
    (box.root / "seal-state" / ledger_papers.SEEN).write_bytes(content)
    assert box.appliance().status()["seen"] == {"entries": 0, "windows": 2}


@pytest.mark.planted
def test_planted_trust_in_the_record_is_noticed(box: VirtualBox, monkeypatch: pytest.MonkeyPatch) -> None:
    (box.root / "seal-state" / ledger_papers.SEEN).write_bytes(b"trust me")
    honest = box.appliance().status()["seen"]
    lax = SimpleNamespace(size=10**6)
    monkeypatch.setattr(LedgerDesk, "verified", lambda *_: lax)
    assert box.appliance().status()["seen"] != honest
