"""`restore plan`: what a restore would take, from the ledger alone. No token, no drive, nothing written.

Sizes are those of whole files as the sources gave them: holes and `--path` make a restore smaller, which
only the lists of files know, and those the holders open.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from appliance.adapters import restore_target
from appliance.compose import documents
from appliance.compose.home import Home, keep_apart
from appliance.compose.ledger_record import LedgerRecord
from appliance.compose.policy_files import PolicyFiles
from appliance.custody.policy import Policy
from appliance.errors import (
    EXIT_OK,
    EXIT_WARNINGS,
    IwatoError,
    LedgerBehind,
    SnapshotLacks,
    SnapshotPartial,
    SourceUnknown,
    TargetNotEmpty,
)
from appliance.format.ledger_entry import Seal
from appliance.service import snapshots


def plan(
    home: Home, texts: PolicyFiles, known: int, snapshot: str, sources: Sequence[str], into: str | None
) -> dict[str, Any]:
    """See ports.Appliance.plan_restore. The interlock has witnessed `known` entries."""
    target = Path(into) if into is not None else None
    if target is not None:
        keep_apart(home.root, {"target": target})
    record = LedgerRecord(home, texts)
    seal = snapshots.meant(record.snapshots(), snapshot)
    errors = _lacking(seal, target)
    if record.witnessed() < known:
        errors.insert(0, LedgerBehind(held=record.witnessed(), known=known))
    return _document(seal, texts.policy, sources, target, [documents.warning_of(error) for error in errors])


def _document(
    seal: Seal, policy: Policy, sources: Sequence[str], target: Path | None, warnings: list[dict[str, Any]]
) -> dict[str, Any]:
    names = {part.name for part in seal.sources}
    for source in sources:
        if source not in names:
            raise SourceUnknown(source=source, snapshot=seal.snapshot)
    parts = [part for part in seal.sources if not sources or part.name in sources]
    size = sum(part.bytes for part in parts)
    free = restore_target.free_bytes(target) if target is not None else None
    return {
        "schema": documents.SCHEMA,
        "snapshot": seal.snapshot,
        "time": documents.utc(seal.begin),
        "complete": seal.complete,
        "sources": [
            {"name": part.name, "complete": part.complete, "files": part.files, "bytes": part.bytes}
            for part in parts
        ],
        "files": sum(part.files for part in parts),
        "bytes": size,
        "holders": {"needed": policy.quorum, "of": len(policy.holders)},
        "drives": {"needed": policy.geometry.data, "of": policy.geometry.drives},
        "target": os.fspath(target) if target is not None else None,
        "free": free,
        "fits": None if free is None else size <= free,
        "warnings": warnings,
        "exit": EXIT_WARNINGS if warnings else EXIT_OK,
    }


def _lacking(seal: Seal, target: Path | None) -> list[IwatoError]:
    """What the person should know before the holders come."""
    found: list[IwatoError] = []
    if not seal.complete:
        found.append(SnapshotPartial(snapshot=seal.snapshot))
    if seal.unreadable:
        found.append(SnapshotLacks(snapshot=seal.snapshot, count=seal.unreadable))
    if target is not None and target.exists() and not restore_target.is_vacant(target):
        found.append(TargetNotEmpty(path=target))
    return found
