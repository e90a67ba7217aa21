"""Recovery's work: from manifest segments and packs to a directory tree.

Goes segment by segment; within one, pack by pack, so that every pack is read in order and only where it
is needed. A file that cannot be made whole is removed again and listed. Lives in the key process only:
it is given the opened identity. FORMAT 3, 4.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from blake3 import blake3

from appliance.domain.file_entry import FileEntry, Kind
from appliance.domain.ids import PackId
from appliance.errors import IwatoError, TargetUnusable, VaultError
from appliance.format import age_file, manifest
from appliance.format.ledger_entry import Seal
from appliance.pipeline import flow, seal
from appliance.ports import RestoreTarget
from appliance.service.gather import Gatherer

PIECE_BYTES = 1 << 20  # bytes of a manifest read at a time


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """What of a snapshot is wanted. No `sources` are all; `subtree` raw, b"" is everything."""

    sources: frozenset[str] = frozenset()
    subtree: bytes = b""

    def has_source(self, name: str) -> bool:
        return not self.sources or name in self.sources

    def has(self, path: bytes) -> bool:
        """The object itself is wanted."""
        return not self.subtree or path == self.subtree or path.startswith(self.subtree + b"/")

    def leads_to(self, path: bytes) -> bool:
        """A directory on the way to what is wanted."""
        return not path or self.subtree.startswith(path + b"/")


@dataclass(slots=True, kw_only=True)
class RestoreReport:
    """What was made. `failed` lists (path, error) of everything that is missing from the target."""

    objects: int = 0
    content_bytes: int = 0
    failed: list[tuple[bytes, IwatoError | OSError]] = field(default_factory=list)
    changed: list[bytes] = field(default_factory=list)


@dataclass(slots=True, kw_only=True)
class _Wanted:
    """A file while its chunks come in; `left` of them are missing."""

    path: bytes
    entry: FileEntry
    left: int
    begun: bool = False


class Restore:
    """One restore into one target."""

    def __init__(
        self,
        gatherer: Gatherer,
        identity: age_file.Unwraps,
        target: RestoreTarget,
        progress: Callable[[int], None],
    ) -> None:
        self._gatherer, self._identity = gatherer, identity
        self._target, self._progress = target, progress
        self._made: set[bytes] = set()
        self._directories: dict[bytes, FileEntry] = {}
        self._links: list[tuple[bytes, bytes, FileEntry]] = []
        self.report = RestoreReport()

    def run(self, snapshot: Seal, selection: Selection) -> RestoreReport:
        """Restore what is selected. TargetUnusable ends it early; --resume goes on."""
        name = blake3(repr((snapshot.snapshot, sorted(selection.sources), selection.subtree)).encode())
        for segment in snapshot.segments:
            step = f"{segment}-{name.hexdigest(8)}"
            self._segment(segment, selection, content=not self._target.is_done(step))
            self._target.mark_done(step)
        self._hard_links(snapshot.segments, selection)
        for path in sorted(self._directories, key=len, reverse=True):
            self._attempt(path, self._dress_directory, path)
        self._target.finish()
        return self.report

    # -- one segment ---------------------------------------------------------------------------------

    def _segment(self, segment: str, selection: Selection, *, content: bool) -> None:
        files: list[_Wanted] = []
        for source, entry in self._entries(segment, selection):
            path = _join(source, entry.path)
            if entry.kind is Kind.DIRECTORY:
                if selection.has(entry.path) or selection.leads_to(entry.path):
                    self._directories[path] = entry
                    self._attempt(path, self._make_directory, path)
            elif not selection.has(entry.path):
                continue
            elif entry.kind is Kind.HARD_LINK:
                self._links.append((path, _join(source, entry.target), entry))
            elif entry.kind is Kind.FILE:
                chunks = sum(len(extent.chunks) for extent in entry.extents)
                files.append(_Wanted(path=path, entry=entry, left=chunks))
            elif content:
                self._attempt(path, self._special, path, entry)
        self.report.objects += len(files)
        if content:
            self._files(files)
        else:
            self._made.update(file.path for file in files)

    def _entries(self, segment: str, selection: Selection) -> Iterator[tuple[bytes, FileEntry]]:
        """(source, entry) of one segment; a segment that is lost is reported as itself."""
        try:
            reader = manifest.Reader(self._pieces(PackId(bytes.fromhex(segment))))
            if selection.has_source(reader.head.source):
                source = reader.head.source.encode("ascii")
                yield from ((source, entry) for entry in reader)
        except VaultError as error:
            self.report.failed.append((b"manifest " + segment.encode("ascii"), error))

    def _pieces(self, pack_id: PackId) -> Iterator[bytes]:
        packed = self._gatherer.open(pack_id)
        try:
            plain = seal.Plaintext(self._identity, packed.pread_into, packed.size)
            for offset in range(0, plain.length, PIECE_BYTES):
                yield plain.read(offset, min(PIECE_BYTES, plain.length - offset))
        finally:
            packed.close()

    # -- files ---------------------------------------------------------------------------------------

    def _files(self, files: Sequence[_Wanted]) -> None:
        needs: dict[PackId, list[tuple[int, int, int, _Wanted]]] = defaultdict(list)
        for file in files:
            if not file.left:
                self._attempt(file.path, self._finish_file, file)
            for slot, offset, length, pack in _places(file.entry):
                needs[pack].append((slot, offset, length, file))
        for pack, places in needs.items():
            places.sort(key=lambda place: place[0])
            self._deliver(pack, places)

    def _deliver(self, pack: PackId, places: Sequence[tuple[int, int, int, _Wanted]]) -> None:
        """Read one pack in slot order and hand its chunks to the files that need them."""
        packed = None
        try:
            packed = self._gatherer.open(pack)
            reader = flow.PackReader(seal.Plaintext(self._identity, packed.pread_into, packed.size))
        except VaultError as error:
            for _slot, _offset, _length, file in places:
                self._fail(file, error)
            return
        else:
            for slot, offset, length, file in places:
                self._chunk(reader, slot, offset, length, file)
        finally:
            if packed is not None:
                packed.close()

    def _chunk(self, reader: flow.PackReader, slot: int, offset: int, length: int, file: _Wanted) -> None:
        if file.left < 0:
            return
        try:
            content = reader.chunk(slot)[:length]
            self._begin(file)
            self._target.write(file.path, offset, content)
        except TargetUnusable:
            raise
        except (VaultError, OSError) as error:
            self._fail(file, error)
            return
        file.left -= 1
        self.report.content_bytes += len(content)
        self._progress(self.report.content_bytes)
        if not file.left:
            self._attempt(file.path, self._finish_file, file)

    def _begin(self, file: _Wanted) -> None:
        if not file.begun:
            self._parents(file.path)
            self._target.begin_file(file.path, file.entry.size)
            file.begun = True

    def _finish_file(self, file: _Wanted) -> None:
        self._begin(file)
        self._target.dress(file.path, file.entry)
        self._made.add(file.path)
        if file.entry.changed:
            self.report.changed.append(file.path)

    def _fail(self, file: _Wanted, error: IwatoError | OSError) -> None:
        if file.left < 0:
            return
        file.left = -1
        self.report.failed.append((file.path, error))
        self.report.objects -= 1
        if file.begun:
            self._target.drop_file(file.path)

    # -- everything else -----------------------------------------------------------------------------

    def _make_directory(self, path: bytes) -> None:
        self._parents(path)
        if path not in self._made:
            self._target.make_directory(path)
            self._made.add(path)
            self.report.objects += 1

    def _parents(self, path: bytes) -> None:
        """Directories above `path` that no manifest entry has made yet."""
        parent = path.rpartition(b"/")[0]
        if parent and parent not in self._made:
            self._parents(parent)
            self._target.make_directory(parent)
            self._made.add(parent)

    def _dress_directory(self, path: bytes) -> None:
        self._target.dress(path, self._directories[path])

    def _special(self, path: bytes, entry: FileEntry) -> None:
        self._parents(path)
        if entry.kind is Kind.SYMLINK:
            self._target.make_symlink(path, entry.target)
        elif not self._target.make_special(path, entry):
            return
        self._target.dress(path, entry)
        self.report.objects += 1

    def _hard_links(self, segments: Sequence[str], selection: Selection) -> None:
        """Further names. Where the first name was not asked for, the content comes under this one."""
        absent = {first for _path, first, _entry in self._links} - self._made
        first_of: dict[bytes, bytes] = {}
        if absent and (selection.subtree or selection.sources):
            wanted = {first: path for path, first, _entry in self._links if first in absent}
            everything = Selection(sources=selection.sources)
            for segment in segments:
                found = [
                    (wanted[_join(source, entry.path)], entry)
                    for source, entry in self._entries(segment, everything)
                    if _join(source, entry.path) in wanted
                ]
                files = [
                    _Wanted(path=path, entry=entry, left=sum(len(e.chunks) for e in entry.extents))
                    for path, entry in found
                ]
                self._files(files)
            first_of = {first: path for first, path in wanted.items() if path in self._made}
        for path, first, _entry in self._links:
            if path not in self._made:
                self._attempt(path, self._link, path, first_of.get(first, first))

    def _link(self, path: bytes, first: bytes) -> None:
        self._parents(path)
        self._target.make_hard_link(path, first)
        self.report.objects += 1

    def _attempt(self, path: bytes, act: Callable[..., None], *arguments: object) -> None:
        """Do it, or list the path with its reason. A full target ends the restore."""
        try:
            act(*arguments)
        except TargetUnusable:
            raise
        except OSError as error:
            self.report.failed.append((path, error))


def _join(source: bytes, path: bytes) -> bytes:
    return source + b"/" + path if path else source


def _places(entry: FileEntry) -> Iterator[tuple[int, int, int, PackId]]:
    """(slot, offset in the file, length, pack) of every chunk."""
    for extent in entry.extents:
        offset = extent.offset
        for ref in extent.chunks:
            yield ref.slot, offset, ref.length, ref.pack
            offset += ref.length
