"""Boards of copper: each loads, agrees with the firmware, and one that cannot be built is refused by name."""

import ast
import tomllib
from dataclasses import replace

import pytest

from firmware.interlock import build
from firmware.model import limits
from hw import profile, soundness
from hw.profile import BoardProfile, ProfileInvalid
from hw.wired import Wired

CARRIER = profile.CARRIER.read_text(encoding="utf-8")
CM4 = (profile.BOARDS / "cm4.toml").read_text(encoding="utf-8")
COPPER = [name for name in profile.names() if name != "emulated"]


def wired(board: BoardProfile) -> Wired:
    assert board.wired is not None
    return board.wired


def refused(*, carrier: str = CARRIER, board: str = CM4) -> str:
    with pytest.raises(ProfileInvalid) as caught:
        profile.parse(board, carrier)
    return str(caught.value)


def changed(text: str, old: str, new: str) -> str:
    assert text.count(old) == 1, old
    return text.replace(old, new)


def test_there_is_one_board_for_boxes_and_two_for_benches() -> None:
    assert {name: wired(profile.load(name)).use for name in COPPER} == {
        "cm4": "production",
        "pi4": "bench",
        "pi5": "bench",
    }


@pytest.mark.clause("THREATS 8.3")
@pytest.mark.parametrize("name", profile.names())
def test_only_a_board_of_copper_without_a_radio_is_for_production(name: str) -> None:
    board = profile.load(name)
    assert board.production == (name == "cm4")
    assert not replace(board, radio=True).production
    assert not replace(board, wired=None).production


@pytest.mark.parametrize("name", COPPER)
def test_the_carrier_and_the_firmware_name_the_same_pins(name: str) -> None:
    interlock = tomllib.loads((profile.BOARDS / "emulated.toml").read_text("utf-8"))["interlock"]
    interlock.pop("source")
    assert wired(profile.load(name)).interlock == interlock  # which test_image_build compares with pins.h


@pytest.mark.clause("THREATS 8.4")
@pytest.mark.parametrize("name", COPPER)
def test_every_coil_pin_rests_low_from_power_on(name: str) -> None:
    board = profile.load(name)
    assert {wired(board).pulls.of(pin) for pin in board.pins.outputs} == {"down"}


@pytest.mark.parametrize("name", COPPER)
def test_what_no_source_says_is_left_to_the_bench(name: str) -> None:
    board = wired(profile.load(name))
    assert board.confirm
    for part in board.parts:
        assert part.source == "choice" or part.confirm or len(part.source) > 10, part.refs


def test_the_pulls_of_the_rp1_are_not_believed() -> None:
    assert wired(profile.load("pi5")).pulls.confirm
    assert not wired(profile.load("cm4")).pulls.confirm


def test_the_slowest_make_is_the_boards_timing() -> None:
    board = profile.load("cm4")
    assert board.relay.operate_ms == max(make.operate_ms for make in wired(board).relays)
    assert board.changeover.release_ms == wired(board).make_of("K3").release_ms


def test_the_pumps_decay_is_what_its_formula_gives_by_hand() -> None:
    # 1 uF and 10 kilohm, 10 % more of each: 12.1 ms; 2.9 V falls to 0.8 V in ln(3.625) of that; half a period
    pump = wired(profile.load("cm4")).pump
    assert pump.decay_ms == 17
    assert replace(pump, tolerance_percent=0, period_us=2).decay_ms == 13
    assert replace(pump, hold_nf=3000).decay_ms == 48


@pytest.mark.clause("THREATS 8.5")
def test_a_coil_is_off_within_the_reaction_targets() -> None:
    board = profile.load("cm4")
    assert board.permit_decay_ms < soundness.DECAY_MS_MAX
    slowest = max(max(make.release_ms, make.mirror_ms) for make in wired(board).relays)
    assert board.permit_decay_ms + slowest < limits.MISMATCH_MS


def test_the_serial_line_is_as_fast_as_the_firmwares() -> None:
    text = (build.HERE / "rp2040" / "serial.c").read_text("utf-8")
    assert "115,200 baud 8N1" in text
    assert profile.load("cm4").uart_bytes_per_ms == 115_200 // 10 // 1000  # a byte is ten bits


