"""`iwato line` on a board of copper: the production code over real terminals and gpiozero, the twin behind.

The same is tried on a bench of copper, where IWATO_BENCH names a home with a config.toml (mark `hardware`).
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance.adapters.clock import SystemClock
from appliance.adapters.serial_port import SerialPort
from appliance.compose.line_desk import LineDesk
from appliance.errors import (
    BoardUnknown,
    HomeMissing,
    InterlockSilent,
    OwnFileMissing,
    PinsUnusable,
    SerialBusy,
)
from appliance.service.line_bench import Question, Step, StepResult, Verdict
from hw import profile
from tests.contract.wired_box import BOARD, WiredBox


class Nobody:
    """Looks at nothing and turns nothing."""

    def begins(self, step: Step) -> None: ...

    def sees(self, question: Question) -> bool | None: ...

    def turns_key(self, *, turned: bool) -> bool:
        return False

    def ended(self, result: StepResult) -> None: ...


@pytest.fixture
def box(tmp_path: Path) -> Iterator[WiredBox]:
    box = WiredBox(tmp_path)
    yield box
    box.close()


@pytest.fixture(params=["twin", pytest.param("bench", marks=pytest.mark.hardware)])
def desk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[LineDesk]:
    if request.param == "bench":
        yield LineDesk(Path(os.environ["IWATO_BENCH"]))
        return
    box = WiredBox(tmp_path)
    with box.lives():
        yield box.desk()
    box.close()


def test_the_twin_has_the_pins_of_the_board_that_it_plays() -> None:
    copper, twin = profile.load(BOARD).pins, profile.load("emulated").pins
    assert copper.link == twin.link
    assert copper.drives == twin.drives[: len(copper.drives)]
    assert copper.inputs == twin.inputs


def test_at_rest_every_line_is_cut_by_both_measures_and_the_bus_shows_no_drive(desk: LineDesk) -> None:
    document = desk.listed()
    assert document["phase"] == "ISOLATED"
    assert not document["alarming"]
    for line in document["lines"]:
        assert (line["ordered"], line["interlock"]) == (False, False), line
        assert not line["controller"], line
    assert not document["senses"]["cut_pressed"]


def test_the_controllers_half_alone_connects_nothing_and_what_needs_eyes_is_not_called_passed(
    desk: LineDesk,
) -> None:
    steps = {step["step"]: step for step in desk.tested(Nobody(), connect=False)["steps"]}
    assert Verdict.FAILED not in {step["verdict"] for step in steps.values()}
    assert steps[Step.K1_ALONE]["verdict"] == steps[Step.K2_ALONE]["verdict"] == Verdict.PASSED
    assert steps[Step.DARK]["verdict"] == steps[Step.KEY]["verdict"] == Verdict.UNSEEN
    assert steps[Step.CONNECT]["verdict"] == Verdict.SKIPPED


def test_outside_a_window_the_interlock_refuses_and_the_controller_obeys(box: WiredBox) -> None:
    with box.lives():
        steps = box.desk().tested(Nobody(), connect=True)["steps"]
    assert (steps[-1]["verdict"], steps[-1]["cause"]) == (Verdict.REFUSED, "OUTSIDE_WINDOW")
    assert box.bench.plant.totals.link_ms == 0


def test_a_foreign_network_is_found(box: WiredBox) -> None:
    wlan = box.networks / "wlan0"
    wlan.mkdir()
    (wlan / "type").write_text("1\n")
    (wlan / "carrier").write_text("1\n")
    with box.lives():
        assert box.desk().listed()["other_networks"] == 1
        steps = box.desk().tested(Nobody(), connect=False)["steps"]
    assert steps == [
        {
            "step": Step.DARK,
            "verdict": Verdict.FAILED,
            "cause": "",
            "findings": [{"line": "another network", "side": "controller", "live": True}],
        }
    ]


def test_an_interlock_that_is_silent_is_an_error_and_every_coil_is_released(
    box: WiredBox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("appliance.adapters.interlock.HELLO_TRIES", 1)
    monkeypatch.setattr("appliance.adapters.interlock.REPLY_MS", 20)
    with box.lives():
        box.bench.plant.hands.serial_unplugged = True
        with pytest.raises(InterlockSilent):
            box.desk().tested(Nobody(), connect=False)
        assert box.boot is not None
    assert not box.bench.plant._gpio


def test_two_commands_do_not_share_the_line(box: WiredBox) -> None:
    holder = SerialPort(box.cable.path, SystemClock())
    holder.open()
    with box.lives(), pytest.raises(SerialBusy):
        box.desk().listed()
    holder.close()


def test_without_the_board_the_profile_or_the_pairing_key_there_is_an_error_with_a_code(
    box: WiredBox,
) -> None:
    with pytest.raises(PinsUnusable):
        LineDesk(box.home).listed()  # no lgpio on this machine, or no pins
    with pytest.raises(BoardUnknown, match="cm9"):
        LineDesk(box.home, "cm9")
    with pytest.raises(HomeMissing):
        LineDesk(box.root / "absent", BOARD).listed()
    assert not (box.root / "absent").exists()
    (box.home / "seal-state" / "pairing.key").unlink()
    with pytest.raises(OwnFileMissing):
        LineDesk(box.home).listed()
