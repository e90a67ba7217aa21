"""The content of files on its way from packs to the target.

Collects what files need, then reads pack by pack in slot order, so that nothing is read twice; several
packs at once, because decrypting and expanding use one core each. Whoever reads a pack writes what lies in
it, also into a file that several write to. A file that cannot be made whole is removed again and
listed. FORMAT 3.
"""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, nullcontext
from dataclasses import dataclass, field
from typing import TypeAlias

from appliance.domain.file_entry import FileEntry
from appliance.domain.ids import PackId
from appliance.errors import ChunkDamaged, IwatoError, VaultError
from appliance.format import age_file
from appliance.pipeline import flow, seal
from appliance.ports import FileMaker, RestoreTarget
from appliance.service.gather import Gatherer

READERS = 3  # threads; the fastest of the prototype (30-vault), and three packs' buffers stay small
PLACES_MAX = 1 << 16  # chunks waiting; about 10 MB of bookkeeping, and 64 GiB of usual content


@dataclass(slots=True, kw_only=True)
class RestoreReport:
    """What was made. `failed` lists (path, error) of everything that is missing from the target."""

    objects: int = 0
    content_bytes: int = 0
    failed: list[tuple[bytes, IwatoError | OSError]] = field(default_factory=list)
    changed: list[bytes] = field(default_factory=list)


@dataclass(slots=True, kw_only=True, eq=False)
class _File:
    """A file while its chunks come in; `left` of them are missing. `lost`: it was given up. `whole`: all
    of it lies in one pack."""

    path: bytes
    entry: FileEntry
    left: int
    whole: bool
    begun: bool = False
    lost: bool = False


_Place: TypeAlias = tuple[int, int, int, _File]  # slot, offset in the file, length, file


class FileRestore:
    """Files of one restore. The report and `progress` are used by one thread at a time."""

    def __init__(
        self,
        gatherer: Gatherer,
        identity: age_file.Unwraps,
        target: RestoreTarget,
        report: RestoreReport,
        progress: Callable[[int], None],
    ) -> None:
        self._gatherer, self._identity = gatherer, identity
        self._target, self._report, self._progress = target, report, progress
        self._needs: dict[PackId, list[_Place]] = defaultdict(list)
        self._waiting = 0
        self._lock = threading.Lock()
        self._own = target.file_maker()  # of the thread that adds
        self._stopped = False

    def add(self, path: bytes, entry: FileEntry) -> None:
        """Have the file made; it is there, or listed as failed, after the next `flush`."""
        chunks = [ref for extent in entry.extents for ref in extent.chunks]
        file = _File(path=path, entry=entry, left=len(chunks), whole=len({ref.pack for ref in chunks}) == 1)
        if not file.left:
            self._attempt(file, self._own, self._finish)
        for pack, place in _places(file):
            self._needs[pack].append(place)
            self._waiting += 1
            if self._waiting >= PLACES_MAX:
                self.flush()

    def flush(self) -> None:
        """Read everything that is waited for. What no single file is to blame for is raised."""
        needs, self._needs, self._waiting = self._needs, defaultdict(list), 0
        with ThreadPoolExecutor(max_workers=READERS) as readers:
            jobs = [readers.submit(self._deliver, pack, places) for pack, places in needs.items()]
            try:
                for job in jobs:
                    job.result()
            except BaseException:
                self._stopped = True
                readers.shutdown(cancel_futures=True)
                raise

    def close(self) -> None:
        """Let the target's descriptors go; twice is harmless."""
        self._own.close()

    # -- one pack, in a reader's thread --------------------------------------------------------------

    def _deliver(self, pack: PackId, places: list[_Place]) -> None:
        """Read one pack in slot order and hand its chunks to the files that need them."""
        places.sort(key=lambda place: place[:2])
        with closing(self._target.file_maker()) as own:
            try:
                with closing(self._gatherer.open(pack)) as packed:
                    reader = flow.PackReader(seal.Plaintext(self._identity, packed.pread_into, packed.size))
                    self._read(reader, places, own)
            except VaultError as error:
                for _slot, _offset, _length, file in places:
                    self._fail(file, own, error)

    def _read(self, reader: flow.PackReader, places: Sequence[_Place], own: FileMaker) -> None:
        for slot, offset, length, file in places:
            if self._stopped:
                return
            if file.lost:
                continue
            try:
                content = _chunk(reader, slot, length)
            except VaultError as error:
                self._fail(file, own, error)
            else:
                self._attempt(file, own, self._write, offset, content)

    # -- the target: every thread by a maker of its own -------------------------------------------------

    def _attempt(self, file: _File, own: FileMaker, act: Callable[..., None], *arguments: object) -> None:
        """Do it; an error of this one object fails the file. TargetUnusable ends the restore."""
        if self._stopped or file.lost:
            return
        try:
            act(file, own, *arguments)
        except OSError as error:
            self._fail(file, own, error)

    def _write(self, file: _File, own: FileMaker, offset: int, content: bytes) -> None:
        self._begin(file, own)
        own.write(file.path, offset, content)
        with self._lock:
            self._report.content_bytes += len(content)
            self._progress(self._report.content_bytes)
            file.left -= 1
            is_last = not file.left
        if is_last:
            self._finish(file, own)

    def _finish(self, file: _File, own: FileMaker) -> None:
        self._begin(file, own)
        own.dress(file.path, file.entry)
        with self._lock:
            self._report.objects += 1
            if file.entry.changed:
                self._report.changed.append(file.path)

    def _begin(self, file: _File, own: FileMaker) -> None:
        """Whoever comes first makes the file; the others wait until it is there, and open it."""
        with nullcontext() if file.whole else self._lock:
            if not file.begun:
                own.begin_file(file.path, file.entry.size)
                file.begun = True

    def _fail(self, file: _File, own: FileMaker, error: IwatoError | OSError) -> None:
        with self._lock:
            if file.lost:
                return
            file.lost = True
            self._report.failed.append((file.path, error))
            if file.begun:
                own.drop_file(file.path)


def _chunk(reader: flow.PackReader, slot: int, length: int) -> bytes:
    """The chunk, exactly as long as the manifest says: a shorter one would leave a hole unnoticed."""
    content = reader.chunk(slot)
    if len(content) != length:
        raise ChunkDamaged(detail=f"slot {slot} holds {len(content)} bytes, the list of files says {length}")
    return content


def _places(file: _File) -> Iterator[tuple[PackId, _Place]]:
    """Every chunk by its pack."""
    for extent in file.entry.extents:
        offset = extent.offset
        for ref in extent.chunks:
            yield ref.pack, (ref.slot, offset, ref.length, file)
            offset += ref.length
