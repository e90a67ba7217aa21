"""The real image, the twin's copper and real controller processes together: whole windows, faults, reactions.

Everything is measured in the box's own time. Without DEPTH=ci the golden model sits in the image's place, and
the image lives through one strike only; its emulator needs a minute for a window.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from appliance.compose.emulated_appliance import EmulatedAppliance
from firmware.wire.codes import Cause
from hw.twin.plant import Plant
from tests.depth import FULL
from tests.hil import bench, cases
from tests.hil.bench import HilEmulation
from tests.hil.image_device import Shadow
from tests.hil.strike import deed
from tests.simulation.virtual_box import VirtualBox

BOTH = [
    pytest.param(True, id="model"),
    pytest.param(False, id="image", marks=pytest.mark.needs("arm-none-eabi-gcc", "interlock_host")),
]
WHICH = BOTH if FULL else BOTH[:1]
PHASES = ["UNKNOWN", "ISOLATED", "CONTACT_TEST", "INTAKE", "AIRLOCK", "SEAL", "AIRLOCK", "ISOLATED"]
MODEL_CASES = tuple(cases.CASES) if FULL else ("controller killed, link live", "CUT, link live")
IMAGE_CASES = (
    "controller frozen, drives live",
    "serial line unplugged, link live",
    "interlock: interrupts off",
    "interlock: foreground hangs",
)
QUICK_IMAGE_CASES = ("interlock: interrupts off",)

pytestmark = pytest.mark.needs("landlock")


@pytest.fixture(scope="module")
def born(tmp_path_factory: pytest.TempPathFactory) -> VirtualBox:
    return cases.born(tmp_path_factory.mktemp("hil"))


@pytest.mark.invariant("I15")
@pytest.mark.parametrize("golden", WHICH)
def test_a_window_with_real_processes_commits_a_snapshot(
    born: VirtualBox, tmp_path: Path, *, golden: bool
) -> None:
    box = born.copy(tmp_path / "box")
    emulation = HilEmulation(tmp_path / "clock", golden=golden)
    said = bench.run_window(box.root, emulation)
    assert said["complete"] is True
    assert emulation.phases == PHASES
    assert emulation.plant is not None
    assert emulation.plant.totals.never_both
    assert len(box.snapshots()) == 1
    # What the image wrote into its memory is what the next power-on of either interlock goes on from.
    again = EmulatedAppliance(box.root, HilEmulation(tmp_path / "clock", golden=True)).status()
    assert again is not None


@pytest.mark.invariant("I14")
@pytest.mark.clause("PROTOCOL 5.7")
@pytest.mark.parametrize("name", MODEL_CASES)
def test_the_model_takes_the_supply_away_in_time(born: VirtualBox, tmp_path: Path, name: str) -> None:
    assert not cases.within(name, cases.struck(born, tmp_path, name, golden=True))


@pytest.mark.invariant("I14")
@pytest.mark.clause("PROTOCOL 5.7")
@pytest.mark.needs("arm-none-eabi-gcc", "interlock_host")
@pytest.mark.parametrize("name", IMAGE_CASES if FULL else QUICK_IMAGE_CASES)
def test_the_image_takes_the_supply_away_in_time(born: VirtualBox, tmp_path: Path, name: str) -> None:
    assert not cases.within(name, cases.struck(born, tmp_path, name))


@pytest.mark.invariant("I2")
@pytest.mark.parametrize("golden", WHICH)
def test_a_welded_link_contact_keeps_the_drives_dark(
    born: VirtualBox, tmp_path: Path, *, golden: bool
) -> None:
    scenario = tmp_path / "weld.toml"
    scenario.write_text('[[event]]\nin_phase = "INTAKE"\nafter_s = 0.05\ndo = "weld"\ntarget = "k1"\n')
    emulation = HilEmulation(tmp_path / "clock", golden=golden)
    said = bench.run_window(born.copy(tmp_path / "box").root, emulation, scenario)
    assert (said["snapshot"], said["exit"]) == (None, 4)
    assert emulation.plant is not None
    assert emulation.plant.totals.drives_ms == 0
    assert "SEAL" not in emulation.phases
    assert emulation.plant.device.state.fram.fault is Cause.LINK_WITHOUT_ORDER


@pytest.mark.planted
@pytest.mark.invariant("I14")
def test_a_supply_that_nobody_takes_away_is_found(born: VirtualBox, tmp_path: Path) -> None:
    """A pump that feeds without a permit: no interlock can end that, and the table says so."""
    name = "CUT, link live"
    strike, _ = cases.CASES[name]

    def short_and_press(plant: Plant) -> None:
        deed("short_pump", supply="link")(plant)
        strike.act(plant)

    planted = replace(strike, act=short_and_press)
    box = born.copy(tmp_path / "box")
    found = bench.reaction(box.root, tmp_path / "clock", planted, golden=True)
    assert found.after_ms is None
    assert "None ms" in cases.within(name, found)


@pytest.mark.planted
def test_a_frame_that_the_model_would_not_say_ends_the_run() -> None:
    with pytest.raises(AssertionError, match="the image says 01"):
        Shadow().take("said", b"\x01")
