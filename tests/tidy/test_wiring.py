"""The wiring page and its diagram are what the board profiles say, and name every pin and part of them."""

import re
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from gpiozero.pins.mock import MockFactory

from hw import drawing, profile, wiring, wiring_diagram
from hw.profile import BoardProfile
from hw.wired import Wired

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def board() -> BoardProfile:
    return profile.load(wiring.BOX)


@pytest.fixture(scope="module")
def copper(board: BoardProfile) -> Wired:
    assert board.wired is not None
    return board.wired


@pytest.fixture(scope="module")
def words(board: BoardProfile) -> list[ET.Element]:
    root = ET.fromstring(wiring_diagram.draw(board))  # noqa: S314 - made here
    return list(root.iter(f"{SVG}text"))


def test_the_committed_page_and_diagram_are_fresh() -> None:
    for path, text in wiring.files().items():
        assert path.read_text("utf-8") == text, f"{path.name}: python -m hw.wiring"


@pytest.mark.planted
def test_planted_a_pin_that_moved_in_the_profile_makes_the_page_stale(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = profile.CARRIER.read_text("utf-8").replace("link = [23, 24] ", "link = [23, 21] ")
    (tmp_path / "carrier.toml").write_text(text, "utf-8")
    assert wiring.main(["--check"]) == 0
    monkeypatch.setattr(profile, "CARRIER", tmp_path / "carrier.toml")
    assert wiring.main(["--check"]) == 1
    assert capsys.readouterr().out.endswith("not as the profiles say: WIRING.md, wiring.svg\n")


def test_a_wrong_option_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert wiring.main(["--force"]) == 64
    assert capsys.readouterr().out == "python -m hw.wiring [--write|--check]\n"


def test_every_pin_of_the_controller_is_on_the_page_and_in_the_diagram(
    board: BoardProfile, words: list[ET.Element]
) -> None:
    rows = re.findall(r"^\| (\d+) \| \d+ \| (?:in|out) \|", wiring.page().split("## 3")[0], re.MULTILINE)
    assert board.wired is not None
    pins = [*board.pins.outputs, *board.pins.inputs, *board.wired.uart]
    assert sorted(map(int, rows)) == sorted(pins)
    flags = {number for word in words for number in re.findall(r"\d+", word.text or "")}
    assert {str(pin) for pin in pins} <= flags


def test_the_header_is_the_one_that_gpiozero_knows() -> None:
    header = MockFactory(revision="c03111").board_info.headers["J8"]  # a Raspberry Pi 4
    named = {pin.name: number for number, pin in header.pins.items()}
    assert {f"GPIO{pin}": int(number) for pin, number in wiring.HEADER.items()} == {
        name: number for name, number in named.items() if name.startswith("GPIO")
    }
    grounds = sorted(number for number, pin in header.pins.items() if pin.name == "GND")
    said = re.search(r"ground\s+is\s+on\s+([\d,\sand]+)\.", wiring.page())
    assert said is not None
    assert [int(number) for number in re.findall(r"\d+", said[1])] == grounds


def test_every_part_that_the_pages_name_is_in_the_list_of_parts(
    copper: Wired, words: list[ET.Element]
) -> None:
    refs = {ref for part in copper.parts for ref in part.refs}
    assert {make for item in copper.relays for make in item.serves} <= refs
    texts = [text for path, text in wiring.files().items() if path.suffix == ".md"]
    drawn = " ".join([*texts, *(word.text or "" for word in words)])
    named = set(re.findall(r"\b(?:[QUFSKDLA]\d+|MUX1|PS\d)\b", drawn)) - {"U0"}
    assert named - refs == set()


def test_no_word_leaves_the_sheet_or_lies_on_another(words: list[ET.Element]) -> None:
    placed = []
    for word in words:
        size, text = int(word.attrib["font-size"]), word.text or ""
        width = drawing.width_of(text, size)
        before = {"start": 0, "middle": width // 2, "end": width}[word.attrib["text-anchor"]]
        left = int(word.attrib["x"]) - before
        base = int(word.attrib["y"])
        assert 0 <= left, text
        assert left + width <= wiring_diagram.WIDTH, text
        assert size <= base <= wiring_diagram.HEIGHT, text
        placed.append((left, base - size * 3 // 4, left + width, base, text))
    for place, (left, top, right, bottom, text) in enumerate(placed):
        for left_, top_, right_, bottom_, other in placed[place + 1 :]:
            apart = right <= left_ or right_ <= left or bottom <= top_ or bottom_ <= top
            assert apart, f"{text!r} lies on {other!r}"
