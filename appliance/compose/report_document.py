"""What `report make` answers: everything that the page shows, as one JSON document (tests/spec).

From the controller's own copy of the ledger, the policy and the interlock's word on how much it witnessed;
the drives stay dark. What was not measured is null, never 0.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from appliance import errors
from appliance.compose import documents
from appliance.compose.ledger_record import LedgerRecord
from appliance.compose.policy_files import PolicyFiles
from appliance.custody.order import NOWHERE
from appliance.custody.policy import Policy
from appliance.domain.schedule import DAY_S
from appliance.errors import EXIT_OK, EXIT_WARNINGS
from appliance.format.ledger_entry import Recovery, Scrub
from appliance.ports import ReportRequest
from appliance.service import evidence
from appliance.service.evidence import Evidence

ATTACKS_S = (60, 600, 3600, 4 * 3600, 24 * 3600)  # s of connection; from a prepared script to patient work
LISTED_MAX = 1000  # rows of one table of the report; the counts are exact


def report(
    texts: PolicyFiles, record: LedgerRecord, known: int, now_s: int, request: ReportRequest
) -> dict[str, Any]:
    """The document. `known`: entries that the interlock has witnessed; `now_s` by its clock."""
    policy = texts.policy
    offset_s = policy.windows[0].slot.offset_s
    first = evidence.day_of(now_s, offset_s) - request.days + 1
    past = evidence.gathered(record.entries(), first * DAY_S - offset_s)
    behind = record.witnessed() < known
    lag = [documents.warning_of(errors.LedgerBehind(held=record.witnessed(), known=known))] if behind else []
    return {
        "schema": documents.SCHEMA,
        "made": documents.clock_text(now_s, policy),
        "vault": policy.vault_id.hex(),
        "policy": policy.version,
        "quorum": {"needed": policy.quorum, "holders": len(policy.holders)},
        "drives": {"data": policy.geometry.data, "parity": policy.geometry.parity},
        "log_size": record.witnessed(),
        "days": request.days,
        "schedule": _schedule(policy),
        "exposure": _exposure(policy, past, first, request.days),
        "windows": _windows(policy, past),
        "attack": _attack(policy, past),
        "refusals": dict(sorted(past.refusals.items())),
        "faults": [{"time": documents.clock_text(f.time, policy), "cause": f.cause} for f in past.faults],
        "snapshots": _snapshots(policy, past),
        "scrubs": [_scrub(policy, entry) for entry in past.scrubs[-LISTED_MAX:]],
        "recoveries": [_recovery(policy, entry) for entry in past.recoveries[-LISTED_MAX:]],
        "durability": _durability(policy, request),
        "gaps": past.gaps,
        "warnings": lag,
        "exit": EXIT_WARNINGS if lag else EXIT_OK,
    }


def _schedule(policy: Policy) -> dict[str, Any]:
    """Seconds of the local day."""
    return {
        "windows": [
            {"begin_s": window.slot.begin_s, "length_s": window.slot.length_s, "link_s": window.link_s}
            for window in policy.windows
        ],
        "scrubs": [{"begin_s": slot.begin_s, "length_s": slot.length_s} for slot in policy.scrubs],
    }


def _exposure(policy: Policy, past: Evidence, first: int, days: int) -> dict[str, Any]:
    offset_s = policy.windows[0].slot.offset_s
    per_day = evidence.exposure(past.windows.values(), offset_s, first, days)
    with_window = {evidence.day_of(window.begin_s, offset_s) for window in past.windows.values()}
    return {
        "limit_s": evidence.limit_s(policy),
        "days": [
            {
                "day": documents.clock_text((first + number) * DAY_S - offset_s, policy)[:10],
                "link_s": seconds if first + number in with_window else None,
            }
            for number, seconds in enumerate(per_day)
        ],
    }


def _windows(policy: Policy, past: Evidence) -> list[dict[str, Any]]:
    return [
        {
            "window": window.number,
            "begin": documents.clock_text(window.begin_s, policy),
            "link_s": window.link_s,
            "complete": window.complete,
            "bytes_read": window.bytes_read,
            "bytes_stored": window.bytes_stored,
            "degraded": window.degraded,
        }
        for window in list(past.windows.values())[-LISTED_MAX:]
    ]


def _attack(policy: Policy, past: Evidence) -> list[dict[str, Any]]:
    link_s = [window.link_s for window in past.windows.values()]
    return [
        {"needed_s": needed_s, "days": evidence.days_for(needed_s, link_s, len(policy.windows))}
        for needed_s in ATTACKS_S
    ]


def _snapshots(policy: Policy, past: Evidence) -> dict[str, Any]:
    stored = 0
    growth = []
    for window in past.windows.values():
        stored += window.bytes_stored
        growth.append({"time": documents.clock_text(window.begin_s, policy), "bytes": stored})
    return {
        "count": len(past.snapshots),
        "complete": sum(seal.complete for seal in past.snapshots),
        "newest": past.snapshots[-1].snapshot if past.snapshots else None,
        "growth": growth[-LISTED_MAX:],
    }


def _scrub(policy: Policy, entry: Scrub) -> dict[str, Any]:
    return {
        "time": documents.clock_text(entry.time, policy),
        "blocks": sum(part.blocks for part in entry.drives),
        "bad": sum(part.bad + part.missing for part in entry.drives),
        "repaired": len(entry.repaired),
        "unrepaired": len(entry.unrepaired),
    }


def _recovery(policy: Policy, entry: Recovery) -> dict[str, Any]:
    """A proof is an order that lets nothing be written."""
    return {
        "time": documents.clock_text(entry.time, policy),
        "snapshot": entry.snapshot,
        "why": entry.why,
        "destination": entry.destination,
        "proof": entry.destination.encode() == NOWHERE,
    }


def _durability(policy: Policy, request: ReportRequest) -> Mapping[str, Any]:
    return {
        "loss_per_year": evidence.loss_per_year(
            policy.geometry, request.failures_per_year, request.replaced_after_days
        ),
        "failures_per_year": request.failures_per_year,
        "replaced_after_days": request.replaced_after_days,
    }
