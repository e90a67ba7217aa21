"""The batch record: what intake leaves in staging for sealing to take. FORMAT 4.8.

Canonical JSON, one object on a line, and a line with its BLAKE3: after a flipped bit in a count or a
name it would be as good JSON as before. Each record of a window names the packs and segments that became
durable since the one before it; `final` ends the window's list. Not authenticated: sealing treats it as
hostile, and so must whoever reads it. Holds no name of a file.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import msgspec
from blake3 import blake3

from appliance.domain.ids import PackId, SourceName
from appliance.errors import BatchInvalid
from appliance.format import manifest_record, pack

FOLDER = "batches"
PACKS_FOLDER = "packs"
VERSION = 1
BATCH_BYTES_MAX = 1 << 20  # bytes; 2048 packs and segments of at most 160 bytes each, and room
NAMES_MAX = 2048  # packs, and segments, in one record; a writer puts more of them into several
SOURCES_MAX = 256
NUMBER_MAX = 99_999_999  # windows; the width of the name
SEQUENCE_MAX = 9999
COUNT_MAX = (1 << 63) - 1
HASH_LINE_BYTES = 65  # bytes; BLAKE3 in hexadecimal and a line feed
_NAME = re.compile(r"([0-9]{8})-([0-9]{4})\.batch")
_PACK_NAME = re.compile(r"([0-9a-f]{64})\.age")
_PACK_ID = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True, kw_only=True)
class StagedPack:
    """An age file of staging: `packs/<hex id>.age` of `size` bytes."""

    id: PackId
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StagedSegment:
    """A manifest segment of `source`, an age file of staging like any other."""

    id: PackId
    size: int
    source: SourceName


StagedFile: TypeAlias = StagedPack | StagedSegment


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceFacts:
    """What was taken of a source up to this record: regular files and their bytes."""

    name: SourceName
    complete: bool
    files: int
    bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """One record. `packs` and `segments` are new in this record, segments in the order of the manifest;
    counts and `sources` are those of the window so far. `complete`: every source was walked to its end,
    which only the `final` record can say."""

    window: int
    sequence: int
    begin_s: int
    final: bool
    complete: bool
    sources: tuple[SourceFacts, ...]
    packs: tuple[StagedPack, ...]
    segments: tuple[StagedSegment, ...]
    bytes_read: int
    bytes_new: int
    unreadable: int

    @property
    def name(self) -> str:
        """`batches/<window, 8 digits>-<sequence, 4 digits>.batch`."""
        return f"{FOLDER}/{self.window:08d}-{self.sequence:04d}.batch"

    @property
    def files(self) -> tuple[StagedFile, ...]:
        """All age files that the record names, packs before segments."""
        return (*self.packs, *self.segments)


class _Pack(msgspec.Struct, forbid_unknown_fields=True):
    id: str
    size: int


class _Segment(msgspec.Struct, forbid_unknown_fields=True):
    id: str
    size: int
    source: str


class _Source(msgspec.Struct, forbid_unknown_fields=True):
    name: str
    complete: bool
    files: int
    bytes: int


class _Record(msgspec.Struct, forbid_unknown_fields=True):
    """The JSON, field by field in its order."""

    iwato_batch: int
    window: int
    sequence: int
    begin_s: int
    final: bool
    complete: bool
    sources: list[_Source]
    packs: list[_Pack]
    segments: list[_Segment]
    bytes_read: int
    bytes_new: int
    unreadable: int


def encode(batch: Batch) -> bytes:
    """The record's bytes, which `decode` takes."""
    record = _Record(
        iwato_batch=VERSION,
        window=batch.window,
        sequence=batch.sequence,
        begin_s=batch.begin_s,
        final=batch.final,
        complete=batch.complete,
        sources=[_Source(s.name, s.complete, s.files, s.bytes) for s in batch.sources],
        packs=[_Pack(p.id.hex(), p.size) for p in batch.packs],
        segments=[_Segment(s.id.hex(), s.size, s.source) for s in batch.segments],
        bytes_read=batch.bytes_read,
        bytes_new=batch.bytes_new,
        unreadable=batch.unreadable,
    )
    wrong = _wrong(record)
    assert not wrong, wrong
    line = msgspec.json.encode(record) + b"\n"
    content = line + _hash_line(line)
    assert len(content) <= BATCH_BYTES_MAX
    return content


