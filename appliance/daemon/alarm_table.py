"""Every alarm that the daemon can raise: a literal table, shown in DAEMON.md.

`lasting` alarms hold as long as their condition does and end with it; the others are events.
"""

from __future__ import annotations

from dataclasses import dataclass

from appliance import errors
from appliance.errors import IwatoError

ALARMS_MAX = 256  # alarms kept; unacknowledged ones of a kind and key are one, so those are far fewer


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One row."""

    error: type[IwatoError]
    lasting: bool
    emergency: bool = False


TABLE: dict[str, Kind] = {
    "missed window": Kind(error=errors.WindowMissed, lasting=False),
    "barren window": Kind(error=errors.WindowBarren, lasting=False),
    "scrub overdue": Kind(error=errors.ScrubOverdue, lasting=True),
    "drill overdue": Kind(error=errors.DrillOverdue, lasting=True),
    "checkpoint unseen": Kind(error=errors.CheckpointUnseen, lasting=True),
    "nearly full": Kind(error=errors.RoomEnding, lasting=True),
    "silent source": Kind(error=errors.SourceSilent, lasting=True),
    "foreign network": Kind(error=errors.NetworkForeign, lasting=True, emergency=True),
    "fault": Kind(error=errors.FaultLatched, lasting=True, emergency=True),
    "no rest": Kind(error=errors.InterlockSilent, lasting=True, emergency=True),
    "ended without notice": Kind(error=errors.UnorderlyEnd, lasting=False),
    "record lost": Kind(error=errors.RecordLost, lasting=True),
    "clock went back": Kind(error=errors.ClockWentBack, lasting=False),
    "clock lost": Kind(error=errors.ClockLost, lasting=True),
    "cut": Kind(error=errors.CutOrdered, lasting=False),
}
