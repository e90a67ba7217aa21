"""A command whose work was ended under it never looks done (found by voyage 1099).

A hung, killed or cut-off controller says nothing; the command has to say it for the box.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from appliance.compose.emulated_appliance import EmulatedAppliance
from appliance.compose.emulated_board import EmulatedBoard
from appliance.errors import HardwareError
from appliance.ports import CopyRequest, RestoreRequest
from firmware.wire.codes import Phase
from hw.twin.scenario import Deed, Scenario, Trigger
from tests.simulation import voyage
from tests.simulation.conftest import Vault
from tests.simulation.virtual_box import Cut, Nobody, VirtualBox
from tests.simulation.voyage import Emulation


@pytest.fixture(autouse=True)
def settled(monkeypatch: pytest.MonkeyPatch) -> None:
    voyage.settle(monkeypatch.setattr)


def command(name: str, box: VirtualBox, target: Path) -> Callable[[EmulatedAppliance], object]:
    tokens = tuple(str(box.home.token(holder)) for holder in (1, 2, 3))
    request = RestoreRequest(copy=CopyRequest(snapshot="latest", tokens=tokens), target=str(target))
    commands: dict[str, Callable[[EmulatedAppliance], object]] = {
        "scrub": lambda appliance: appliance.scrub(Nobody()),
        "verify": lambda appliance: appliance.verify_ledger(None, Nobody()),
        "restore": lambda appliance: appliance.restore(request, Nobody()),
    }
    return commands[name]


def cut_short(name: str, do: str, box: VirtualBox, target: Path, *, held_ms: int = 300) -> object:
    phase = Phase.RECOVERY if name == "restore" else Phase.SCRUB
    deeds = (
        Deed(trigger=Trigger(after_ms=50, phase=phase), do=do),
        Deed(trigger=Trigger(after_ms=50 + held_ms, phase=phase), do="release_cut"),
    )
    emulation = Emulation(1, Cut(), Scenario(deeds=deeds))
    return command(name, box, target)(EmulatedAppliance(box.root, emulation))


@pytest.mark.parametrize("do", ["hang_controller", "kill_controller", "press_cut"])
@pytest.mark.parametrize("name", ["scrub", "verify", "restore"])
def test_a_command_that_was_ended_under_its_work_is_an_error_and_works_again(
    vault: Vault, tmp_path: Path, name: str, do: str
) -> None:
    box = vault.box.copy(tmp_path / "home")
    with pytest.raises(HardwareError):
        cut_short(name, do, box, tmp_path / "out")
    again = EmulatedAppliance(box.root, Emulation(2, Cut(), Scenario()))
    assert again.status()["isolated"]
    assert command(name, box, tmp_path / "again")(again)


def test_a_box_that_was_secured_by_hand_refuses_a_recovery_with_a_clear_error(
    vault: Vault, tmp_path: Path
) -> None:
    """The refusal comes in the middle of an upload, where another kind of answer is waited for."""
    box = vault.box.copy(tmp_path / "home")
    with pytest.raises(HardwareError):
        cut_short("restore", "press_cut", box, tmp_path / "out", held_ms=60_000)
    again = EmulatedAppliance(box.root, Emulation(2, Cut(), Scenario()))
    with pytest.raises(HardwareError):
        command("restore", box, tmp_path / "again")(again)
    assert not (tmp_path / "again").exists()


@pytest.mark.planted
def test_a_board_that_does_not_miss_the_report_is_caught(
    vault: Vault, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(EmulatedBoard, "_is_unfinished", lambda _: False)
    box = vault.box.copy(tmp_path / "home")
    assert cut_short("scrub", "hang_controller", box, tmp_path / "out")  # it would look done
