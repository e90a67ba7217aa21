"""What becomes of each object of a source: taken as remembered, read, read again, or left out and told.

Decides; the reading itself is reading.py's, the list is manifest_queue.py's. One object per source.
"""

from __future__ import annotations

import errno
from collections.abc import Callable
from dataclasses import replace

from appliance.domain.file_entry import FileEntry, Kind
from appliance.domain.file_state import Remembered
from appliance.pipeline import chunk
from appliance.ports import DedupIndex, FolderStates, Source
from appliance.service.manifest_queue import ManifestQueue, Pending
from appliance.service.reading import Content, Reader, remembered_runs

TRIES = 2  # reads of a file that changes while it is read; then it is marked as changed


class FileTaker:
    """`refuse(path, reason)` is told of every object that is left out."""

    def __init__(
        self,
        source: Source,
        reader: Reader,
        queue: ManifestQueue,
        index: DedupIndex,
        refuse: Callable[[bytes, str], None],
    ) -> None:
        self._source = source
        self._reader = reader
        self._queue = queue
        self._index = index
        self._refuse = refuse
        self._lost: set[bytes] = set()
        self._folder: tuple[bytes, FolderStates] | None = None

    def take(self, entry: FileEntry, signature: bytes) -> FileEntry | None:
        """The entry as it will be listed; None when it is left out or the window ended in it."""
        if entry.kind == Kind.FILE:
            return self._take_file(entry, signature)
        if entry.kind == Kind.HARD_LINK and entry.target in self._lost:
            self._refuse(entry.path, "its first name could not be read")
            return None
        self._queue.add(Pending(entry=entry))
        return entry

    def _take_file(self, entry: FileEntry, signature: bytes) -> FileEntry | None:
        known = self._remembered(entry, signature) if signature else None
        if known is not None and known.read_to is None:
            entry = entry.with_extents(known.extents)
            self._queue.add(Pending(entry=entry))
            return entry
        if not entry.size:
            self._queue.add(Pending(entry=entry))
            return entry
        try:
            return self._read_file(entry, signature, _begun(known))
        except OSError as error:
            self._lost.add(entry.path)
            self._refuse(entry.path, error.strerror or type(error).__name__)
            return None

    def _read_file(self, entry: FileEntry, signature: bytes, begin: Content | None) -> FileEntry | None:
        """Read once more what changed while it was read; what changed again is marked."""
        content, intact = self._read_once(entry, begin)
        for _ in range(TRIES - 1):
            if intact or content.stopped:
                break
            entry, signature = self._source.look(entry.path)
            if entry.kind != Kind.FILE:
                raise OSError(errno.EINVAL, "it turned into something else while it was read")
            content, intact = self._read_once(entry, None)
        if intact:
            return self._keep(entry, signature, content)
        if content.stopped:
            return None
        size = content.read_to if content.short else entry.size
        return self._keep(replace(entry, size=size, changed=True), b"", content)

    def _read_once(self, entry: FileEntry, begin: Content | None) -> tuple[Content, bool]:
        file = self._source.open(entry)
        try:
            content = self._reader.read(file, entry.size, begin)
            return content, not content.short and file.unchanged()
        finally:
            file.close()

    def _keep(self, entry: FileEntry, signature: bytes, content: Content) -> FileEntry | None:
        """List the file; when the window ended in it, only remember how far it was read."""
        is_small = entry.size <= chunk.SMALL_BYTES
        if content.read_to < entry.size:
            if signature and content.runs and not is_small:
                self._queue.add(
                    Pending(entry=entry, runs=content.runs, signature=signature, read_to=content.read_to)
                )
            return None
        if is_small:
            self._reader.keep(content)
        self._queue.add(Pending(entry=entry, runs=content.runs, signature=signature))
        return entry

    def _remembered(self, entry: FileEntry, signature: bytes) -> Remembered | None:
        """What is known of this very state of the file."""
        path, _, leaf = entry.path.rpartition(b"/")
        if self._folder is None or self._folder[0] != path:
            self._folder = (path, self._index.folder(self._source.name, path))
        return self._folder[1].find(leaf, signature)


def _begun(known: Remembered | None) -> Content | None:
    """Where an earlier window left off in a file."""
    if known is None or known.read_to is None:
        return None
    return Content(runs=list(remembered_runs(known.extents)), read_to=known.read_to)
