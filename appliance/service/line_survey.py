"""Every line as ordered, as the interlock measures it and as the controller does, with the measurement's age.

Looks only. Nothing here energises or asks for a phase.
"""

from __future__ import annotations

from dataclasses import dataclass

from appliance.domain.phases import InterlockStatus
from appliance.domain.senses import Senses
from appliance.service.line_bench import Bench

LINK = "link"


@dataclass(frozen=True, slots=True, kw_only=True)
class LineState:
    """One line: True is CONNECTED. `controller` is None where the controller cannot tell."""

    line: str
    ordered: bool
    interlock: bool
    controller: bool | None

    @property
    def unexplained(self) -> bool:
        """Somebody measures it CONNECTED, and it was not ordered."""
        return not self.ordered and (self.interlock or bool(self.controller))

    @property
    def disputed(self) -> bool:
        """The two sides do not measure the same."""
        return self.controller is not None and self.controller != self.interlock


@dataclass(frozen=True, slots=True, kw_only=True)
class Survey:
    """Ages in ms at the moment the survey was complete: at most so old, never older."""

    lines: tuple[LineState, ...]
    status: InterlockStatus
    senses: Senses
    carrier: bool
    others: int
    interlock_age_ms: int
    controller_age_ms: int

    @property
    def alarming(self) -> bool:
        """A connection that nobody ordered, by anybody's measure, or one contact of the link's pair: then
        only the other one is left."""
        link = (self.senses.k1_conducting, self.senses.k2_conducting, self.carrier)
        return any(line.unexplained for line in self.lines) or (any(link) and not self.lines[0].ordered)


def look(bench: Bench) -> Survey:
    """Needs a session (`bench.interlock.hello`). InterlockSilent, PinsUnusable, OSError of the link."""
    asked_ms = bench.clock.monotonic_ms()
    status = bench.interlock.heartbeat(0)
    read_ms = bench.clock.monotonic_ms()
    senses, carrier, others = bench.senses(), bench.link.carrier(), bench.link.others()
    now_ms = bench.clock.monotonic_ms()
    return Survey(
        lines=_lines(bench, status, senses),
        status=status,
        senses=senses,
        carrier=carrier,
        others=others,
        interlock_age_ms=now_ms - asked_ms,
        controller_age_ms=now_ms - read_ms,
    )


def _lines(bench: Bench, status: InterlockStatus, senses: Senses) -> tuple[LineState, ...]:
    ordered, measured = status.ordered, status.measured
    link = LineState(
        line=LINK, ordered=ordered.link, interlock=measured.link, controller=senses.link
    )
    drives = (
        LineState(
            line=f"drive {bay}",
            ordered=ordered.drives[bay - 1],
            interlock=measured.drives[bay - 1],
            controller=senses.drives[bay - 1],
        )
        for bay in bench.bays
    )
    return (link, *drives)
