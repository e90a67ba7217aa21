"""`copies diff`: what became of each object between two snapshots. Lives in the key process only.

Both lists are read side by side, so memory does not grow with them. Content is the same where it lies in
the same chunks; where it lies elsewhere, its chunks' hashes decide, and where it was cut elsewhere, its
bytes. Knows no console; a name leaves through whoever iterates.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from enum import StrEnum
from itertools import chain, pairwise

from blake3 import blake3

from appliance.domain.file_entry import ChunkRef, FileEntry, Kind
from appliance.domain.ids import PackId
from appliance.errors import ManifestInvalid
from appliance.format import age_file, manifest
from appliance.format.ledger_entry import Seal
from appliance.pipeline import flow, seal
from appliance.service import copy_order, file_lists
from appliance.service.gather import GatheredPack, Gatherer
from appliance.service.selection import Selection

PIECE_BYTES = 1 << 20  # bytes that are compared at a time
PACKS_OPEN = 8  # packs whose tables are held: a megabyte and two stripes each
_ZEROS = bytes(PIECE_BYTES)


class Change(StrEnum):
    """What became of an object."""

    ADDED = "added"
    REMOVED = "removed"
    CONTENT = "content"
    METADATA = "metadata"
    KIND = "kind"


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One object. Sizes in bytes, 0 where it is not there or no file."""

    source: str
    path: bytes
    change: Change
    size_before: int
    size_after: int


class Differ:
    """Compares `before` with `after`. `progress` gets the bytes of lists and files that were read so far.
    VaultError for a list or a pack that cannot be read: then there is no answer that could be trusted."""

    def __init__(
        self,
        gatherer: Gatherer,
        identity: age_file.Unwraps,
        selection: Selection,
        progress: Callable[[int], None],
    ) -> None:
        self._gatherer, self._identity = gatherer, identity
        self._selection, self._progress = selection, progress
        self._done = 0
        self._packs: OrderedDict[PackId, tuple[GatheredPack, flow.PackReader]] = OrderedDict()
        self.compared = 0

    def close(self) -> None:
        """Let the packs go."""
        while self._packs:
            self._packs.popitem()[1][0].close()

    def run(self, before: Seal, after: Seal) -> Iterator[Difference]:
        """Every difference, source by source, in the order of a walk."""
        names = sorted({part.name for part in (*before.sources, *after.sources)})
        for source in names:
            if self._selection.has_source(source):
                yield from self._source(source, before, after)

    def _source(self, source: str, before: Seal, after: Seal) -> Iterator[Difference]:
        """The two lists side by side."""
        olds, news = self._entries(before, source), self._entries(after, source)
        old, new = next(olds, None), next(news, None)
        while old is not None or new is not None:
            self.compared += 1
            old_key = copy_order.key(old) if old else None
            new_key = copy_order.key(new) if new else None
            if old is not None and (new_key is None or (old_key is not None and old_key < new_key)):
                yield _one(source, old, Change.REMOVED)
                old = next(olds, None)
            elif new is not None and old_key != new_key:
                yield _one(source, new, Change.ADDED)
                new = next(news, None)
            else:
                assert old is not None
                assert new is not None
                change = self._change(old, new)
                if change is not None:
                    yield Difference(
                        source=source,
                        path=new.path,
                        change=change,
                        size_before=old.size,
                        size_after=new.size,
                    )
                old, new = next(olds, None), next(news, None)

    def _entries(self, snapshot: Seal, source: str) -> Iterator[FileEntry]:
        """The selected entries of a source. ManifestInvalid where they are not in the order of a walk."""
        last: copy_order.WalkKey | None = None
        for segment in snapshot.segments:
            with closing(file_lists.pieces(self._gatherer, self._identity, segment)) as opened:
                reader = manifest.Reader(self._counted(opened))
                if reader.head.source != source:
                    continue
                for entry in reader:
                    here = copy_order.key(entry)
                    if last is not None and here <= last:
                        raise ManifestInvalid(detail="its entries are not in the order of a walk")
                    last = here
                    if self._selection.has(entry.path):
                        yield entry

    def _counted(self, pieces: Iterator[bytes]) -> Iterator[bytes]:
        for piece in pieces:
            self._read(len(piece))
            yield piece

    def _read(self, count: int) -> None:
        self._done += count
        self._progress(self._done)

    # One object ----------------------------------------------------------------------------------------

    def _change(self, old: FileEntry, new: FileEntry) -> Change | None:
        if old.kind is not new.kind:
            return Change.KIND
        if old.kind is Kind.FILE and not self._is_same_content(old, new):
            return Change.CONTENT
        if (old.target, old.device) != (new.target, new.device):
            return Change.CONTENT
        same = (old.mode, old.uid, old.gid, old.mtime_ns, old.xattrs)
        return None if same == (new.mode, new.uid, new.gid, new.mtime_ns, new.xattrs) else Change.METADATA

    def _is_same_content(self, old: FileEntry, new: FileEntry) -> bool:
        if old.size != new.size:
            return False
        if old.extents == new.extents:
            return True
        if _cuts(old) == _cuts(new):
            pairs = zip(_refs(old), _refs(new), strict=True)
            return all(one == other or self._digest(one) == self._digest(other) for one, other in pairs)
        return self._hash(old) == self._hash(new)

    def _digest(self, ref: ChunkRef) -> bytes:
        """The chunk's plain hash, as its pack's table proves it."""
        return self._pack(ref.pack).table.locate(ref.slot).slot.digest

    def _hash(self, entry: FileEntry) -> bytes:
        """Of the file's bytes, holes included."""
        hasher, position = blake3(), 0
        for extent in entry.extents:
            _skip(hasher, extent.offset - position)
            position = extent.offset
            for ref in extent.chunks:
                self._read(ref.length)
                hasher.update(self._pack(ref.pack).chunk(ref.slot))
                position += ref.length
        _skip(hasher, entry.size - position)
        return hasher.digest()

    def _pack(self, pack: PackId) -> flow.PackReader:
        """The pack's reader; of the packs used last, some stay open."""
        held = self._packs.pop(pack, None)
        if held is None:
            if len(self._packs) >= PACKS_OPEN:
                self._packs.popitem(last=False)[1][0].close()
            packed = self._gatherer.open(pack)
            held = packed, flow.PackReader(seal.Plaintext(self._identity, packed.pread_into, packed.size))
        self._packs[pack] = held
        return held[1]


def _one(source: str, entry: FileEntry, change: Change) -> Difference:
    sizes = (entry.size, 0) if change is Change.REMOVED else (0, entry.size)
    return Difference(
        source=source, path=entry.path, change=change, size_before=sizes[0], size_after=sizes[1]
    )


def _refs(entry: FileEntry) -> Iterator[ChunkRef]:
    return chain.from_iterable(extent.chunks for extent in entry.extents)


def _cuts(entry: FileEntry) -> list[tuple[int, tuple[int, ...]]]:
    return [(extent.offset, tuple(ref.length for ref in extent.chunks)) for extent in entry.extents]


def _skip(hasher: blake3, length: int) -> None:
    """A hole reads as zeros."""
    for start, end in pairwise([*range(0, length, PIECE_BYTES), length]):
        hasher.update(_ZEROS[: end - start])
