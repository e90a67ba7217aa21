"""The state of the box at a glance: right without colour, in both languages, at every width."""

import io
import time
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console

from appliance.cli.banner import STALE_MS, Look, banner, look_of
from appliance.cli.live import LiveScreen
from appliance.domain.phases import Lines, Phase, Reading
from appliance.words import LANGUAGES, Catalogue

ENGLISH = Catalogue("en")
CUT, LIVE = Lines(link=False, drives=(False,) * 6), Lines(link=True, drives=(False,) * 6)
DRIVES = Lines(link=False, drives=(True, True, False, False, False, False))


def reading(
    phase: Phase = Phase.ISOLATED,
    measured: Lines = CUT,
    ordered: Lines | None = None,
    *,
    age_ms: int = 100,
    fault: str = "",
) -> Reading:
    return Reading(
        phase=phase, measured=measured, ordered=ordered or measured, unix_s=1_800_000_000, age_ms=age_ms,
        phase_left_s=754, window_left_s=3754, fault=fault,
    )  # fmt: skip


STATES = {
    "isolated": reading(),
    "connected": reading(Phase.INTAKE, LIVE),
    "drives": reading(Phase.SEAL, DRIVES),
    "link not as ordered": reading(Phase.ISOLATED, LIVE, CUT),
    "still dark": reading(Phase.INTAKE, CUT, LIVE),
    "drive not as ordered": reading(Phase.ISOLATED, DRIVES, CUT),
    "unknown": reading(Phase.UNKNOWN),
    "fault": reading(Phase.FAULT, fault="link-welded"),
    "stale": reading(age_ms=12_000),
    "stale and connected": reading(Phase.INTAKE, LIVE, age_ms=12_000),
}
lines_of = st.builds(Lines, link=st.booleans(), drives=st.tuples(*[st.booleans()] * 6))
readings = st.builds(
    Reading, phase=st.sampled_from(Phase), ordered=lines_of, measured=lines_of,
    unix_s=st.integers(-10, 1 << 64), age_ms=st.integers(-10, 1 << 40), phase_left_s=st.integers(-1, 1 << 40),
    window_left_s=st.integers(-1, 1 << 40), fault=st.sampled_from(["", "x" * 300, "\x1b[2J", "リンク" * 40]),
)  # fmt: skip


def rows(of: Reading, language: str = "en", width: int = 80) -> list[str]:
    return banner(of, Catalogue(language), width).plain.split("\n")


@pytest.mark.parametrize("width", [80, 120])
@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("state", STATES)
def test_five_lines_of_exactly_the_width(state: str, language: str, width: int) -> None:
    shown = rows(STATES[state], language, width)
    assert [cell_len(row) for row in shown] == [width] * 5


@given(of=readings, language=st.sampled_from(LANGUAGES), width=st.integers(40, 200))
def test_no_reading_breaks_the_frame_or_reaches_the_terminal_raw(
    of: Reading, language: str, width: int
) -> None:
    shown = rows(of, language, width)
    assert [cell_len(row) for row in shown] == [width] * 5
    assert all(character.isprintable() for row in shown for character in row)


def test_word_edge_and_drawing_each_carry_the_state_without_colour() -> None:
    looks = [look_of(STATES[name]) for name in ("isolated", "connected", "link not as ordered", "stale")]
    assert len({look.edge for look in looks}) == 4
    assert len({look.word for look in looks}) == 4
    assert len({look.wire for look in looks[:3]}) == 3
    for language in LANGUAGES:
        assert len({Catalogue(language).text(look.word, age=0) for look in looks}) == 4


@pytest.mark.parametrize(
    "name", ["link not as ordered", "still dark", "drive not as ordered", "unknown", "fault"]
)
def test_what_is_not_as_ordered_is_not_confirmed(name: str) -> None:
    shown = "\n".join(rows(STATES[name]))
    assert "STATE NOT CONFIRMED" in shown
    assert "treat as connected" in shown
    assert "ISOLATED" not in shown
    assert shown.startswith("####")


@pytest.mark.parametrize("name", ["stale", "stale and connected"])
def test_old_data_are_no_data(name: str) -> None:
    shown = rows(STATES[name])
    assert shown[0] == "?" * 80
    assert shown[1].strip() == "NO DATA FOR 12 s"
    assert shown[3].strip() == "treat as connected"
    assert "ISOLATED" not in "".join(shown)


def test_data_are_fresh_up_to_the_limit_and_not_beyond() -> None:
    assert look_of(reading(age_ms=STALE_MS)).word == "ISOLATED"
    assert look_of(reading(age_ms=STALE_MS + 1)).edge == "?"
    assert look_of(reading(age_ms=-1)).edge == "?"


