"""Timing diagrams: the same seed draws the same bytes, and what went wrong in the copper can be seen."""

import re
import xml.etree.ElementTree as ET
from collections.abc import Callable
from itertools import pairwise

import pytest

from appliance.cli import trace as command
from appliance.words import LANGUAGES, Catalogue
from hw import drawing, timing_diagram
from hw.timing_diagram import HIGH, LANE, LEFT, MARGIN, TOP, WIDTH
from hw.trace import Trace
from tests.unit import recorded_bench
from tests.unit.recorded_bench import deed
from tests.unit.twin_bench import BOARD

Lines = dict[str, list[tuple[int, int]]]
Picture = Callable[..., Lines]
SVG = "{http://www.w3.org/2000/svg}"
WORDS = command.words(Catalogue("en"), "a window")


@pytest.fixture(scope="module")
def sound() -> Trace:
    return recorded_bench.window()


def draw(trace: Trace, begin_ms: int = 0, end_ms: int | None = None, language: str = "en") -> str:
    words = command.words(Catalogue(language), "a window")
    end_ms = trace.end_ms if end_ms is None else end_ms
    return timing_diagram.draw(trace, words, begin_ms=begin_ms, end_ms=end_ms)


def lines(svg: str, trace: Trace) -> Lines:
    """The thick line of each lane, as heights above its base (0 to HIGH) over x."""
    root = ET.fromstring(svg)  # noqa: S314 - drawn here
    drawn = [
        [(int(x), int(y)) for x, y in (point.split(",") for point in item.attrib["points"].split())]
        for item in root.iter(f"{SVG}polyline")
        if item.attrib["stroke-width"] == "2"
    ]
    found = {}
    for place, lane in enumerate(timing_diagram.lanes(trace)):
        base = TOP + LANE * (place + 1) - 14
        mine = [points for points in drawn if all(base - HIGH <= y <= base for _, y in points)]
        assert len(mine) == 1, lane.row
        found[lane.row] = [(x, base - y) for x, y in mine[0]]
    return found


@pytest.fixture
def picture() -> Picture:
    def of(trace: Trace, begin_ms: int = 0, end_ms: int | None = None) -> Lines:
        return lines(draw(trace, begin_ms, end_ms), trace)

    return of


def words_of(svg: str) -> list[tuple[int, int, str, int, str]]:
    root = ET.fromstring(svg)  # noqa: S314 - drawn here
    found = []
    for item in root.iter(f"{SVG}text"):
        at = item.attrib
        x, y, size = int(at["x"]), int(at["y"]), int(at["font-size"])
        found.append((x, y, at["text-anchor"], size, item.text or ""))
    return found


def test_the_same_seed_draws_the_same_bytes_and_another_window_does_not(sound: Trace) -> None:
    again, other = recorded_bench.window(), recorded_bench.window(deed("press_cut"))
    assert again == sound
    assert draw(again) == draw(sound)
    assert draw(other) != draw(sound)


def test_every_line_of_the_box_has_its_lane_and_its_words(sound: Trace) -> None:
    rows = [lane.row for lane in timing_diagram.lanes(sound)]
    link = ["permit_link", "coil_link", "k3", "k1", "k2", "link"]
    assert rows == ["controller", *link, "permit_drives", "coil_drives", "d1", "d2", "d3"]
    for lane in timing_diagram.lanes(sound):
        assert {lane.row, lane.pale or lane.row, lane.sense or lane.row} <= set(sound.rows)
    for language in LANGUAGES:
        shown = [word for *_, word in words_of(draw(sound, language=language))]
        for row in rows:
            assert command.words(Catalogue(language), "")[row] in shown
    assert set(sound.rows) - {"phase"} <= set(WORDS)


def test_a_sound_window_ends_with_every_line_low(sound: Trace, picture: Picture) -> None:
    for row, points in picture(sound).items():
        assert points[0][1] == points[-1][1] == 0, row
        assert max(height for _, height in points) == HIGH, row
        assert points[-1][0] == LEFT + WIDTH, row


@pytest.mark.planted
def test_planted_a_welded_contact_is_seen_to_stay_high_beside_a_coil_supply_that_fell(
    picture: Picture,
) -> None:
    welded = recorded_bench.window(deed("weld", 'target = "k1"'))
    seen = picture(welded)
    assert seen["coil_link"][-1][1] == seen["k2"][-1][1] == seen["link"][-1][1] == 0
    assert seen["k1"][-1][1] == HIGH
    flags = [word for *_, word in words_of(draw(welded))]
    assert any(word.endswith("scenario: weld k1") for word in flags)
    assert any("phase FAULT LINK_WITHOUT_ORDER" in word for word in flags)


