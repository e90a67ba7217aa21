"""The controller's program on a board of copper: over a pty, gpiozero's pins and loop devices."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance.adapters.block_drives import Judge
from appliance.compose import controller, wired_machine
from appliance.compose import job as jobs
from appliance.compose.home import Home
from appliance.compose.wired_board import Ends
from appliance.domain.ids import Bay
from appliance.domain.phases import Phase
from appliance.errors import BoardUnknown, ConnectionUnexplained, NetworkForeign
from tests.block import private_mounts
from tests.contract.loop_bays import HEADER, LoopBays
from tests.contract.pin_bench import factory_of
from tests.contract.wired_box import BOARD, WiredBox
from tests.firmware import box as firmware_box


@pytest.fixture
def box(tmp_path: Path) -> Iterator[WiredBox]:
    box = WiredBox(tmp_path)
    yield box
    box.close()


def ends(box: WiredBox) -> Ends:
    boot = box.boot
    assert boot is not None
    return Ends(pins=lambda: factory_of(boot), networks=str(box.networks), disks=lambda _: box.disks)


def test_the_machine_speaks_to_the_interlock_and_releases_every_coil_at_its_end(box: WiredBox) -> None:
    with box.lives(), wired_machine.opened(Home(box.home), BOARD, ends(box)) as machine:
        machine.require_silence()
        interlock = machine.interlock(firmware_box.PAIRING_KEY, 6)
        assert interlock.hello().phase is Phase.ISOLATED
        machine.relays.energise_link(k1=True, k2=True)
        machine.relays.energise_drives([Bay(1)])
        for beat in range(20):  # each takes the box some milliseconds
            assert interlock.heartbeat(beat).phase is Phase.ISOLATED
        assert box.bench.plant._gpio
    box.bench.plant.advance(50)
    assert not box.bench.plant._gpio
    totals = box.bench.plant.totals
    assert (totals.link_ms, totals.drives_ms) == (0, 0)


def test_a_link_that_carries_and_a_foreign_network_end_it_before_any_coil(box: WiredBox) -> None:
    carrier = box.networks / "eth0" / "carrier"
    with box.lives(), wired_machine.opened(Home(box.home), BOARD, ends(box)) as machine:
        carrier.write_text("1\n")
        machine.require_no_other_network()
        with pytest.raises(ConnectionUnexplained):
            machine.require_silence()
        carrier.write_text("0\n")
        (box.networks / "usb0").mkdir()
        (box.networks / "usb0" / "type").write_text("1\n")
        (box.networks / "usb0" / "carrier").write_text("1\n")
        with pytest.raises(NetworkForeign):
            machine.require_silence()


@pytest.mark.needs("block_disk")
def test_its_drives_are_disks_of_this_vault_and_others_are_said_on_the_console(
    box: WiredBox, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    place = tmp_path / "place"
    place.mkdir()

    def work() -> list[tuple[int, bytes]]:
        bays = LoopBays(place)
        devices = [bays.plug(1, bays.image("ours")), bays.plug(2, bays.image("theirs", header=b"theirs"))]
        box.disks.up.extend(devices)
        with wired_machine.opened(Home(box.home), BOARD, ends(box)) as machine:
            judge = Judge(is_ours=lambda content: content == HEADER)
            found = machine.drives(Home(box.home), 6, judge).attached()
            read = [(int(drive.bay), drive.files.read("IWATO-DRIVE", 4096)) for drive in found]
        mounted = Path("/proc/thread-self/mountinfo").read_text()
        assert str(box.home / "bay") not in mounted
        for device in devices:
            bays.unplug(device)
        return read

    with box.lives():
        assert private_mounts.privately(place, work) == [(1, HEADER)]
    (said,) = [json.loads(line) for line in capfd.readouterr().out.splitlines()]
    assert (said["event"], said["code"], said["values"]["bay"]) == ("warning", "IW-2125", "2")


def test_a_board_that_is_not_there_is_said_on_the_console_and_not_as_a_traceback(
    box: WiredBox, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    task = json.dumps(jobs.encode(jobs.ScrubJob(home=str(box.home))))
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(task.encode())))
    assert controller.main("sealing", BOARD) != 0
    said = json.loads(capfd.readouterr().out)
    assert (said["event"], said["code"]) == ("error", "IW-2120")


def test_an_unknown_board_is_an_error_with_a_code(box: WiredBox) -> None:
    with pytest.raises(BoardUnknown, match="IW-2123"), wired_machine.opened(Home(box.home), "cm9"):
        pass
