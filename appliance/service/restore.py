"""Recovery's work: from manifest segments and packs to a directory tree.

Goes segment by segment in batches; a finished batch is journalled in the target and not read again by
`--resume`. Manifests are parsed as hostile: whoever knew the public key could write one. Lives in the
key process only: it is given the opened identity. FORMAT 3, 4.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial

from appliance.domain.file_entry import FileEntry, Kind
from appliance.errors import IwatoError, ManifestInvalid, NotInSnapshot
from appliance.format import age_file
from appliance.format.ledger_entry import Seal
from appliance.ports import RestoreTarget
from appliance.service.file_lists import FileLists, Walked
from appliance.service.gather import Gatherer
from appliance.service.restore_files import FileRestore, RestoreReport
from appliance.service.room import Room
from appliance.service.selection import Selection

BATCH_BYTES = 4 << 30  # bytes of files; what an interruption costs at most, beyond one larger file
BATCH_OBJECTS = 1 << 16  # objects; bounds the names that are held


@dataclass(slots=True, kw_only=True)
class _Batch:
    """Objects of one segment that are finished together. `done` by an earlier run."""

    step: str
    done: bool
    failed_before: int
    names: set[bytes] = field(default_factory=set)
    links: list[tuple[bytes, bytes]] = field(default_factory=list)
    file_bytes: int = 0

    @property
    def is_full(self) -> bool:
        return len(self.names) >= BATCH_OBJECTS or self.file_bytes >= BATCH_BYTES


class Restore:
    """One restore into one target. `progress` gets the bytes that are in the target by now."""

    def __init__(
        self,
        gatherer: Gatherer,
        identity: age_file.Unwraps,
        target: RestoreTarget,
        progress: Callable[[int], None],
    ) -> None:
        self.report = RestoreReport()
        self._target, self._progress = target, progress
        self._files = FileRestore(gatherer, identity, target, self.report, progress)
        self._room = Room(target, 0, lambda: 0)
        self._met = 0  # entries that the selection names
        self._made: set[bytes] = set()
        self._directories: dict[bytes, FileEntry] = {}
        self._orphans: list[tuple[bytes, bytes]] = []
        self._lists = FileLists(
            gatherer, identity, self._failed, lambda: progress(self.report.content_bytes)
        )

    def run(self, snapshot: Seal, selection: Selection) -> RestoreReport:
        """Restore what is selected. TargetUnusable ends it early; `--resume` goes on. NotInSnapshot
        when there is nothing of that name, TargetTooSmall without room: then nothing was made."""
        with closing(self._files):
            return self._run(snapshot, selection)

    def _run(self, snapshot: Seal, selection: Selection) -> RestoreReport:
        self._check_sources(snapshot, selection)
        self._target.begin(f"{snapshot.snapshot} {selection.text()}")
        announced = sum(part.bytes for part in snapshot.sources if selection.has_source(part.name))
        counted = partial(self._lists.content_bytes, snapshot.segments, selection)
        self._room = Room(self._target, announced, counted)
        self._room.require()
        for segment in snapshot.segments:
            self._segment(segment, selection)
        self._adopt(snapshot.segments, selection)
        if selection.subtree and not (self._met or self._lists.lost or self.report.failed):
            path = selection.subtree.decode("utf-8", "backslashreplace")
            raise NotInSnapshot(path=path, snapshot=snapshot.snapshot)
        self._check_counts(snapshot, selection)
        self._dress_directories()
        self._target.finish()
        return self.report

    # -- what should be there ------------------------------------------------------------------------

    def _check_sources(self, snapshot: Seal, selection: Selection) -> None:
        unknown = selection.sources - {part.name for part in snapshot.sources}
        if unknown:
            raise NotInSnapshot(path=", ".join(sorted(unknown)), snapshot=snapshot.snapshot)

    def _check_counts(self, snapshot: Seal, selection: Selection) -> None:
        """A source that was pulled whole has as many entries as its last segment says. Of what a lost
        segment held nothing is known: it is listed itself."""
        if self._lists.lost:
            return
        for part in snapshot.sources:
            walked = self._lists.walked.get(part.name, Walked())
            if part.complete and selection.has_source(part.name) and walked.entries != walked.said:
                error = ManifestInvalid(detail="a part of the source is not in it")
                self.report.failed.append((part.name.encode("ascii"), error))

    # -- one segment ---------------------------------------------------------------------------------

    def _segment(self, segment: str, selection: Selection) -> None:
        number = 0
        batch = self._begin(segment, number)
        for source, entry in self._lists.entries(segment, selection, count=True):
            self._object(batch, source, entry, selection)
            if batch.is_full:
                self._end(batch)
                number += 1
                batch = self._begin(segment, number)
        self._end(batch)

    def _begin(self, segment: str, number: int) -> _Batch:
        step = f"{segment}.{number}"
        failed = len(self.report.failed)
        return _Batch(step=step, done=self._target.is_done(step), failed_before=failed)

    def _end(self, batch: _Batch) -> None:
        self._files.flush()
        for path, first in batch.links:
            error = self._link(path, first)
            if isinstance(error, FileNotFoundError):
                self._orphans.append((path, first))
            elif error is not None:
                self._failed(path, error)
        if batch.names and not batch.done:
            self._target.end_step(batch.step, whole=len(self.report.failed) == batch.failed_before)

    def _object(self, batch: _Batch, source: bytes, entry: FileEntry, selection: Selection) -> None:
        path = _join(source, entry.path)
        self._met += selection.has(entry.path)
        if entry.kind is Kind.DIRECTORY:
            if selection.has(entry.path):
                self._directories[path] = entry
                self._attempt(path, self._make_directory, path)
            elif selection.leads_to(entry.path):
                self._directories[path] = entry
        elif selection.has(entry.path):
            if path in batch.names:
                self._failed(path, ManifestInvalid(detail="a name is given twice"))
                return
            batch.names.add(path)
            batch.file_bytes += entry.size
            if entry.kind is Kind.HARD_LINK:
                batch.links.append((path, _join(source, entry.target)))
            elif batch.done and self._target.holds(path, entry):
                self._count_done(path, entry)
            else:
                self._attempt(path, self._content, path, entry)

    def _count_done(self, path: bytes, entry: FileEntry) -> None:
        """An earlier run made it; the report is about what is in the target. The directories above it
        are not dressed yet."""
        self._attempt(path, self._parents, path)
        self.report.objects += 1
        self.report.content_bytes += entry.content_bytes
        self._progress(self.report.content_bytes)
        if entry.changed:
            self.report.changed.append(path)

    # -- objects -------------------------------------------------------------------------------------

    def _content(self, path: bytes, entry: FileEntry) -> None:
        """Anything but a directory or a further name."""
        self._parents(path)
        if entry.kind is Kind.FILE:
            self._room.take(entry.content_bytes, self.report.content_bytes)
            self._files.add(path, entry)
            return
        if entry.kind is Kind.SYMLINK:
            self._target.make_symlink(path, entry.target)
        elif not self._target.make_special(path, entry):
            return
        self._target.dress(path, entry)
        self.report.objects += 1

    def _make_directory(self, path: bytes) -> None:
        if path not in self._made:
            self._parents(path)
            self._target.make_directory(path)
            self._made.add(path)

    def _parents(self, path: bytes) -> None:
        """Directories above `path` that are not made yet; the manifest may name them later, or never."""
        missing = []
        while (path := path.rpartition(b"/")[0]) and path not in self._made:
            missing.append(path)
        for parent in reversed(missing):
            self._target.make_directory(parent)
            self._made.add(parent)

    def _dress_directories(self) -> None:
        """Deepest first: making an entry moves its directory's times, and 0555 would refuse it."""
        for path in sorted(self._directories.keys() & self._made, key=len, reverse=True):
            self._attempt(path, self._target.dress, path, self._directories[path])
            self._progress(self.report.content_bytes)
            self.report.objects += 1

    def _link(self, path: bytes, first: bytes) -> OSError | None:
        """Make a further name; what kept it from being made."""
        try:
            self._parents(path)
            self._target.make_hard_link(path, first)
        except OSError as error:
            return error
        self.report.objects += 1
        return None

    # -- further names of what was not asked for -----------------------------------------------------

    def _adopt(self, segments: tuple[str, ...], selection: Selection) -> None:
        """Where the first name is not in the target, the content comes under the further one."""
        heirs: dict[bytes, bytes] = {}
        for path, first in self._orphans:
            heirs.setdefault(first, path)
        if not heirs:
            return
        failed = len(self.report.failed)
        found: set[bytes] = set()
        everything = Selection(sources=selection.sources)
        for segment in segments:
            for source, entry in self._lists.entries(segment, everything, count=False):
                first = _join(source, entry.path)
                if first in heirs and first not in found and _is_content(entry):
                    found.add(first)
                    self._attempt(heirs[first], self._content, heirs[first], entry)
        self._files.flush()
        reasons = dict(self.report.failed[failed:])
        nowhere = ManifestInvalid(detail="a further name of a file that is not in it")
        for path, first in self._orphans:
            heir = heirs[first]
            if first not in found:
                self._failed(path, nowhere)
            elif path != heir:
                error = self._link(path, heir)
                if error is not None:
                    self._failed(path, reasons.get(heir, error))

    # -- errors --------------------------------------------------------------------------------------

    def _attempt(self, path: bytes, act: Callable[..., None], *arguments: object) -> None:
        """Do it, or list the path with its reason. TargetUnusable ends the restore."""
        try:
            act(*arguments)
        except OSError as error:
            self._failed(path, error)

    def _failed(self, path: bytes, error: IwatoError | OSError) -> None:
        self.report.failed.append((path, error))


def _is_content(entry: FileEntry) -> bool:
    return entry.kind not in (Kind.DIRECTORY, Kind.HARD_LINK)


def _join(source: bytes, path: bytes) -> bytes:
    return source + b"/" + path if path else source
