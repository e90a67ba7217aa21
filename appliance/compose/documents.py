"""What the commands answer: the JSON documents (tests/spec) from readings, logs and ledger entries."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from appliance import errors
from appliance.compose.birth_plan import NewVault
from appliance.compose.emulated_board import EmulatedBoard
from appliance.compose.home import Home
from appliance.compose.job_log import JobLog
from appliance.compose.testimony import rebuilt
from appliance.custody.policy import Policy
from appliance.domain.phases import Medium, Phase
from appliance.errors import EXIT_EMERGENCY, EXIT_FAILED, EXIT_OK, EXIT_WARNINGS
from appliance.format.ledger_entry import Seal

SCHEMA = 1
_LACKING = frozenset(
    kind.code
    for kind in (
        errors.RestoreIncomplete,
        errors.AttributesLeftOut,
        errors.SnapshotPartial,
        errors.SnapshotLacks,
        errors.FilesChanged,
    )
)


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


def copies(snapshots: Iterable[Seal], *, held: int, known: int) -> dict[str, Any]:
    """`copies list`. `held` witnessed entries are in the copy that was read, `known` in the interlock."""
    behind = [warning_of(errors.LedgerBehind(held=held, known=known))] if held < known else []
    return {
        "schema": SCHEMA,
        "warnings": behind,
        "exit": EXIT_WARNINGS if behind else EXIT_OK,
        "snapshots": [
            {
                "id": seal.snapshot,
                "time": utc(seal.begin),
                "complete": seal.complete,
                "sources": [part.name for part in seal.sources],
                "bytes": sum(part.bytes for part in seal.sources),
            }
            for seal in snapshots
        ],
    }


def window(board: EmulatedBoard, log: JobLog, fault: errors.FaultLatched | None) -> dict[str, Any]:
    """`bench run-window`. `fault` is what the box ended in."""
    intake = log.reports.get("intake", {})
    sealed = log.reports.get("sealed") or log.reports.get("committed", {})
    committed = _list(sealed, "snapshots")
    newest: Mapping[str, Any] = next((one for one in reversed(committed) if one.get("manifest")), {})
    warnings = warning_list(log) + ([warning_of(fault)] if fault is not None else [])
    if log.error is not None or fault is not None:
        pass  # that is the news
    elif Medium.SEALING in board.boots and "sealed" not in log.reports:  # it may have done it all the same
        warnings.append(warning_of(errors.PhaseCut(phase=Phase.SEAL.value, cause="it sent no report")))
    elif not committed:
        cut_short = sealed.get("stopped") or (intake and not sealed)
        reason = "the time ended first" if cut_short else "nothing was staged"
        warnings.append(warning_of(errors.WindowLost(reason=reason)))
    elif not newest.get("complete") and not warnings:
        warnings.append(warning_of(errors.WindowEndedEarly()))
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
        "changed": intake.get("changed", 0),
        "sources": intake.get("sources", []),
        "checkpoint": sealed.get("checkpoint", ""),
        "warnings": warnings,
        "exit": EXIT_EMERGENCY if fault is not None else _window_exit(intake, committed, warnings),
    }


def _window_exit(
    intake: Mapping[str, Any], committed: list[Mapping[str, Any]], warnings: list[dict[str, Any]]
) -> int:
    if not committed:
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
    return {"schema": SCHEMA, "time": utc(unix_s)}


def scrub(log: JobLog) -> dict[str, Any]:
    """`drive scrub` and `drive repair`."""
    return {"schema": SCHEMA, **log.reports.get("scrubbed", {}), "warnings": warning_list(log)}


def made_whole(log: JobLog, made: Sequence[str]) -> dict[str, Any]:
    """`rebuild`. `made`: what was made anew; `full`: whether the next window has to read everything."""
    warnings = warning_list(log)
    is_bent = any(item["code"] == errors.LedgerTampered.code for item in warnings)
    return {
        "schema": SCHEMA,
        **log.reports.get("rebuilt", {}),
        "made": list(made),
        "full": "dedup-key" in made,
        "warnings": warnings,
        "exit": EXIT_EMERGENCY if is_bent else EXIT_WARNINGS if warnings else EXIT_OK,
    }


def verified(log: JobLog) -> dict[str, Any]:
    """`ledger verify`."""
    said = log.reports.get("verified", {})
    verdict, reason = str(said.get("verdict")), str(said.get("reason", ""))
    judged: dict[str, errors.IwatoError] = {
        "self-consistent": errors.LedgerUnconfirmed(),
        "tampered": errors.LedgerTampered(reason=reason),
        "refused": errors.CheckpointRefused(detail=reason),
    }
    warnings = warning_list(log) + ([warning_of(judged[verdict])] if verdict in judged else [])
    # A drive that was not read was not verified, and is never clean.
    exits = {"verified": EXIT_WARNINGS if warnings else EXIT_OK, "self-consistent": EXIT_WARNINGS}
    return {
        "schema": SCHEMA,
        **said,
        "warnings": warnings,
        "exit": exits.get(verdict, EXIT_EMERGENCY),
    }


def restored(log: JobLog, deeds: Mapping[str, list[str]]) -> dict[str, Any]:
    """`restore run`."""
    return _recovered(log, "restored", deeds)


def proven(log: JobLog, deeds: Mapping[str, list[str]]) -> dict[str, Any]:
    """`copies verify` with tokens. What cannot be proven is a failure: the copy is not what it should be."""
    document = _recovered(log, "proven", deeds)
    failed = any(item["code"] == errors.RestoreIncomplete.code for item in document["warnings"])
    return document | {"exit": EXIT_FAILED if failed else document["exit"]}


def compared(log: JobLog, deeds: Mapping[str, list[str]]) -> dict[str, Any]:
    """`copies diff`. `differences` are (change, name, size before, size after)."""
    return _recovered(log, "compared", deeds) | {"differences": log.differences}


def checked(log: JobLog) -> dict[str, Any]:
    """`copies verify` without tokens."""
    return {"schema": SCHEMA, **log.reports.get("checked", {}), "warnings": warning_list(log)}


def _recovered(log: JobLog, report: str, deeds: Mapping[str, list[str]]) -> dict[str, Any]:
    """A recovery's report. What is wrong with a drive or a token that was not needed is said, but it is
    not a lack of what was asked for."""
    warnings = warning_list(log)
    lacking = any(item["code"] in _LACKING for item in warnings)
    return {
        "schema": SCHEMA,
        **{key: value for key, value in log.reports.get(report, {}).items() if key != "holders"},
        "holders": dict(deeds),
        "drives_s": round(log.totals.drives_ms / 1000, 1),
        "both_ms": log.totals.both_ms,
        "warnings": warnings,
        "exit": EXIT_WARNINGS if lacking else EXIT_OK,
    }


def warning_list(log: JobLog) -> list[dict[str, Any]]:
    """Every warning of the run as code and text; what a hostile controller invents stays text."""
    found = [warning_of(rebuilt(fields)) for fields in log.warnings]
    return found + ([warning_of(log.intake_error)] if log.intake_error is not None else [])


def warning_of(error: errors.IwatoError) -> dict[str, Any]:
    """Code, English text and values, as scripts and faces read them."""
    values = {key: value if isinstance(value, int) else str(value) for key, value in error.values.items()}
    return {"code": error.code, "text": error.what.format(**error.values), "values": values}


def _list(fields: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    value = fields.get(name)
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def clock_text(unix_s: int, policy: Policy) -> str:
    """ISO 8601 at the policy's offset."""
    zone = timezone(timedelta(seconds=policy.windows[0].slot.offset_s))
    return datetime.fromtimestamp(unix_s, zone).isoformat()


def utc(unix_s: int) -> str:
    """As every document spells a time."""
    return datetime.fromtimestamp(unix_s, UTC).isoformat()
