"""A whole window on a board of copper: a pty, gpiozero's pins, ext4 on loop devices, the twin behind.

Under DEPTH=ci also with the real interlock image at the other end of the pty.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from appliance.compose import controller, wired_machine
from appliance.compose.home import Home
from appliance.compose.job import WindowJob
from appliance.compose.policy_files import PolicyFiles
from appliance.domain.phases import Medium
from appliance.window import calendar
from firmware.wire.codes import Phase
from hw.twin.device import InterlockDevice, MakeDevice
from hw.twin.loopback import SupplyLost
from tests.block import private_mounts
from tests.contract.copper_box import CopperBox
from tests.depth import FULL
from tests.hil.image_device import ImageMaker
from tests.simulation import virtual_box

pytestmark = pytest.mark.needs("block_disk")


MODEL = pytest.param(lambda: InterlockDevice, id="model")
IMAGE = pytest.param(ImageMaker, id="image", marks=pytest.mark.needs("arm-none-eabi-gcc", "interlock_host"))


@pytest.mark.parametrize("made", [MODEL, IMAGE] if FULL else [MODEL])
def test_a_window_on_copper_commits_a_snapshot_that_restores_from_its_disks_byte_by_byte(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], made: Callable[[], MakeDevice]
) -> None:
    source, place, target = tmp_path / "source", tmp_path / "place", tmp_path / "target"
    for folder in (source, place, target):
        folder.mkdir()
    for number in range(5):
        (source / f"{number}.bin").write_bytes(bytes([number]) * (number << 16))
    vault = virtual_box.born(tmp_path / "home", source)

    def work() -> None:
        box = CopperBox(vault, place, make_device=made())
        policy = PolicyFiles(vault.home.policy).policy
        box.plant.jump(calendar.next_window(policy.windows, box.plant.unix_ms // 1000).begin_s)
        with box.lives():
            for medium in (Medium.INTAKE, Medium.SEALING):
                boot = box.boot(medium.value)
                wires, disks = box.ends(boot)
                try:
                    with wired_machine.opened(Home(vault.root), "cm4", wires) as machine:
                        assert controller.run(machine, medium, WindowJob(home=str(vault.root))) == 0
                except SupplyLost:
                    assert medium is Medium.INTAKE  # the airlock
                disks.close()
        totals, phase = box.plant.totals, box.plant.phase
        assert totals.link_ms > 0
        assert totals.drives_ms > 0
        assert totals.never_both
        assert phase is not Phase.FAULT
        box.plant.power_off()
        box.give_back()
        (snapshot,) = vault.snapshots()
        assert vault.restore(snapshot, vault.identity((1, 2, 3)), target, (1, 3, 4, 6)) == []
        assert virtual_box.same(source, target) == []
        box.close()

    private_mounts.privately(place, work)
    said = [json.loads(line) for line in capfd.readouterr().out.splitlines()]
    assert not [event for event in said if event["event"] in {"error", "warning"}]
