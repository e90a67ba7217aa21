"""A drive that was away is made up for in many steps: each of them is progress, and none of them may
lose what was committed before."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from appliance import errors
from appliance.domain.phases import BootFacts
from appliance.service import drive_phase, keeper, shard_repair
from appliance.service.drive_phase import Workshop
from appliance.service.pack_placing import PackPlacer
from appliance.service.pulse import TICK_MS
from tests.simulation import voyage
from tests.simulation.conftest import Vault
from tests.simulation.virtual_box import VirtualBox

STALL_MS = 2_000  # ms; the keeper's own limit is too long to be waited for
STEP_MS = 1_800  # ms of one pack; two of them are more than the keeper waits


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    voyage.settle(monkeypatch.setattr)
    monkeypatch.setattr(keeper, "STALL_MS", STALL_MS)


@pytest.fixture
def box(vault: Vault, tmp_path: Path) -> VirtualBox:
    return vault.box.copy(tmp_path / "home")


def slow(monkeypatch: pytest.MonkeyPatch, owner: object, name: str, takes_ms: int) -> None:
    """Every call of this function takes so long, while the keeper's own thread goes on ticking."""
    shops: list[Workshop] = []
    booted, worked = drive_phase.boot, getattr(owner, name)

    def boot(shop: Workshop) -> BootFacts:
        shops.append(shop)
        return booted(shop)

    def work(*arguments: object) -> object:
        shop = shops[-1]
        for _ in range(takes_ms // TICK_MS):
            shop.clock.sleep_ms(TICK_MS)
            shop.keeper.tick(shop.clock.monotonic_ms())
        return worked(*arguments)

    monkeypatch.setattr(drive_phase, "boot", boot)
    monkeypatch.setattr(owner, name, work)


def shards(box: VirtualBox, bay: int) -> int:
    return len([path for path in (box.home.bay(bay) / "shards").rglob("*") if path.is_file()])


def codes(window: Mapping[str, Any]) -> list[str]:
    return [item["code"] for item in window["warnings"]]


@pytest.mark.invariant("I15")
def test_a_drive_that_missed_much_is_healed_and_the_window_names_its_snapshot(
    box: VirtualBox, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.rmtree(box.home.bay(3) / "shards")
    slow(monkeypatch, shard_repair, "rebuild", STEP_MS)
    window = box.run_window()
    assert (window["complete"], codes(window)) == (True, [errors.DriveForgot.code])
    assert window["snapshot"] == box.snapshots()[-1].snapshot
    assert shards(box, 3) == shards(box, 1)


@pytest.mark.invariant("I15")
def test_a_drive_that_missed_a_window_is_filled_from_staging_however_long_it_takes(
    box: VirtualBox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.move(box.home.bay(3), tmp_path / "away")
    assert box.run_window()["complete"]
    shutil.move(tmp_path / "away", box.home.bay(3))
    slow(monkeypatch, PackPlacer, "place", STEP_MS)
    assert box.run_window()["complete"]
    assert not list((box.home.staging / "batches").iterdir())
    assert shards(box, 3) == shards(box, 1)


def test_a_phase_that_is_cut_while_it_heals_names_what_it_had_committed(
    box: VirtualBox, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.rmtree(box.home.bay(3) / "shards")
    slow(monkeypatch, shard_repair, "rebuild", 10 * STALL_MS)
    window = box.run_window()
    assert len(box.snapshots()) == 2
    assert window["snapshot"] == box.snapshots()[-1].snapshot
    assert window["complete"]
    assert (codes(window), window["exit"]) == ([errors.PhaseCut.code], errors.EXIT_WARNINGS)


def test_of_a_phase_that_is_cut_before_it_says_anything_no_more_is_said_than_that(
    box: VirtualBox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether it committed, the ledger knows; a report that is lacking does not."""
    slow(monkeypatch, PackPlacer, "place", 10 * STALL_MS)
    window = box.run_window()
    assert window["snapshot"] is None
    assert (codes(window), window["exit"]) == ([errors.PhaseCut.code], errors.EXIT_FAILED)