@pytest.mark.planted
def test_planted_a_sense_that_lies_is_seen_beside_a_contact_that_does_not() -> None:
    stuck = recorded_bench.window(deed("stick", 'line = "k1_conducting"', "level = false"))
    at_ms = next(event.at_ms for event in stuck.events if event.kind == "deed")
    assert (stuck.at("k1", at_ms), stuck.at("sense_k1", at_ms)) == (1, 0)
    begin_ms = at_ms - 10
    high, low = draw(stuck, begin_ms, at_ms + 40), draw(recorded_bench.window(), begin_ms, at_ms + 40)
    thin = re.compile(r'class="l soft" points="([^"]+)" stroke-width="1"/')
    assert thin.findall(high) != thin.findall(low)


def test_a_zoom_shows_bounce_and_says_how_late_each_edge_is(picture: Picture) -> None:
    cut = recorded_bench.window(deed("press_cut"))
    at_ms = next(event.at_ms for event in cut.events if event.kind == "deed")
    zoom = draw(cut, at_ms - 5, at_ms + 100)
    labels = {word for *_, word in words_of(zoom) if word.startswith("+")}
    assert f"+{BOARD.relay.release_ms}" in labels
    made_ms = next(at for at, value in cut.rows["k1"] if value == 1)
    bouncing = picture(cut, made_ms - 5, made_ms + 20)["k1"]
    edges = sum(first[1] != second[1] for first, second in pairwise(bouncing))
    assert edges == BOARD.relay.bounce_ms + 1
    whole = {word for *_, word in words_of(draw(cut)) if word.startswith("+")}
    assert not whole


def test_the_decay_of_a_coil_supply_is_a_slope(sound: Trace, picture: Picture) -> None:
    off_ms = [at_ms for at_ms, value in sound.rows["permit_link"] if value == 0][-1]
    middle_ms = off_ms + BOARD.permit_decay_ms // 2
    falling = picture(sound, middle_ms, off_ms + 100)["coil_link"]
    assert 0.3 * HIGH <= falling[0][1] <= 0.7 * HIGH
    assert falling[-1][1] == 0


def test_chatter_that_is_finer_than_a_pixel_stays_a_few_points(picture: Picture) -> None:
    fast = tuple((at_ms, at_ms % 2) for at_ms in range(100_000))
    calm = {lane.row: ((0, 0),) for lane in timing_diagram.lanes(Trace(bays=1, end_ms=1))}
    dense = Trace(bays=1, end_ms=100_000, rows={**calm, "k1": fast})
    points = picture(dense)["k1"]
    assert len(points) <= 4 * (WIDTH + 1)
    assert {height for _, height in points} == {0, HIGH}


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_word_leaves_the_sheet(sound: Trace, language: str) -> None:
    for svg in (draw(sound, language=language), draw(sound, 1000, 1400, language)):
        for x, _, anchor, size, text in words_of(svg):
            width = drawing.width_of(text, size)
            left = x - {"start": 0, "middle": width // 2, "end": width}[anchor]
            assert left >= 0, text
            assert left + width <= LEFT + WIDTH + MARGIN, text


def test_hands_have_a_lane_only_where_they_moved(sound: Trace) -> None:
    moved = recorded_bench.window(deed("press_cut"))
    assert "cut" not in [lane.row for lane in timing_diagram.lanes(sound)]
    assert "cut" in [lane.row for lane in timing_diagram.lanes(moved)]


def test_more_events_than_fit_are_counted_not_drawn(sound: Trace) -> None:
    noisy = recorded_bench.window("".join(deed("noise", "bytes = 1") for _ in range(60)))
    shown = [word for *_, word in words_of(draw(noisy))]
    hidden = len(noisy.events) - timing_diagram.EVENTS_MAX
    assert hidden > 0
    assert f"{hidden} more events: draw a shorter span" in shown


@pytest.mark.parametrize(
    ("span_ms", "step_ms"),
    [(1, 1), (10, 1), (11, 2), (80, 10), (400, 50), (6000, 1000), (7_200_000, 1_000_000)],
)
def test_the_axis_has_about_ten_round_steps(span_ms: int, step_ms: int) -> None:
    assert timing_diagram.tick_ms(span_ms) == step_ms


def test_times_are_as_fine_as_their_step() -> None:
    told = [timing_diagram.seconds(61_234, step_ms) for step_ms in (1000, 100, 10, 1)]
    assert told == ["61 s", "61.2 s", "61.23 s", "61.234 s"]
