"""What the commands answer: the JSON documents (tests/spec) from readings, logs and ledger entries."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta, timezone
from typing import Annotated, Any, Literal

import msgspec

from appliance import errors
from appliance.adapters import small_file
from appliance.compose.birth_plan import NewVault
from appliance.compose.emulated_board import EmulatedBoard, JobLog
from appliance.compose.home import Home
from appliance.compose.policy_files import PolicyFiles
from appliance.compose.testimony import rebuilt
from appliance.custody.policy import Policy
from appliance.domain.geometry import DRIVES_MAX
from appliance.domain.phases import BootFacts, InterlockStatus, Medium, Phase, Reading
from appliance.errors import EXIT_EMERGENCY, EXIT_FAILED, EXIT_OK, EXIT_WARNINGS
from appliance.format.ledger_entry import Seal
from appliance.service.drive_jobs import DRIVE_RECORD
from appliance.window import calendar

SCHEMA = 1
_BENCH_FILE = "bench.json"
_LACKING = frozenset(
    kind.code
    for kind in (
        errors.RestoreIncomplete,
        errors.AttributesLeftOut,
        errors.SnapshotPartial,
        errors.SnapshotLacks,
        errors.FilesUnreadable,
    )
)


_BYTES_MAX = 64 << 10  # bytes of a small record; the longest, of 32 drives, has 3 KB
_UNREADABLE = (OSError, ValueError, msgspec.MsgspecError, RecursionError)


class _Bench(msgspec.Struct):
    link_rate: Annotated[int, msgspec.Meta(ge=0)]


class _Seen(msgspec.Struct):
    id: Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{1,64}$")]
    number: Annotated[int, msgspec.Meta(ge=1, le=DRIVES_MAX)]
    state: Literal["good", "failed"]


class _DriveRecord(msgspec.Struct):
    """What the last drive phase saw: written by a controller, so checked like anything of its."""

    bays: dict[str, _Seen]


def write_bench(home: Home, link_rate: int) -> None:
    """What `init` was told of the emulated world."""
    (home.emulated / _BENCH_FILE).write_text(json.dumps({"link_rate": link_rate}), encoding="ascii")


def link_rate(home: Home) -> int:
    """Bytes per second of the emulated source; 0 for no brake."""
    try:
        content = small_file.read(home.emulated / _BENCH_FILE, _BYTES_MAX)
        return msgspec.json.decode(content, type=_Bench).link_rate
    except FileNotFoundError:
        return 0
    except _UNREADABLE as error:
        raise errors.EmulationDamaged(detail=f"{_BENCH_FILE}: {error}") from None


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


def status(
    home: Home,
    texts: PolicyFiles,
    reading: Reading,
    facts: BootFacts | None,
    said: InterlockStatus | None,
    *,
    held: int,
) -> dict[str, Any]:
    """`status`: what is measured comes from the plant, what is planned from the interlock. `facts` and
    `said` are lacking where it answers nobody; then the ledger counts `held` entries, as our copy does."""
    policy = texts.policy
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
        "next_window": _next_window(policy, reading, said),
        "policy_version": said.policy_version if said else policy.version,
        "log_size": said.log_size if said else held,
        "alarms": _alarms(reading) + _policy_alarms(texts, facts) + _drive_alarms(home, policy),
    }


def _next_window(policy: Policy, reading: Reading, said: InterlockStatus | None) -> str | None:
    """The interlock names the window that it is in until that has ended; a person asks for the one after."""
    if said is None or not said.next_window_s:
        return None
    begin_s = said.next_window_s
    if begin_s <= reading.unix_s:
        begin_s = calendar.next_window(policy.windows, reading.unix_s).begin_s
    return clock_text(begin_s, policy)


def _policy_alarms(texts: PolicyFiles, facts: BootFacts | None) -> list[dict[str, Any]]:
    if facts is None or not facts.policy_version or facts.policy_hash == texts.hash:
        return []
    return [_alarm(errors.PolicyMismatch(version=facts.policy_version))]


def _seen(home: Home) -> dict[str, _Seen]:
    """By bay; empty where no drive phase has been yet, or somebody wrote nonsense."""
    try:
        content = small_file.read(home.seal_state / DRIVE_RECORD, _BYTES_MAX)
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
        alarms.append(_alarm(errors.FaultLatched(phase=reading.phase.value, cause=reading.fault or "CUT")))
    return alarms


def _alarm(error: errors.IwatoError) -> dict[str, Any]:
    return {**_warning(error), "emergency": error.exit_status == EXIT_EMERGENCY}


def copies(snapshots: Iterable[Seal], *, held: int, known: int) -> dict[str, Any]:
    """`copies list`. `held` witnessed entries are in the copy that was read, `known` in the interlock."""
    behind = [_warning(errors.LedgerBehind(held=held, known=known))] if held < known else []
    return {
        "schema": SCHEMA,
        "warnings": behind,
        "exit": EXIT_WARNINGS if behind else EXIT_OK,
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


def window(board: EmulatedBoard, log: JobLog, fault: errors.FaultLatched | None) -> dict[str, Any]:
    """`bench run-window`. `fault` is what the box ended in."""
    intake = log.reports.get("intake", {})
    sealed = log.reports.get("sealed") or log.reports.get("committed", {})
    committed = _list(sealed, "snapshots")
    newest: Mapping[str, Any] = next((one for one in reversed(committed) if one.get("manifest")), {})
    warnings = warning_list(log) + ([_warning(fault)] if fault is not None else [])
    if log.error is not None or fault is not None:
        pass  # that is the news
    elif Medium.SEALING in board.boots and "sealed" not in log.reports:  # it may have done it all the same
        warnings.append(_warning(errors.PhaseCut(phase=Phase.SEAL.value, cause="it sent no report")))
    elif not committed:
        cut_short = sealed.get("stopped") or (intake and not sealed)
        reason = "the time ended first" if cut_short else "nothing was staged"
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
    return {"schema": SCHEMA, "time": _utc(unix_s)}


def scrub(log: JobLog) -> dict[str, Any]:
    """`drive scrub`."""
    return {"schema": SCHEMA, **log.reports.get("scrubbed", {}), "warnings": warning_list(log)}


def verified(log: JobLog) -> dict[str, Any]:
    """`ledger verify`."""
    said = log.reports.get("verified", {})
    verdict, reason = str(said.get("verdict")), str(said.get("reason", ""))
    judged: dict[str, errors.IwatoError] = {
        "self-consistent": errors.LedgerUnconfirmed(),
        "tampered": errors.LedgerTampered(reason=reason),
        "refused": errors.CheckpointRefused(detail=reason),
    }
    warnings = warning_list(log) + ([_warning(judged[verdict])] if verdict in judged else [])
    # A drive that was not read was not verified, and is never clean.
    exits = {"verified": EXIT_WARNINGS if warnings else EXIT_OK, "self-consistent": EXIT_WARNINGS}
    return {
        "schema": SCHEMA,
        **said,
        "warnings": warnings,
        "exit": exits.get(verdict, EXIT_EMERGENCY),
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
