"""Sealing stage: plaintext to an age file in aligned pieces, and any part of it back. FORMAT 2, 3.1.

`PackSealer` seals 64 KiB by 64 KiB straight into a window as long as one stripe and hands out each full
one; plaintext exists in this process only. `Plaintext` reads any range of such a file. Opens no file:
bytes come and go through the callables it is given.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from appliance.domain.geometry import ALIGN_BYTES, BLOCK_BYTES, align
from appliance.domain.ids import PackId
from appliance.errors import AgePayloadDamaged
from appliance.format import age_file, age_header, age_stream
from appliance.format.age_stream import CHUNK_BYTES, SEALED_BYTES
from appliance.format.pack_id import PackIdHasher
from appliance.format.zstd_frame import Bytes

SLACK_BYTES = 2 * (1 << 16) + ALIGN_BYTES  # bytes; more than a sealed chunk reaches beyond a stripe, in pages


def window_bytes(data: int) -> int:
    """Length of the page-aligned window that a PackSealer for `data` columns needs."""
    return data * BLOCK_BYTES + SLACK_BYTES


@dataclass(frozen=True, slots=True, kw_only=True)
class SealedPack:
    """A finished age file: its name and its length in bytes."""

    id: PackId
    size: int


class PackSealer:
    """Seals one pack. `emit(piece, offset)` gets every stripe; the last piece is zero-filled to whole
    pages, so the file is cut to `SealedPack.size` afterwards. The window is borrowed until `finish`."""

    def __init__(
        self,
        *,
        sealer: age_stream.Sealer,
        window: memoryview,
        data: int,
        emit: Callable[[memoryview, int], None],
    ) -> None:
        assert window.nbytes >= window_bytes(data)
        self.plain_bytes = 0
        self._sealer = sealer
        self._window = window
        self._stripe = data * BLOCK_BYTES
        self._data = data
        self._emit = emit
        self._ids = PackIdHasher(data)
        self._offset = 0
        self._part = bytearray(CHUNK_BYTES)
        self._part_view = memoryview(self._part)
        self._part_bytes = 0
        self._fill = len(sealer.header)
        window[: self._fill] = sealer.header

    def append(self, plain: Bytes) -> None:
        """Seal `plain` behind what came before. At least one byte stays back for the last chunk."""
        with memoryview(plain) as view:
            length = view.nbytes
            self.plain_bytes += length
            taken = 0
            if self._part_bytes:
                taken = min(CHUNK_BYTES - self._part_bytes, length)
                self._keep(view[:taken])
                if taken == length:
                    return
                self._seal(self._part_view, last=False)
                self._part_bytes = 0
            while length - taken > CHUNK_BYTES:
                self._seal(view[taken : taken + CHUNK_BYTES], last=False)
                taken += CHUNK_BYTES
            self._keep(view[taken:])

    def finish(self) -> SealedPack:
        """Seal the last chunk, hand out the rest, and name the pack."""
        self._seal(self._part_view[: self._part_bytes], last=True)
        size = self._offset + self._fill
        if self._fill:
            column = align(-(-self._fill // self._data))
            end = self._data * column
            self._window[self._fill : end] = bytes(end - self._fill)
            self._ids.add(self._window[:end], column)
            self._emit(self._window[: align(self._fill)], self._offset)
        return SealedPack(id=self._ids.id(), size=size)

    def _keep(self, view: memoryview) -> None:
        self._part_view[self._part_bytes : self._part_bytes + view.nbytes] = view
        self._part_bytes += view.nbytes

    def _seal(self, plain: memoryview, *, last: bool) -> None:
        self._fill += self._sealer.seal_chunk_into(plain, self._window[self._fill :], last=last)
        if self._fill >= self._stripe:
            self._flush()

    def _flush(self) -> None:
        stripe = self._window[: self._stripe]
        self._ids.add(stripe, BLOCK_BYTES)
        self._emit(stripe, self._offset)
        self._offset += self._stripe
        rest = self._fill - self._stripe
        self._window[:rest] = self._window[self._stripe : self._fill]
        self._fill = rest


class Plaintext:
    """The plaintext of an age file of `size` bytes, readable at any place. `pread(buffer, offset)` fills
    the buffer from the file and returns the bytes read. `length` is the plaintext's, in bytes."""

    def __init__(
        self, identity: age_file.Unwraps, pread: Callable[[memoryview, int], int], size: int
    ) -> None:
        self._pread = pread
        prefix = bytearray(min(size, age_header.HEADER_BYTES_MAX + age_header.NONCE_BYTES))
        self._fill(memoryview(prefix), 0)
        self._opener = age_file.Opener(identity, prefix)
        self._sealed_bytes = size - self._opener.chunks_offset
        self.length = age_stream.plain_length(self._sealed_bytes)

    def read(self, offset: int, length: int) -> bytes:
        """`length` plain bytes from `offset`. AgePayloadDamaged if they are not all there and whole."""
        if offset < 0 or length < 0 or offset + length > self.length:
            raise AgePayloadDamaged(detail=f"{length} bytes at {offset} of {self.length}")
        if not length:
            return b""
        first, last = offset // CHUNK_BYTES, (offset + length - 1) // CHUNK_BYTES
        plain = memoryview(bytearray((last - first + 1) * CHUNK_BYTES))
        end = min((last + 1) * SEALED_BYTES, self._sealed_bytes)
        sealed = memoryview(bytearray(end - first * SEALED_BYTES))
        self._fill(sealed, self._opener.chunks_offset + first * SEALED_BYTES)
        for index in range(first, last + 1):
            span = age_stream.chunk_span(index, self._sealed_bytes)
            start = span.offset - first * SEALED_BYTES
            out = plain[(index - first) * CHUNK_BYTES :]
            self._opener.open_chunk(index, sealed[start : start + span.length], out, last=span.last)
        begin = offset - first * CHUNK_BYTES
        return bytes(plain[begin : begin + length])

    def _fill(self, buffer: memoryview, offset: int) -> None:
        if self._pread(buffer, offset) != buffer.nbytes:
            raise AgePayloadDamaged(detail="the file is shorter than it was")
