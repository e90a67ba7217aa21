"""Power cut after every durable step of a window, in the controller and in the interlock's memory.

The first window is committed; the power goes during the second; the box is switched on again and lives
through another window. Nothing committed is lost, whatever the witness acknowledged restores, and the box
works on (I6, I7, I10, I15).
"""

from __future__ import annotations

import shutil
from collections import Counter
from contextlib import suppress
from pathlib import Path

import pytest

from appliance.compose.ledger_record import LedgerRecord
from appliance.compose.policy_files import PolicyFiles
from appliance.errors import IwatoError
from appliance.format import ledger_entry
from appliance.service import ledger_copies, ledger_folder
from appliance.service.pack_placing import PackPlacer
from firmware.model import fram
from hw.twin.memory import FileMemory
from tests.depth import many
from tests.simulation import virtual_box
from tests.simulation.conftest import Vault
from tests.simulation.virtual_box import Cut, Nobody, PowerCut, VirtualBox

SLICES = 8  # the matrix in as many tests, so that they run side by side
STRIDE = many(5, 1)
TRIES = 3


def witnessed(box: VirtualBox) -> int:
    """Entries that the interlock remembers to have cosigned."""
    memory = FileMemory(box.home.emulated)
    newest = fram.newest(memory.slot(0), memory.slot(1))
    assert newest is not None
    return newest.log.size


def cut_window(vault: Vault, root: Path, after: int) -> tuple[VirtualBox, Cut, bool]:
    """A copy of the box whose second window loses its power after step `after`; False: it did not. One
    window in some hundred has twelve steps less, because two packs, whose names are random, share their
    folder on the drives: then it is tried again."""
    tries = TRIES if after else 1
    while True:
        box, cut = vault.box.copy(root), Cut(after)
        try:
            box.run_window(cut)
        except PowerCut:
            return box, cut, True
        tries -= 1
        if not tries:
            return box, cut, False
        shutil.rmtree(root)


def losses(vault: Vault, box: VirtualBox, place: Path) -> list[str]:
    """What is wrong with the box after the power came back; empty when everything holds."""
    wrong: list[str] = []
    acknowledged = witnessed(box)
    later = box.run_window()
    if not later["complete"]:
        wrong.append(f"the next window did not complete: {later['warnings']}")
    if later["both_ms"]:
        wrong.append("link and drives live together")
    status = box.appliance().status()
    if not status["isolated"] or status["alarms"]:
        wrong.append(f"status {status}")
    verdict = box.appliance().verify_ledger(None, Nobody())
    if verdict["verdict"] != "verified" or verdict["size"] <= acknowledged:
        wrong.append(f"ledger {verdict['verdict']} {verdict['reason']}, {verdict['size']} of {acknowledged}")
    texts = PolicyFiles(box.home.policy)
    if any(isinstance(entry, ledger_entry.Gap) for _, entry in LedgerRecord(box.home, texts).entries()):
        wrong.append("of an acknowledged entry only the hash is left")
    return wrong + unrestored(vault, box, place)


def unrestored(vault: Vault, box: VirtualBox, place: Path) -> list[str]:
    """Snapshots that do not come back byte-equal from four of the six drives."""
    wrong = []
    snapshots = box.snapshots()
    for number, snapshot in enumerate(snapshots):
        target = place / f"restored-{number}"
        failed = box.restore(snapshot, vault.identity, target, (1, 3, 4, 6))
        expected = vault.first if number == 0 else vault.source
        if snapshot.complete and (failed or virtual_box.same(expected, target)):
            wrong.append(f"snapshot {number}: {failed or virtual_box.same(expected, target)}")
    if not snapshots or not snapshots[0].complete or not snapshots[-1].complete:
        wrong.append("a complete snapshot is missing")
    return wrong


