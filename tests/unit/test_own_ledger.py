"""Five years of days: what listing the snapshots costs, counted, and that the short way hides nothing."""

from __future__ import annotations

import shutil
from collections import Counter
from pathlib import Path

import pytest

from appliance.adapters.directory import ScratchDirectory
from appliance.domain.ids import VaultId
from appliance.ledger import checkpoint, history
from appliance.service import ledger_folder, own_ledger, snapshots
from appliance.service.ledger_folder import CHECKPOINTS, LEDGER
from tests import depth
from tests.unit.ledger_box import KEYS, Box, note
from tests.unit.ledger_years import Years

DAYS = depth.many(40, 400)


class Counted(ScratchDirectory):
    """Counts how often each file is read."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.reads: Counter[str] = Counter()

    def read(self, name: str, limit: int) -> bytes:
        self.reads[name] += 1
        return super().read(name, limit)


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("years") / "state"
    years = Years(root)
    years.live(DAYS)
    return root


@pytest.fixture
def verified(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """The checkpoints whose signatures were checked."""
    notes: list[bytes] = []
    verify = checkpoint.verify

    def counted(data: bytes, keys: checkpoint.Keys) -> checkpoint.Witnessed:
        notes.append(data)
        return verify(data, keys)

    monkeypatch.setattr(checkpoint, "verify", counted)
    return notes


def newest(root: Path) -> Path:
    return max((root / CHECKPOINTS).iterdir())


def test_all_snapshots_are_listed_for_one_checkpoint_and_one_look_at_each_entry(
    written: Path, verified: list[bytes]
) -> None:
    files = Counted(written)
    found = own_ledger.read(files, KEYS)
    assert len(snapshots.listed(found.entries())) == DAYS
    assert found.witnessed == found.size
    assert verified == [newest(written).read_bytes()]
    entries = [f"{LEDGER}/{path.name}" for path in (written / LEDGER).iterdir()]
    assert files.reads == Counter([*entries, f"{CHECKPOINTS}/{newest(written).name}"])


@pytest.mark.planted
def test_a_reader_that_verifies_every_checkpoint_is_caught(written: Path, verified: list[bytes]) -> None:
    files = Counted(written)
    history.assemble([ledger_folder.read_copy(files, "state")], KEYS)
    assert len(verified) == len(list((written / CHECKPOINTS).iterdir())) > DAYS


@pytest.mark.parametrize("harm", ["flipped", "gone", "planted", "junk", "misnamed"])
def test_a_newest_checkpoint_that_will_not_do_costs_time_and_no_snapshot(
    written: Path, tmp_path: Path, harm: str
) -> None:
    root = tmp_path / "state"
    shutil.copytree(written, root)
    last, folder = newest(root), root / CHECKPOINTS
    lost = 0
    if harm == "flipped":
        content = bytearray(last.read_bytes())
        content[-10] ^= 1
        last.write_bytes(content)
        lost = 1
    elif harm == "gone":
        last.unlink()
        lost = 1
    elif harm == "planted":
        (folder / checkpoint.file_name(10**9)).write_bytes(last.read_bytes())
    elif harm == "junk":
        (folder / checkpoint.file_name(10**9)).write_bytes(b"\xff" * 100)
    else:
        last.rename(folder / checkpoint.file_name(1, 1))
    found = own_ledger.read(ScratchDirectory(root), KEYS)
    whole = history.assemble([ledger_folder.read_copy(ScratchDirectory(root), "state")], KEYS).history
    assert (found.size, found.witnessed) == (whole.size, whole.witnessed) == (2 * DAYS, 2 * DAYS - lost)


def test_an_entry_that_was_not_witnessed_is_not_taken_for_one_that_was(tmp_path: Path) -> None:
    years = Years(tmp_path / "state")
    years.live(2)
    years.box.write([note(9)])
    years.put()
    found = own_ledger.read(ScratchDirectory(tmp_path / "state"), KEYS)
    assert (found.size, found.witnessed) == (5, 4)


def test_an_empty_copy_and_one_of_another_vault_hold_nothing(tmp_path: Path) -> None:
    assert own_ledger.read(ScratchDirectory(tmp_path), KEYS).size == 0
    years = Years(tmp_path / "state", Box(1))
    years.live(2)
    other = checkpoint.keys_of(VaultId(bytes(16)), KEYS.log.public_key, KEYS.witness.public_key)
    assert own_ledger.read(ScratchDirectory(tmp_path / "state"), other).witnessed == 0
