"""What the commands answer: the JSON documents (tests/spec) from readings, logs and ledger entries."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from appliance import errors
from appliance.compose.birth_plan import NewVault
from appliance.compose.emulated_board import EmulatedBoard, JobLog, rebuilt
from appliance.compose.home import Home
from appliance.custody.policy import Policy
from appliance.domain.phases import InterlockStatus, Phase, Reading
from appliance.errors import EXIT_EMERGENCY, EXIT_FAILED, EXIT_OK, EXIT_WARNINGS
from appliance.format.ledger_entry import Seal
from appliance.service.drive_jobs import DRIVE_RECORD

SCHEMA = 1
_BENCH = "bench.json"
_LACKING = frozenset(
    kind.code
    for kind in (
        errors.RestoreIncomplete,
        errors.AttributesLeftOut,
        errors.SnapshotPartial,
        errors.FilesUnreadable,
    )
)


def write_bench(home: Home, link_rate: int) -> None:
    """What `init` was told of the emulated world."""
    (home.emulated / _BENCH).write_text(json.dumps({"link_rate": link_rate}), encoding="ascii")


def link_rate(home: Home) -> int:
    """Bytes per second of the emulated source; 0 for no brake."""
    try:
        return int(json.loads((home.emulated / _BENCH).read_text(encoding="ascii"))["link_rate"])
    except (OSError, ValueError, KeyError):
        return 0


def born(home: Home, vault: NewVault) -> dict[str, Any]:
    """`init`."""
    margin = vault.born.margin
    return {
        "schema": SCHEMA,
        "home": str(home.root),
        "vault": vault.vault_id.hex(),
        "needed": margin.needed,
        "exist": margin.exist,
        "proven": margin.proven,
    }


def status(home: Home, policy: Policy, reading: Reading, said: InterlockStatus | None) -> dict[str, Any]:
    """`status`: what is measured comes from the plant, what is planned from the interlock."""
    return {
        "schema": SCHEMA,
        "phase": reading.phase.value,
        "isolated": reading.isolated,
        "link": {
            "ordered": reading.ordered.link,
            "measured": reading.measured.link,
            "age_s": reading.age_ms // 1000,
        },
        "drives": _drives(home, reading),
        "time": clock_text(reading.unix_s, policy),
        "next_window": clock_text(said.next_window_s, policy) if said and said.next_window_s else None,
        "policy_version": said.policy_version if said else policy.version,
        "log_size": said.log_size if said else 0,
        "alarms": _alarms(reading),
    }


def _drives(home: Home, reading: Reading) -> list[dict[str, Any]]:
    try:
        record = json.loads((home.seal_state / DRIVE_RECORD).read_text(encoding="utf-8"))["bays"]
    except (OSError, ValueError, KeyError):
        record = {}
    found = []
    for place, powered in enumerate(reading.measured.drives):
        seen = record.get(str(place + 1), {})
        state = seen.get("state", "not seen in the last drive phase")
        found.append({"bay": place + 1, "id": seen.get("id"), "state": state, "powered": powered})
    return found


def _alarms(reading: Reading) -> list[dict[str, Any]]:
    alarms: list[dict[str, Any]] = []
    if reading.measured.link and not reading.ordered.link:
        alarms.append(_alarm(errors.ConnectionUnexplained(line="link")))
    for place, (live, ordered) in enumerate(
        zip(reading.measured.drives, reading.ordered.drives, strict=True)
    ):
        if live and not ordered:
            alarms.append(_alarm(errors.ConnectionUnexplained(line=f"drive {place + 1}")))
    if reading.phase in {Phase.FAULT, Phase.SECURED}:
        alarms.append(_alarm(errors.FaultLatched(phase=reading.phase.value, cause=reading.fault or "-")))
    return alarms


def _alarm(error: errors.IwatoError) -> dict[str, Any]:
    return {**_warning(error), "emergency": error.exit_status == EXIT_EMERGENCY}


def copies(snapshots: Iterable[Seal]) -> dict[str, Any]:
    """`copies list`."""
    return {
        "schema": SCHEMA,
        "snapshots": [
            {
                "id": seal.snapshot,
                "time": _utc(seal.begin),
                "complete": seal.complete,
                "sources": [part.name for part in seal.sources],
                "bytes": sum(part.bytes for part in seal.sources),
            }
            for seal in snapshots
        ],
    }


def window(board: EmulatedBoard, log: JobLog) -> dict[str, Any]:
    """`bench run-window`."""
    intake, sealed = log.reports.get("intake", {}), log.reports.get("sealed", {})
    committed = [item for item in _list(sealed, "snapshots") if item.get("complete") is not None]
    newest = committed[-1] if committed else {}
    warnings = warning_list(log)
    if not newest and log.error is None:
        reason = "the time ended first" if sealed.get("stopped") else "nothing was staged"
        warnings.append(_warning(errors.WindowLost(reason=reason)))
    elif not newest.get("complete") and not warnings:
        warnings.append(_warning(errors.WindowEndedEarly()))
    totals = board.totals
    return {
        "schema": SCHEMA,
        "snapshot": newest.get("snapshot"),
        "complete": bool(newest.get("complete")),
        "bytes_read": intake.get("bytes_read", 0),
        "bytes_new": intake.get("bytes_new", 0),
        "bytes_stored": sealed.get("bytes_stored", 0),
        "link_s": round(totals.link_ms / 1000, 1),
        "drives_s": round(totals.drives_ms / 1000, 1),
        "both_ms": totals.both_ms,
        "log_size": sealed.get("log_size", 0),
        "unreadable": intake.get("unreadable", 0),
        "sources": intake.get("sources", []),
        "checkpoint": sealed.get("checkpoint", ""),
        "warnings": warnings,
        "exit": _window_exit(intake, newest, warnings),
    }


def _window_exit(intake: Mapping[str, Any], newest: Mapping[str, Any], warnings: list[dict[str, Any]]) -> int:
    if not newest:
        return EXIT_FAILED
    sources = _list(intake, "sources")
    if sources and not any(source.get("complete") for source in sources):
        missing = any(item["code"] == errors.SourceMissing.code for item in warnings)
        return EXIT_FAILED if missing else EXIT_WARNINGS
    return EXIT_WARNINGS if warnings else EXIT_OK


def attempt(board: EmulatedBoard, log: JobLog) -> dict[str, Any]:
    """What root outside the window was told."""
    said = log.reports.get("attempted", {})
    refusals = said.get("refusals")
    causes = sorted(set(refusals.values())) if isinstance(refusals, dict) else []
    return {
        "schema": SCHEMA,
        "refused": len(refusals) if isinstance(refusals, dict) and all(refusals.values()) else 0,
        "cause": ", ".join(str(cause) for cause in causes),
        "network": said.get("network", {}),
        "link_ms": board.totals.link_ms,
        "drives_ms": board.totals.drives_ms,
    }


def clock(unix_s: int) -> dict[str, Any]:
    """`bench clock`."""
    return {"schema": SCHEMA, "time": _utc(unix_s)}


def scrub(log: JobLog) -> dict[str, Any]:
    """`drive scrub`."""
    return {"schema": SCHEMA, **log.reports.get("scrubbed", {}), "warnings": warning_list(log)}


def verified(log: JobLog) -> dict[str, Any]:
    """`ledger verify`."""
    said = log.reports.get("verified", {})
    exits = {"verified": EXIT_OK, "self-consistent": EXIT_WARNINGS}
    return {
        "schema": SCHEMA,
        **said,
        "warnings": warning_list(log),
        "exit": exits.get(str(said.get("verdict")), EXIT_EMERGENCY),
    }


def restored(log: JobLog, deeds: Mapping[str, list[str]]) -> dict[str, Any]:
    """`restore run`. What is wrong with a drive or a token that was not needed is said, but it is not
    a lack of what was asked for."""
    warnings = warning_list(log)
    lacking = any(item["code"] in _LACKING for item in warnings)
    return {
        "schema": SCHEMA,
        **{key: value for key, value in log.reports.get("restored", {}).items() if key != "holders"},
        "holders": dict(deeds),
        "drives_s": round(log.totals.drives_ms / 1000, 1),
        "both_ms": log.totals.both_ms,
        "warnings": warnings,
        "exit": EXIT_WARNINGS if lacking else EXIT_OK,
    }


def warning_list(log: JobLog) -> list[dict[str, Any]]:
    """Every warning of the run as code and text; what a hostile controller invents stays text."""
    found = [_warning(rebuilt(fields)) for fields in log.warnings]
    return found + ([_warning(log.intake_error)] if log.intake_error is not None else [])


def _warning(error: errors.IwatoError) -> dict[str, Any]:
    values = {key: value if isinstance(value, int) else str(value) for key, value in error.values.items()}
    return {"code": error.code, "text": error.what.format(**error.values), "values": values}


def _list(fields: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    value = fields.get(name)
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def clock_text(unix_s: int, policy: Policy) -> str:
    """ISO 8601 at the policy's offset."""
    zone = timezone(timedelta(seconds=policy.windows[0].slot.offset_s))
    return datetime.fromtimestamp(unix_s, zone).isoformat()


def _utc(unix_s: int) -> str:
    return datetime.fromtimestamp(unix_s, UTC).isoformat()
