"""Power cuts on disks that keep only what was made durable, in windows with and without a missing drive.

The matrix of test_power_cut_window lets everything survive that was written. Here nothing survives that no
fsync asked for: drives, staging and the sealing state are turned into what a harsh disk would show (I6, I7).
Also with a drive that was away, so that the witness acknowledged what not every drive holds.
"""

from __future__ import annotations

import os
import shutil
from contextlib import suppress
from pathlib import Path

import pytest

from appliance.adapters.placing_file import PlacingFile
from appliance.compose.ledger_record import LedgerRecord
from appliance.compose.policy_files import PolicyFiles
from appliance.errors import IwatoError
from appliance.service.pack_catalogue import PackCatalogue
from appliance.service.sealing import Sealing
from tests.depth import many
from tests.simulation.conftest import Vault
from tests.simulation.durable_disk import Cache, listening
from tests.simulation.test_power_cut_window import TRIES, losses, witnessed
from tests.simulation.virtual_box import Cut, PowerCut, VirtualBox

SLICES = 4  # the matrix in as many tests, so that they run side by side
STRIDE = many(17, 2)
AWAY = 5  # the bay whose drive is away during the second window


class HarshCut(Cut):
    """A cut after which nothing becomes durable any more."""

    def __init__(self, cache: Cache, after: int) -> None:
        super().__init__(after)
        self.cache = cache
        self.lost: list[str] = []

    def __call__(self, label: str) -> None:
        try:
            super().__call__(label)
        except PowerCut:
            self.cache.lose_power()
            raise


def harsh_window(
    vault: Vault, root: Path, after: int, monkeypatch: pytest.MonkeyPatch, *, away: int = 0
) -> tuple[VirtualBox, HarshCut]:
    """A copy of the box whose second window was cut, with what its disks kept. Drive `away` was not there
    and is back. The interlock's memory is a chip and sqlite keeps its own promises (test_dedup_index):
    both stay as they were at the cut. Tried again where the step never came, see cut_window."""
    tries = TRIES if after else 1
    while True:
        box, cut = _harsh_window(vault, root, after, monkeypatch, away)
        tries -= 1
        if was_cut(cut) or not tries:
            return box, cut
        shutil.rmtree(root)


def _harsh_window(
    vault: Vault, root: Path, after: int, monkeypatch: pytest.MonkeyPatch, away: int
) -> tuple[VirtualBox, HarshCut]:
    box, cut = vault.box.copy(root), HarshCut(Cache(), after)
    if away:
        box.home.bay(away).rename(root.parent / "away")
    disks = (box.home.bays, box.home.staging, box.home.seal_state)
    for disk in disks:
        cut.cache.settle(disk)
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", listening(cut.cache, os.fsync))
        with suppress(PowerCut):
            box.run_window(cut)
    if was_cut(cut):
        cut.lost = [name for disk in disks for name in cut.cache.lose_the_rest(disk)]
    if away:
        (root.parent / "away").rename(box.home.bay(away))
    return box, cut


def was_cut(cut: HarshCut) -> bool:
    return cut.cache.is_over


def uncovered(box: VirtualBox) -> list[str]:
    """Acknowledged packs that neither lie on every drive nor in staging: one copy less than promised."""
    entries = LedgerRecord(box.home, PolicyFiles(box.home.policy)).entries()
    packs = [pack.hex() for pack in PackCatalogue(entries).facts]
    staged = {path.name.partition(".")[0] for path in (box.home.staging / "packs").rglob("*")}
    drives = [box.home.bay(bay) / "shards" for bay in range(1, 7)]
    held = {pack for pack in packs if all(list(drive.glob(f"{pack[:2]}/{pack}.*")) for drive in drives)}
    return [pack for pack in packs if pack not in held and pack not in staged]


