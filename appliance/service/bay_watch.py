"""Which bay's drive the work is waiting for: every operation on a drive is timed.

A drive that hangs gives no error; the call does not come back. So somebody else has to know whose call it
is (service/keeper.py asks). Changes nothing of what the drives do, and knows no drive by name: a drive that
does not answer has no header that could be read.
"""

from __future__ import annotations

import threading
from collections import defaultdict, deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from appliance.domain.ids import Bay
from appliance.ports import AttachedDrive, Bytes, Clock, Drives, Files, Placing, Readable

SPELLS_MAX = 4096  # finished operations that are remembered; a pack of 64 MiB takes some 100 of a drive
HELD_SHARE = 2  # a drive is named when half of the time went into it


class BayWatch:
    """For any thread."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._now: dict[object, tuple[Bay, int]] = {}
        self._past: deque[tuple[Bay, int, int]] = deque(maxlen=SPELLS_MAX)

    @contextmanager
    def operation(self, bay: Bay) -> Iterator[None]:
        """One call that the bay's drive has to answer."""
        call, begin_ms = object(), self._clock.monotonic_ms()
        with self._lock:
            self._now[call] = bay, begin_ms
        try:
            yield
        finally:
            with self._lock:
                del self._now[call]
                self._past.append((bay, begin_ms, self._clock.monotonic_ms()))

    def held_up_by(self, since_ms: int) -> Bay | None:
        """The bay that most of the time since then was spent on; None when it was not the drives."""
        now_ms = self._clock.monotonic_ms()
        with self._lock:
            spells = [*self._past, *((bay, begin_ms, now_ms) for bay, begin_ms in self._now.values())]
        spent: defaultdict[Bay, int] = defaultdict(int)
        for bay, begin_ms, end_ms in spells:
            spent[bay] += max(0, end_ms - max(begin_ms, since_ms))
        slowest = max(spent, key=spent.__getitem__, default=None)
        if slowest is None or spent[slowest] * HELD_SHARE < now_ms - since_ms:
            return None
        return slowest


class _WatchedReadable:
    def __init__(self, inner: Readable, bay: Bay, watch: BayWatch) -> None:
        self.inner, self.bay, self.watch, self.size = inner, bay, watch, inner.size

    def pread_into(self, buffer: memoryview, offset: int) -> int:
        with self.watch.operation(self.bay):
            return self.inner.pread_into(buffer, offset)

    def close(self) -> None:
        with self.watch.operation(self.bay):
            self.inner.close()


@dataclass(slots=True)
class _WatchedPlacing:
    inner: Placing
    bay: Bay
    watch: BayWatch

    def pwrite(self, buffer: Bytes, offset: int) -> None:
        with self.watch.operation(self.bay):
            self.inner.pwrite(buffer, offset)

    def place(self, size: int, name: str | None = None) -> None:
        with self.watch.operation(self.bay):
            self.inner.place(size, name)

    def abandon(self) -> None:
        with self.watch.operation(self.bay):
            self.inner.abandon()

    def close(self) -> None:
        with self.watch.operation(self.bay):
            self.inner.close()


@dataclass(slots=True)
class _WatchedFiles:
    inner: Files
    bay: Bay
    watch: BayWatch

    def begin(self, name: str) -> Placing:
        with self.watch.operation(self.bay):
            return _WatchedPlacing(self.inner.begin(name), self.bay, self.watch)

    def put(self, name: str, content: Bytes) -> None:
        with self.watch.operation(self.bay):
            self.inner.put(name, content)

    def read(self, name: str, limit: int) -> bytes:
        with self.watch.operation(self.bay):
            return self.inner.read(name, limit)

    def read_direct(self, name: str) -> Readable:
        with self.watch.operation(self.bay):
            return _WatchedReadable(self.inner.read_direct(name), self.bay, self.watch)

    def open(self, name: str) -> Readable:
        with self.watch.operation(self.bay):
            return _WatchedReadable(self.inner.open(name), self.bay, self.watch)

    def exists(self, name: str) -> bool:
        with self.watch.operation(self.bay):
            return self.inner.exists(name)

    def names(self, folder: str) -> Sequence[str]:
        with self.watch.operation(self.bay):
            return self.inner.names(folder)

    def free_bytes(self) -> int:
        with self.watch.operation(self.bay):
            return self.inner.free_bytes()


@dataclass(slots=True)
class _WatchedDrive:
    """ports.AttachedDrive."""

    bay: Bay
    files: Files


class WatchedDrives:
    """ports.Drives, each of whose operations `watch` sees."""

    def __init__(self, inner: Drives, watch: BayWatch) -> None:
        self._inner, self._watch = inner, watch
        self._known: dict[Bay, tuple[AttachedDrive, AttachedDrive]] = {}

    def attached(self) -> Sequence[AttachedDrive]:
        """See ports.Drives; the same object for as long as the drive itself is the same."""
        return [self._watched(drive) for drive in self._inner.attached()]

    def _watched(self, drive: AttachedDrive) -> AttachedDrive:
        known = self._known.get(drive.bay)
        if known is None or known[0] is not drive:
            files = _WatchedFiles(drive.files, drive.bay, self._watch)
            known = self._known[drive.bay] = drive, _WatchedDrive(drive.bay, files)
        return known[1]
