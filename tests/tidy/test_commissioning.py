"""Proving a bench: both languages have the same steps, and every pin, figure and command is the profile's."""

import re
from itertools import zip_longest
from pathlib import Path

import pytest

from firmware.model import limits
from hw import profile, wiring
from hw.profile import BoardProfile
from hw.wired import RelayMake, Wired
from tests.tidy.tree import PROJECT

PAGES = [PROJECT / "hw" / name for name in ("COMMISSIONING.md", "COMMISSIONING.ja.md")]
ORDERS = {"link": 1, "drives": 2, "k3": 4, "controller": 8}  # drivers_image.c, order()


def text(page: Path) -> str:
    return page.read_text("utf-8")


def rows(page: str) -> list[list[str]]:
    """Cells of every table row but the heads, with the number of the step in front."""
    found, step = [], ""
    for line in page.splitlines():
        if heading := re.match(r"## (\d+) ", line):
            step = heading[1]
        elif line.startswith("| ") and not line.startswith("| ---"):
            found.append([step, *(cell.strip() for cell in line.strip("|").split("|"))])
    heads = [place for place, row in enumerate(found) if place == 0 or row[0] != found[place - 1][0]]
    return [row for place, row in enumerate(found) if place not in heads]


def neutral(cell: str) -> list[str]:
    """What is the same in every language: code, figures with units, names of parts and causes."""
    return re.findall(r"`[^`]+`|\d+(?:\.\d+)?|\b[KQSULD]\d\b|[A-Z_]{5,}", cell)


@pytest.fixture(scope="module")
def board() -> BoardProfile:
    return profile.load(wiring.BOX)


@pytest.fixture(scope="module")
def wired(board: BoardProfile) -> Wired:
    assert board.wired is not None
    return board.wired


def test_both_languages_have_the_same_steps_commands_and_figures() -> None:
    english, japanese = (rows(text(page)) for page in PAGES)
    for one, other in zip_longest(english, japanese):
        assert one is not None, other
        assert other is not None, one
        assert one[0] == other[0], (one, other)
        for place in (1, 2):
            assert sorted(neutral(one[place])) == sorted(neutral(other[place])), (one, other)
    steps = [row[0] for row in english]
    assert sorted(set(steps), key=int) == [str(number) for number in range(1, 14)]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_step_says_what_to_see_and_what_to_do_if_not(page: Path) -> None:
    table = rows(text(page))
    assert len(table) > 50
    for row in table[:-1]:  # the last closes the lid
        assert len(row) == 4, row
        assert all(row[1:]), row


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_pins_and_orders_are_the_profiles(page: Path, board: BoardProfile, wired: Wired) -> None:
    said = text(page)
    pins = re.search(r"GPIO ([\d, 、]+)\)", said)
    assert pins is not None
    assert [int(pin) for pin in re.findall(r"\d+", pins[1])] == list(board.pins.outputs)
    bays = [int(bits, 16) for bits in re.findall(r"`p([0-9a-f]{8})`", rows_of(said, "5")[2][1])]
    drives = ORDERS["drives"] | ORDERS["controller"]
    assert bays == [1 << bay << 8 | drives for bay in range(board.bays_max)]
    named = re.findall(r"(?<!\w)\d{2}(?!\w)", rows_of(said, "5")[2][1])
    assert [int(pin) for pin in named] == list(board.pins.drives)
    assert f"GPIO {wired.interlock['permit_link']}" in said
    assert f"GPIO {wired.interlock['permit_drives']}" in said


def rows_of(page: str, step: str) -> list[list[str]]:
    return [row for row in rows(page) if row[0] == step]


def times(make: RelayMake, *, mirror: bool) -> list[int]:
    return [make.operate_ms, make.release_ms, *([make.mirror_ms] if mirror else [])]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_figures_to_see_are_the_profiles_and_the_interlocks(page: Path, wired: Wired) -> None:
    said = text(page)
    seen = [[int(number) for number in re.findall(r"(\d+) ms", row[2])] for row in rows_of(said, "5")]
    assert seen[:3] == [
        times(wired.make_of("K1"), mirror=True),
        times(wired.make_of("K2"), mirror=True),
        times(wired.make_of("D1"), mirror=False),
    ]
    pump = rows_of(said, "6")
    assert f"{wired.pump.threshold_max_mv / 1000:.2f} V" in pump[0][2]
    assert f"{wired.pump.period_us // 2} µs" in pump[0][2]
    assert all(f"{wired.pump.decay_ms} ms" in row[2] for row in pump[1:4])
    slowest = max(wired.make_of("K1").release_ms, wired.make_of("K2").release_ms)
    assert f"{slowest} ms" in rows_of(said, "8")[0][2]
    planted = [row[2] for row in rows_of(said, "12")]
    for row, target in ((0, "2.0 s"), (1, "2.0 s"), (2, "1.0 s"), (4, "50 ms")):  # 60-reliability, I14
        assert target in planted[row]
    assert f"{limits.MISMATCH_MS} ms" in planted[6]
    assert f"{limits.GAP_S} " in rows_of(said, "11")[0][3]
    assert f"{wired.pulls.external_ohm // 1000} kΩ" in said
    assert "115200 baud" in said


@pytest.mark.planted
def test_planted_a_figure_that_differs_in_one_language_is_caught() -> None:
    english, japanese = (rows(text(page)) for page in PAGES)
    place = next(place for place, row in enumerate(japanese) if "17 ms" in row[2])
    japanese[place][2] = japanese[place][2].replace("17 ms", "71 ms")
    assert sorted(neutral(english[place][2])) != sorted(neutral(japanese[place][2]))


def test_every_board_and_every_page_that_is_named_is_there() -> None:
    for page in PAGES:
        said = text(page)
        assert set(re.findall(r"`(cm4|pi\d)`", said)) == set(profile.names()) - {"emulated"}
        for target in re.findall(r"\]\(([^)]+)\)", said):
            assert (page.parent / target).is_file(), target
        clauses = (PROJECT / "appliance" / "THREATS.md").read_text("utf-8")
        for number in re.findall(r"THREATS (\d+\.\d+)", said):
            assert f"**{number}**" in clauses, number
