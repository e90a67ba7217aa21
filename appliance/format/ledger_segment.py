"""A run of ledger entries as one write-once file on a drive: `ledger/<first>-<hash8>.seg`.

A segment says which entries it holds and which root the tree had before them, so that histories can be
put together from any drive's files without trying combinations. Entries are opaque bytes here, and a
segment proves nothing but its own wholeness: the witness's head does the rest. FORMAT 7.3.
"""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass
from typing import TypeAlias

from blake3 import blake3

from appliance.errors import LedgerMalformed
from appliance.format.ledger_entry import ENTRY_BYTES_MAX

MAGIC = b"iwato-ledger-segment v1\n"
SUFFIX = ".seg"
NAME = re.compile(r"[0-9]{16}-[0-9a-f]{8}\.seg")
INDEX_MAX = 10**16 - 1  # entries; what 16 digits of a file name hold
RECORDS_MAX = 1 << 16  # records; a segment is read into memory whole
SEGMENT_BYTES_MAX = 1 << 25  # bytes; one entry of the largest kind and as much again
EDITION_MAX = (1 << 16) - 1  # rewritings of one segment on one drive
HASH_BYTES = 32  # bytes; SHA-256 roots and leaves, BLAKE3 trailer

_HEAD = struct.Struct(">QIH32s")  # first index, count, edition, root before
_RECORD = struct.Struct(">BI")  # kind, length
_ENTRY, _GAP = 1, 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """An entry of which only the leaf hash is known."""

    leaf: bytes


Record: TypeAlias = bytes | Gap


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """Records of entries `first`, `first` + 1, … `root_before` is the tree's root at size `first`.
    `edition` tells a rewritten copy from a damaged one of the same entries, which is never removed."""

    first: int
    root_before: bytes
    records: tuple[Record, ...]
    edition: int = 0

    @property
    def end(self) -> int:
        """Index after the last entry."""
        return self.first + len(self.records)


def encode(segment: Segment) -> bytes:
    """The file's content. LedgerMalformed if a limit is passed."""
    _check(0 <= segment.first and 1 <= len(segment.records) <= RECORDS_MAX, "number of records")
    _check(segment.end <= INDEX_MAX + 1, "index")
    _check(0 <= segment.edition <= EDITION_MAX, "edition")
    _check(len(segment.root_before) == HASH_BYTES, "root")
    parts = [MAGIC, _HEAD.pack(segment.first, len(segment.records), segment.edition, segment.root_before)]
    for record in segment.records:
        kind, payload = (_GAP, record.leaf) if isinstance(record, Gap) else (_ENTRY, record)
        _check(_length_fits(kind, len(payload)), "length of a record")
        parts += [_RECORD.pack(kind, len(payload)), payload]
    body = b"".join(parts)
    content = body + blake3(body).digest()
    _check(len(content) <= SEGMENT_BYTES_MAX, "bytes")
    return content


def decode(content: bytes) -> Segment:
    """Inverse of `encode`; refuses every other byte string with LedgerMalformed."""
    start = len(MAGIC) + _HEAD.size
    _check(start + HASH_BYTES <= len(content) <= SEGMENT_BYTES_MAX, "bytes")
    _check(content.startswith(MAGIC), "magic line")
    body = len(content) - HASH_BYTES
    _check(blake3(memoryview(content)[:body]).digest() == content[body:], "trailer")
    first, count, edition, root_before = _HEAD.unpack_from(content, len(MAGIC))
    _check(1 <= count <= RECORDS_MAX and first + count <= INDEX_MAX + 1, "number of records")
    return Segment(
        first=first, root_before=root_before, edition=edition, records=_records(content, start, body, count)
    )


def name(content: bytes) -> str:
    """File name of a segment's content, without the folder."""
    (first,) = struct.unpack_from(">Q", content, len(MAGIC))
    return f"{first:016d}-{blake3(content).hexdigest()[:8]}{SUFFIX}"


def _records(content: bytes, offset: int, end: int, count: int) -> tuple[Record, ...]:
    records: list[Record] = []
    for _ in range(count):
        _check(offset + _RECORD.size <= end, "cut-off record")
        kind, length = _RECORD.unpack_from(content, offset)
        offset += _RECORD.size
        _check(_length_fits(kind, length) and offset + length <= end, "length of a record")
        payload = content[offset : offset + length]
        records.append(Gap(leaf=payload) if kind == _GAP else payload)
        offset += length
    _check(offset == end, "bytes after the last record")
    return tuple(records)


def _length_fits(kind: int, length: int) -> bool:
    return length == HASH_BYTES if kind == _GAP else kind == _ENTRY and 1 <= length <= ENTRY_BYTES_MAX


def _check(holds: bool, what: str) -> None:  # noqa: FBT001 - reads as an assertion
    if not holds:
        raise LedgerMalformed(detail=f"a segment is refused: {what}")