WRONG = {
    "two outputs on one pin": (
        ("link = [23, 24] ", "link = [23, 12] "),
        "[pins] [12] serve two purposes",
    ),
    "an output on the serial line's pin": (
        ("pins = [14, 15] ", "pins = [23, 15] "),
        "[pins] GPIO 23 serves K1 and UART transmit",
    ),
    "a reserved pin": (
        ("sense_cut = 25 ", "sense_cut = 2 "),
        "[pins] GPIO 2 (sense CUT) is reserved: [pulls] reserved",
    ),
    "a coil pin that is pulled up at power-on": (
        ("link = [23, 24] ", "link = [23, 8] "),
        "[pins] GPIO 8 (K2): its pull at power-on is up, which energises the coil",
    ),
    "a weak external pull": (
        ("external_ohm = 10000 ", "external_ohm = 47000 "),
        "[pulls] external_ohm: 1 to 10000, so that it wins against the pin's own pull",
    ),
    "no external pull": (
        ("external_ohm = 10000 ", "external_ohm = 0 "),
        "[pulls] external_ohm: 1 to 10000, so that it wins against the pin's own pull",
    ),
    "one make for both link relays": (
        ('maker = "Panasonic"', 'maker = "Omron"'),
        "[[relay_make]] K1 and K2 are both by Omron: two makes are needed",
    ),
    "a relay without a type": (
        ('serves = ["K1", "K3"]', 'serves = ["K1"]'),
        "[[relay_make]] K3 is served by 0 types, one is needed",
    ),
    "a relay with two types": (
        ('serves = ["K1", "K3"]', 'serves = ["K1", "K2", "K3"]'),
        "[[relay_make]] K2 is served by 2 types, one is needed",
    ),
    "a relay that is not there": (
        ('serves = ["K1", "K3"]', 'serves = ["K1", "K3", "K9"]'),
        "[[relay_make]] K9 is no relay of this board",
    ),
    "a pump that lets go too late": (
        ("hold_nf = 1000", "hold_nf = 3200"),
        "[pump] its decay is 51 ms, it must be below 50 ms",
    ),
    "a decay that nobody computed": (
        ("decay_ms = 17", "decay_ms = 16"),
        "[permit] decay_ms is 16, [pump] gives 17",
    ),
    "a decay that is too long": (
        ("decay_ms = 17", "decay_ms = 50"),
        "[permit] decay_ms: a stopped output must be dead within 50 ms",
    ),
    "a pump that cannot hold between two edges": (
        ("coupling_nf = 1000", "coupling_nf = 100"),
        "[pump] it falls to 1028 mV between two edges, its transistor needs 1500 mV",
    ),
    "a pump without a capacitor": (
        ("hold_nf = 1000", "hold_nf = 0"),
        "[pump] it could never switch: a value is 0, or the swing below the threshold",
    ),
    "a relay that lets go after the interlock's patience": (
        ("release_ms = 14", "release_ms = 83"),
        "[[relay_make]] SF2D-DC24V: decay and release take 100 ms, the interlock waits 100 ms",
    ),
    "a mirror contact that makes after the interlock's patience": (
        ("mirror_ms = 20            #", "mirror_ms = 90            #"),
        "[[relay_make]] G7SA-2A2B, 24 V DC: decay and release take 107 ms, the interlock waits 100 ms",
    ),
    "a relay that operates after the interlock's patience": (
        ("operate_ms = 35", "operate_ms = 96"),
        "[[relay_make]] SF2D-DC24V: operating takes 100 ms, the interlock waits 100 ms",
    ),
    "a bay that the interlock does not have": (
        ("drives = [12, 13, 16, 18, 19, 20] ", "drives = [12, 13, 16, 18, 19] "),
        "[[relay_make]] D6 is no relay of this board",
    ),
    "an interlock with fewer bays": (
        ("bays = 6\n", "bays = 5\n"),
        "[pins] drives: 6 pins, the interlock has 5 bays",
    ),
    "two permits on one pin of the interlock": (
        ("permit_drives = 3", "permit_drives = 2"),
        "[interlock] GPIO 2 serves permit_link and permit_drives",
    ),
    "bays that lie over senses in the interlock": (
        ("bay_1 = 16\n", "bay_1 = 17\n"),
        "[interlock] GPIO 22 serves bay_1+5 and sense_bay_1+0",
    ),
    "no source for a relay": (
        ('source = "Panasonic ds_61404 SF2D', 'origin = "Panasonic ds_61404 SF2D'),
        "[[relay_make] 2] source: a text is needed",
    ),
    "no source for a part": (
        ('source = "TI SLLSEP3', 'origin = "TI SLLSEP3'),
        "[[part] 7] source: a text is needed",
    ),
    "no source for the pins": (
        ('source = "choice: GPIO 9 to 27', 'origin = "choice: GPIO 9 to 27'),
        "[pins] source: a text is needed",
    ),
    "no reason for a part": (
        ('why = "Copper lights it.', 'because = "Copper lights it.'),
        "[[part] 18] why: a text is needed",
    ),
}


