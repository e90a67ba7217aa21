"""What a job's processes said and how they ended."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from appliance.domain.phases import Totals
from appliance.errors import IwatoError


@dataclass(slots=True, kw_only=True)
class JobLog:
    """What a job's processes said and how they ended. `intake_error` ended the link half of a window
    that then went on to its drive half; `error` ended the job."""

    reports: dict[str, Mapping[str, object]] = field(default_factory=dict)
    warnings: list[Mapping[str, object]] = field(default_factory=list)
    evidence: list[Mapping[str, object]] = field(default_factory=list)
    differences: list[tuple[str, str, int, int]] = field(default_factory=list)
    error: IwatoError | None = None
    intake_error: IwatoError | None = None
    crash: str = ""
    totals: Totals = field(default_factory=Totals)
