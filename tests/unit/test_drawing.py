"""Sheets: readable on light and dark, the same bytes every time, and words from outside are only words."""

import xml.etree.ElementTree as ET

import pytest

from hw import drawing
from hw.drawing import INKS, PANEL, PAPER, Drawing

CONTRAST_MIN = 4.5  # WCAG 2.2, 1.4.3: text on its background
LINES_ONLY = {"faint"}  # frames and grids, never words


def luminance(colour: str) -> float:
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    light = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * light[0] + 0.7152 * light[1] + 0.0722 * light[2]


def contrast(first: str, second: str) -> float:
    dark, light = sorted((luminance(first), luminance(second)))
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("shade", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize("ink", [ink for ink in INKS if ink not in LINES_ONLY])
def test_every_ink_can_be_read_on_paper_and_panel_on_light_and_on_dark(ink: str, shade: int) -> None:
    for ground in (PAPER, PANEL):
        assert contrast(INKS[ink][shade], ground[shade]) >= CONTRAST_MIN


def test_contrast_is_computed_as_the_guideline_does() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


def sheet(words: str) -> str:
    drawn = Drawing(200, 100, words)
    drawn.line([(0, 0), (10, 10)], "link", dashed=True)
    drawn.box((5, 5), (20, 20), "drives", fill="link")
    drawn.bar((1, 1), (3, 3), "alarm", pale=True)
    drawn.ring((9, 9), radius=3)
    drawn.text((10, 50), words)
    return drawn.svg()


def test_the_same_calls_give_the_same_bytes() -> None:
    assert sheet("a") == sheet("a")


def test_words_stay_words() -> None:
    words = '</text><script>alert("1")</script> & 時間枠'
    root = ET.fromstring(sheet(words))  # noqa: S314 - made a line above
    texts = [item.text for item in root.iter("{http://www.w3.org/2000/svg}text")]
    assert texts == [words]
    assert not list(root.iter("{http://www.w3.org/2000/svg}script"))


def test_what_is_no_letter_shows_as_a_box_and_the_file_stays_a_file() -> None:
    root = ET.fromstring(sheet("a\x1b[2J\x00\u202e\ud800"))  # noqa: S314 - made a line above
    texts = [item.text for item in root.iter("{http://www.w3.org/2000/svg}text")]
    assert texts == ["a\ufffd[2J\ufffd\ufffd\ufffd"]


def test_letters_of_east_asia_are_wide() -> None:
    assert drawing.width_of("時間枠", 20) > drawing.width_of("abc", 20)
