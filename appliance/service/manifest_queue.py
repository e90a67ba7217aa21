"""From files that were met to manifest segments: in the order of the walk, each as soon as its packs are
closed. FORMAT 4.

What waits is bounded by what the open packs hold. Knows no source; reads nothing.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeAlias

from appliance.domain.file_entry import Extent, FileEntry, Kind
from appliance.domain.file_state import FileState
from appliance.domain.ids import SourceName
from appliance.format import manifest
from appliance.format.batch import StagedSegment
from appliance.format.manifest_record import End, Head
from appliance.pipeline import seal
from appliance.ports import DedupIndex
from appliance.service.pack_file import PackMaker
from appliance.service.reading import Run

STATES_MAX = 4096  # file states that are held before they are given to the index


@dataclass(slots=True, eq=False, kw_only=True)
class Pending:
    """A file or other object on its way into the manifest. `signature`: remember its state, b"" not.
    `read_to`: reading ended there, the file is remembered but not listed."""

    entry: FileEntry
    runs: list[Run] = field(default_factory=list)
    signature: bytes = b""
    read_to: int | None = None

    def extents(self) -> tuple[Extent, ...] | None:
        """Where its bytes lie; None while a pack is not closed."""
        extents = []
        for run in self.runs:
            extent = run.extent()
            if extent is None:
                return None
            extents.append(extent)
        return tuple(extents)


@dataclass(slots=True, eq=False, kw_only=True)
class _Begin:
    source: SourceName


@dataclass(slots=True, eq=False, kw_only=True)
class _End:
    complete: bool


_Item: TypeAlias = Pending | _Begin | _End


class ManifestQueue:
    """`wrote` is told of every segment that became durable, `listed` of every source whose list is whole,
    `refused` of an object that no manifest can hold (its source, its path and why)."""

    def __init__(
        self,
        maker: PackMaker,
        index: DedupIndex,
        *,
        snapshot: tuple[int, int],
        wrote: Callable[[StagedSegment], None],
        listed: Callable[[SourceName], None],
        refused: Callable[[SourceName, bytes, str], None],
    ) -> None:
        self._maker = maker
        self._index = index
        self._window, self._begin_s = snapshot
        self._wrote = wrote
        self._listed = listed
        self._refused = refused
        self._items: deque[_Item] = deque()
        self._states: list[FileState] = []
        self._source = SourceName("")
        self._segment = 0
        self._entries = self._files = self._bytes = 0
        self._writer: manifest.Writer | None = None
        self._sealer: seal.PackSealer | None = None

    def begin(self, source: SourceName) -> None:
        """From now on, objects of this source."""
        self._items.append(_Begin(source=source))
        self.pump()

    def add(self, pending: Pending) -> None:
        self._items.append(pending)
        if len(self._items) == 1:
            self.pump()

    def end(self, *, complete: bool) -> None:
        """No more objects of this source; `complete`: it was walked to its end."""
        self._items.append(_End(complete=complete))
        self.pump()

    def pump(self) -> None:
        """Write what can be written."""
        while self._items:
            item = self._items[0]
            if isinstance(item, Pending):
                extents = item.extents()
                if extents is None:
                    return
                self._items.popleft()
                self._take(item, extents)
            else:
                self._items.popleft()
                self._turn(item)

    def cut(self) -> None:
        """End the segment that is open, so that it can be named, and have the states remembered."""
        self._close_segment(End())
        self._remember()

    # ---------------------------------------------------------------------------------------------------

    def _turn(self, item: _Begin | _End) -> None:
        if isinstance(item, _Begin):
            self._source, self._segment = item.source, 0
            self._entries = self._files = self._bytes = 0
            return
        if item.complete:
            self._open_segment()
        self._close_segment(self._last() if item.complete else End())
        self._remember()
        if item.complete:
            self._listed(self._source)

    def _last(self) -> End:
        return End(last=True, entries=self._entries, files=self._files, bytes=self._bytes)

    def _take(self, item: Pending, extents: tuple[Extent, ...]) -> None:
        if item.signature:
            state = FileState(
                path=item.entry.path, signature=item.signature, extents=extents, read_to=item.read_to
            )
            self._states.append(state)
            if len(self._states) >= STATES_MAX:
                self._remember()
        if item.read_to is None:
            self._write(item.entry.with_extents(extents) if extents else item.entry)

    def _write(self, entry: FileEntry) -> None:
        writer = self._open_segment()
        try:
            writer.add(entry)
        except ValueError as error:
            self._refused(self._source, entry.path, str(error))
            return
        self._entries += 1
        self._files += entry.kind in (Kind.FILE, Kind.HARD_LINK)
        self._bytes += entry.size
        if writer.is_long:
            self._close_segment(End())

    def _open_segment(self) -> manifest.Writer:
        if self._writer is None:
            self._sealer = self._maker.open()
            head = Head(
                window=self._window, begin_s=self._begin_s, segment=self._segment, source=self._source
            )
            self._writer = manifest.Writer(head, self._sealer.append)
            self._segment += 1
        return self._writer

    def _close_segment(self, end: End) -> None:
        if self._writer is None or self._sealer is None:
            return
        self._writer.end(end)
        sealed = self._maker.close(self._sealer)
        self._writer = self._sealer = None
        self._wrote(StagedSegment(id=sealed.id, size=sealed.size, source=self._source))

    def _remember(self) -> None:
        if self._states:
            self._index.remember(self._source, self._states)
            self._states = []
