"""Bringing one file system to the disk while work on it goes on.

A restore that waited for the disk at its end only would stand still for minutes, and one that waits now and
then loses that time. Here at most two portions are under way: one that is being written, one that grows.
"""

from __future__ import annotations

import ctypes
import os
import threading
from concurrent.futures import Future, ThreadPoolExecutor

PORTION_BYTES = 128 << 20  # bytes between two syncs; 13 s at 10 MB/s: one step of work for the keeper

_libc = ctypes.CDLL(None, use_errno=True)


class BackgroundSync:
    """Of the file system of directory `fd`, and no other. For any thread."""

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._lock = threading.Lock()
        self._waiting = 0
        self._worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="sync")
        self._running: Future[None] | None = None

    def wrote(self, count: int) -> None:
        """So many bytes more wait for the disk. OSError as an earlier portion failed."""
        with self._lock:
            self._waiting += count
            if self._waiting >= PORTION_BYTES:
                self._waiting = 0
                self._join()
                self._running = self._worker.submit(self._sync)

    def finish(self) -> None:
        """Everything that was written is on the disk. OSError as the system says it."""
        with self._lock:
            self._waiting = 0
            self._join()
            self._sync()

    def close(self) -> None:
        """End the thread; twice is harmless. What failed in it and was not asked for stays unsaid."""
        self._worker.shutdown(wait=True)

    def _join(self) -> None:
        running, self._running = self._running, None
        if running is not None:
            running.result()

    def _sync(self) -> None:
        if _libc.syncfs(self._fd) != 0:
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number))
