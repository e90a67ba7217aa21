"""Shard files: their names and the footer that says what the columns before it are (FORMAT 5.6-5.8).

A shard file is the columns of one index, stripe after stripe, and then a footer of whole 4 KiB units.
The footer holds the hashes of *all* n x stripes blocks of the pack, so one good footer on any drive
locates the damage on every drive. Nothing here is trusted because it is well formed: `decode` checks
the bytes, `proves` compares them with what the ledger says of the pack. Computes no parity.
"""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass

from blake3 import blake3

from appliance.domain.geometry import ALIGN_BYTES, BLOCK_BYTES, Geometry, align
from appliance.domain.ids import DriveIndex, PackId
from appliance.errors import ShardFormatError

MAGIC = b"IWATO-SHARD\n"
VERSION = 1
HASH_BYTES = 32  # bytes; BLAKE3 with its usual output
PACK_BYTES_MAX = 1 << 28  # bytes; four times a usual pack, bounds the footer and every table below it
REVISIONS_MAX = 999  # repairs of one shard; a drive that needs more has been replaced long before
FOLDER = "shards"

_HEAD = struct.Struct(">12sHBBB3xQ32s32s")  # magic, version, k, m, index, size, pack id, parity hash
_LENGTH = struct.Struct(">I")
_NAME = re.compile(r"([0-9a-f]{64})\.(0|[1-9][0-9]?)(?:\.r([1-9][0-9]{0,2}))?")


@dataclass(frozen=True, slots=True, kw_only=True)
class ShardName:
    """What a shard file's name says. Revision 0 is the shard as it was first placed."""

    pack: PackId
    index: DriveIndex
    revision: int = 0

    @property
    def path(self) -> str:
        """`shards/<first two digits>/<pack id>.<index>[.r<revision>]`."""
        suffix = f".r{self.revision}" if self.revision else ""
        return f"{folder_of(self.pack)}/{self.pack.hex()}.{self.index}{suffix}"


def folder_of(pack: PackId) -> str:
    """The folder that holds the shards of `pack` on every drive."""
    return f"{FOLDER}/{pack.hex()[:2]}"


def parse_name(name: str) -> ShardName | None:
    """The meaning of a file's name without its folder; None when it is not a shard's name."""
    match = _NAME.fullmatch(name)
    if match is None:
        return None
    return ShardName(
        pack=PackId(bytes.fromhex(match[1])), index=DriveIndex(int(match[2])), revision=int(match[3] or 0)
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class PackFacts:
    """What the ledger says of a pack: its id, its size in bytes and the hash of its parity hashes."""

    pack: PackId
    size: int
    parity: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockHashes:
    """BLAKE3 of every block of a pack: stripe by stripe, in each the n columns in order."""

    geometry: Geometry
    size: int
    flat: bytes

    def of(self, stripe: int, column: int) -> bytes:
        """The hash of one block."""
        start = (stripe * self.geometry.drives + column) * HASH_BYTES
        return self.flat[start : start + HASH_BYTES]

    def facts(self) -> PackFacts:
        """The pack id over the data-block hashes, and the parity hash over the others."""
        data, parity = blake3(), blake3()
        stride, border = self.geometry.drives * HASH_BYTES, self.geometry.data * HASH_BYTES
        for start in range(0, len(self.flat), stride):
            data.update(self.flat[start : start + border])
            parity.update(self.flat[start + border : start + stride])
        return PackFacts(pack=PackId(data.digest()), size=self.size, parity=parity.digest())

    def proves(self, facts: PackFacts) -> bool:
        """These are the hashes of the pack that the ledger names: both hashes and the size agree."""
        return self.facts() == facts


@dataclass(frozen=True, slots=True, kw_only=True)
class ShardFooter:
    """The footer of shard `index` of a pack."""

    index: DriveIndex
    facts: PackFacts
    hashes: BlockHashes


def columns_bytes(geometry: Geometry, size: int) -> int:
    """Bytes of the columns in one shard file: where its footer begins."""
    full, rest = divmod(size, geometry.data * BLOCK_BYTES)
    return full * BLOCK_BYTES + align(-(-rest // geometry.data))


def stripe_count(geometry: Geometry, size: int) -> int:
    """Stripes of a pack of `size` bytes."""
    return -(-size // (geometry.data * BLOCK_BYTES))


def footer_bytes(geometry: Geometry, size: int) -> int:
    """Length of the footer, a multiple of 4 KiB."""
    hashes = stripe_count(geometry, size) * geometry.drives * HASH_BYTES
    return align(_HEAD.size + hashes + _LENGTH.size + HASH_BYTES)


def shard_bytes(geometry: Geometry, size: int) -> int:
    """Length of a whole shard file of a pack of `size` bytes."""
    return columns_bytes(geometry, size) + footer_bytes(geometry, size)


def encode(footer: ShardFooter) -> bytes:
    """The footer's bytes."""
    geometry, size = footer.hashes.geometry, footer.hashes.size
    assert footer.facts.size == size and len(footer.facts.parity) == HASH_BYTES  # noqa: PT018 - one fact
    length = footer_bytes(geometry, size)
    head = _HEAD.pack(
        MAGIC,
        VERSION,
        geometry.data,
        geometry.parity,
        footer.index,
        size,
        footer.facts.pack,
        footer.facts.parity,
    )
    filled = (head + footer.hashes.flat).ljust(length - HASH_BYTES - _LENGTH.size, b"\0")
    body = filled + _LENGTH.pack(length)
    return body + blake3(body).digest()


def decode(content: bytes) -> ShardFooter:
    """The footer in `content`, which is exactly its bytes. Raises ShardFormatError for anything that
    `encode` would not have written, and when its own hashes do not give its pack id or parity hash."""
    if len(content) < ALIGN_BYTES or blake3(content[:-HASH_BYTES]).digest() != content[-HASH_BYTES:]:
        raise ShardFormatError(detail="the footer's own hash does not match")
    magic, version, data, parity, index, size, pack, parity_hash = _HEAD.unpack_from(content)
    if magic != MAGIC or version != VERSION:
        raise ShardFormatError(detail=f"not a footer of version {VERSION}")
    geometry = _geometry(data, parity)
    if not (1 <= size <= PACK_BYTES_MAX and index < geometry.drives):
        raise ShardFormatError(detail="the footer's numbers are out of their limits")
    if len(content) != footer_bytes(geometry, size):
        raise ShardFormatError(detail="the footer's length does not fit its pack size")
    count = stripe_count(geometry, size) * geometry.drives * HASH_BYTES
    hashes = BlockHashes(geometry=geometry, size=size, flat=content[_HEAD.size : _HEAD.size + count])
    facts = PackFacts(pack=PackId(pack), size=size, parity=parity_hash)
    footer = ShardFooter(index=DriveIndex(index), facts=facts, hashes=hashes)
    if encode(footer) != content:
        raise ShardFormatError(detail="the footer holds bytes that mean nothing")
    if not hashes.proves(facts):
        raise ShardFormatError(detail="the footer's block hashes do not give its pack id")
    return footer


def _geometry(data: int, parity: int) -> Geometry:
    try:
        return Geometry(data=data, parity=parity, write_quorum=data)
    except ValueError as error:
        raise ShardFormatError(detail=str(error)) from error

