"""The only composer of the stages: raw chunks to sealed packs (a `Lane`), and a pack's chunks back.

One lane belongs to one worker: it owns one open pack and one shared block for small files. Starts no
thread and opens no file: packs are begun and placed by whoever made the lane.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from blake3 import blake3

from appliance.domain.ids import PackId
from appliance.errors import PackTableInvalid
from appliance.format import pack, zstd_frame
from appliance.format.zstd_frame import Bytes
from appliance.pipeline import chunk, compress, dedup, seal

PACK_BYTES = 64 << 20  # bytes; 30-vault: large enough for sequential disks, small enough to lose little
PACK_PLAIN_MAX = PACK_BYTES - (1 << 20) - pack.RAW_BYTES_MAX  # bytes; room for the last block, table and tags
PACK_SLOTS_MAX = 1 << 14  # chunks; a reader's table stays below 1 MiB when a million tiny files come


@dataclass(frozen=True, slots=True, kw_only=True)
class FilledPack:
    """A pack that was sealed whole. `chunks` are (keyed name, slot, length); `raw_bytes` is what they
    hold once expanded."""

    id: PackId
    size: int
    raw_bytes: int
    chunks: tuple[tuple[dedup.ChunkId, int, int], ...]


@dataclass(slots=True, eq=False)
class NewChunk:
    """A chunk on its way into a block. `digest` is its plain hash."""

    name: dedup.ChunkId
    placement: dedup.Placement
    digest: bytes


def claim(window: dedup.Window, raw: memoryview) -> tuple[dedup.Where, NewChunk | None]:
    """Where a chunk is or will be, and the chunk when whoever calls has to store it."""
    name = window.name(raw)
    where, store = window.claim(name, raw.nbytes)
    if not store:
        return where, None
    assert isinstance(where, dedup.Placement)
    return where, NewChunk(name, where, blake3(raw).digest())


class Lane:
    """One worker's way from chunks to packs. `open_pack` begins a pack, `close_pack` places it and
    returns only when it is durable; then `filled` is told."""

    def __init__(
        self,
        *,
        window: dedup.Window,
        solid: memoryview,
        level: int = zstd_frame.LEVEL,
        open_pack: Callable[[], seal.PackSealer],
        close_pack: Callable[[seal.PackSealer], seal.SealedPack],
        filled: Callable[[FilledPack], None],
    ) -> None:
        assert solid.nbytes >= chunk.SOLID_BYTES + chunk.SMALL_BYTES
        self._window = window
        self._compressor = compress.Compressor(level)
        self._open_pack = open_pack
        self._close_pack = close_pack
        self._filled = filled
        self._solid = _Solid(solid)
        self._pack: _OpenPack | None = None

    def take(self, raw: memoryview) -> dedup.Where:
        """Store a chunk, alone in its block, unless it is stored already. Short ones share a block."""
        where, new = claim(self._window, raw)
        if new is not None and raw.nbytes <= chunk.SMALL_BYTES:
            self._take_small(new, raw)
        elif new is not None:
            self._store(raw, [new])
        return where

    def take_block(self, raw: memoryview, chunks: list[NewChunk]) -> None:
        """Store a block that is filled already: `raw` is `chunks`, one behind the other."""
        self._store(raw, chunks)

    def flush(self) -> None:
        """Close the shared block and the pack, if there are any."""
        if self._solid.pieces:
            self._store_solid()
        if self._pack is not None:
            self._finish()

    def _take_small(self, new: NewChunk, raw: memoryview) -> None:
        self._solid.add(new, raw)
        if self._solid.fill >= chunk.SOLID_BYTES:
            self._store_solid()

    def _store_solid(self) -> None:
        raw, pieces = self._solid.take()
        self._store(raw, pieces)

    def _store(self, raw: memoryview, pieces: list[NewChunk]) -> None:
        if self._pack is None:
            self._pack = _OpenPack(self._open_pack())
        block, stored = self._compressor.compress(raw)
        self._pack.add(block, stored, pieces)
        if self._pack.is_full():
            self._finish()

    def _finish(self) -> None:
        open_pack, self._pack = self._pack, None
        assert open_pack is not None
        sealer = open_pack.sealer
        sealer.append(pack.Table.of(open_pack.blocks, open_pack.slots).encode())
        sealed = self._close_pack(sealer)
        self._filled(
            FilledPack(
                id=sealed.id,
                size=sealed.size,
                raw_bytes=sum(block.raw for block in open_pack.blocks),
                chunks=tuple(open_pack.chunks),
            )
        )
        open_pack.in_work.id = sealed.id  # last: whoever sees a reference finds its pack handed on


class _Solid:
    """The block that small chunks share, until it is long enough to be stored."""

    def __init__(self, buffer: memoryview) -> None:
        self._buffer = buffer
        self.fill = 0
        self.pieces: list[NewChunk] = []

    def add(self, piece: NewChunk, raw: memoryview) -> None:
        self._buffer[self.fill : self.fill + raw.nbytes] = raw
        self.fill += raw.nbytes
        self.pieces.append(piece)

    def take(self) -> tuple[memoryview, list[NewChunk]]:
        raw, pieces = self._buffer[: self.fill], self.pieces
        self.fill, self.pieces = 0, []
        return raw, pieces


class _OpenPack:
    """The pack that a lane is filling."""

    def __init__(self, sealer: seal.PackSealer) -> None:
        self.sealer = sealer
        self.in_work = dedup.PackInWork()
        self.blocks: list[pack.Block] = []
        self.slots: list[pack.Slot] = []
        self.chunks: list[tuple[dedup.ChunkId, int, int]] = []

    def add(self, block: pack.Block, stored: Bytes, pieces: list[NewChunk]) -> None:
        self.sealer.append(stored)
        offset = 0
        for piece in pieces:
            length = piece.placement.length
            number = len(self.slots)
            self.slots.append(
                pack.Slot(block=len(self.blocks), offset=offset, length=length, digest=piece.digest)
            )
            self.chunks.append((piece.name, number, length))
            piece.placement.slot = number
            piece.placement.pack = self.in_work  # last: from now on another thread may read the slot
            offset += length
        self.blocks.append(block)

    def is_full(self) -> bool:
        return self.sealer.plain_bytes >= PACK_PLAIN_MAX or len(self.slots) >= PACK_SLOTS_MAX


class PackReader:
    """The chunks of one data pack, by slot. Keeps the block that was expanded last."""

    def __init__(self, plaintext: seal.Plaintext) -> None:
        self._plaintext = plaintext
        tail = min(plaintext.length, pack.TRAILER_BYTES)
        trailer = plaintext.read(plaintext.length - tail, tail)
        offset, length = pack.table_span(trailer, plaintext.length)
        self.table = pack.Table.decode(plaintext.read(offset, length), plaintext.length)
        self._block_start = -1
        self._block_raw = b""

    def chunk(self, slot: int) -> bytes:
        """The chunk in `slot`. PackTableInvalid when it is not what its digest says, BlockInvalid and
        AgePayloadDamaged as the stages raise them."""
        place = self.table.locate(slot)
        if place.start != self._block_start:
            stored = self._plaintext.read(place.start, place.block.stored)
            self._block_raw = compress.expand(stored, place.block)
            self._block_start = place.start
        raw = self._block_raw[place.slot.offset : place.slot.offset + place.slot.length]
        if blake3(raw).digest() != place.slot.digest:
            raise PackTableInvalid(detail=f"slot {slot} does not hold the chunk that it names")
        return raw
