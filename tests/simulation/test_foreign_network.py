"""A network that no relay cuts: no drive gets power beside it, nothing is asked for, the exit status is 4."""

from __future__ import annotations

from pathlib import Path

import pytest

from appliance.compose.emulated_appliance import EmulatedAppliance
from appliance.compose.emulation import Box
from appliance.compose.home import Home
from appliance.compose.machine import Machine
from appliance.errors import EXIT_EMERGENCY, ConnectionUnexplained, IwatoError, NetworkForeign
from hw.twin import scenario
from hw.twin.plant import Plant
from tests.simulation import voyage
from tests.simulation.conftest import Vault
from tests.simulation.virtual_box import Cut, Nobody, VirtualBox
from tests.simulation.voyage import Emulation


@pytest.fixture(autouse=True)
def settled(monkeypatch: pytest.MonkeyPatch) -> None:
    voyage.settle(monkeypatch.setattr)


class Watched(Emulation):
    """Keeps the boxes that were powered on."""

    def power_on(self, home: Home, box: Box) -> Plant:
        self.plant = super().power_on(home, box)
        return self.plant


def with_deed(box: VirtualBox, do: str, when: str = "at_s = 0") -> tuple[EmulatedAppliance, Watched]:
    text = f'[[event]]\n{when}\ndo = "{do}"\n' if do else ""
    emulation = Watched(1, Cut(), scenario.parse(text, bays=6))
    return EmulatedAppliance(box.root, emulation), emulation


def sound(box: VirtualBox) -> EmulatedAppliance:
    return with_deed(box, "")[0]


@pytest.mark.parametrize(
    ("do", "error"), [("hold_carrier", ConnectionUnexplained), ("add_interface", NetworkForeign)]
)
def test_no_drive_is_live_while_a_network_carries_and_afterwards_the_box_works(
    vault: Vault, tmp_path: Path, do: str, error: type[IwatoError]
) -> None:
    box = vault.box.copy(tmp_path / "home")
    appliance, emulation = with_deed(box, do)
    with pytest.raises(error) as caught:
        appliance.scrub(Nobody())
    assert caught.value.exit_status == EXIT_EMERGENCY
    assert emulation.plant.totals.drives_ms == 0
    assert sound(box).scrub(Nobody())


def test_a_second_network_keeps_the_link_cut_and_nothing_is_pulled(vault: Vault, tmp_path: Path) -> None:
    box = vault.box.copy(tmp_path / "home")
    appliance, emulation = with_deed(box, "add_interface")
    with pytest.raises(NetworkForeign):
        appliance.run_window(Nobody())
    assert emulation.plant.totals.link_ms == 0
    assert sound(box).run_window(Nobody())["complete"]


def test_a_carrier_that_stays_up_after_the_cut_stops_the_drive_half_and_the_next_window_seals(
    vault: Vault, tmp_path: Path
) -> None:
    box = vault.box.copy(tmp_path / "home")
    appliance, emulation = with_deed(box, "hold_carrier", 'in_phase = "INTAKE"')
    with pytest.raises(ConnectionUnexplained):
        appliance.run_window(Nobody())
    assert emulation.plant.totals.link_ms > 0
    assert emulation.plant.totals.drives_ms == 0
    assert sound(box).run_window(Nobody())["complete"]


@pytest.mark.planted
def test_planted_a_drive_half_that_does_not_look_at_the_network_is_caught(
    vault: Vault, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Machine, "require_silence", lambda _: None)
    box = vault.box.copy(tmp_path / "home")
    appliance, emulation = with_deed(box, "hold_carrier")
    assert appliance.scrub(Nobody())  # it would look sound
    assert emulation.plant.totals.drives_ms > 0
