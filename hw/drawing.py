"""A drawing of lines, boxes and words as SVG: the same bytes for the same calls, readable on light and dark.

Knows no meaning. Colours are classes, so that one rule for dark screens changes all; whole numbers only.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping
from html import escape

# class → (on light, on dark). Tested for contrast against the paper (tests/unit/test_drawing.py).
INKS: Mapping[str, tuple[str, str]] = {
    "ink": ("#1f2328", "#e6edf3"),
    "soft": ("#59636e", "#9da7b3"),
    "faint": ("#d1d9e0", "#30363d"),
    "controller": ("#0b57b0", "#79b8ff"),
    "interlock": ("#6f2dbd", "#c8a2f5"),
    "link": ("#b3261e", "#ff8a80"),
    "drives": ("#0f6b3a", "#6fd39b"),
    "alarm": ("#8a4b00", "#f0b35a"),
}
PAPER = ("#ffffff", "#0d1117")
PANEL = ("#f6f8fa", "#161b22")
# What a wide letter takes against a narrow one; East Asian ones are twice as wide.
LETTER = 0.56
FONT = "'Noto Sans','Noto Sans CJK JP','Helvetica Neue',Arial,sans-serif"

Point = tuple[int, int]


class Drawing:
    """A sheet of `width` by `height`. `title` is what a screen reader says."""

    def __init__(self, width: int, height: int, title: str) -> None:
        self.width, self.height, self._title = width, height, title
        self._parts: list[str] = []

    def line(
        self, points: Iterable[Point], ink: str = "ink", *, thick: int = 2, dashed: bool = False
    ) -> None:
        """An open line through these points."""
        path = " ".join(f"{x},{y}" for x, y in points)
        dash = ' stroke-dasharray="6 5"' if dashed else ""
        self._parts.append(f'<polyline class="l {ink}" points="{path}" stroke-width="{thick}"{dash}/>')

    def box(
        self,
        corner: Point,
        size: Point,
        ink: str = "ink",
        *,
        fill: str = "panel",
        thick: int = 2,
        round_: int = 6,
    ) -> None:
        """A box; `fill` is `paper`, `panel`, or an ink."""
        (x, y), (width, height) = corner, size
        self._parts.append(
            f'<rect class="l {ink} f-{fill}" x="{x}" y="{y}" width="{width}" height="{height}"'
            f' rx="{round_}" stroke-width="{thick}"/>'
        )

    def bar(self, corner: Point, size: Point, ink: str, *, pale: bool = False) -> None:
        """A filled area without a line around it; `pale` lets what lies below shine through."""
        (x, y), (width, height) = corner, size
        pale_ = ' opacity="0.18"' if pale else ""
        self._parts.append(
            f'<rect class="f-{ink}" x="{x}" y="{y}" width="{width}" height="{height}"{pale_}/>'
        )

    def dot(self, at: Point, ink: str = "ink", *, radius: int = 4) -> None:
        """A joint of lines."""
        self._parts.append(f'<circle class="f-{ink}" cx="{at[0]}" cy="{at[1]}" r="{radius}"/>')

    def ring(self, at: Point, ink: str = "ink", *, radius: int) -> None:
        """A circle."""
        self._parts.append(
            f'<circle class="l {ink} f-paper" cx="{at[0]}" cy="{at[1]}" r="{radius}" stroke-width="2"/>'
        )

    def text(
        self,
        at: Point,
        words: str,
        ink: str = "ink",
        *,
        size: int = 15,
        anchor: str = "start",
        bold: bool = False,
    ) -> None:
        """Words whose baseline begins (`start`), has its middle or ends at this point."""
        weight = ' font-weight="600"' if bold else ""
        self._parts.append(
            f'<text class="f-{ink}" x="{at[0]}" y="{at[1]}" font-size="{size}"'
            f' text-anchor="{anchor}"{weight}>'
            f"{_plain(words)}</text>"
        )

    def svg(self) -> str:
        """The sheet as a file."""
        head = (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {self.width} {self.height}"'
            f' width="{self.width}" height="{self.height}" role="img" font-family="{FONT}">'
        )
        paper = f'<rect class="f-paper" x="0" y="0" width="{self.width}" height="{self.height}"/>'
        title = f"<title>{_plain(self._title)}</title>"
        return "\n".join([head, title, f"<style>{_style()}</style>", paper, *self._parts, "</svg>", ""])


def width_of(words: str, size: int) -> int:
    """About how wide the words are."""
    letters = sum(1.8 if ord(letter) > 0x2E7F else 1 for letter in words)  # noqa: PLR2004 - from there on CJK
    return round(letters * size * LETTER)


def _plain(words: str) -> str:
    """Words as text of the file; what no letter is, such as control characters, shows as a box."""
    shown = "".join(letter if unicodedata.category(letter)[0] != "C" else "\ufffd" for letter in words)
    return escape(shown, quote=False)


def _style() -> str:
    rules = [".l{fill:none;stroke-linejoin:round;stroke-linecap:round}", *_rules(0)]
    return "".join(rules) + "@media (prefers-color-scheme: dark){" + "".join(_rules(1)) + "}"


def _rules(shade: int) -> Iterable[str]:
    for name, colours in INKS.items():
        yield f".{name}{{stroke:{colours[shade]}}}.f-{name}{{fill:{colours[shade]}}}"
    yield f".f-paper{{fill:{PAPER[shade]}}}.f-panel{{fill:{PANEL[shade]}}}"
