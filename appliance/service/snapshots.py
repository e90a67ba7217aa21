"""Snapshots as the ledger knows them: which there are, and which one a person means."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from appliance.errors import SnapshotUnknown
from appliance.format.ledger_entry import AnyEntry, Seal
from appliance.format.ledger_segment import Gap

LATEST = "latest"


def each(entries: Iterable[tuple[int, AnyEntry | Gap]]) -> Iterator[Seal]:
    """Every snapshot whose manifest is committed, oldest first. A window that was sealed in several
    entries is named by its last one, which has the manifest. One at a time: a seal names all its packs,
    which a list of snapshots need not keep."""
    return (entry for _, entry in entries if isinstance(entry, Seal) and entry.segments)


def listed(entries: Iterable[tuple[int, AnyEntry | Gap]]) -> list[Seal]:
    """All of `each`, for who looks twice."""
    return list(each(entries))


def meant(snapshots: Iterable[Seal], name: str) -> Seal:
    """The snapshot with this id; `latest` is the newest complete one, or the newest if none is."""
    found = list(snapshots)
    if name == LATEST:
        found = [seal for seal in found if seal.complete] or found
    else:
        found = [seal for seal in found if seal.snapshot == name]
    if not found:
        raise SnapshotUnknown(snapshot=name)
    return found[-1]
