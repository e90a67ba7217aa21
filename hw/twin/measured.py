"""What a bystander may see of the box: the interlock's own report beside the copper's truth. Values only."""

from __future__ import annotations

from dataclasses import dataclass

from firmware.wire.messages import Status
from hw.twin.monitor import Totals


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """One look. `report` is the interlock's (phase, orders, measured lines, times, refusals).

    `link_conducting`, `drives_live`, `drives_up` are the copper's, bay 1 first; `unix_ms` the emulated clock;
    `controller` whether a controller has supply now. `phase_left_s`: seconds that the clock leaves the
    present phase, None where no clock ends it.
    """

    report: Status
    uptime_ms: int
    unix_ms: int
    link_conducting: bool
    carrier: bool
    drives_live: tuple[bool, ...]
    drives_up: tuple[bool, ...]
    controller: bool
    totals: Totals

    @property
    def phase_left_s(self) -> int | None:
        left_s = self.report.link_left_s if self.report.phase.name in _LINK else self.report.drives_left_s
        return left_s if self.report.phase.name in _LINK | _DRIVES else None


_LINK = frozenset({"CONTACT_TEST", "INTAKE"})
_DRIVES = frozenset({"AIRLOCK", "SEAL", "SCRUB", "RECOVERY"})
