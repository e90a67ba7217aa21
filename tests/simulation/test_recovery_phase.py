"""RECOVERY as a whole box: the real command with real tokens, under a bystander's eyes (I4, I6, I11).

Never link and key: while a key may be in memory there is no link, and it counts as gone only after the
controller was without supply for ten seconds, also when the power went in between.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest

from appliance.compose.emulated_appliance import EmulatedAppliance
from appliance.compose.job import RestoreJob
from appliance.domain.phases import Phase
from appliance.errors import CustodyError, DrivesTooFew, InterlockRefused
from appliance.ports import CopyRequest, RestoreRequest
from appliance.service import recovery, vault_opening
from firmware.model import limits
from hw.twin.scenario import Scenario
from tests.depth import many
from tests.simulation import virtual_box, voyage
from tests.simulation.conftest import Vault
from tests.simulation.observed_plant import Violation
from tests.simulation.test_sentinels import Watching, leaks, secrets
from tests.simulation.virtual_box import Cut, Nobody, PowerCut, VirtualBox
from tests.simulation.voyage import Emulation


@pytest.fixture(autouse=True)
def settled(monkeypatch: pytest.MonkeyPatch) -> None:
    voyage.settle(monkeypatch.setattr)


@pytest.fixture
def box(vault: Vault, tmp_path: Path) -> VirtualBox:
    return vault.box.copy(tmp_path / "home")


def observed(box: VirtualBox, cut: Cut | None = None) -> EmulatedAppliance:
    return EmulatedAppliance(box.root, Emulation(1, cut or Cut(), Scenario()))


def restored(
    box: VirtualBox, target: Path, holders: Sequence[int], cut: Cut | None = None
) -> Mapping[str, Any]:
    tokens = tuple(str(box.home.token(holder)) for holder in holders)
    request = RestoreRequest(copy=CopyRequest(snapshot="latest", tokens=tokens), target=str(target))
    return observed(box, cut).restore(request, Nobody())


def is_empty(target: Path) -> bool:
    return not target.exists() or not any(target.iterdir())


def test_a_fresh_file_system_is_an_empty_target(box: VirtualBox, tmp_path: Path) -> None:
    (tmp_path / "target" / "lost+found").mkdir(parents=True)
    assert restored(box, tmp_path / "target", (1, 2, 3))["exit"] == 0


class Bar(Nobody):
    """Keeps (stage, done, total)."""

    def __init__(self) -> None:
        super().__init__()
        self.moves: list[tuple[object, int, int]] = []

    def event(self, event: str, fields: Mapping[str, object]) -> None:
        if event == "progress":
            self.moves.append((fields["stage"], int(str(fields["done"])), int(str(fields["total"]))))


def test_a_restore_knows_how_much_there_is_to_do(
    box: VirtualBox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recovery, "PROGRESS_BYTES", 1)
    bar, tokens = Bar(), tuple(str(box.home.token(holder)) for holder in (1, 2, 3))
    request = RestoreRequest(copy=CopyRequest(snapshot="latest", tokens=tokens), target=str(tmp_path / "out"))
    document = observed(box).restore(request, bar)
    announced = sum(part.bytes for part in box.snapshots()[-1].sources)
    assert {(stage, total) for stage, _, total in bar.moves} == {("restore", announced)}
    assert document["bytes"] * 9 // 10 < bar.moves[-1][1] <= announced


@pytest.mark.invariant("I4")
@pytest.mark.parametrize("holders", list(combinations(range(1, 6), 3))[:: many(5, 1)], ids=str)
def test_three_holders_recover_everything_and_the_link_stays_dead(
    vault: Vault, box: VirtualBox, tmp_path: Path, holders: tuple[int, ...]
) -> None:
    said = restored(box, tmp_path / "out", holders)
    assert not said["warnings"]
    assert not virtual_box.same(vault.first, tmp_path / "out")
    assert [number for number, deeds in said["holders"].items() if "gave a share" in deeds] == [
        str(holder) for holder in holders
    ]
    # Liveness: the next window connects again.
    assert observed(box).run_window(Nobody())["complete"]


@pytest.mark.invariant("I11")
def test_no_secret_is_on_any_medium_at_any_step_of_a_recovery(
    vault: Vault, box: VirtualBox, tmp_path: Path
) -> None:
    watching = Watching(box.home, secrets(vault))
    restored(box, tmp_path / "out", (1, 3, 5), watching)
    assert watching.labels
    assert not watching.found
    assert not leaks(box.home, secrets(vault))


@pytest.mark.invariant("I4", "I7")
def test_a_recovery_that_loses_its_power_leaves_no_key_beside_a_link(
    vault: Vault, box: VirtualBox, tmp_path: Path
) -> None:
    whole = Cut()
    restored(box.copy(tmp_path / "count"), tmp_path / "whole", (1, 2, 3), whole)
    for after in range(1, len(whole.labels), many(13, 2)):
        again = box.copy(tmp_path / f"home-{after}")
        with pytest.raises(PowerCut):
            restored(again, tmp_path / f"out-{after}", (1, 2, 3), Cut(after))
        assert observed(again).run_window(Nobody())["complete"], whole.labels[after - 1]
        assert observed(again).verify_ledger(None, Nobody())["verdict"] == "verified"


@pytest.mark.invariant("I4")
def test_no_token_is_used_in_any_other_phase(
    box: VirtualBox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A recovery job that is handed to a scrub is refused before any share is opened."""
    opened: list[object] = []
    monkeypatch.setattr(vault_opening, "open_vault", lambda *given: opened.append(given))
    tokens = [str(box.home.token(holder)) for holder in (1, 2, 3)]
    job = RestoreJob(home=str(box.root), order=b"", votes=[], tokens=tokens, target=str(tmp_path / "out"))
    with pytest.raises(InterlockRefused) as refused:
        observed(box)._drive_job(job, Nobody())
    assert refused.value.values["request"] == Phase.RECOVERY.value
    assert not opened
    assert is_empty(tmp_path / "out")


@pytest.mark.parametrize("holders", [(), (2,), (1, 5)], ids=str)
def test_too_few_tokens_refuse_and_write_nothing(
    box: VirtualBox, tmp_path: Path, holders: tuple[int, ...]
) -> None:
    before = sorted(path for path in box.home.bays.rglob("*"))
    with pytest.raises(CustodyError):
        restored(box, tmp_path / "out", holders)
    assert is_empty(tmp_path / "out")
    assert sorted(path for path in box.home.bays.rglob("*")) == before


def test_too_few_drives_refuse_before_a_key_exists_and_write_nothing(
    box: VirtualBox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[object] = []
    monkeypatch.setattr(vault_opening, "open_vault", lambda *given: opened.append(given))
    for bay in (1, 3, 6):
        box.home.bay(bay).rename(tmp_path / f"bay-{bay}")
    with pytest.raises(DrivesTooFew):
        restored(box, tmp_path / "out", (1, 2, 3))
    assert not opened
    assert not [path for path in (tmp_path / "out").rglob("*") if path.is_file()]


@pytest.mark.planted
@pytest.mark.invariant("I4")
def test_an_interlock_that_does_not_wait_until_memory_has_faded_is_caught(
    box: VirtualBox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "RECOVERY_OFF_MS", limits.RESTART_OFF_MS)
    with pytest.raises(Violation, match=r"^I4 a boot"):
        restored(box, tmp_path / "out", (1, 2, 3))
