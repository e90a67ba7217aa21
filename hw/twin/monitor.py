"""The observer inside the twin: what really was connected, for how long, and never both.

Looks at copper only, so neither controller can fool it. Invariant I3 (60-reliability) is judged at
every step; the plant decides what to do with a breach.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from hw.twin.circuit import Circuit


class BothLive(RuntimeError):
    """Link and drives were live together (invariant I3)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """Since the box got its power. `both_steps` counts observed steps in which link and drives were live."""

    observed_ms: int = 0
    link_ms: int = 0
    drives_ms: int = 0
    both_steps: int = 0
    both_first_at_ms: int | None = None

    @property
    def never_both(self) -> bool:
        return self.both_steps == 0


def observe(totals: Totals, circuit: Circuit, dt_ms: int) -> Totals:
    """`circuit` held for `dt_ms`."""
    link = circuit.link_conducting
    drives = any(circuit.drives_live)
    both = link and drives
    first_at_ms = totals.both_first_at_ms
    if both and first_at_ms is None:
        first_at_ms = totals.observed_ms
    return replace(
        totals,
        observed_ms=totals.observed_ms + dt_ms,
        link_ms=totals.link_ms + dt_ms * link,
        drives_ms=totals.drives_ms + dt_ms * drives,
        both_steps=totals.both_steps + both,
        both_first_at_ms=first_at_ms,
    )