def decode(content: bytes) -> Batch:
    """Inverse of `encode`. BatchInvalid for anything that it would not write."""
    if len(content) > BATCH_BYTES_MAX:
        raise BatchInvalid(detail="it is too long")
    line = content[:-HASH_LINE_BYTES]
    if _hash_line(line) != content[-HASH_LINE_BYTES:]:
        raise BatchInvalid(detail="it is damaged or cut off")
    try:
        record = msgspec.json.decode(line, type=_Record)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BatchInvalid(detail=str(error)) from None
    wrong = _wrong(record)
    if wrong:
        raise BatchInvalid(detail=wrong)
    batch = Batch(
        window=record.window,
        sequence=record.sequence,
        begin_s=record.begin_s,
        final=record.final,
        complete=record.complete,
        sources=tuple(
            SourceFacts(name=SourceName(s.name), complete=s.complete, files=s.files, bytes=s.bytes)
            for s in record.sources
        ),
        packs=tuple(StagedPack(id=_pack_id(p.id), size=p.size) for p in record.packs),
        segments=tuple(
            StagedSegment(id=_pack_id(s.id), size=s.size, source=SourceName(s.source))
            for s in record.segments
        ),
        bytes_read=record.bytes_read,
        bytes_new=record.bytes_new,
        unreadable=record.unreadable,
    )
    if encode(batch) != content:
        raise BatchInvalid(detail="it is not in its canonical form")
    return batch


def _hash_line(line: bytes) -> bytes:
    return blake3(line).hexdigest().encode("ascii") + b"\n"


def parse_name(leaf: str) -> tuple[int, int] | None:
    """(window, sequence) of a record's name without its folder; None when it is none."""
    match = _NAME.fullmatch(leaf)
    return (int(match[1]), int(match[2])) if match else None


def pack_name(pack_id: PackId) -> str:
    """Where an age file of staging lies."""
    return f"{PACKS_FOLDER}/{pack_id.hex()}.age"


def parse_pack_name(leaf: str) -> PackId | None:
    """The id in an age file's name without its folder; None when it is none."""
    match = _PACK_NAME.fullmatch(leaf)
    return PackId(bytes.fromhex(match[1])) if match else None


def _pack_id(text: str) -> PackId:
    return PackId(bytes.fromhex(text))


def _wrong(record: _Record) -> str:
    """What a reader refuses the record for; "" for nothing."""
    if record.iwato_batch != VERSION:
        return f"version {record.iwato_batch}"
    if not (0 <= record.window <= NUMBER_MAX and 0 <= record.sequence <= SEQUENCE_MAX):
        return "its number"
    counts = [record.begin_s, record.bytes_read, record.bytes_new, record.unreadable]
    counts += [count for source in record.sources for count in (source.files, source.bytes)]
    if not all(0 <= count <= COUNT_MAX for count in counts):
        return "a count"
    if record.complete and not (record.final and all(source.complete for source in record.sources)):
        return "complete before its end"
    return _wrong_names(record)


def _wrong_names(record: _Record) -> str:
    if len(record.sources) > SOURCES_MAX or max(len(record.packs), len(record.segments)) > NAMES_MAX:
        return "too many names"
    sources = [source.name for source in record.sources]
    if len(set(sources)) != len(sources) or not all(map(manifest_record.is_source_name, sources)):
        return "a source's name"
    if not {segment.source for segment in record.segments} <= set(sources):
        return "a segment of no source"
    files: Sequence[_Pack | _Segment] = [*record.packs, *record.segments]
    if len({file.id for file in files}) != len(files) or not all(_is_file(file) for file in files):
        return "a pack's id or size, or a pack named twice"
    return ""


def _is_file(file: _Pack | _Segment) -> bool:
    return _PACK_ID.fullmatch(file.id) is not None and 1 <= file.size <= pack.PLAIN_BYTES_MAX
