"""What the ledger says of packs: facts to verify them by, snapshots that need them, where repairs lie.

Built from the entries in order; holds nothing that a drive alone said. Reads no drive.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from appliance.domain.ids import DriveIndex, PackId, SnapshotId, SourceName
from appliance.format.ledger_entry import AnyEntry, Scrub, Seal
from appliance.format.ledger_segment import Gap
from appliance.format.shard import PackFacts


class PackCatalogue:
    """All packs that witnessed entries name. `facts` keeps the order in which they were committed."""

    def __init__(self, entries: Iterable[tuple[int, AnyEntry | Gap]]) -> None:
        self.facts: dict[PackId, PackFacts] = {}
        self.sealed_by: dict[PackId, int] = {}
        self.seals: dict[int, Seal] = {}
        self._snapshots: dict[PackId, set[SnapshotId]] = defaultdict(set)
        self._revisions: dict[tuple[PackId, DriveIndex], int] = {}
        self._unsound: set[tuple[PackId, DriveIndex]] = set()
        for index, entry in entries:
            if isinstance(entry, Seal):
                self._take_seal(index, entry)
            elif isinstance(entry, Scrub):
                self._take_scrub(entry)

    def revision(self, pack: PackId, drive: DriveIndex) -> int:
        """The newest recorded revision of a shard; 0 is the shard as it was first placed."""
        return self._revisions.get((pack, drive), 0)

    def held(self, pack: PackId, drive: DriveIndex) -> bool:
        """Whether the ledger says that the drive holds the pack: it gave its shard back at the commit or by
        a repair, and no scrub since then found it lacking."""
        key = pack, drive
        committed = drive in self.seals[self.sealed_by[pack]].drives or key in self._revisions
        return committed and key not in self._unsound

    def snapshots(self, pack: PackId) -> tuple[SnapshotId, ...]:
        """Snapshots whose seal entries name the pack. Later ones may need it too, through dedup: only
        their manifests know, and those the box cannot read."""
        return tuple(sorted(self._snapshots.get(pack, ())))

    def sources(self, snapshots: Iterable[str]) -> tuple[SourceName, ...]:
        """The sources of these snapshots: which of them a pack is of, the box does not know."""
        wanted = set(snapshots)
        seals = (entry for entry in self.seals.values() if entry.snapshot in wanted)
        return tuple(sorted({SourceName(part.name) for entry in seals for part in entry.sources}))

    def _take_seal(self, index: int, entry: Seal) -> None:
        self.seals[index] = entry
        for part in entry.packs:
            pack = PackId(bytes.fromhex(part.id))
            facts = PackFacts(pack=pack, size=part.size, parity=bytes.fromhex(part.parity))
            self.facts.setdefault(pack, facts)
            self.sealed_by.setdefault(pack, index)
            self._snapshots[pack].add(SnapshotId(entry.snapshot))

    def _take_scrub(self, entry: Scrub) -> None:
        for placement in entry.repaired:
            key = PackId(bytes.fromhex(placement.pack)), DriveIndex(placement.drive)
            self._revisions[key] = max(self._revisions.get(key, 0), placement.revision)
            self._unsound.discard(key)
        for loss in entry.unrepaired:
            self._unsound.add((PackId(bytes.fromhex(loss.pack)), DriveIndex(loss.drive)))
