"""The plaintext of a data pack: blocks, then a table that says where every chunk lies. FORMAT 3.2-3.4.

A pack holds blocks back to back, each stored as it is or as one zstd frame. Behind them lies the table
and behind that a trailer of fixed length, so that a reader who knows where the plaintext ends finds
everything. A chunk is a *slot*: a run of bytes inside one block. Whoever holds the vault's public key
can write such a file, so decoding trusts nothing because it was sealed. Opens no age file, expands no
block (pipeline/compress.py).
"""

from __future__ import annotations

import itertools
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

from appliance.domain.geometry import BLOCK_BYTES
from appliance.errors import PackTableInvalid

MAGIC = b"IWATO-PACK1\n"
VERSION = 1
HASH_BYTES = 32  # bytes; BLAKE3 with its usual output
RAW_BYTES_MAX = 2 * BLOCK_BYTES  # bytes of a block once expanded; the stripe of the smallest set (k = 2)
BLOCKS_MAX = 1 << 16  # a pack of the usual size in blocks of 1 KiB: far more than any intake makes
SLOTS_MAX = 1 << 16  # bounds the table to 3.5 MiB, and with it what a hostile pack makes a reader hold
PLAIN_BYTES_MAX = 1 << 28  # bytes; four times a usual pack, as for shards (FORMAT 5)

_HEAD = struct.Struct(">HII")  # version, blocks, slots
_BLOCK = struct.Struct(">IIB")  # stored bytes, raw bytes, codec
_SLOT = struct.Struct(">III32s")  # block, offset in the raw block, length, BLAKE3 of the chunk
_TRAILER = struct.Struct(">I12s")  # bytes of the table, magic
TRAILER_BYTES = _TRAILER.size


class Codec(IntEnum):
    """How a block is stored."""

    RAW = 0
    ZSTD = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A block: `stored` bytes in the plaintext, `raw` bytes once expanded."""

    stored: int
    raw: int
    codec: Codec


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """A chunk: `length` bytes from `offset` of raw block `block`; `digest` is their plain BLAKE3."""

    block: int
    offset: int
    length: int
    digest: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a chunk is found: read `block.stored` bytes of the plaintext at `start`, expand them, take
    `slot.length` bytes from `slot.offset`, compare with `slot.digest`."""

    start: int
    block: Block
    slot: Slot


@dataclass(frozen=True, slots=True)
class Table:
    """The whole table. `starts[i]` is the place of block i in the plaintext, in bytes."""

    blocks: tuple[Block, ...]
    slots: tuple[Slot, ...]
    starts: tuple[int, ...]

    @classmethod
    def of(cls, blocks: Sequence[Block], slots: Sequence[Slot]) -> Table:
        """The table of these blocks, which lie back to back from the plaintext's beginning."""
        starts = itertools.accumulate((block.stored for block in blocks[:-1]), initial=0)
        return cls(tuple(blocks), tuple(slots), tuple(starts) if blocks else ())

    @property
    def blocks_bytes(self) -> int:
        """Bytes of all stored blocks: where the table begins."""
        return self.starts[-1] + self.blocks[-1].stored if self.blocks else 0

    def locate(self, number: int) -> Place:
        """Where the chunk of slot `number` lies. PackTableInvalid when there is no such slot."""
        if not 0 <= number < len(self.slots):
            raise PackTableInvalid(detail=f"there is no slot {number}")
        slot = self.slots[number]
        return Place(start=self.starts[slot.block], block=self.blocks[slot.block], slot=slot)

    def encode(self) -> bytes:
        """Table and trailer: what follows the last block."""
        assert len(self.blocks) <= BLOCKS_MAX
        assert len(self.slots) <= SLOTS_MAX
        parts = [_HEAD.pack(VERSION, len(self.blocks), len(self.slots))]
        parts += [_BLOCK.pack(block.stored, block.raw, block.codec) for block in self.blocks]
        parts += [_SLOT.pack(slot.block, slot.offset, slot.length, slot.digest) for slot in self.slots]
        table = b"".join(parts)
        return table + _TRAILER.pack(len(table), MAGIC)

    @classmethod
    def decode(cls, content: bytes, plain_bytes: int) -> Table:
        """The table in `content`, which is exactly its bytes (`table_span` says which they are) in a
        plaintext of `plain_bytes` bytes. PackTableInvalid for anything `encode` would not write."""
        if len(content) < _HEAD.size:
            raise PackTableInvalid(detail="the table is cut off")
        version, block_count, slot_count = _HEAD.unpack_from(content)
        if version != VERSION:
            raise PackTableInvalid(detail=f"table version {version}")
        if block_count > BLOCKS_MAX or slot_count > SLOTS_MAX:
            raise PackTableInvalid(detail="too many blocks or slots")
        border = _HEAD.size + block_count * _BLOCK.size
        if len(content) != border + slot_count * _SLOT.size:
            raise PackTableInvalid(detail="the table's length does not fit its counts")
        table = cls.of(
            [_block(*fields) for fields in _BLOCK.iter_unpack(content[_HEAD.size : border])],
            [_slot(*fields) for fields in _SLOT.iter_unpack(content[border:])],
        )
        if table.blocks_bytes + len(content) + TRAILER_BYTES != plain_bytes:
            raise PackTableInvalid(detail="blocks, table and trailer do not fill the pack")
        _check_slots(table)
        return table


