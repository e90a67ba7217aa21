"""`copies verify` and `copies diff` on the whole box: what is shown, to whom, and what is written."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from appliance import errors
from appliance.compose.ledger_record import LedgerRecord
from appliance.compose.policy_files import PolicyFiles
from appliance.compose.recall import Recalling
from appliance.format.ledger_entry import Recovery
from appliance.ports import CopyRequest, RestoreRequest
from tests.simulation import virtual_box
from tests.simulation.conftest import Vault
from tests.simulation.virtual_box import Nobody, VirtualBox


@pytest.fixture
def box(vault: Vault, tmp_path: Path) -> VirtualBox:
    return vault.box.copy(tmp_path / "home")


def request(box: VirtualBox, *, holders: tuple[int, ...] = (1, 3, 5), **part: Any) -> CopyRequest:
    tokens = tuple(str(box.home.token(holder)) for holder in holders)
    return CopyRequest(snapshot=part.pop("snapshot", "latest"), tokens=tokens, **part)


def check(box: VirtualBox) -> Mapping[str, Any]:
    return box.appliance().survey_copy("latest", Nobody())


def prove(box: VirtualBox, **part: Any) -> Mapping[str, Any]:
    return box.appliance().verify_copy(request(box, **part), Nobody())


def content(place: Path) -> dict[str, bytes]:
    files = (path for path in place.rglob("*") if path.is_file())
    return {str(path.relative_to(place)): path.read_bytes() for path in files}


def flip(path: Path, offset: int) -> None:
    data = bytearray(path.read_bytes())
    data[offset] ^= 1
    path.write_bytes(data)


def data_shard(box: VirtualBox, bay: int) -> Path:
    """The shard of the pack that holds the files, not their list."""
    seal = box.snapshots()[0]
    pack = next(part.id for part in seal.packs if part.id not in seal.segments)
    (path,) = box.home.bay(bay).glob(f"shards/*/*{pack}*")
    return path


# Without tokens ----------------------------------------------------------------------------------------


def test_without_tokens_every_pack_is_counted_and_nothing_is_written(box: VirtualBox) -> None:
    before = {bay: content(box.home.bay(bay)) for bay in range(1, 7)}
    done = check(box)
    assert (done["exit"], done["spare"], done["short"], done["lost_packs"]) == (errors.EXIT_OK, 2, 0, 0)
    assert done["packs"] == done["read"] > 0
    assert {bay: content(box.home.bay(bay)) for bay in range(1, 7)} == before


@pytest.mark.invariant("I9")
@pytest.mark.parametrize("bays", [(2,), (2, 5)])
def test_what_is_lost_reduces_what_is_said_to_be_spare(box: VirtualBox, bays: tuple[int, ...]) -> None:
    for bay in bays:
        flip(data_shard(box, bay), 5000)
    done = check(box)
    assert (done["exit"], done["spare"], done["short"]) == (errors.EXIT_WARNINGS, 2 - len(bays), 1)
    assert check(box) == done  # it repairs nothing


def test_a_pack_beyond_help_is_a_failure(box: VirtualBox) -> None:
    for bay in (1, 2, 3):
        data_shard(box, bay).unlink()
    done = check(box)
    assert (done["exit"], done["lost_packs"], len(done["lost"])) == (errors.EXIT_FAILED, 1, 1)


def test_a_missing_drive_is_no_clean_copy(box: VirtualBox) -> None:
    shutil.rmtree(box.home.bay(4))
    done = check(box)
    assert (done["exit"], done["missing"], done["spare"]) == (errors.EXIT_WARNINGS, [4], 1)


def test_a_snapshot_that_is_not_there_is_named(box: VirtualBox) -> None:
    with pytest.raises(errors.SnapshotUnknown):
        box.appliance().survey_copy("20990101T000000Z-00000000", Nobody())


# With tokens -------------------------------------------------------------------------------------------


@pytest.mark.clause("THREATS 3.10")
def test_with_tokens_all_of_it_is_opened_and_only_the_ledger_is_written(box: VirtualBox) -> None:
    before = {bay: content(box.home.bay(bay)) for bay in range(1, 7)}
    done = prove(box)
    assert (done["exit"], done["not_restored"]) == (errors.EXIT_OK, [])
    assert (done["objects"], done["bytes"] > 500_000) == (9, True)
    for bay, files in before.items():
        after = content(box.home.bay(bay))
        fresh = after.keys() - files.keys()
        assert all(name.startswith(("ledger/", "checkpoints/")) for name in fresh)
        assert {name: after[name] for name in files} == files
    *_, entry = LedgerRecord(box.home, PolicyFiles(box.home.policy)).entries()
    assert isinstance(entry[1], Recovery)
    assert (entry[1].destination, entry[1].why) == ("-", "copies verify")


def test_a_part_is_proven_with_the_content_of_names_that_lie_outside_it(box: VirtualBox) -> None:
    done = prove(box, subtree=b"deep/second-name")
    assert (done["objects"], done["not_restored"]) == (3, [])  # and the two folders above it
    assert done["bytes"] > 0


@pytest.mark.invariant("I9")
def test_a_file_whose_pack_is_lost_is_named_and_the_rest_is_proven(box: VirtualBox) -> None:
    for bay in (1, 2, 3):
        data_shard(box, bay).unlink()
    done = prove(box)
    assert done["exit"] == errors.EXIT_FAILED
    assert {path for path, _ in done["not_restored"]} >= {f"{virtual_box.SOURCE}/SENTINEL-name.bin"}
    assert done["objects"] > 0


def test_too_few_holders_prove_nothing(box: VirtualBox) -> None:
    with pytest.raises(errors.CustodyError):
        prove(box, holders=(1, 2))


@pytest.mark.clause("THREATS 3.10")
def test_an_order_to_prove_is_none_to_restore_and_the_other_way_round(
    box: VirtualBox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def other(text: bytes) -> bytes:
        here, there = b"\ndestination -\n", b"\ndestination /srv\n"
        if here in text:
            return text.replace(here, there)
        return text[: text.index(b"\ndestination ")] + here

    made = Recalling._order
    monkeypatch.setattr(Recalling, "_order", lambda self, wanted, now: other(made(self, wanted, now)))
    with pytest.raises(errors.OrderInvalid):
        prove(box)
    wish = RestoreRequest(copy=request(box), target=str(tmp_path / "out"))
    with pytest.raises(errors.OrderInvalid):
        box.appliance().restore(wish, Nobody())
    assert not any((tmp_path / "out").iterdir())


def test_the_days_difference_is_named(vault: Vault, box: VirtualBox) -> None:
    first = box.snapshots()[0].snapshot
    assert box.run_window()["complete"]
    done = box.appliance().diff_copies(request(box, snapshot=first), "latest", Nobody())
    found = {name.removeprefix(f"{virtual_box.SOURCE}/"): change for change, name, *_ in done["differences"]}
    assert found["new"] == "added"
    assert found["dangling"] == "removed"
    assert found["deep/er/small"] == "content"
    assert "plain.txt" not in found
    assert sum(done["counts"].values()) == len(done["differences"])
    assert done["exit"] == errors.EXIT_OK