@pytest.mark.clause("THREATS 8.4")
@pytest.mark.clause("THREATS 8.5")
@pytest.mark.clause("THREATS 8.6")
@pytest.mark.parametrize(("change", "message"), WRONG.values(), ids=WRONG)
def test_a_carrier_that_cannot_be_built_is_refused_by_name(change: tuple[str, str], message: str) -> None:
    assert refused(carrier=changed(CARRIER, *change)) == message


WRONG_BOARD = {
    "a radio in production": (
        ("radio = false", "radio = true"),
        "[controller] use: a board with a radio is for the bench only, production needs one without",
    ),
    "a use that there is not": (
        ('use = "production"', 'use = "anything"'),
        '[controller] use: "production" or "bench" is needed',
    ),
    "a coil pin of which nothing is known": (
        (", 24, 25, 26, 27]", ", 25, 26, 27]"),
        "[pins] GPIO 24 (K2): [pulls] does not say what it does at power-on",
    ),
    "a port that two bays share": (
        ('"2.1", "2.2"]', '"2.1", "2.1"]'),
        "[bays] ports: a port is named twice",
    ),
    "a bay without a port": (
        ('"2.1", "2.2"]', '"2.1"]'),
        "[bays] ports: 5 ports for 6 bays",
    ),
    "a supply that outlives the interlock's patience": (
        ("supply_fall_ms = 300", "supply_fall_ms = 5000"),
        "[controller] supply_fall_ms is 5000, the interlock waits 5000 ms",
    ),
    "no source for the pulls": (
        ('source = "BCM2711', 'origin = "BCM2711'),
        "[pulls] source: a text is needed",
    ),
}


@pytest.mark.clause("THREATS 8.3")
@pytest.mark.clause("THREATS 8.4")
@pytest.mark.parametrize(("change", "message"), WRONG_BOARD.values(), ids=WRONG_BOARD)
def test_a_board_that_cannot_be_built_is_refused_by_name(change: tuple[str, str], message: str) -> None:
    assert refused(board=changed(CM4, *change)) == message


def test_every_check_has_a_board_that_fails_it() -> None:
    tree = ast.parse((profile.CARRIER.parent / "soundness.py").read_text("utf-8"))
    said = [node.value for node in ast.walk(tree) if isinstance(node, ast.Yield)]
    messages = [message for _, message in (*WRONG.values(), *WRONG_BOARD.values())]
    fragments = [
        [str(part.value) for part in ast.walk(value) if isinstance(part, ast.Constant)]
        for value in said
        if value is not None
    ]
    assert len(fragments) > 15
    for words in fragments:
        assert any(all(word in message for word in words) for message in messages), words


def test_a_bench_may_have_a_radio() -> None:
    loud = changed(CM4, "radio = false", "radio = true")
    board = profile.parse(changed(loud, '"production"', '"bench"'), CARRIER)
    assert board.radio
    assert not board.production


def test_a_board_without_its_carrier_is_refused() -> None:
    assert refused(carrier="") == "[uart] is missing"