def table_span(trailer: bytes, plain_bytes: int) -> tuple[int, int]:
    """(offset, length) of the table in a plaintext of `plain_bytes` bytes that ends with `trailer`,
    its last TRAILER_BYTES bytes. PackTableInvalid for what is not the end of a data pack."""
    if len(trailer) != TRAILER_BYTES or plain_bytes > PLAIN_BYTES_MAX:
        raise PackTableInvalid(detail="not the size of a data pack")
    length, magic = _TRAILER.unpack(trailer)
    if magic != MAGIC:
        raise PackTableInvalid(detail="it does not end as a data pack does")
    offset = plain_bytes - TRAILER_BYTES - length
    if offset < 0 or length > _HEAD.size + BLOCKS_MAX * _BLOCK.size + SLOTS_MAX * _SLOT.size:
        raise PackTableInvalid(detail="the table is longer than the pack")
    return offset, length


def _block(stored: int, raw: int, codec: int) -> Block:
    if codec not in (Codec.RAW, Codec.ZSTD):
        raise PackTableInvalid(detail=f"codec {codec}")
    if not (1 <= raw <= RAW_BYTES_MAX and 1 <= stored <= raw):
        raise PackTableInvalid(detail=f"a block of {stored} stored and {raw} raw bytes")
    if (codec == Codec.RAW) != (stored == raw):
        raise PackTableInvalid(detail="a stored block is as long as its content, a zstd frame is shorter")
    return Block(stored=stored, raw=raw, codec=Codec(codec))


def _slot(block: int, offset: int, length: int, digest: bytes) -> Slot:
    return Slot(block=block, offset=offset, length=length, digest=digest)


def _check_slots(table: Table) -> None:
    """Slots lie in block order, back to back, and fill every block: nothing hides between chunks."""
    block, end = -1, 0
    for slot in table.slots:
        if slot.block != block:
            _check_filled(table, block, end)
            block, end = block + 1, 0
        if slot.block != block or block >= len(table.blocks) or slot.offset != end or not slot.length:
            raise PackTableInvalid(detail="a slot overlaps, leaves a gap or lies outside")
        end += slot.length
        if end > table.blocks[block].raw:
            raise PackTableInvalid(detail="a slot reaches beyond its block")
    _check_filled(table, block, end)
    if block != len(table.blocks) - 1:
        raise PackTableInvalid(detail="a block without slots")


def _check_filled(table: Table, block: int, end: int) -> None:
    if block >= 0 and table.blocks[block].raw != end:
        raise PackTableInvalid(detail="slots do not fill their block")
