"""What the image's pins did in one life, tick by tick, against the model's levels and the host's guard.

The guard is the same C in the host build, asked for the same tick and senses. A tick in an event may see the
levels of before or of after it: the lease is published somewhere in between.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from dataclasses import dataclass

from firmware.model.state import Senses
from tests.firmware.drivers_board import DRIVES, K3, LINK, MEDIUM, OUTPUTS, POWER
from tests.firmware.host_program import HostProgram
from tests.firmware.image_box import ImageBox, Moment

TICK_NS = 500_000
REACH_NS = 20_000  # ns; the tick's own way to the pins
LINK_AT, DRIVES_AT, K3_AT, POWER_AT, MEDIUM_AT, MASK_AT = range(6)  # in the nine bytes of levels
NONE = bytes(9)


@dataclass(frozen=True, slots=True)
class Tick:
    """One tick interrupt: its time, and the uptime that it counts."""

    at_ns: int
    uptime_ms: int


class Life:
    """One finished life of `box`, as far as the harness saw it."""

    def __init__(self, box: ImageBox) -> None:
        assert box.board is not None
        self.log: list[Moment] = box.log
        self.edges = [edge for edge in box.board.chip.edges if edge.level < 2]  # driven
        self.worlds = box.worlds
        self.events = box.record.events[-sum(kind in "PTR" for _, kind, _ in box.log) :]
        self.spans = self._spans()
        self.by_pin: dict[int, list[tuple[int, int]]] = defaultdict(list)
        for edge in self.edges:
            self.by_pin[edge.pin].append((edge.at_ns, edge.level))
        self.orders = [(at, data) for at, kind, data in box.log if kind == "D"]
        self.ticks = self._ticks(box.board.chip.now_ns)

    def _spans(self) -> list[tuple[int, int]]:
        """When each event began and ended."""
        spans, begin = [], 0
        for at, kind, _ in self.log:
            if kind in "PTR":
                begin = at
            elif kind == "-":
                spans.append((begin, at))
        return spans

    def _ticks(self, end_ns: int) -> list[Tick]:
        """The grid of ticks is read off the pins, the uptime off what the logic was told."""
        begin = self.spans[0][0]
        shown = [edge.at_ns for edge in self.edges if edge.at_ns > begin]
        if not shown:
            return []
        phase = min(at % TICK_NS for at in shown)
        assert all((at - phase) % TICK_NS < REACH_NS for at in shown), "an edge that no tick made"
        told = [
            (at, int.from_bytes(event[-8:], "big"))
            for (at, _), event in zip(self.spans, self.events, strict=False)
            if event[:1] == b"T"
        ]
        zero = min((at - phase) // TICK_NS - 2 * uptime_ms for at, uptime_ms in told)
        first = (begin - phase) // TICK_NS + 1
        last = (end_ns - REACH_NS - phase) // TICK_NS
        return [Tick(phase + n * TICK_NS, (n - zero) // 2) for n in range(first, last + 1)]

    def ordered(self, at_ns: int) -> list[bytes]:
        """The levels at a tick; two where they change while it runs."""
        first = bisect_left(self.orders, (at_ns - REACH_NS, b""))
        last = bisect_right(self.orders, (at_ns + REACH_NS, b"\xff"))
        before = self.orders[first - 1][1] if first else NONE
        return [before, *(data for _, data in self.orders[first:last])]

    def senses(self, at_ns: int) -> list[Senses]:
        """The sense lines at a tick; two where they change while it runs."""
        times = [at for at, _ in self.worlds]
        first = max(0, bisect_left(times, at_ns - REACH_NS) - 1)
        return [senses for _, senses in self.worlds[first : bisect_right(times, at_ns + REACH_NS)]]

    def moved(self, pin: int, at_ns: int) -> bool:
        found = bisect_left(self.by_pin[pin], (at_ns - REACH_NS, 0))
        return found < len(self.by_pin[pin]) and self.by_pin[pin][found][0] <= at_ns + REACH_NS

    def level(self, pin: int, at_ns: int) -> int:
        """Behind the tick."""
        found = bisect_right(self.by_pin[pin], (at_ns + REACH_NS, 9))
        return self.by_pin[pin][found - 1][1] if found else 0


def judge(box: ImageBox, host: HostProgram) -> str:
    """The first difference, in words; "" for none."""
    life = Life(box)
    at = 0
    for event, (begin, end) in zip(life.events, life.spans, strict=False):
        early = at
        while at < len(life.ticks) and life.ticks[at].at_ns < begin - REACH_NS:
            at += 1
        if trouble := _compare(life, life.ticks[early:at], [host], ()):
            return trouble
        inside = at
        while at < len(life.ticks) and life.ticks[at].at_ns <= end + REACH_NS:
            at += 1
        before = [_allowed(life, tick, host) for tick in life.ticks[inside:at]]
        host.go([event])
        if trouble := _compare(life, life.ticks[inside:at], [host], before):
            return trouble
    return _compare(life, life.ticks[at:], [host], ())


def _allowed(life: Life, tick: Tick, host: HostProgram) -> list[tuple[bool, bool, int]]:
    """What the two waves and the bays may do at this tick, with the lease as it is."""
    found = []
    for levels in life.ordered(tick.at_ns):
        if not levels[LINK_AT] and not levels[DRIVES_AT]:
            found.append((False, False, 0))
            continue
        for senses in life.senses(tick.at_ns):
            held = host.guard(senses, tick.uptime_ms)
            link = bool(levels[LINK_AT] and held[LINK_AT] and _platform_lets(senses, link=True))
            drives = bool(levels[DRIVES_AT] and held[DRIVES_AT] and _platform_lets(senses, link=False))
            found.append((link, drives, _mask(levels) & _mask(held)))
    return found


def _mask(levels: bytes) -> int:
    return int.from_bytes(levels[MASK_AT:], "big")


def _platform_lets(senses: Senses, *, link: bool) -> bool:
    """tick.c's own second look."""
    if link:
        return not (senses.cut_pressed or senses.drives_mask or not senses.k3_on_link)
    return not (senses.cut_pressed or senses.link_touched or senses.k3_on_link)


def _compare(
    life: Life,
    ticks: list[Tick],
    hosts: list[HostProgram],
    before: list[list[tuple[bool, bool, int]]] | tuple[()],
) -> str:
    for number, tick in enumerate(ticks):
        allowed = _allowed(life, tick, hosts[0]) + (before[number] if before else [])
        mask = sum(life.level(pin, tick.at_ns) << bay for bay, pin in enumerate(OUTPUTS[5:]))
        seen = (life.moved(LINK, tick.at_ns), life.moved(DRIVES, tick.at_ns), mask)
        # A wave that stops lets its pin fall once more.
        calm = (*(seen[n] and life.level(pin, tick.at_ns) == 1 for n, pin in enumerate((LINK, DRIVES))), mask)
        if seen not in allowed and calm not in allowed:
            return f"tick at {tick.at_ns} ns, uptime {tick.uptime_ms} ms: pins {seen}, allowed {allowed}"
        levels = [life.level(pin, tick.at_ns) for pin in (K3, POWER, MEDIUM)]
        wanted = [[order[n] for n in (K3_AT, POWER_AT, MEDIUM_AT)] for order in life.ordered(tick.at_ns)]
        if levels not in wanted:
            return f"tick at {tick.at_ns} ns: K3, supply, medium {levels}, ordered {wanted}"
    return ""