@given(of=readings)
def test_isolated_is_said_only_of_a_fresh_measurement_as_ordered(of: Reading) -> None:
    calm = look_of(of).word == "ISOLATED"
    proven = (
        0 <= of.age_ms <= STALE_MS
        and not of.measured.link
        and of.measured == of.ordered
        and not of.fault
        and of.phase not in (Phase.UNKNOWN, Phase.FAULT)
    )
    assert calm == proven


def test_a_connection_shows_when_it_will_be_cut() -> None:
    assert "cut in 12:34, window ends in 1:02:34" in rows(STATES["connected"])[3]
    assert "drives CONNECTED: 1 2" in rows(STATES["drives"])[3]


# The running picture ---------------------------------------------------------------------------------


class Hands:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.s = 1000.0

    def __call__(self) -> float:
        return self.s


def screen(*, terminal: bool = False, hands: Hands | None = None) -> tuple[LiveScreen, io.StringIO]:
    out = io.StringIO()
    console = Console(file=out, force_terminal=terminal, width=100, legacy_windows=False, color_system=None)
    return LiveScreen(ENGLISH, console, now_s=hands or time.monotonic), out


def picture(live: LiveScreen) -> str:
    return "\n".join(row.plain for row in live._picture().renderables)  # type: ignore[union-attr]


def test_a_measurement_grows_old_when_no_other_comes() -> None:
    hands = Hands()
    live, _ = screen(hands=hands)
    live.reading(reading())
    assert "ISOLATED" in picture(live).split("\n")[1]
    hands.s += 7
    assert "NO DATA FOR 7 s" in picture(live)
    live.reading(reading())
    assert "NO DATA" not in picture(live)


@pytest.mark.parametrize("state", ["fault", "link not as ordered", "stale", "unknown"])
def test_without_a_terminal_an_unproven_state_is_not_called_isolated(state: str) -> None:
    live, out = screen()
    live.reading(STATES[state])
    assert "] ISOLATED" not in out.getvalue()
    live.reading(STATES["isolated"])
    assert "[ISOLATED] ISOLATED" in out.getvalue()


@given(
    event=st.sampled_from(["progress", "warning", "note", "else"]),
    fields=st.dictionaries(
        st.sampled_from(["stage", "done", "total", "text", "code", "values"]),
        st.one_of(
            st.text(max_size=30),
            st.integers(-(1 << 70), 1 << 2000),
            st.sampled_from(["IW-3005", "IW-6101", "intake", "\x1b[2J", "{0}", "\u202e"]),
            st.dictionaries(st.sampled_from(["count", "path", "reason"]), st.text(max_size=9), max_size=3),
        ),
        max_size=6,
    ),
)
def test_a_hostile_controller_can_neither_steer_the_terminal_nor_stop_the_picture(
    event: str, fields: dict[str, object]
) -> None:
    hands = Hands()
    live, out = screen(hands=hands)
    live.reading(reading(Phase.INTAKE, LIVE))
    for _ in range(2):
        live.event(event, fields)
        hands.s += 1
    shown = out.getvalue() + picture(live)
    assert all(c == "\n" or c.isprintable() or unicodedata.category(c) == "Zs" for c in shown)


def test_the_same_state_is_logged_once() -> None:
    live, out = screen()
    for _ in range(5):
        live.reading(reading())
    assert out.getvalue().count("ISOLATED] ISOLATED") == 1


def test_a_contact_on_its_way_is_no_alarm_and_one_that_stays_behind_is() -> None:
    hands = Hands()
    live, out = screen(hands=hands)
    live.reading(STATES["isolated"])
    live.reading(STATES["still dark"])
    hands.s += 0.05
    live.reading(STATES["connected"])
    assert "NOT CONFIRMED" not in out.getvalue() + picture(live)
    live.reading(STATES["link not as ordered"])
    assert "CONNECTED" in picture(live)
    hands.s += 0.1
    live.reading(STATES["link not as ordered"])
    assert "NOT CONFIRMED" in out.getvalue()
    assert "NOT CONFIRMED" in picture(live)


def test_a_latched_fault_is_shown_at_once() -> None:
    live, _ = screen()
    live.reading(STATES["fault"])
    assert "NOT CONFIRMED" in picture(live)


# Negative controls -----------------------------------------------------------------------------------


@pytest.mark.planted
def test_a_banner_that_pads_by_characters_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    import appliance.cli.banner as module

    monkeypatch.setattr(module, "_centred", lambda text, width: text.center(width))
    assert any(cell_len(row) != 80 for row in rows(STATES["isolated"], "ja"))


@pytest.mark.planted
def test_a_banner_that_believes_the_order_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    import appliance.cli.banner as module

    calm = look_of(STATES["isolated"])

    def by_order(of: Reading) -> Look:
        return look_of(of) if of.ordered.link else calm

    monkeypatch.setattr(module, "look_of", by_order)
    assert "ISOLATED" in "".join(rows(STATES["link not as ordered"]))
