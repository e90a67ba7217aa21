"""The state of the box in five lines, readable without colour.

Word, edge and drawing each carry the state alone (50-interface: colours and words); colour only adds
to them. Shows what is *measured*; what was ordered appears as "as ordered" or its opposite.
"""

from __future__ import annotations

from dataclasses import dataclass

from rich.cells import cell_len, set_cell_size
from rich.style import Style
from rich.text import Text

from appliance.cli.escape import escape
from appliance.domain.phases import Phase, Reading
from appliance.words import N_, Catalogue

STALE_MS = 5_000  # ms; 50-interface: no data for more than 5 s is a state of its own
_CALM = Style(color="white", bgcolor="blue", bold=True)
_ALARM = Style(color="white", bgcolor="red", bold=True)
_UNSURE = Style(color="black", bgcolor="white")


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """How one state is drawn."""

    style: Style
    edge: str
    word: str
    wire: str
    note: str = ""


def look_of(reading: Reading) -> Look:
    """The state that the measurement shows, worst first."""
    if not 0 <= reading.age_ms <= STALE_MS:
        word, note = N_("NO DATA FOR {age} s"), N_("treat as connected")
        return Look(style=_UNSURE, edge="?", word=word, wire="------[ ?? ]------", note=note)
    if not reading.confirmed or reading.phase in {Phase.UNKNOWN, Phase.FAULT}:
        word, note = N_("XX STATE NOT CONFIRMED XX"), N_("treat as connected")
        return Look(style=_UNSURE, edge="#", word=word, wire="------[ ?? ]------", note=note)
    if reading.measured.link:
        word = N_("!! NETWORK CONNECTED !!")
        return Look(style=_ALARM, edge="/", word=word, wire="======[####]======")
    return Look(style=_CALM, edge=" ", word=N_("ISOLATED"), wire="------      ------")


def word_of(reading: Reading, catalogue: Catalogue) -> str:
    """The state in words."""
    return catalogue.text(look_of(reading).word, age=max(0, reading.age_ms) // 1000)


def banner(reading: Reading, catalogue: Catalogue, width: int) -> Text:
    """Five lines of `width` cells."""
    look = look_of(reading)
    wire = f"{catalogue.text(N_('NET'))} {look.wire} {catalogue.text(N_('BOX'))}"
    rows = [
        look.edge * width,
        _centred(word_of(reading, catalogue), width),
        _centred(wire, width),
        _centred(_under(reading, look, catalogue), width),
        look.edge * width,
    ]
    return Text("\n".join(rows), style=look.style, no_wrap=True)


def _under(reading: Reading, look: Look, catalogue: Catalogue) -> str:
    if look.note:
        cause = f": {escape(reading.fault)}" if reading.fault else ""
        return catalogue.text(look.note) + cause
    if reading.measured.link:
        left = clock_text(reading.phase_left_s)
        return catalogue.text(
            N_("cut in {left}, window ends in {window}"), left=left, window=clock_text(reading.window_left_s)
        )
    if any(reading.measured.drives):
        bays = " ".join(str(bay) for bay, live in enumerate(reading.measured.drives, 1) if live)
        return catalogue.text(N_("network cut, drives CONNECTED: {bays}"), bays=bays)
    return catalogue.text(N_("network cut, drives cut"))


def _centred(text: str, width: int) -> str:
    pad = max(0, width - cell_len(text)) // 2
    return set_cell_size(" " * pad + text, width)


def clock_text(seconds: int) -> str:
    """`m:ss`, or `h:mm:ss` from an hour on."""
    minutes, second = divmod(max(0, seconds), 60)
    hours, minute = divmod(minutes, 60)
    return f"{hours}:{minute:02d}:{second:02d}" if hours else f"{minute}:{second:02d}"
