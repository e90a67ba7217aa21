"""A drive that hangs ends one window and no more: its bay is named, and rests in the phases that follow."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from appliance.errors import DriveHangs, DriveRests
from appliance.service import bay_watch
from appliance.service.keeper import Keeper
from appliance.service.pulse import TICK_MS, InlinePulse
from hw.twin.loopback import LoopbackController
from tests.simulation import virtual_box
from tests.simulation.bad_bays import BadBays, Hung
from tests.simulation.conftest import Vault
from tests.simulation.test_drive_catalogue import is_isolated, said
from tests.simulation.test_drive_repair import repair
from tests.simulation.test_faults_between_commands import scrub
from tests.simulation.virtual_box import VirtualBox

BAY = 3
YIELD_S = 0.0005  # s of real time; the other worker gets the clock's lock, which a hung disk would not hold


class ThreadedPulse(InlinePulse):
    """On the virtual clock too the keeper ticks while a call hangs, as its thread would."""

    latest: ThreadedPulse

    def __init__(self, keeper: Keeper, clock: LoopbackController) -> None:
        super().__init__(keeper, clock)
        self.keeper, self.clock = keeper, clock
        ThreadedPulse.latest = self

    @staticmethod
    def hang() -> None:
        """Until the power goes."""
        while True:
            ThreadedPulse.latest.clock.sleep_ms(TICK_MS)
            ThreadedPulse.latest.keeper.tick(ThreadedPulse.latest.clock.monotonic_ms())
            time.sleep(YIELD_S)


@pytest.fixture
def box(vault: Vault, tmp_path: Path) -> VirtualBox:
    return vault.box.copy(tmp_path / "home")


@pytest.fixture
def bays(monkeypatch: pytest.MonkeyPatch) -> BadBays:
    monkeypatch.setattr(virtual_box, "InlinePulse", ThreadedPulse)
    return BadBays(monkeypatch)


def hung(after: int = 0) -> Hung:
    return Hung(ThreadedPulse.hang, after)


def newest(box: VirtualBox) -> tuple[int, frozenset[int]]:
    """How many snapshots there are, and which drives hold the last."""
    snapshots = box.snapshots()
    return len(snapshots), frozenset(index + 1 for index in snapshots[-1].drives)


def window(box: VirtualBox) -> Mapping[str, Any]:
    return dict(box.run_window())


@pytest.mark.invariant("I7", "I15")
@pytest.mark.clause("THREATS 4.11")
@pytest.mark.parametrize("after", [0, 1], ids=["from the first", "in the middle of a shard"])
def test_a_hung_drive_costs_one_window_and_is_named(box: VirtualBox, bays: BadBays, after: int) -> None:
    bays.ails[BAY] = hung(after)
    require_one_window_lost(box)


def require_one_window_lost(box: VirtualBox) -> None:
    before, _ = newest(box)
    cut = window(box)
    assert said(cut).get(DriveHangs.code) == {"bay": str(BAY)}
    assert newest(box)[0] == before
    assert is_isolated(box)
    for _ in range(2):
        assert said(window(box))[DriveRests.code]["bay"] == str(BAY)
    assert newest(box) == (before + 3, frozenset({1, 2, 4, 5, 6}))  # what was cut is committed as well


def test_repair_tries_a_resting_drive_at_once(box: VirtualBox, bays: BadBays) -> None:
    bays.ails[BAY] = hung()
    window(box)
    del bays.ails[BAY]
    window(box)
    document = repair(box)
    assert DriveRests.code not in said(document)
    assert document["unrepaired"] == 0
    assert not said(scrub(box))


def test_a_drive_that_works_again_is_filled_when_its_rest_is_over(box: VirtualBox, bays: BadBays) -> None:
    bays.ails[BAY] = hung()
    window(box)
    del bays.ails[BAY]
    while DriveRests.code in said(window(box)):
        pass
    assert newest(box)[1] == frozenset(range(1, 7))
    assert scrub(box)["bad"] == 0


@pytest.mark.planted
def test_a_watch_that_names_nobody_is_caught(
    box: VirtualBox, bays: BadBays, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bay_watch.BayWatch, "held_up_by", lambda _self, _since_ms: None)
    bays.ails[BAY] = hung()
    with pytest.raises(AssertionError):
        require_one_window_lost(box)
