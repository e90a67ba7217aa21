"""Board profiles: the emulated one loads, and one that contradicts itself is refused."""

import pytest

from hw import profile

TEXT = (profile.BOARDS / "emulated.toml").read_text(encoding="utf-8")


def test_the_emulated_profile_says_what_it_is() -> None:
    board = profile.load("emulated")
    assert board.emulated
    assert not board.radio
    assert board.bays_max == 8
    assert "stand-in" in TEXT


def test_coil_pins_come_up_pulled_low() -> None:
    # BCM2711: GPIO 0-8 have a pull-up at power-on, 9-27 a pull-down.
    assert all(9 <= pin <= 27 for pin in profile.load("emulated").pins.outputs)


@pytest.mark.parametrize(
    ("old", "new", "names"),
    [
        ("link = [23, 24]", "link = [23, 23]", "two purposes"),
        ("link = [23, 24]", "link = [23]", "link"),
        ("link = [23, 24]", "link = [23, 99]", "link"),
        ("decay_ms = 20", "decay_ms = 50", "50 ms"),
        ("emulated = true", "emulated = 1", "emulated"),
        ("bytes_per_ms = 46", "bytes_per_ms = 0", "uart"),
        ("spin_up_ms = 400", "spin_up_ms = -1", "spin_up_ms"),
        ("[relay]", "[relai]", "relay"),
        ('name = "emulated"', "name = ", "line 5"),
    ],
)
def test_a_profile_that_contradicts_itself_is_refused_and_named(old: str, new: str, names: str) -> None:
    assert old in TEXT
    with pytest.raises(profile.ProfileInvalid, match=names):
        profile.parse(TEXT.replace(old, new, 1))


@pytest.mark.parametrize("name", ["absent", "../emulated", ""])
def test_an_unknown_board_is_refused(name: str) -> None:
    with pytest.raises(profile.ProfileInvalid):
        profile.load(name)
