"""What `status` answers: measured, planned, and every alarm (tests/spec)."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec

from appliance import errors
from appliance.adapters import small_file
from appliance.compose import board_reading, documents, ledger_papers
from appliance.compose.home import Home
from appliance.compose.policy_files import PolicyFiles
from appliance.custody.policy import Policy
from appliance.domain.geometry import DRIVES_MAX
from appliance.domain.phases import BootFacts, InterlockStatus, Reading
from appliance.errors import EXIT_EMERGENCY
from appliance.service.drive_jobs import DRIVE_RECORD
from appliance.service.ledger_desk import LedgerDesk
from appliance.window import calendar

RECORD_BYTES_MAX = 64 << 10  # bytes; the record of 16 drives has 2 KB
_UNREADABLE = (OSError, ValueError, msgspec.MsgspecError, RecursionError)


class _Seen(msgspec.Struct):
    id: Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{1,64}$")]
    number: Annotated[int, msgspec.Meta(ge=1, le=DRIVES_MAX)]
    state: Literal["good", "failed"]


class _DriveRecord(msgspec.Struct):
    """What the last drive phase saw: written by a controller, so checked like anything of its."""

    bays: dict[str, _Seen]


def status(
    home: Home,
    texts: PolicyFiles,
    reading: Reading,
    facts: BootFacts | None,
    said: InterlockStatus | None,
    *,
    desk: LedgerDesk,
) -> dict[str, Any]:
    """`status`: what is measured comes from the plant, what is planned from the interlock. `facts` and
    `said` are lacking where it answers nobody; then the ledger counts what our copy has (`desk`)."""
    policy, seen = texts.policy, ledger_papers.seen(home, desk)
    return {
        "schema": documents.SCHEMA,
        "phase": reading.phase.value,
        "isolated": reading.isolated,
        "link": {
            "ordered": reading.ordered.link,
            "measured": reading.measured.link,
            "age_s": reading.age_ms // 1000,
        },
        "drives": _drives(home, reading),
        "time": documents.clock_text(reading.unix_s, policy),
        "next_window": _next_window(policy, reading, said),
        "policy_version": said.policy_version if said else policy.version,
        "log_size": said.log_size if said else desk.history.witnessed,
        "seen": {"entries": seen.entries, "windows": seen.windows},
        "alarms": [
            *_reading_alarms(reading),
            *_policy_alarms(texts, facts),
            *_clock_alarms(said),
            *_drive_alarms(home, policy),
            *(_alarm(error) for error in seen.alarms),
        ],
    }


def _next_window(policy: Policy, reading: Reading, said: InterlockStatus | None) -> str | None:
    """The interlock names the window that it is in until that has ended; a person asks for the one after."""
    if said is None or not said.next_window_s:
        return None
    begin_s = said.next_window_s
    if begin_s <= reading.unix_s:
        begin_s = calendar.next_window(policy.windows, reading.unix_s).begin_s
    return documents.clock_text(begin_s, policy)


def _policy_alarms(texts: PolicyFiles, facts: BootFacts | None) -> list[dict[str, Any]]:
    if facts is None or not facts.policy_version or facts.policy_hash == texts.hash:
        return []
    return [_alarm(errors.PolicyMismatch(version=facts.policy_version))]


def _clock_alarms(said: InterlockStatus | None) -> list[dict[str, Any]]:
    """With a policy there is always a next window, unless nobody knows what time it is."""
    is_lost = said is not None and said.policy_version and not said.next_window_s
    return [_alarm(errors.ClockLost())] if is_lost else []


def _seen(home: Home) -> dict[str, _Seen]:
    """By bay; empty where no drive phase has been yet, or somebody wrote nonsense."""
    try:
        content = small_file.read(home.seal_state / DRIVE_RECORD, RECORD_BYTES_MAX)
        return msgspec.json.decode(content, type=_DriveRecord).bays
    except _UNREADABLE:
        return {}


def _drive_alarms(home: Home, policy: Policy) -> list[dict[str, Any]]:
    """What the last drive phase missed: the vault survives fewer losses, or none."""
    record, geometry = _seen(home), policy.geometry
    good = {seen.number for seen in record.values() if seen.state == "good"}
    lacking = sorted(set(range(1, geometry.drives + 1)) - good)
    if not record or not lacking:
        return []
    if len(good) < geometry.data:
        return [_alarm(errors.DrivesTooFew(present=len(good), needed=geometry.data, total=geometry.drives))]
    return [_alarm(errors.DrivesMissing(drives=", ".join(map(str, lacking))))]


def _drives(home: Home, reading: Reading) -> list[dict[str, Any]]:
    record, found = _seen(home), []
    for place, powered in enumerate(reading.measured.drives):
        seen = record.get(str(place + 1))
        state = seen.state if seen else "not seen in the last drive phase"
        found.append(
            {"bay": place + 1, "id": seen.id if seen else None, "state": state, "powered": powered}
        )
    return found


def _reading_alarms(reading: Reading) -> list[dict[str, Any]]:
    alarms: list[dict[str, Any]] = []
    if reading.measured.link and not reading.ordered.link:
        alarms.append(_alarm(errors.ConnectionUnexplained(line="link")))
    for place, (live, ordered) in enumerate(
        zip(reading.measured.drives, reading.ordered.drives, strict=True)
    ):
        if live and not ordered:
            alarms.append(_alarm(errors.ConnectionUnexplained(line=f"drive {place + 1}")))
    fault = board_reading.fault_of(reading)
    return alarms + ([_alarm(fault)] if fault is not None else [])


def _alarm(error: errors.IwatoError) -> dict[str, Any]:
    return {**documents.warning_of(error), "emergency": error.exit_status == EXIT_EMERGENCY}
