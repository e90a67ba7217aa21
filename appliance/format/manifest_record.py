"""The records of a manifest, each between its values and its bytes. FORMAT 4.3-4.7.

Strict: what is decoded is exactly what would be encoded. Numbers are big-endian. Knows nothing of how
records follow one another (manifest.py).
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import IntEnum

from appliance.domain.file_entry import ChunkRef, Extent, FileEntry, Kind
from appliance.domain.ids import PackId, SourceName
from appliance.errors import ManifestInvalid
from appliance.format import pack

PACK_ID_BYTES = 32
PATH_BYTES_MAX = 0xFFFF  # bytes; deeper than any path a kernel takes in one piece (4096)
COMPONENT_BYTES_MAX = 255  # bytes; NAME_MAX of every Linux file system
XATTR_NAME_BYTES_MAX = 255  # bytes; XATTR_NAME_MAX of Linux
XATTRS_MAX = 1024  # per object; ext4 holds fewer
XATTR_VALUE_BYTES_MAX = 1 << 16  # bytes; XATTR_SIZE_MAX of Linux
MODE_MAX = 0o7777
NANOSECONDS = 1_000_000_000
SOURCE_CHARS = frozenset("abcdefghijklmnopqrstuvwxyz0123456789-_")
SOURCE_CHARS_MAX = 32
_CHANGED = 1  # the only flag
_COMPONENT = rb"(?!\.{1,2}(?:/|\Z))[^/\0]{1,%d}" % COMPONENT_BYTES_MAX
_PATH = re.compile(_COMPONENT + rb"(?:/" + _COMPONENT + rb")*")

_HEAD = struct.Struct(">HQQIB")  # version, window number, begin in unix seconds, segment number, name length
_END = struct.Struct(">BQQQ")  # last, entries, files, bytes: of the whole source when last, else zero
# kind, flags, mode, uid, gid, seconds, nanoseconds, size, major, minor, path, target, xattrs, extents
_ENTRY = struct.Struct(">BBHIIqIQIIHHHI")
_XATTR = struct.Struct(">BI")  # length of the name, length of the value
_EXTENT = struct.Struct(">QI")  # offset, chunks
_CHUNK = struct.Struct(">III")  # number of the pack in this segment, slot, length

VERSION = 1


class Tag(IntEnum):
    """What a record is."""

    HEAD = 1
    PACK = 2
    ENTRY = 3
    END = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """First record: which snapshot and source this segment belongs to, and its number from 0."""

    window: int
    begin_s: int
    segment: int
    source: SourceName


@dataclass(frozen=True, slots=True, kw_only=True)
class End:
    """Last record. `last` says that the source was walked to its end; then the counts are those of the
    whole source: objects, regular files (further names included), bytes of regular files."""

    last: bool = False
    entries: int = 0
    files: int = 0
    bytes: int = 0


def encode_head(head: Head) -> bytes:
    """Body of a HEAD record."""
    name = head.source.encode("ascii")
    return _HEAD.pack(VERSION, head.window, head.begin_s, head.segment, len(name)) + name


def decode_head(body: bytes) -> Head:
    """Inverse of `encode_head`. ManifestInvalid for anything else."""
    version, window, begin_s, segment, length = _unpack(_HEAD, body, 0)
    name = body[_HEAD.size :].decode("ascii", "replace")
    if version != VERSION:
        raise ManifestInvalid(detail=f"version {version}")
    if length != len(body) - _HEAD.size or not is_source_name(name):
        raise ManifestInvalid(detail="a source's name")
    return Head(window=window, begin_s=begin_s, segment=segment, source=SourceName(name))


def encode_end(end: End) -> bytes:
    """Body of an END record."""
    return _END.pack(end.last, end.entries, end.files, end.bytes)


def decode_end(body: bytes) -> End:
    """Inverse of `encode_end`. ManifestInvalid for anything else."""
    last, entries, files, size = _unpack(_END, body, 0)
    end = End(last=last == 1, entries=entries, files=files, bytes=size)
    if encode_end(end) != body or (not end.last and end != End()):
        raise ManifestInvalid(detail="its last record")
    return end


def encode_entry(entry: FileEntry, number_of: Callable[[PackId], int]) -> bytes:
    """Body of an ENTRY record. `number_of` gives a pack's number in the segment. ValueError for what
    `decode_entry` would refuse: such an object cannot be kept, and its name is to be reported."""
    seconds, nanoseconds = divmod(entry.mtime_ns, NANOSECONDS)
    parts = [
        _ENTRY.pack(
            entry.kind,
            _CHANGED if entry.changed else 0,
            entry.mode,
            entry.uid,
            entry.gid,
            seconds,
            nanoseconds,
            entry.size,
            *entry.device,
            len(entry.path),
            len(entry.target),
            len(entry.xattrs),
            len(entry.extents),
        ),
        entry.path,
        entry.target,
    ]
    for name, value in entry.xattrs:
        parts += (_XATTR.pack(len(name), len(value)), name, value)
    for extent in entry.extents:
        parts.append(_EXTENT.pack(extent.offset, len(extent.chunks)))
        parts += [_CHUNK.pack(number_of(ref.pack), ref.slot, ref.length) for ref in extent.chunks]
    return b"".join(parts)


def decode_entry(body: bytes, packs: Sequence[PackId]) -> FileEntry:
    """Inverse of `encode_entry`; `packs` are those that the segment has named so far. ManifestInvalid
    for anything that `check_entry` refuses or that is written in another way."""
    kind, flags, mode, uid, gid, seconds, nanoseconds, size, major, minor, *lengths = _unpack(_ENTRY, body, 0)
    path_length, target_length, xattr_count, extent_count = lengths
    cursor = _Cursor(body, _ENTRY.size)
    if kind not in tuple(Kind) or flags not in (0, _CHANGED) or nanoseconds >= NANOSECONDS:
        raise ManifestInvalid(detail="an entry's kind, flags or time")
    if xattr_count > XATTRS_MAX:
        raise ManifestInvalid(detail="too many attributes")
    path, target = cursor.take(path_length), cursor.take(target_length)
    xattrs = tuple(_xattr(cursor) for _ in range(xattr_count))
    extents = tuple(_extent(cursor, packs) for _ in range(extent_count))
    cursor.end()
    entry = FileEntry(
        path=path,
        kind=Kind(kind),
        mode=mode,
        uid=uid,
        gid=gid,
        mtime_ns=seconds * NANOSECONDS + nanoseconds,
        size=size,
        target=target,
        device=(major, minor),
        xattrs=xattrs,
        extents=extents,
        changed=flags == _CHANGED,
    )
    try:
        check_entry(entry)
    except ValueError as error:
        raise ManifestInvalid(detail=str(error)) from None
    return entry


def check_entry(entry: FileEntry) -> None:
    """ValueError, without any name in it, for an entry that means nothing or leads out of its tree."""
    if not (is_path(entry.path) or (entry.path == b"" and entry.kind == Kind.DIRECTORY)):
        raise ValueError("a path that is not canonical")
    if entry.mode > MODE_MAX:
        raise ValueError("a mode that is none")
    _check_kind(entry)
    if entry.xattrs:
        _check_xattrs(entry.xattrs)
    _check_extents(entry)


def is_path(path: bytes) -> bool:
    """A relative path below the root: components of 1-255 bytes, none `.` or `..`, no NUL."""
    return len(path) <= PATH_BYTES_MAX and _PATH.fullmatch(path) is not None


def is_source_name(name: str) -> bool:
    """1-32 characters of a-z, 0-9, '-' and '_'."""
    return 1 <= len(name) <= SOURCE_CHARS_MAX and SOURCE_CHARS.issuperset(name)


def _check_kind(entry: FileEntry) -> None:
    kind, target = entry.kind, entry.target
    if kind != Kind.FILE and (entry.size or entry.extents or entry.changed):
        raise ValueError("content where there can be none")
    if kind not in (Kind.CHARACTER_DEVICE, Kind.BLOCK_DEVICE) and entry.device != (0, 0):
        raise ValueError("a device number where there can be none")
    if kind == Kind.HARD_LINK:
        if not is_path(target) or target == entry.path:
            raise ValueError("a further name of something outside")
    elif kind == Kind.SYMLINK:
        if not target or b"\0" in target:
            raise ValueError("a symbolic link to nothing")
    elif target:
        raise ValueError("a target where there can be none")


def _check_xattrs(xattrs: Sequence[tuple[bytes, bytes]]) -> None:
    names = [name for name, _ in xattrs]
    if len(names) > XATTRS_MAX or names != sorted(set(names)):
        raise ValueError("attributes out of order, twice, or too many")
    if not all(_is_xattr(name, value) for name, value in xattrs):
        raise ValueError("an attribute that is none")


def _is_xattr(name: bytes, value: bytes) -> bool:
    if not 1 <= len(name) <= XATTR_NAME_BYTES_MAX or b"\0" in name:
        return False
    return len(value) <= XATTR_VALUE_BYTES_MAX


def _check_extents(entry: FileEntry) -> None:
    end = -1  # two runs that touch would be one run: exactly one way to write a file
    for extent in entry.extents:
        if extent.offset <= end or not extent.chunks:
            raise ValueError("runs of data that overlap, touch or are empty")
        end = extent.offset
        for ref in extent.chunks:
            if not 1 <= ref.length <= pack.RAW_BYTES_MAX:
                raise ValueError("a chunk of no possible length")
            end += ref.length
    if end > entry.size:
        raise ValueError("data behind the end of a file")


def _xattr(cursor: _Cursor) -> tuple[bytes, bytes]:
    name_length, value_length = cursor.unpack(_XATTR)
    return cursor.take(name_length), cursor.take(value_length)


def _extent(cursor: _Cursor, packs: Sequence[PackId]) -> Extent:
    offset, count = cursor.unpack(_EXTENT)
    chunks = cursor.take(count * _CHUNK.size)
    known = len(packs)
    refs = []
    for number, slot, length in _CHUNK.iter_unpack(chunks):
        if number >= known or slot >= pack.SLOTS_MAX:
            raise ManifestInvalid(detail="a chunk in a pack that was not named")
        refs.append(ChunkRef(pack=packs[number], slot=slot, length=length))
    return Extent(offset=offset, chunks=tuple(refs))


def _unpack(layout: struct.Struct, body: bytes, offset: int) -> tuple[int, ...]:
    if len(body) < offset + layout.size:
        raise ManifestInvalid(detail="a record is cut off")
    return layout.unpack_from(body, offset)


class _Cursor:
    """Takes a record's body apart from front to back."""

    def __init__(self, body: bytes, position: int) -> None:
        self._body = body
        self._position = position

    def unpack(self, layout: struct.Struct) -> tuple[int, ...]:
        fields = _unpack(layout, self._body, self._position)
        self._position += layout.size
        return fields

    def take(self, length: int) -> bytes:
        end = self._position + length
        if end > len(self._body):
            raise ManifestInvalid(detail="a record is cut off")
        taken = self._body[self._position : end]
        self._position = end
        return taken

    def end(self) -> None:
        if self._position != len(self._body):
            raise ManifestInvalid(detail="a record is longer than what it says")