@pytest.fixture(scope="module")
def counts(vault: Vault, tmp_path_factory: pytest.TempPathFactory) -> dict[int, int]:
    """Durable steps of a window with all drives, and of one with a drive away."""
    found = {}
    for away in (0, AWAY):
        with pytest.MonkeyPatch.context() as patch:
            _, cut = harsh_window(vault, tmp_path_factory.mktemp("count") / "home", 0, patch, away=away)
        found[away] = len(cut.labels)
    return found


@pytest.mark.invariant("I6", "I7", "I9")
@pytest.mark.parametrize("away", [0, AWAY], ids=["all-drives", "one-away"])
@pytest.mark.parametrize("part", range(SLICES))
def test_what_was_acknowledged_survives_a_disk_that_keeps_only_what_was_synced(
    vault: Vault,
    counts: dict[int, int],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    part: int,
    away: int,
) -> None:
    for after in range(1 + part * STRIDE, counts[away] + 1, SLICES * STRIDE):
        place = tmp_path / str(after)
        place.mkdir()
        box, cut = harsh_window(vault, place / "home", after, monkeypatch, away=away)
        assert was_cut(cut), f"step {after} never came"
        where = f"after step {after}: {cut.labels[-1]}; lost {cut.lost}"
        assert not uncovered(box), where
        assert not losses(vault, box, place), where
        assert not uncovered(box), where


@pytest.mark.invariant("I7")
def test_the_matrix_has_states_that_the_witness_acknowledged_and_not_every_drive_held(
    vault: Vault, counts: dict[int, int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After the witness signed and before a drive half rolled forward, the drive that was away lacks
    the new packs; the next window gives them to it."""
    box, cut = harsh_window(vault, tmp_path / "home", counts[AWAY] - 1, monkeypatch, away=AWAY)
    assert was_cut(cut)
    assert witnessed(box) > witnessed(vault.box)
    shards = {bay: len(list((box.home.bay(bay) / "shards").rglob("*.*"))) for bay in (AWAY, 1)}
    assert shards[AWAY] < shards[1]
    assert not losses(vault, box, tmp_path)
    shards = {bay: len(list((box.home.bay(bay) / "shards").rglob("*.*"))) for bay in (AWAY, 1)}
    assert shards[AWAY] == shards[1]


def test_the_harsh_disk_loses_what_was_written_and_not_synced(
    vault: Vault, counts: dict[int, int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without this the matrix would be the mild one again."""
    lost = []
    for after in range(5, counts[0], 23):
        place = tmp_path / str(after)
        place.mkdir()
        _, cut = harsh_window(vault, place / "home", after, monkeypatch)
        lost += [name for name in cut.lost if ".tmp" in name]
    assert lost


# Planted bugs: the same matrix must find them. -------------------------------------------------------


def first_loss(
    vault: Vault, count: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, away: int = 0
) -> str:
    """The first thing that a harsh cut near the window's end shows to be wrong."""
    for after in range(count - 1, 1, -10):
        place = tmp_path / str(after)
        place.mkdir()
        box, cut = harsh_window(vault, place / "home", after, monkeypatch, away=away)
        try:
            found = losses(vault, box, place) if was_cut(cut) else []
        except (IwatoError, AssertionError) as error:
            return repr(error)
        if found:
            return found[0]
    return ""


@pytest.mark.planted
@pytest.mark.invariant("I7")
def test_files_that_are_renamed_before_they_are_synced_are_caught(
    vault: Vault, counts: dict[int, int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def careless(self: PlacingFile, size: int) -> None:
        with self._directory.durably(f"fsync {self._name}"):
            os.ftruncate(self._descriptor.number, size)

    monkeypatch.setattr(PlacingFile, "_sync", careless)
    assert first_loss(vault, counts[0], tmp_path, monkeypatch)


@pytest.mark.planted
@pytest.mark.invariant("I9")
def test_staging_that_is_given_back_before_every_drive_holds_it_is_caught(
    vault: Vault, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Sealing, "_held_by_all", lambda *_: True)
    box, _ = harsh_window(vault, tmp_path / "home", 0, monkeypatch, away=AWAY)
    assert witnessed(box) > witnessed(vault.box)
    assert uncovered(box)
