"""What is gone for good is said by every drive phase that finds it, not only by `ledger verify`."""

import os
import shutil
from collections.abc import Mapping
from pathlib import Path

import pytest

from appliance.compose.policy_files import PolicyFiles
from appliance.domain.phases import BootFacts
from appliance.errors import LedgerTampered, PolicyInvalid, StagedBatchRefused
from appliance.ledger.verdict import Verdict
from appliance.service.ledger_copies import LedgerCopies
from tests.simulation.virtual_box import Nobody, VirtualBox, born


@pytest.fixture(scope="module")
def rolled_back(tmp_path_factory: pytest.TempPathFactory) -> VirtualBox:
    """Somebody put drives and state back to before the last window; the interlock knows better."""
    place = tmp_path_factory.mktemp("rollback")
    source = place / "source"
    source.mkdir()
    (source / "file").write_bytes(b"content")
    box = born(place / "home", source)
    box.run_window()
    older = box.copy(place / "older")
    (source / "later").write_bytes(b"a later file")
    box.run_window()
    for name in ("bay", "seal-state"):
        shutil.rmtree(box.home.root / name)
        shutil.copytree(older.home.root / name, box.home.root / name)
    return box


def codes(document: Mapping[str, object]) -> set[str]:
    warnings = document["warnings"]
    assert isinstance(warnings, list)
    return {str(warning["code"]) for warning in warnings}


@pytest.mark.clause("THREATS 4.4")
def test_a_scrub_says_that_the_drives_were_rolled_back(rolled_back: VirtualBox, tmp_path: Path) -> None:
    assert LedgerTampered.code in codes(rolled_back.copy(tmp_path / "box").appliance().scrub(Nobody()))


@pytest.mark.clause("THREATS 4.4")
def test_a_window_says_that_the_drives_were_rolled_back(rolled_back: VirtualBox, tmp_path: Path) -> None:
    document = rolled_back.copy(tmp_path / "box").run_window()
    assert LedgerTampered.code in codes(document)
    assert document["exit"] != 0


@pytest.mark.planted
def test_planted_silence_about_the_ledger_is_noticed(
    rolled_back: VirtualBox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    honest = LedgerCopies.start

    def silent(ledger: LedgerCopies, facts: BootFacts) -> Verdict:
        verdict = honest(ledger, facts)
        ledger.alarms = []
        return verdict

    monkeypatch.setattr(LedgerCopies, "start", silent)
    document = rolled_back.copy(tmp_path / "box").appliance().scrub(Nobody())
    assert LedgerTampered.code not in codes(document)


def test_what_sealing_refused_before_the_window_is_told_with_it(
    rolled_back: VirtualBox, tmp_path: Path
) -> None:
    box = rolled_back.copy(tmp_path / "box")
    (box.home.staging / "batches/99999999-0000.batch").write_bytes(b"planted")
    document = box.run_window()
    assert StagedBatchRefused.code in codes(document)
    assert document["exit"] != 0
    assert not list((box.home.staging / "batches").iterdir())


def test_a_fifo_among_the_policys_files_is_refused_at_once(rolled_back: VirtualBox, tmp_path: Path) -> None:
    folder = tmp_path / "policy"
    shutil.copytree(rolled_back.home.policy, folder)
    (folder / "policy-1.txt").unlink()
    os.mkfifo(folder / "policy-1.txt")
    with pytest.raises(PolicyInvalid, match="not a file"):
        _ = PolicyFiles(folder).policy
