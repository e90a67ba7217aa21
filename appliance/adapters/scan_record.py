"""What the index remembers of one file: where its bytes lie, and up to where it was read. Bytes ↔ values.

The box's own memory, not part of the format: a box that finds another version forgets it. Holds no name
and no plaintext. Checks itself, so that a flipped bit costs a new read and never wrong data.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from blake3 import blake3

STATE_BYTES = 16  # bytes; keyed hash over the record, its place, and the file's size, times and inode
MAC_BYTES = 8  # bytes; against chance, not against whoever holds the key (30-vault, dedup)
WHOLE = (1 << 64) - 1  # "read_to" of a file that was read to its end

_HEAD = struct.Struct(">QI")  # read up to, runs
_RUN = struct.Struct(">QI")  # offset, chunks
_CHUNK = struct.Struct(">III")  # number of the pack in the index, slot, length


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanRecord:
    """`runs` are (offset, ((pack number, slot, length), ...)). `read_to`: WHOLE, or where to go on."""

    read_to: int
    runs: tuple[tuple[int, tuple[tuple[int, int, int], ...]], ...]


def encode(record: ScanRecord, key: bytes, context: bytes) -> bytes:
    """The record's bytes, bound to `context`: which file of which folder, in which state."""
    parts = [_HEAD.pack(record.read_to, len(record.runs))]
    for offset, chunks in record.runs:
        parts.append(_RUN.pack(offset, len(chunks)))
        parts += [_CHUNK.pack(*chunk) for chunk in chunks]
    body = b"".join(parts)
    return body + state_of(key, context + body)


def decode(content: bytes, key: bytes, context: bytes) -> ScanRecord | None:
    """Inverse of `encode`; None for another context and for anything that was not written so, also by
    one who has the key."""
    body = content[:-STATE_BYTES]
    if len(content) < _HEAD.size + STATE_BYTES or state_of(key, context + body) != content[-STATE_BYTES:]:
        return None
    read_to, count = _HEAD.unpack_from(body)
    position, runs = _HEAD.size, []
    for _ in range(count):
        if len(body) < position + _RUN.size:
            return None
        offset, chunks = _RUN.unpack_from(body, position)
        position += _RUN.size
        end = position + chunks * _CHUNK.size
        if len(body) < end:
            return None
        runs.append((offset, tuple(_CHUNK.iter_unpack(body[position:end]))))
        position = end
    return ScanRecord(read_to=read_to, runs=tuple(runs))


def in_state(place: bytes, signature: bytes) -> bytes:
    """A record's context: `place`, which file it is, and that file's state. No two pairs give the same."""
    return b"%b%d:%b" % (place, len(signature), signature)


def state_of(key: bytes, content: bytes) -> bytes:
    """Keyed hash over a record, its place and the state of its file."""
    return blake3(content, key=key).digest(STATE_BYTES)


def mac(key: bytes, content: bytes) -> bytes:
    """Short keyed hash of a row of the index."""
    return blake3(content, key=key).digest(MAC_BYTES)