@pytest.fixture(scope="session")
def steps(vault: Vault, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The durable steps of an uncut second window."""
    _, cut, was_cut = cut_window(vault, tmp_path_factory.mktemp("uncut") / "home", 0)
    assert not was_cut
    return cut.labels


@pytest.mark.invariant("I6")
@pytest.mark.invariant("I7")
@pytest.mark.parametrize("part", range(SLICES))
def test_power_cut_after_every_durable_step_loses_nothing_committed(
    vault: Vault, steps: list[str], tmp_path: Path, part: int
) -> None:
    for after in range(1 + part * STRIDE, len(steps) + 1, SLICES * STRIDE):
        place = tmp_path / str(after)
        place.mkdir()
        box, cut, was_cut = cut_window(vault, place / "home", after)
        assert was_cut, f"step {after} never came"
        assert not losses(vault, box, place), f"after step {after}: {cut.labels[-1]}"


def test_the_matrix_covers_every_kind_of_step_and_the_moments_around_the_commit(steps: list[str]) -> None:
    kinds = Counter(label.split()[0] for label in steps)
    assert {"write", "fsync", "rename", "fsync-folder", "unlink", "index", "fram"} <= set(kinds)
    witness = [n for n, label in enumerate(steps) if "fram" in label]
    sealed = [n for n, label in enumerate(steps) if "ledger/" in label]
    assert any(n > sealed[0] for n in witness), "the interlock persists a leaf after it is on the drives"


class WitnessCut(Cut):
    """Takes the power when the interlock has written its memory for the `number`-th time since the first
    shard. By what happens, not by a count of all steps: those vary with the packs' names."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self._left = number

    def __call__(self, label: str) -> None:
        if not self._left:
            raise PowerCut
        super().__call__(label)
        if label == "fram written" and any("shards/" in step for step in self.labels):
            self._left -= 1
            if not self._left:
                raise PowerCut


@pytest.mark.invariant("I7")
def test_a_leaf_that_the_witness_took_before_every_drive_knew_is_never_lost(
    vault: Vault, tmp_path: Path
) -> None:
    """Cut right after the interlock has persisted the leaf: no drive holds its checkpoint yet."""
    for number in range(1, 10):
        box = vault.box.copy(tmp_path / f"home-{number}")
        with suppress(PowerCut):
            box.run_window(WitnessCut(number))
        acknowledged = witnessed(box)
        known = list(box.home.bays.glob(f"*/checkpoints/{acknowledged:016d}*"))
        if acknowledged > witnessed(vault.box) and not known:
            assert not losses(vault, box, tmp_path)
            return
    pytest.fail("no cut left the witness ahead of the drives")


@pytest.mark.invariant("I7")
@pytest.mark.parametrize("share", [0.2, 0.5, 0.8])
def test_recovery_from_a_power_cut_may_be_cut_itself(
    vault: Vault, steps: list[str], tmp_path: Path, share: float
) -> None:
    box, _, _ = cut_window(vault, tmp_path / "home", round(len(steps) * share))
    for after in range(many(20, 5), 400, many(60, 7)):
        again, cut = box.copy(tmp_path / f"again-{after}"), Cut(after)
        try:
            again.run_window(cut)
        except PowerCut:
            place = tmp_path / f"place-{after}"
            place.mkdir()
            assert not losses(vault, again, place), f"second cut after {cut.labels[-1]}"
        else:
            return


# Planted bugs: the same harness must find them. ----------------------------------------------------


def first_loss(vault: Vault, steps: list[str], tmp_path: Path) -> str:
    """The first thing that a cut right after a write of the interlock's memory shows to be wrong."""
    sealing = next(n for n, label in enumerate(steps) if "shards/" in label)
    for after in (n + 1 for n in range(sealing, len(steps)) if steps[n] == "fram written"):
        place = tmp_path / str(after)
        place.mkdir()
        box, _, was_cut = cut_window(vault, place / "home", after)
        try:
            found = losses(vault, box, place) if was_cut else []
        except (IwatoError, AssertionError) as error:
            return repr(error)
        if found:
            return found[0]
    return ""


@pytest.mark.planted
@pytest.mark.invariant("I6")
def test_a_box_that_commits_before_the_shards_are_placed_is_caught(
    vault: Vault, steps: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    placing = PackPlacer.place

    def forgetful(self: object, *arguments: object) -> object:
        placed = placing(self, *arguments)  # type: ignore[arg-type]
        for bay in (1, 3, 4):
            folder = vault_home / "bay" / str(bay) / "shards"
            for shard in folder.rglob(f"{placed.facts.pack.hex()}*"):
                shard.unlink()
        return placed

    box = vault.box.copy(tmp_path / "home")
    vault_home = box.root
    monkeypatch.setattr(PackPlacer, "place", forgetful)
    assert box.run_window()["snapshot"]
    monkeypatch.undo()
    assert unrestored(vault, box, tmp_path)


@pytest.mark.planted
@pytest.mark.invariant("I7")
def test_a_ledger_that_asks_the_witness_before_the_entry_is_durable_is_caught(
    vault: Vault, steps: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put = ledger_copies.LedgerCopies._put_everywhere

    def late(self: ledger_copies.LedgerCopies, folder: str, leaf: str, content: bytes) -> None:
        if folder == ledger_folder.CHECKPOINTS:
            put(self, folder, leaf, content)
            for name, waiting in self.__dict__.pop("late", []):
                put(self, ledger_folder.LEDGER, name, waiting)
        else:
            self.__dict__.setdefault("late", []).append((leaf, content))

    monkeypatch.setattr(ledger_copies.LedgerCopies, "_put_everywhere", late)
    assert first_loss(vault, steps, tmp_path)
