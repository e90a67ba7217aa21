"""ports.SourceFile over an open regular file of this machine. Reads only; never trusts a hole blindly."""

from __future__ import annotations

import errno
import os
import stat
import struct
from collections.abc import Callable, Iterator

from appliance.adapters.rate import Rate
from appliance.domain.file_entry import FileEntry

BLOCK_BYTES = 512  # bytes; unit of st_blocks whatever the file system
RUNS_MAX = 1 << 16  # runs; a file of more holes is read as if it had none
METADATA_SHARE = 256  # a file system counts its own tables in st_blocks: up to 1/256 of the data ...
METADATA_BYTES = 1 << 16  # bytes; ... and a little more
_SIGNATURE = struct.Struct(">QqqQ")  # size, mtime, ctime in nanoseconds, inode


def signature(facts: os.stat_result) -> bytes:
    """What says that a file is still as it was. The device number is left out: it changes at a boot."""
    return _SIGNATURE.pack(facts.st_size, facts.st_mtime_ns, facts.st_ctime_ns, facts.st_ino)


class LocalFile:
    """`ask` is called before every read and raises when the link does not carry. Owns `number`."""

    def __init__(self, number: int, entry: FileEntry, ask: Callable[[], None], rate: Rate | None) -> None:
        self._number = number
        self._ask = ask
        self._rate = rate
        self._facts = os.fstat(number)
        self._as_listed = (self._facts.st_size, self._facts.st_mtime_ns) == (entry.size, entry.mtime_ns)

    @property
    def is_regular(self) -> bool:
        """Whether it is a file at all: something else may have taken its place."""
        return stat.S_ISREG(self._facts.st_mode)

    def pread_into(self, buffer: memoryview, offset: int) -> int:
        self._ask()
        if self._rate is None:
            return os.preadv(self._number, (buffer,), offset)
        count = os.preadv(self._number, (buffer[: self._rate.step_bytes],), offset)
        self._rate.took(count)
        return count

    def unchanged(self) -> bool:
        return self._as_listed and signature(os.fstat(self._number)) == signature(self._facts)

    def data_extents(self) -> Iterator[tuple[int, int]]:
        size = self._facts.st_size
        if not size:
            return
        runs = None if self._is_dense(size) else self._runs(size)
        # File systems have reported holes where data was (60-reliability 7). Holes are believed only
        # when what is left accounts for all the room that the file takes.
        if runs is None or not self._accounts_for_all(runs):
            runs = [(0, size)]
        yield from runs

    def close(self) -> None:
        """Give the descriptor back; twice is harmless."""
        number, self._number = self._number, -1
        if number >= 0:
            os.close(number)

    def _is_dense(self, size: int) -> bool:
        return self._facts.st_blocks * BLOCK_BYTES >= size

    def _accounts_for_all(self, runs: list[tuple[int, int]]) -> bool:
        data = sum(length for _, length in runs)
        taken = self._facts.st_blocks * BLOCK_BYTES
        unit = self._facts.st_blksize * len(runs)  # every run may end in the middle of a block
        return taken <= data + unit + data // METADATA_SHARE + METADATA_BYTES

    def _runs(self, size: int) -> list[tuple[int, int]] | None:
        """The runs of data as the file system tells them; None when it cannot or there are too many."""
        runs: list[tuple[int, int]] = []
        position = 0
        while position < size:
            try:
                start = os.lseek(self._number, position, os.SEEK_DATA)
                end = min(size, os.lseek(self._number, start, os.SEEK_HOLE))
            except OSError as error:
                return runs if error.errno == errno.ENXIO else None  # ENXIO: no data from here on
            if start >= size:
                break
            if end <= start or len(runs) == RUNS_MAX:
                return None
            if runs and start == sum(runs[-1]):
                start = runs.pop()[0]
            runs.append((start, end - start))
            position = end
        return runs
