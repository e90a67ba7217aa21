"""`iwato quorum`: k holders release a box that is SECURED or in FAULT and set its clock; fewer do nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from appliance import errors
from firmware.model import limits
from tests.attack.command_line import Ended, iwato
from tests.simulation.conftest import Vault
from tests.simulation.virtual_box import VirtualBox

WELDED = """
[[event]]
at_s = 0
do = "weld"
target = "k1"
"""
MENDED = """
[[event]]
at_s = 0
do = "mend"
target = "k1"
"""
CLOCKLESS = """
[[event]]
at_s = 0
do = "lose_clock"
"""


@pytest.fixture
def box(vault: Vault, tmp_path: Path) -> VirtualBox:
    return vault.box.copy(tmp_path / "home")


def window(box: VirtualBox, scenario: str = "") -> Ended:
    words = ["bench", "run-window", "--home", str(box.root)]
    if scenario:
        path = box.root.parent / "scenario.toml"
        path.write_text(scenario)
        words += ["--scenario", str(path)]
    return iwato(*words)


def quorum(box: VirtualBox, *words: str, holders: tuple[int, ...] = (1, 2, 3)) -> Ended:
    tokens = [word for holder in holders for word in ("--token", str(box.home.token(holder)))]
    return iwato("quorum", *words, "--why", "seen and mended", *tokens, "--home", str(box.root))


def hold_cut(box: VirtualBox) -> None:
    """One person's hand on the button, for as long as it takes."""
    appliance = box.appliance()
    with box.home.lock():
        board = appliance._board()
        board.settle()
        board._plant.press_cut(pressed=True)
        board.rest(limits.CUT_HELD_MS + 500)
        board._plant.press_cut(pressed=False)
        board.power_off()


def phase(box: VirtualBox) -> str:
    return str(iwato("status", "--json", "--home", str(box.root)).document["phase"])


def test_a_box_that_one_person_secured_is_released_by_k_holders_and_by_no_fewer(box: VirtualBox) -> None:
    hold_cut(box)
    assert phase(box) == "SECURED"
    assert window(box).code == errors.FaultLatched.code
    few = quorum(box, "release", holders=(1, 2))
    assert few.status == errors.EXIT_QUORUM
    assert phase(box) == "SECURED"
    assert quorum(box, "release").status == errors.EXIT_OK
    assert phase(box) == "ISOLATED"
    assert window(box).status in {errors.EXIT_OK, errors.EXIT_WARNINGS}


def test_a_fault_is_released_once_its_cause_is_mended_and_latches_again_where_it_is_not(
    box: VirtualBox,
) -> None:
    window(box, WELDED)
    assert phase(box) == "FAULT"
    quorum(box, "release")
    window(box)
    assert phase(box) == "FAULT", "the contact is welded still"
    window(box, MENDED)  # refused, but the hands were there
    ended = quorum(box, "release")
    assert (ended.status, phase(box)) == (errors.EXIT_OK, "ISOLATED")


def test_there_is_nothing_to_release_in_a_sound_box(box: VirtualBox) -> None:
    ended = quorum(box, "release")
    assert (ended.status, ended.code) == (errors.EXIT_REFUSED, errors.NothingLatched.code)


def test_a_clock_that_lost_its_time_is_set_by_k_holders(box: VirtualBox) -> None:
    window(box, CLOCKLESS)
    status = iwato("status", "--home", str(box.root))
    assert errors.ClockLost.code in status.codes
    words = ("clock", "--time", "2027-03-01T12:00:00+09:00")
    assert quorum(box, *words, holders=(4, 5)).status == errors.EXIT_QUORUM
    assert quorum(box, *words).status == errors.EXIT_OK
    after = iwato("status", "--json", "--home", str(box.root)).document
    assert after["time"].startswith("2027-03-01T12:0")
    assert not after["alarms"]


def test_a_window_whose_clock_is_lost_in_the_link_half_ends_then_and_says_why(box: VirtualBox) -> None:
    cut = window(box, CLOCKLESS.replace("at_s = 0", 'in_phase = "INTAKE"\nafter_s = 0.05'))
    assert errors.PhaseCut.code in cut.codes
    assert phase(box) == "ISOLATED"


@pytest.mark.parametrize("when", ["12:00", "2027-03-01T12:00:00", "tomorrow", ""])
def test_a_time_that_can_be_meant_in_two_ways_is_a_usage_error(box: VirtualBox, when: str) -> None:
    assert quorum(box, "clock", "--time", when).status == errors.EXIT_USAGE
