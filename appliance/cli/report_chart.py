"""The report's drawings as SVG text: exposure per day, the day's plan, what is stored.

Hand-made so that one file without script, font or address holds them. Colour never carries a meaning
alone: what is exposure is hatched, limits are dashed, and every drawing has its numbers in words beside it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import Any

WIDTH, HEIGHT = 720, 220  # user units of a chart; the page scales it
LEFT, RIGHT, TOP, BOTTOM = 56, 12, 14, 34  # margins for the labels
DAY_S, HOURS = 86_400, 24
LABELS_MAX = 8  # days that are named below the bars
RED, BLUE, GREY, INK = "#b3261e", "#1f4e9c", "#8a8a8a", "#1b1b1b"  # told apart by colour-blind eyes too
_HATCH = (
    '<defs><pattern id="live" width="6" height="6" patternUnits="userSpaceOnUse" '
    'patternTransform="rotate(45)"><rect width="6" height="6" fill="#f2d6d3"/>'
    f'<rect width="3" height="6" fill="{RED}"/></pattern></defs>'
)


def exposure(document: Mapping[str, Any], *, minutes: str, limit: str, absent: str) -> str:
    """Minutes of link per day against the limit; a day without a window in the ledger has a dash."""
    days, limit_s = document["exposure"]["days"], document["exposure"]["limit_s"]
    top_s = max([limit_s, *(day["link_s"] or 0 for day in days), 60]) * 1.1
    parts = [_HATCH, *_scale(top_s / 60, minutes)]
    step = (WIDTH - LEFT - RIGHT) / len(days)
    every = -(-len(days) // LABELS_MAX)
    for number, day in enumerate(days):
        x = LEFT + step * number
        if day["link_s"] is None:
            parts.append(_text(x + step / 2, HEIGHT - BOTTOM - 4, "-", "middle", GREY))
        else:
            y = min(_height(day["link_s"], top_s), HEIGHT - BOTTOM - 1)  # a second is to be seen as well
            parts.append(
                f'<rect x="{x + step * 0.15:.1f}" y="{y:.1f}" width="{step * 0.7:.1f}" '
                f'height="{HEIGHT - BOTTOM - y:.1f}" fill="url(#live)" stroke="{RED}"/>'
            )
        if number % every == 0:
            parts.append(_text(x + step / 2, HEIGHT - BOTTOM + 16, day["day"][5:], "middle", INK))
    y = _height(limit_s, top_s)
    parts.append(
        f'<line x1="{LEFT}" y1="{y:.1f}" x2="{WIDTH - RIGHT}" y2="{y:.1f}" '
        f'stroke="{INK}" stroke-dasharray="7 5" stroke-width="1.5"/>'
    )
    parts.append(_text(WIDTH - RIGHT - 4, y - 4, limit, "end", INK))
    if any(day["link_s"] is None for day in days):
        parts.append(_text(WIDTH - RIGHT, HEIGHT - 4, f"-  {absent}", "end", GREY))
    return _svg(HEIGHT, parts)


def plan(schedule: Mapping[str, Any], *, link: str, drives: str) -> str:
    """One day from 0 to 24 h: when the link may be live, when drives may be."""
    height, bar = 74, 26
    scale = (WIDTH - 2 * RIGHT) / DAY_S
    parts = [_HATCH, f'<rect x="{RIGHT}" y="6" width="{WIDTH - 2 * RIGHT}" height="{bar}" fill="#e8eef8"/>']
    for slot in schedule["scrubs"]:
        parts += _spans(slot["begin_s"], slot["length_s"], scale, "#9db7e4", bar)
    for window in schedule["windows"]:
        rest_s = window["length_s"] - window["link_s"]
        parts += _spans(window["begin_s"] + window["link_s"], rest_s, scale, BLUE, bar)
        parts += _spans(window["begin_s"], window["link_s"], scale, "url(#live)", bar)
    for hour in range(0, HOURS + 1, 3):
        anchor = "start" if hour == 0 else "end" if hour == HOURS else "middle"
        parts.append(_text(RIGHT + hour * 3600 * scale, bar + 20, f"{hour}:00", anchor, INK))
    parts.append(f'<rect x="{RIGHT}" y="{height - 14}" width="12" height="10" fill="url(#live)"/>')
    parts.append(_text(RIGHT + 18, height - 5, link, "start", INK))
    parts.append(f'<rect x="{WIDTH / 2}" y="{height - 14}" width="12" height="10" fill="{BLUE}"/>')
    parts.append(_text(WIDTH / 2 + 18, height - 5, drives, "start", INK))
    return _svg(height, parts)


def growth(points: Sequence[Mapping[str, Any]]) -> str:
    """What the windows of the period have stored, added up. At least two points."""
    top = max(point["bytes"] for point in points) * 1.1 or 1.0
    unit, divisor = next((u, d) for u, d in (("GB", 1e9), ("MB", 1e6), ("KB", 1e3)) if top >= d or u == "KB")
    parts = list(_scale(top / divisor, unit))
    step = (WIDTH - LEFT - RIGHT) / (len(points) - 1)
    places = [f"{LEFT + step * n:.1f},{_height(p['bytes'], top):.1f}" for n, p in enumerate(points)]
    parts.append(f'<polyline points="{" ".join(places)}" fill="none" stroke="{BLUE}" stroke-width="2"/>')
    for place, anchor, point in ((LEFT, "start", points[0]), (WIDTH - RIGHT, "end", points[-1])):
        parts.append(_text(place, HEIGHT - BOTTOM + 16, point["time"][:10], anchor, INK))
    return _svg(HEIGHT, parts)


def _spans(begin_s: int, length_s: int, scale: float, fill: str, bar: int) -> Iterator[str]:
    """A slot of the day; what reaches over midnight comes in again on the left."""
    begin_s %= DAY_S
    for start, end in ((begin_s, min(DAY_S, begin_s + length_s)), (0, begin_s + length_s - DAY_S)):
        if end > start:
            x, width = RIGHT + start * scale, max(1.0, (end - start) * scale)
            yield f'<rect x="{x:.1f}" y="6" width="{width:.1f}" height="{bar}" fill="{fill}"/>'


def _scale(top: float, unit: str) -> Iterator[str]:
    """Axis, three grid lines and their numbers."""
    for part in (0, 0.5, 1):
        y = _height(top * part / 1.1, top)
        yield f'<line x1="{LEFT}" y1="{y:.1f}" x2="{WIDTH - RIGHT}" y2="{y:.1f}" stroke="#d4d4d4"/>'
        yield _text(LEFT - 6, y + 4, f"{top * part / 1.1:.3g}", "end", INK)
    yield _text(4, TOP, unit, "start", INK)


def _height(value: float, top: float) -> float:
    return HEIGHT - BOTTOM - (HEIGHT - BOTTOM - TOP) * value / top


def _text(x: float, y: float, text: str, anchor: str, colour: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{colour}">{escape(text)}</text>'


def _svg(height: int, parts: Sequence[str]) -> str:
    return f'<svg viewBox="0 0 {WIDTH} {height}" role="img" font-size="12">{"".join(parts)}</svg>'
