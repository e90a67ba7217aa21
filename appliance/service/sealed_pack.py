"""A pack's plaintext, read at any place: sealed bytes in, opened chunks out.

`SealedPack` opens any run of a pack's plaintext, `ChunkReader` finds chunks in a data pack by slot.
Needs the vault's identity, so it lives in recovery (and in tests) only. Keeps one block and one
sealed run in memory.
"""

from __future__ import annotations

from blake3 import blake3

from appliance.domain.file_entry import ChunkRef
from appliance.errors import ChunkDamaged
from appliance.format import age_file, age_header, age_stream, pack
from appliance.pipeline import compress
from appliance.ports import Readable

_PREFIX_BYTES = age_header.HEADER_BYTES_MAX + age_header.NONCE_BYTES


class SealedPack:
    """The plaintext of one age file. Errors of the age layer where it is damaged or foreign."""

    def __init__(self, sealed: Readable, identity: age_file.Unwraps) -> None:
        self._sealed = sealed
        self._opener = age_file.Opener(identity, self._raw(0, min(_PREFIX_BYTES, sealed.size)))
        self._chunks_bytes = sealed.size - self._opener.chunks_offset
        self.plain_bytes = age_stream.plain_length(self._chunks_bytes)

    def read(self, offset: int, length: int) -> memoryview:
        """`length` plain bytes from `offset`; asking beyond the end is a ValueError."""
        if offset < 0 or length < 0 or offset + length > self.plain_bytes:
            raise ValueError(f"{offset}+{length} lies outside {self.plain_bytes} plain bytes")
        if not length:
            return memoryview(b"")
        first = offset // age_stream.CHUNK_BYTES
        last = (offset + length - 1) // age_stream.CHUNK_BYTES
        spans = [age_stream.chunk_span(index, self._chunks_bytes) for index in (first, last)]
        begin, end = spans[0].offset, spans[1].offset + spans[1].length
        sealed = memoryview(self._raw(self._opener.chunks_offset + begin, end - begin))
        plain = memoryview(bytearray((last - first + 1) * age_stream.CHUNK_BYTES))
        for index in range(first, last + 1):
            span = age_stream.chunk_span(index, self._chunks_bytes)
            ciphertext = sealed[span.offset - begin : span.offset - begin + span.length]
            out = plain[(index - first) * age_stream.CHUNK_BYTES :]
            self._opener.open_chunk(index, ciphertext, out, last=span.last)
        at = offset - first * age_stream.CHUNK_BYTES
        return plain[at : at + length]

    def close(self) -> None:
        """Let the sealed file go."""
        self._sealed.close()

    def _raw(self, offset: int, length: int) -> bytearray:
        content = bytearray(length)
        if self._sealed.pread_into(memoryview(content), offset) != length:
            raise ChunkDamaged(detail="the sealed file is shorter than it says")
        return content


class ChunkReader:
    """Chunks of one data pack by slot, each compared with its own hash."""

    def __init__(self, opened: SealedPack) -> None:
        self._opened = opened
        size = opened.plain_bytes
        if size < pack.TRAILER_BYTES:
            raise ChunkDamaged(detail="not a data pack")
        trailer = bytes(opened.read(size - pack.TRAILER_BYTES, pack.TRAILER_BYTES))
        offset, length = pack.table_span(trailer, size)
        self._table = pack.Table.decode(bytes(opened.read(offset, length)), size)
        self._block = (-1, memoryview(b""))

    def chunk(self, ref: ChunkRef) -> memoryview:
        """The plain bytes of a chunk, valid until the next call. ChunkDamaged when they are not what
        the manifest and the pack's table agree on."""
        place = self._table.locate(ref.slot)
        if place.slot.length != ref.length:
            raise ChunkDamaged(detail=f"slot {ref.slot} has {place.slot.length} bytes, not {ref.length}")
        number = place.slot.block
        if self._block[0] != number:
            self._block = (number, self._expanded(place))
        content = self._block[1][place.slot.offset : place.slot.offset + place.slot.length]
        if blake3(content).digest() != place.slot.digest:
            raise ChunkDamaged(detail=f"slot {ref.slot} does not have its hash")
        return content

    def close(self) -> None:
        """Let the pack go."""
        self._opened.close()

    def _expanded(self, place: pack.Place) -> memoryview:
        stored = self._opened.read(place.start, place.block.stored)
        if place.block.codec is pack.Codec.RAW:
            return stored
        return memoryview(compress.expand(stored, place.block.raw))
