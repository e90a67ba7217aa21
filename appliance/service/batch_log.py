"""The records that tell sealing what is in staging: one after each closed pack, a final one at the end.

Always written after everything they name is durable. Knows no source and no manifest. FORMAT 4.8.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from appliance.domain.ids import PackId, SourceName
from appliance.format import batch
from appliance.format.batch import Batch, SourceFacts, StagedPack, StagedSegment
from appliance.ports import ScratchFiles

SPARE_SEQUENCES = 1000  # after so many records of a window each further one waits for twice as many packs


@dataclass(slots=True, kw_only=True)
class Counts:
    """The window's numbers so far, in bytes and objects. `stored`: bytes of age files in staging. `source`
    is the one being walked, `files` and `bytes` are its regular files; `listed` are the sources whose
    list is whole."""

    read: int = 0
    new: int = 0
    stored: int = 0
    unreadable: int = 0
    source: SourceName | None = None
    files: int = 0
    bytes: int = 0
    listed: set[SourceName] = field(default_factory=set)
    _earlier: list[tuple[SourceName, int, int]] = field(default_factory=list)

    def begin(self, source: SourceName) -> None:
        """From now on, files of this source."""
        if self.source is not None:
            self._earlier.append((self.source, self.files, self.bytes))
        self.source, self.files, self.bytes = source, 0, 0

    def took(self, size: int) -> None:
        """One regular file, of `size` bytes."""
        self.files += 1
        self.bytes += size

    @property
    def sources(self) -> tuple[SourceFacts, ...]:
        """What is known of each source that was begun, in their order."""
        begun = list(self._earlier)
        if self.source is not None:
            begun.append((self.source, self.files, self.bytes))
        return tuple(
            SourceFacts(name=name, complete=name in self.listed, files=files, bytes=size)
            for name, files, size in begun
        )


class BatchLog:
    """The records of one window."""

    def __init__(self, staging: ScratchFiles, *, window: int, begin_s: int) -> None:
        self._staging = staging
        self._window = window
        self._begin_s = begin_s
        self._sequence = 0
        self._packs: list[StagedPack] = []
        self._segments: list[StagedSegment] = []

    def add_pack(self, pack: StagedPack) -> None:
        self._packs.append(pack)

    def add_segment(self, segment: StagedSegment) -> None:
        self._segments.append(segment)

    @property
    def is_due(self) -> bool:
        """Enough waits to be named."""
        return len(self._packs) >= 1 << self._sequence // SPARE_SEQUENCES

    def write(self, counts: Counts, *, final: bool = False, complete: bool = False) -> None:
        """Name what is new, in as many records as that takes. Durable on return."""
        while len(self._packs) > batch.NAMES_MAX:
            self._put(counts, segments=0)  # they wait for the packs that they refer to
        while len(self._segments) > batch.NAMES_MAX:
            self._put(counts, segments=batch.NAMES_MAX)
        self._put(counts, segments=batch.NAMES_MAX, final=final, complete=complete)

    def _put(self, counts: Counts, *, segments: int, final: bool = False, complete: bool = False) -> None:
        """One record, with the first NAMES_MAX packs and so many segments."""
        record = Batch(
            window=self._window,
            sequence=self._sequence,
            begin_s=self._begin_s,
            final=final,
            complete=complete,
            sources=counts.sources,
            packs=tuple(self._packs[: batch.NAMES_MAX]),
            segments=tuple(self._segments[:segments]),
            bytes_read=counts.read,
            bytes_new=counts.new,
            unreadable=counts.unreadable,
        )
        self._staging.put(record.name, batch.encode(record))
        self._sequence += 1
        self._packs = self._packs[len(record.packs) :]
        self._segments = self._segments[len(record.segments) :]


def is_taken(staging: ScratchFiles, window: int) -> bool:
    """There are records of this window: it was taken, whole or until a cut."""
    parsed = (batch.parse_name(leaf) for leaf in staging.names(batch.FOLDER))
    return any(name is not None and name[0] == window for name in parsed)


def recycle_orphans(staging: ScratchFiles) -> Sequence[PackId]:
    """Remove the age files that no record names; returns their ids. A record that cannot be read could
    name anything, so then nothing is removed. Only before a window's intake begins."""
    named: set[str] = set()
    for leaf in staging.names(batch.FOLDER):
        record = batch.decode(staging.read(f"{batch.FOLDER}/{leaf}", batch.BATCH_BYTES_MAX))
        named.update(batch.pack_name(file.id) for file in record.files)
    orphans = []
    for leaf in staging.names(batch.PACKS_FOLDER):
        pack_id = batch.parse_pack_name(leaf)
        if pack_id is not None and batch.pack_name(pack_id) not in named:
            staging.recycle(batch.pack_name(pack_id))
            orphans.append(pack_id)
    return orphans
