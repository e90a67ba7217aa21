"""gpiozero's pins: released at the start, at the end, at SIGTERM; what is left by SIGKILL is known."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from gpiozero.exc import GPIOZeroError

from appliance.adapters import header_pins
from appliance.adapters.header_pins import HeaderPins
from appliance.domain.ids import Bay
from appliance.errors import PinsUnusable
from hw import profile
from tests.contract.twin_pins import TwinFactory

PROJECT = Path(__file__).parents[2]
BOARDS = sorted(set(profile.names()))


class Wires:
    """Where the pins' wires end: every change in order, and the inputs' levels."""

    def __init__(self) -> None:
        self.told: list[int] = []
        self.levels = 0
        self.factory = TwinFactory(self.told.append, lambda: self.levels)

    @property
    def now(self) -> int:
        return self.told[-1]

    def pull(self, pin: int) -> str:
        return str(self.factory.pin(pin).pull)  # type: ignore[no-untyped-call]

    def function(self, pin: int) -> str:
        return str(self.factory.pin(pin).function)  # type: ignore[no-untyped-call]


@pytest.fixture
def wires() -> Wires:
    return Wires()


@pytest.mark.parametrize("board", BOARDS)
def test_no_pin_is_ever_high_before_somebody_asks(board: str, wires: Wires) -> None:
    pins = HeaderPins(profile.load(board), wires.factory)
    assert set(wires.told) == {0}
    pins.close()
    assert set(wires.told) == {0}


@pytest.mark.parametrize("board", BOARDS)
def test_every_sense_has_the_pull_of_the_profile(board: str, wires: Wires) -> None:
    parts = profile.load(board)
    HeaderPins(parts, wires.factory)
    k1, k2 = parts.pins.sense_link
    by_kind = {"k1": k1, "k2": k2, "k3": parts.pins.sense_k3, "cut": parts.pins.sense_cut}
    for kind, pin in {**by_kind, "key": parts.pins.sense_key}.items():
        assert wires.pull(pin) == ("up" if kind in parts.open_reads_high else "down"), kind


@pytest.mark.parametrize("board", BOARDS)
def test_close_releases_every_coil_and_gives_the_pins_back(board: str, wires: Wires) -> None:
    parts = profile.load(board)
    pins = HeaderPins(parts, wires.factory)
    pins.energise_link(k1=True, k2=True)
    assert wires.now == sum(1 << pin for pin in parts.pins.link)
    pins.close()
    pins.close()
    assert wires.now == 0
    assert {wires.function(pin) for pin in parts.pins.outputs} == {"input"}
    HeaderPins(parts, wires.factory).close()  # nobody holds them any more


def test_what_is_released_is_released_before_anything_else_is_energised(wires: Wires) -> None:
    parts = profile.load("emulated")
    pins = HeaderPins(parts, wires.factory)
    pins.energise_drives([Bay(1)])
    pins.energise_drives([Bay(2)])
    first, second = (1 << pin for pin in parts.pins.drives[:2])
    assert first | second not in wires.told
    assert wires.told[-3:] == [first, 0, second]


def test_a_pin_that_is_refused_is_an_error_with_a_code_and_leaves_no_coil_energised(wires: Wires) -> None:
    """Somebody else has a sense pin."""
    parts = profile.load("emulated")
    holder = HeaderPins(parts, wires.factory)
    with pytest.raises(PinsUnusable, match="IW-2120"):
        HeaderPins(parts, wires.factory)
    assert wires.now == 0
    holder.close()


def test_a_pin_that_fails_at_the_end_does_not_keep_the_others_energised(
    wires: Wires, monkeypatch: pytest.MonkeyPatch
) -> None:
    parts = profile.load("emulated")
    pins = HeaderPins(parts, wires.factory)
    pins.energise_link(k1=True, k2=True)

    def broken() -> None:
        raise GPIOZeroError

    monkeypatch.setattr(pins._outputs[parts.pins.link[0]], "off", broken)
    pins.close()
    assert wires.now == 0


def test_a_machine_without_lgpio_or_pins_is_told_so_whatever_the_environment_asks_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """`mock` would switch pins that do not exist, and everybody would believe them."""
    monkeypatch.setenv("GPIOZERO_PIN_FACTORY", "mock")
    with pytest.raises(PinsUnusable):
        header_pins.lgpio_factory()


# A process of its own ------------------------------------------------------------------------------------


def _held(*numbers: signal.Signals) -> tuple[list[int], int]:
    """What the wires were told by a program that energised K1 and got these signals; its exit status."""
    program = subprocess.Popen(
        [sys.executable, "-m", "tests.contract.pin_holder"],
        stdout=subprocess.PIPE,
        text=True,
        cwd=PROJECT,
        env=dict(os.environ),
    )
    assert program.stdout is not None
    told: list[int] = []
    while not told or not told[-1]:
        told.append(int(program.stdout.readline()))
    for number in numbers:
        program.send_signal(number)
    told += [int(line) for line in program.stdout.read().split()]
    program.stdout.close()
    return told, program.wait()


K1 = 1 << profile.load("emulated").pins.link[0]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_program_that_is_told_to_end_releases_every_coil_first(number: signal.Signals) -> None:
    told, status = _held(number)
    assert K1 in told
    assert told[-1] == 0
    assert status == 128 + number


def test_a_second_signal_does_not_cut_the_release_short() -> None:
    told, _ = _held(*[signal.SIGTERM, signal.SIGINT, signal.SIGHUP] * 5)
    assert told[-1] == 0


def test_a_killed_program_leaves_its_pins_as_they_were_and_only_the_interlock_helps() -> None:
    """The limit that header_pins and hw/README name; the copper's answer is firmware/test_reactions."""
    told, _ = _held(signal.SIGKILL)
    assert told[-1] == K1
