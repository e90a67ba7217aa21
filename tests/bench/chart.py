"""The measurement as plain bars: one panel a set, one group a step, one bar a tool.

Iwato's backups are drawn in parts: intake, sealing, and what remains (boots, relays, start of the program).
Every bar carries its number, so that nothing has to be read off an axis.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from xml.sax.saxutils import escape

from tests.bench.figures import STEPS, Figure, Figures
from tests.bench.table import TITLES

WIDTH = 860
LABEL_X = 196  # right end of the labels
BAR_X = 204
BAR_WIDTH_MAX = 520
STYLE = 'role="img" font-family="sans-serif" font-size="12" fill="#202020"'
BAR, GAP, GROUP_GAP, PANEL_HEAD = 13, 3, 9, 34
INTAKE, SEALING, REST, WHOLE = "#0b5563", "#4f9aa8", "#a9cdd4", "#2d4a6e"
RESTIC, BORG = "#c77d2e", "#7a6a9b"
COLOURS = {"Iwato": WHOLE, "restic": RESTIC, "borg": BORG}
KEY = (
    ("Iwato: intake", INTAKE),
    ("sealing", SEALING),
    ("boots and relays", REST),
    ("restore, verify", WHOLE),
    ("restic", RESTIC),
    ("borg", BORG),
)


def _rect(x: float, y: float, width: float, colour: str) -> str:
    return f'<rect x="{x:.1f}" y="{y:.1f}" width="{max(width, 0):.1f}" height="{BAR}" fill="{colour}"/>'


def _text(x: float, y: float, text: str, *, extra: str = "") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}"{extra}>{escape(text)}</text>'


def _parts(tool: str, figure: Figure) -> Sequence[tuple[float, str]]:
    """Seconds and colour of each part of a bar."""
    if figure.link_s is None or figure.drives_s is None:
        return [(figure.wall_s, COLOURS[tool])]
    rest = figure.wall_s - figure.link_s - figure.drives_s
    return [(figure.link_s, INTAKE), (figure.drives_s, SEALING), (max(rest, 0.0), REST)]


def _bar(tool: str, figure: Figure, y: float, seconds_max: float) -> Iterator[str]:
    yield _text(LABEL_X, y + BAR - 3, tool, extra=' text-anchor="end"')
    if figure.failure:
        yield _text(BAR_X, y + BAR - 3, figure.failure[:90], extra=' fill="#a02020"')
        return
    x = float(BAR_X)
    for seconds, colour in _parts(tool, figure):
        width = seconds / seconds_max * BAR_WIDTH_MAX
        yield _rect(x, y, width, colour)
        x += width
    yield _text(x + 5, y + BAR - 3, f"{figure.wall_s:.2f} s")


def _panel(figures: Figures, name: str, title: str, top: float) -> tuple[list[str], float]:
    """The marks of one set and where the next panel begins. Each panel has its own scale."""
    cells = {(step, tool): figures.of(name, step, tool) for step in STEPS for tool in COLOURS}
    seconds_max = max((f.wall_s for f in cells.values() if not f.failure), default=0.0) or 1.0
    marks = [_text(12, top + 20, title, extra=' font-weight="bold" font-size="14"')]
    y = top + PANEL_HEAD
    for step in STEPS:
        marks.append(_text(12, y + BAR - 3, TITLES[step]))
        for tool in COLOURS:
            marks.extend(_bar(tool, cells[step, tool], y, seconds_max))
            y += BAR + GAP
        y += GROUP_GAP
    return marks, y


def _key(y: float) -> Iterator[str]:
    x = 12.0
    for label, colour in KEY:
        yield _rect(x, y, BAR, colour)
        yield _text(x + BAR + 5, y + BAR - 3, label)
        x += BAR + 24 + 7 * len(label)


def svg(figures: Figures, sets: Sequence[tuple[str, str]], caption: str) -> str:
    """One picture; `sets` are name and title, `caption` says machine and date."""
    marks: list[str] = []
    y = 58.0
    for name, title in sets:
        made, y = _panel(figures, name, title, y)
        marks += made
    height = y + 10
    words = "Wall seconds of Iwato, restic and borg on the same work; shorter is better"
    head = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height:.0f}" {STYLE}>',
        f"<title>{escape(words)}</title>",
        f'<rect width="{WIDTH}" height="{height:.0f}" fill="#ffffff"/>',
        _text(12, 20, f"{words}. {caption}"),
        *_key(32),
    ]
    return "\n".join([*head, *marks, "</svg>"]) + "\n"
