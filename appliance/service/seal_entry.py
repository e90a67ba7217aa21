"""The ledger entry of a seal: what was placed, for which window, as intake described it.

Only intake's counts and times go in as claims; packs, holders and sizes are what placing found.
Places nothing and signs nothing. FORMAT 7.2.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from blake3 import blake3

from appliance.domain.ids import DriveIndex, PackId, SnapshotId
from appliance.domain.phases import BootFacts
from appliance.format import ledger_entry
from appliance.format.ledger_entry import PackPart, Seal, SourcePart
from appliance.service.pack_placing import PlacedPack
from appliance.service.staged_window import StagedWindow


@dataclass(frozen=True, slots=True, kw_only=True)
class SealFacts:
    """What goes into the entries beside what staging says: the interlock's facts at boot, SHA-256 of
    the vault's recipient, and the seconds for which the link was CONNECTED in this window."""

    boot: BootFacts
    recipient: bytes
    link_s: int


def snapshot_id(begin_s: int, segments: Iterable[PackId]) -> SnapshotId:
    """`YYYYMMDDThhmmssZ-xxxxxxxx`: the window's begin and eight digits of BLAKE3 over the segments."""
    begin = datetime.fromtimestamp(begin_s, UTC)
    return SnapshotId(f"{begin:%Y%m%dT%H%M%SZ}-{blake3(b''.join(segments)).hexdigest()[:8]}")


def entry(
    window: StagedWindow,
    placed: Sequence[PlacedPack],
    facts: SealFacts,
    drives: Sequence[DriveIndex],
    drives_total: int,
    *,
    whole: bool,
) -> Seal:
    """The entry of the packs in `placed`, which all of `drives` hold. Only the `whole` window's last
    entry names the manifest's segments and can be complete."""
    return Seal(
        time=facts.boot.unix_s,
        phase=facts.boot.phase,
        window=window.number,
        snapshot=snapshot_id(window.begin_s, window.segments),
        complete=whole and window.complete,
        begin=window.begin_s,
        sources=tuple(
            SourcePart(name=s.name, complete=s.complete, files=_clip(s.files), bytes=_clip(s.bytes))
            for s in window.sources
        ),
        packs=tuple(
            PackPart(id=one.facts.pack.hex(), size=one.facts.size, parity=one.facts.parity.hex())
            for one in placed
        ),
        segments=tuple(part.hex() for part in window.segments) if whole else (),
        recipient=facts.recipient.hex(),
        policy=facts.boot.policy_version,
        bytes_read=_clip(window.last.bytes_read),
        bytes_new=_clip(window.last.bytes_new),
        bytes_stored=sum(one.stored for one in placed),
        unreadable=_clip(window.last.unreadable),
        link_s=facts.link_s,
        drives=tuple(drives),
        degraded=len(drives) < drives_total,
    )


def _clip(count: int) -> int:
    """Intake's counts are claims; a number that JSON readers cannot keep exactly is cut off."""
    return min(count, ledger_entry.NUMBER_MAX)
