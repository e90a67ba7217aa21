"""What the emulated plant measures, in the appliance's words."""

from __future__ import annotations

from appliance.domain.phases import Lines, Phase, Reading
from appliance.errors import FaultLatched
from hw.twin.measured import Measured


def read(measured: Measured, bays: int) -> Reading:
    """The plant's look in the appliance's words: the copper's truth beside the interlock's orders."""
    report = measured.report
    ordered_mask = report.ordered_mask if report.ordered_drives else 0
    return Reading(
        phase=Phase[report.phase.name],
        ordered=Lines(
            link=report.ordered_link, drives=tuple(bool(ordered_mask >> bay & 1) for bay in range(bays))
        ),
        measured=Lines(link=measured.link_conducting, drives=measured.drives_live),
        unix_s=measured.unix_ms // 1000,
        age_ms=0,
        phase_left_s=measured.phase_left_s or 0,
        window_left_s=max(0, report.window_end_s - measured.unix_ms // 1000),
        fault=report.fault.name if report.fault else "",
        secured=report.secured,
    )


def fault_of(reading: Reading) -> FaultLatched | None:
    """The fault that the box is in, or that a person has secured it."""
    if reading.phase not in {Phase.FAULT, Phase.SECURED}:
        return None
    return FaultLatched(phase=reading.phase.value, cause=reading.fault or "CUT")
