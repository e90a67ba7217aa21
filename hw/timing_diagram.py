"""A trace as a timing diagram: lanes of lines over time, phases above them, events as numbered flags.

Whole windows and single milliseconds: below `ZOOM_MS` each edge says how long after the first event of the
picture it came. Words come from the caller in its language. The same trace and span give the same bytes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from hw.drawing import Drawing, Point, width_of
from hw.trace import FULL, SLOPES, Event, Trace, Value

LEFT, WIDTH, MARGIN = 210, 1180, 40  # where time begins, how long it is, what stays free right of it
TOP, LANE, HIGH, SENSE = 132, 50, 22, 9  # first lane; a lane's height; the stroke of a line and of its sense
ZOOM_MS = 3000  # ms; shorter spans show the delay of each edge
TICKS = 10
COLUMN_MAX = 4  # points in one column of pixels
EVENTS_MAX = 40  # flags in one picture; more are counted
THROWS: Mapping[str, int] = {"drives": 0, "gap": 500, "link": FULL}
_STEPS = (1, 2, 5)

# phase → ink of its band
PHASES: Mapping[str, str] = {
    "CONTACT_TEST": "link",
    "INTAKE": "link",
    "AIRLOCK": "interlock",
    "SEAL": "drives",
    "SCRUB": "drives",
    "RECOVERY": "drives",
    "FAULT": "alarm",
    "SECURED": "alarm",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Lane:
    """One line: its row, the row that shows pale below it, and the row of its sense."""

    row: str
    ink: str
    pale: str = ""
    sense: str = ""


def lanes(trace: Trace) -> tuple[Lane, ...]:
    """What is drawn, from top to bottom. Hands that never move in the trace are left out."""
    every = [
        Lane(row="controller", ink="controller", pale="supply"),
        Lane(row="permit_link", ink="interlock"),
        Lane(row="coil_link", ink="link"),
        Lane(row="k3", ink="interlock", sense="sense_k3"),
        Lane(row="k1", ink="link", pale="k1_coil", sense="sense_k1"),
        Lane(row="k2", ink="link", pale="k2_coil", sense="sense_k2"),
        Lane(row="link", ink="link", pale="carrier"),
        Lane(row="permit_drives", ink="interlock"),
        Lane(row="coil_drives", ink="drives"),
    ]
    every += [
        Lane(row=f"d{bay}", ink="drives", pale=f"d{bay}_up", sense=f"sense_d{bay}")
        for bay in range(1, trace.bays + 1)
    ]
    hands = [Lane(row=row, ink="alarm") for row in ("cut", "key") if len(trace.rows.get(row, ())) > 1]
    return (*every, *hands)


def draw(trace: Trace, words: Mapping[str, str], *, begin_ms: int, end_ms: int) -> str:
    """The picture of this span. `words`: of each lane's row, each kind of event, `title`, `legend`, `more`,
    `stopped`."""
    picture = _Picture(trace, words, begin_ms, max(end_ms, begin_ms + 1))
    return picture.draw()


class _Picture:
    def __init__(self, trace: Trace, words: Mapping[str, str], begin_ms: int, end_ms: int) -> None:
        self._trace, self._words = trace, words
        self._begin_ms, self._end_ms = begin_ms, end_ms
        self._lanes = lanes(trace)
        numbered = enumerate(trace.events, start=1)
        inside = [(number, event) for number, event in numbered if begin_ms <= event.at_ms <= end_ms]
        self._events, self._hidden = inside[:EVENTS_MAX], len(inside[EVENTS_MAX:])
        self._bottom = TOP + LANE * len(self._lanes)
        rows = (len(self._events) + 1) // 2
        height = self._bottom + 60 + 24 * (rows + (self._hidden > 0) + trace.is_cut) + 30
        self._sheet = Drawing(LEFT + WIDTH + MARGIN, height, words["title"])

    def draw(self) -> str:
        sheet = self._sheet
        sheet.text((MARGIN, 38), self._words["title"], size=20, bold=True)
        sheet.text((MARGIN, 62), self._words["legend"], "soft", size=14)
        self._phases()
        self._axis()
        for place, lane in enumerate(self._lanes):
            self._lane(lane, TOP + LANE * (place + 1) - 14)
        self._flags()
        return sheet.svg()

    def _x(self, at_ms: int) -> int:
        span_ms = self._end_ms - self._begin_ms
        return LEFT + WIDTH * (min(max(at_ms, self._begin_ms), self._end_ms) - self._begin_ms) // span_ms

    # Above the lanes.

    def _phases(self) -> None:
        for begin_ms, end_ms, value in self._held("phase"):
            left, right = self._x(begin_ms), self._x(end_ms)
            ink = PHASES.get(str(value), "soft")
            self._sheet.bar((left, 84), (max(right - left, 1), 26), ink, pale=True)
            self._sheet.line([(left, 84), (left, 110)], ink, thick=1)
            if width_of(str(value), 13) + 8 < right - left:
                self._sheet.text(((left + right) // 2, 102), str(value), ink, size=13, anchor="middle")

    def _axis(self) -> None:
        step_ms = tick_ms(self._end_ms - self._begin_ms)
        at_ms = -(-self._begin_ms // step_ms) * step_ms
        while at_ms <= self._end_ms:
            x = self._x(at_ms)
            self._sheet.line([(x, 110), (x, self._bottom + 6)], "faint", thick=1)
            label = seconds(at_ms, step_ms)
            self._sheet.text((x, self._bottom + 24), label, "soft", size=13, anchor="middle")
            at_ms += step_ms

    # The lanes.

    def _lane(self, lane: Lane, base: int) -> None:
        sheet = self._sheet
        sheet.line([(LEFT, base), (LEFT + WIDTH, base)], "faint", thick=1)
        sheet.text((LEFT - 14, base - 4), self._words.get(lane.row, lane.row), anchor="end", size=14)
        for begin_ms, end_ms, value in self._held(lane.pale) if lane.pale else ():
            if value:
                left = self._x(begin_ms)
                sheet.bar((left, base - HIGH), (max(self._x(end_ms) - left, 1), HIGH), lane.ink, pale=True)
        drawn = self._slope if lane.row in SLOPES else self._steps
        points = list(drawn(lane.row, base, HIGH))
        if len(points) > 1:
            sheet.line(points, lane.ink)
        if lane.sense:
            sensed = list(self._steps(lane.sense, base + 10, SENSE))
            if len(sensed) > 1:
                sheet.line(sensed, "soft", thick=1)
        if self._end_ms - self._begin_ms <= ZOOM_MS:
            self._delays(lane, base)

    def _steps(self, row: str, base: int, high: int) -> Iterator[Point]:
        """The line of a row that jumps. What chatters within one pixel goes up and down in it once."""
        corners: list[Point] = []
        for begin_ms, end_ms, value in self._held(row):
            y = base - high * _level(value) // FULL
            corners += [(self._x(begin_ms), y), (self._x(end_ms), y)]
        for x, column in groupby(corners, key=lambda corner: corner[0]):
            heights = [y for y, _ in groupby(y for _, y in column)]
            if len(heights) > COLUMN_MAX:
                heights = [heights[0], min(heights), max(heights), heights[-1]]
            yield from ((x, y) for y in heights)

    def _slope(self, row: str, base: int, high: int) -> Iterator[Point]:
        """The line of a row that goes straight from change to change."""
        changes = [(at_ms, _level(value)) for at_ms, value in self._trace.rows.get(row, ())]
        ends = [*changes[1:], (self._trace.end_ms, changes[-1][1])] if changes else []
        for (from_ms, begin), (to_ms, end) in zip(changes, ends, strict=True):
            if to_ms < self._begin_ms or from_ms > self._end_ms:
                continue
            for at_ms in (max(from_ms, self._begin_ms), min(to_ms, self._end_ms)):
                level = begin + (end - begin) * (at_ms - from_ms) // max(to_ms - from_ms, 1)
                yield self._x(at_ms), base - high * level // FULL

    def _held(self, row: str) -> Iterator[tuple[int, int, Value]]:
        """From when until when a row has which value, within the picture."""
        changes = self._trace.rows.get(row, ())
        for place, (at_ms, value) in enumerate(changes):
            until_ms = changes[place + 1][0] if place + 1 < len(changes) else self._trace.end_ms
            if until_ms >= self._begin_ms and at_ms <= self._end_ms:
                yield max(at_ms, self._begin_ms), min(until_ms, self._end_ms), value

    def _delays(self, lane: Lane, base: int) -> None:
        """How long after the first event each edge came, where there is room for it."""
        if not self._events:
            return
        zero_ms, free = self._events[0][1].at_ms, LEFT
        changes = self._trace.rows.get(lane.row, ())
        for place, (at_ms, value) in enumerate(changes):
            if not place or not zero_ms < at_ms <= self._end_ms or at_ms < self._begin_ms:
                continue
            if value == changes[place - 1][1] or (lane.row in SLOPES and value not in (0, FULL)):
                continue  # on the way down
            label = f"+{at_ms - zero_ms}"
            x = self._x(at_ms) + 4
            if x < free or x + width_of(label, 12) > LEFT + WIDTH + MARGIN:
                continue
            self._sheet.text((x, base - HIGH - 4), label, size=12)
            free = x + width_of(label, 12) + 4

    # Below them.

    def _flags(self) -> None:
        sheet, below = self._sheet, self._bottom + 56
        seen: dict[int, int] = {}
        for place, (number, event) in enumerate(self._events):
            x = self._x(event.at_ms)
            sheet.line([(x, 110), (x, self._bottom)], "alarm" if event.kind == "deed" else "soft",
                       thick=1, dashed=True)  # fmt: skip
            row = seen[x // 26] = seen.get(x // 26, -1) + 1
            if not row:
                sheet.text((x, 124), str(number), "alarm", size=12, anchor="middle", bold=True)
            column, line = divmod(place, (len(self._events) + 1) // 2)
            at = (MARGIN + column * (LEFT + WIDTH) // 2, below + line * 24)
            words = f"{number}  {seconds(event.at_ms, 1)}  {self._said(event)}"
            sheet.text(at, words, "alarm" if event.kind == "deed" else "ink", size=14)
        last = below + 24 * ((len(self._events) + 1) // 2)
        if self._hidden:
            sheet.text((MARGIN, last), self._words["more"].format(count=self._hidden), "soft", size=14)
            last += 24
        if self._trace.is_cut:
            sheet.text((MARGIN, last), self._words["stopped"], "alarm", size=14)

    def _said(self, event: Event) -> str:
        return f"{self._words.get(event.kind, event.kind)} {event.detail}"


def _level(value: Value) -> int:
    """0 to FULL."""
    if isinstance(value, str):
        return THROWS.get(value, 0)
    return FULL if value == 1 else min(value, FULL)


def tick_ms(span_ms: int) -> int:
    """A round step of the axis, so that there are about TICKS of them."""
    power = 1
    while True:
        for digit in _STEPS:
            if digit * power * TICKS >= span_ms:
                return digit * power
        power *= 10


def seconds(at_ms: int, step_ms: int) -> str:
    """A time in seconds, as fine as the step."""
    digits: Sequence[tuple[int, int]] = ((1000, 0), (100, 1), (10, 2))
    fine = next((digit for least_ms, digit in digits if step_ms >= least_ms), 3)
    return f"{at_ms / 1000:.{fine}f} s"
