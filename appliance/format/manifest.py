"""A manifest segment: the plaintext that lists files, written and read as a stream. FORMAT 4.

A segment is a magic line and then zstd frames of at most FRAME_BYTES raw bytes each. Their contents,
joined, are records: head, entries with the packs they name, end. Neither side holds more than one frame
and one record. Seals and opens no age file; orders no segments (their heads are numbered).
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Iterator

from appliance.domain.file_entry import FileEntry
from appliance.domain.ids import PackId
from appliance.errors import BlockInvalid, ManifestInvalid
from appliance.format import manifest_record, zstd_frame
from appliance.format.manifest_record import End, Head, Tag
from appliance.format.zstd_frame import Bytes

MAGIC = b"IWATO-MANIFEST1\n"
FRAME_BYTES = 1 << 20  # bytes of records per frame; bounds what a hostile segment makes a reader hold
STORED_BYTES_MAX = FRAME_BYTES + (FRAME_BYTES >> 7) + 64  # bytes; zstd's bound for what does not compress
RECORD_BYTES_MAX = 32 << 20  # bytes; 2.7 million chunks: a file of about 3 TB (a longer one is reported)
RECORDS_BYTES_MAX = 128 << 20  # bytes of records in one segment; writers begin a new one at a quarter of it
PACKS_MAX = 1 << 20  # packs named in one segment

_FRAME = struct.Struct(">II")  # stored bytes, raw bytes; both zero: the end
_RECORD = struct.Struct(">BI")  # tag, length of the body


class Writer:
    """Writes one segment. `emit` gets its plaintext piece by piece, in order."""

    def __init__(self, head: Head, emit: Callable[[Bytes], None]) -> None:
        self._emit = emit
        self._encoder = zstd_frame.Encoder()
        self._numbers: dict[PackId, int] = {}
        self._records = bytearray()
        self.raw_bytes = 0
        emit(MAGIC)
        self._add(Tag.HEAD, manifest_record.encode_head(head))

    @property
    def is_long(self) -> bool:
        """The segment should be ended and another one begun."""
        return self.raw_bytes >= RECORDS_BYTES_MAX // 4 or len(self._numbers) >= PACKS_MAX // 4

    def add(self, entry: FileEntry) -> None:
        """One object. ValueError, and nothing written, for one that no manifest can hold."""
        manifest_record.check_entry(entry)
        fresh: list[PackId] = []
        body = manifest_record.encode_entry(entry, lambda pack: self._number(pack, fresh))
        if len(body) > RECORD_BYTES_MAX:
            for pack_id in fresh:
                del self._numbers[pack_id]
            raise ValueError("more than one record can hold")
        for pack_id in fresh:
            self._add(Tag.PACK, pack_id)
        self._add(Tag.ENTRY, body)

    def end(self, end: End) -> None:
        """Finish the segment."""
        self._add(Tag.END, manifest_record.encode_end(end))
        self._flush(len(self._records))
        self._emit(_FRAME.pack(0, 0))

    def _number(self, pack_id: PackId, fresh: list[PackId]) -> int:
        number = self._numbers.get(pack_id)
        if number is None:
            number = self._numbers[pack_id] = len(self._numbers)
            fresh.append(pack_id)
        return number

    def _add(self, tag: Tag, body: bytes) -> None:
        self._records += _RECORD.pack(tag, len(body))
        self._records += body
        self.raw_bytes += _RECORD.size + len(body)
        while len(self._records) >= FRAME_BYTES:
            self._flush(FRAME_BYTES)

    def _flush(self, length: int) -> None:
        raw = bytes(self._records[:length])
        del self._records[:length]
        if raw:
            frame = self._encoder.encode(raw)
            self._encoder.check(frame, raw)
            self._emit(_FRAME.pack(len(frame), len(raw)) + frame)


class Reader:
    """Reads one segment from its plaintext, given in pieces of any length. `head` is known at once,
    `end` when iteration is over. Iteration gives the entries; ManifestInvalid for anything that is not
    exactly what a Writer writes, also when the pieces go on behind the end."""

    def __init__(self, plaintext: Iterable[Bytes]) -> None:
        self._packs: list[PackId] = []
        self._known: set[PackId] = set()
        self._records = _Records(_frames(_Pieces(plaintext)))
        tag, body = self._records.next()
        if tag != Tag.HEAD:
            raise ManifestInvalid(detail="it does not begin with a head")
        self.head = manifest_record.decode_head(body)
        self.end: End | None = None

    def __iter__(self) -> Iterator[FileEntry]:
        while True:
            tag, body = self._records.next()
            if tag == Tag.ENTRY:
                yield manifest_record.decode_entry(body, self._packs)
            elif tag == Tag.PACK:
                self._name_pack(body)
            elif tag == Tag.END:
                end = manifest_record.decode_end(body)
                self._records.require_end()
                self.end = end
                return
            else:
                raise ManifestInvalid(detail=f"a record of kind {tag}")

    def _name_pack(self, body: bytes) -> None:
        pack_id = PackId(body)
        if len(body) != manifest_record.PACK_ID_BYTES or pack_id in self._known:
            raise ManifestInvalid(detail="a pack's name, or one named twice")
        if len(self._packs) >= PACKS_MAX:
            raise ManifestInvalid(detail="too many packs")
        self._packs.append(pack_id)
        self._known.add(pack_id)


def read(plaintext: Iterable[Bytes]) -> Iterator[FileEntry]:
    """The entries of a segment, where head and end do not matter."""
    return iter(Reader(plaintext))


class _Pieces:
    """Exact lengths out of pieces of any length."""

    def __init__(self, pieces: Iterable[Bytes]) -> None:
        self._pieces = iter(pieces)
        self._buffer = bytearray()

    def take(self, length: int) -> bytes:
        while len(self._buffer) < length:
            piece = next(self._pieces, None)
            if piece is None:
                raise ManifestInvalid(detail="it is cut off")
            self._buffer += piece
        taken = bytes(self._buffer[:length])
        del self._buffer[:length]
        return taken

    def require_end(self) -> None:
        if self._buffer or any(len(piece) for piece in self._pieces):
            raise ManifestInvalid(detail="it goes on behind its end")


def _frames(pieces: _Pieces) -> Iterator[bytes]:
    """The raw content of each frame. All but the last are full."""
    if pieces.take(len(MAGIC)) != MAGIC:
        raise ManifestInvalid(detail="it does not begin as a list of files does")
    total, full = 0, True
    while True:
        stored, raw = _FRAME.unpack(pieces.take(_FRAME.size))
        if stored == raw == 0:
            pieces.require_end()
            return
        total += raw
        if not (full and 1 <= raw <= FRAME_BYTES and 1 <= stored <= STORED_BYTES_MAX):
            raise ManifestInvalid(detail="a frame of no possible length")
        if total > RECORDS_BYTES_MAX:
            raise ManifestInvalid(detail="too long")
        full = raw == FRAME_BYTES
        try:
            yield zstd_frame.decode(pieces.take(stored), raw)
        except BlockInvalid as error:
            raise ManifestInvalid(detail=error.values["detail"]) from error


class _Records:
    """(tag, body) out of the joined frames."""

    def __init__(self, frames: Iterator[bytes]) -> None:
        self._frames = frames
        self._frame = b""
        self._position = 0

    def next(self) -> tuple[int, bytes]:
        tag, length = _RECORD.unpack(self._take(_RECORD.size))
        if length > RECORD_BYTES_MAX:
            raise ManifestInvalid(detail="a record that is too long")
        return tag, self._take(length)

    def require_end(self) -> None:
        if self._position != len(self._frame) or next(self._frames, None) is not None:
            raise ManifestInvalid(detail="records behind the end")

    def _take(self, length: int) -> bytes:
        end = self._position + length
        if end <= len(self._frame):
            taken = self._frame[self._position : end]
            self._position = end
            return taken
        parts = [self._frame[self._position :]]
        missing = end - len(self._frame)
        while missing:
            self._frame = next(self._frames, b"")
            if not self._frame:
                raise ManifestInvalid(detail="it ends in the middle of a record")
            parts.append(self._frame[:missing])
            self._position = min(missing, len(self._frame))
            missing -= self._position
        return b"".join(parts)
