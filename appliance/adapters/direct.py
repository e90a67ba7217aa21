"""Reading and writing around the page cache, with the cache as fallback.

One descriptor serves both ways: O_DIRECT is switched on it as each buffer allows. Knows no names.
"""

from __future__ import annotations

import ctypes
import errno
import fcntl
import os

from appliance.ports import Bytes

ALIGN_BYTES = 4096  # bytes; what O_DIRECT asks of address, offset and length on every disk we know


def is_aligned(buffer: memoryview, offset: int) -> bool:
    """Whether this transfer may go around the cache. Read-only memory has no address we may take."""
    if buffer.readonly or not buffer.nbytes or offset % ALIGN_BYTES or buffer.nbytes % ALIGN_BYTES:
        return False
    return ctypes.addressof(ctypes.c_char.from_buffer(buffer)) % ALIGN_BYTES == 0


class Descriptor:
    """An open file that goes around the cache where buffer and file system allow. Owns `number`."""

    def __init__(self, number: int, *, want_direct: bool) -> None:
        self.number = number
        self._can_direct = want_direct
        self._is_direct = False

    def close(self) -> None:
        """Give the descriptor back; twice is harmless."""
        number, self.number = self.number, -1
        if number >= 0:
            os.close(number)

    def write_all(self, buffer: Bytes, offset: int) -> None:
        """Write every byte of `buffer` at `offset`."""
        view = memoryview(buffer).cast("B")
        while view.nbytes:
            written = self._write(view, offset)
            view, offset = view[written:], offset + written

    def read_into(self, buffer: memoryview, offset: int) -> int:
        """Fill `buffer` from `offset`; fewer bytes only at the end of the file."""
        done = 0
        while done < buffer.nbytes:
            count = self._read(buffer[done:], offset + done)
            if not count:
                break
            done += count
        return done

    def _write(self, view: memoryview, offset: int) -> int:
        if self._go_direct(wanted=self._can_direct and is_aligned(view, offset)):
            try:
                return os.pwrite(self.number, view, offset)
            except OSError as error:
                self._refused(error)
        return os.pwrite(self.number, view, offset)

    def _read(self, view: memoryview, offset: int) -> int:
        if self._go_direct(wanted=self._can_direct and is_aligned(view, offset)):
            try:
                return os.preadv(self.number, (view,), offset)
            except OSError as error:
                self._refused(error)
        if self._can_direct:
            # A buffered read that should see the disk: drop what the cache holds of the range first.
            os.posix_fadvise(self.number, offset, view.nbytes, os.POSIX_FADV_DONTNEED)
        return os.preadv(self.number, (view,), offset)

    def _refused(self, error: OSError) -> None:
        """A disk with larger blocks than ALIGN_BYTES says EINVAL: then, and only then, use the cache."""
        if error.errno != errno.EINVAL:
            raise error
        self._go_direct(wanted=False)

    def _go_direct(self, *, wanted: bool) -> bool:
        if wanted == self._is_direct:
            return wanted
        flags = fcntl.fcntl(self.number, fcntl.F_GETFL)
        try:
            fcntl.fcntl(self.number, fcntl.F_SETFL, flags | os.O_DIRECT if wanted else flags & ~os.O_DIRECT)
        except OSError:
            self._can_direct = False  # this file system has no direct path
            return False
        self._is_direct = wanted
        return wanted
