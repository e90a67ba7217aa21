"""ports.DedupIndex in SQLite: chunks and file states, as keyed hashes. 05-settled 6.

A pack's chunks are written when the pack is closed and count only once the witness has acknowledged the
pack. What a file's record refers to counts under the same condition. Every row checks itself; a damaged
row is a miss, a damaged database is forgotten whole: then everything is taken in anew, which is slow and
never wrong. Knows no names and no plaintext.
"""

from __future__ import annotations

import os
import sqlite3
import struct
import threading
from array import array
from bisect import bisect_left
from collections.abc import Callable, Sequence

from blake3 import blake3

from appliance.adapters import index_database, scan_record
from appliance.adapters.known_folder import KnownFolder
from appliance.adapters.scan_record import WHOLE, ScanRecord
from appliance.domain.file_entry import ChunkRef, Extent
from appliance.domain.file_state import FileState, Remembered
from appliance.domain.ids import PackId

NAME_BYTES = 16  # bytes; keyed hash of a folder or of a name in it
_PREFIX_BYTES = 8  # bytes of a chunk's name that are held in memory
_PLACE = struct.Struct(">III8s")  # pack number, slot, length, check

_PREFIXES = f"SELECT substr(name, 1, {_PREFIX_BYTES}) FROM chunks ORDER BY name"  # noqa: S608 - our number
_FORGET = ("DELETE FROM chunks", "DELETE FROM scans", "DELETE FROM packs", "DELETE FROM facts")


def _no_step(_label: str, /) -> None:
    """Outside tests nobody counts the durable steps."""


class SqliteIndex:
    """`key` is the generation's dedup key, 32 bytes. `warn` hears, once, what is wrong with the database.
    `steps` is called after every durable change. `find` may be called by any thread, the rest by one.
    StagingFailed when the disk keeps it from being opened: a good index is not forgotten for that."""

    def __init__(
        self,
        path: str | os.PathLike[str],
        key: bytes,
        *,
        warn: Callable[[str], None],
        steps: Callable[[str], None] = _no_step,
    ) -> None:
        self._path = os.fspath(path)
        self._key = blake3(key, derive_key_context="iwato 2025 dedup index").digest()
        self._warn = warn
        self._steps = steps
        self._lock = threading.Lock()
        self._spoiled = False
        with index_database.failing_as_staging():
            try:
                self._open()
            except (sqlite3.DatabaseError, ValueError) as error:
                if not index_database.is_damage(error):
                    raise
                warn(str(error))
                index_database.remove(self._path)
                self._open()

    def close(self) -> None:
        """Close the database. Nothing may be called afterwards."""
        self._database.close()

    # Chunks --------------------------------------------------------------------------------------------

    def find(self, name: bytes) -> ChunkRef | None:
        prefix = int.from_bytes(name[:_PREFIX_BYTES], "big")
        place = bisect_left(self._prefixes, prefix)
        if place == len(self._prefixes) or self._prefixes[place] != prefix:
            return None
        rows = self._rows("SELECT place FROM chunks WHERE name = ?", (name,))
        if not rows or len(rows[0][0]) != _PLACE.size:
            return None
        number, slot, length, check = _PLACE.unpack(rows[0][0])
        if check != self._check(name, number, slot, length) or number not in self._acknowledged:
            return None
        return ChunkRef(pack=self._packs[number], slot=slot, length=length)

    def add(self, pack: PackId, chunks: Sequence[tuple[bytes, int, int]]) -> None:
        def change() -> None:
            number = self._number(pack)
            rows = (
                (name, _PLACE.pack(number, slot, length, self._check(name, number, slot, length)))
                for name, slot, length in chunks
            )
            self._database.executemany("INSERT OR REPLACE INTO chunks VALUES (?, ?)", rows)

        if self._change("index add", change):
            self._prefixes_behind = True

    def commit(self, packs: Sequence[PackId]) -> None:
        numbers = self._waiting(packs)

        def change() -> None:
            rows = ((self._seal_of(number), number) for number in numbers)
            self._database.executemany("UPDATE packs SET acknowledged = ? WHERE number = ?", rows)

        if numbers and self._change("index commit", change):
            self._acknowledged.update(numbers)
            if self._prefixes_behind:
                self._load_prefixes()

    def drop(self, packs: Sequence[PackId]) -> None:
        self._remove("index drop", self._waiting(packs))

    def lose(self, packs: Sequence[PackId]) -> bool:
        numbers = sorted({self._numbers[pack] for pack in packs if pack in self._numbers})
        self._acknowledged.difference_update(numbers)  # at once, even where the database fails
        return self._remove("index lose", numbers)

    def _remove(self, label: str, numbers: Sequence[int]) -> bool:
        """Numbers are never given again, so rows that refer to a removed pack are misses for ever."""

        def change() -> None:
            rows = ((number,) for number in numbers)
            self._database.executemany("DELETE FROM packs WHERE number = ?", rows)

        if numbers and not self._change(label, change):
            return False
        for number in numbers:
            del self._numbers[self._packs.pop(number)]
        return True

    # File states ---------------------------------------------------------------------------------------

    def folder(self, source: str, path: bytes) -> KnownFolder:
        folder = self._folder_key(source, path)
        select = "SELECT leaf, record FROM scans WHERE folder = ?"
        rows = self._rows(select, (folder,)) if self._has_scans else ()  # a first intake asks for nothing
        return KnownFolder(self.leaf_key, self.remembered, folder, dict(rows))

    def remember(self, source: str, states: Sequence[FileState]) -> None:
        def change() -> None:
            keys = {path: self._folder_key(source, path) for path in {_folder(state) for state in states}}
            rows = (self._scan_row(keys[_folder(state)], state) for state in states)
            self._database.executemany("INSERT OR REPLACE INTO scans VALUES (?, ?, ?)", rows)

        if self._change("index remember", change):
            self._has_scans = True

    # Periods -------------------------------------------------------------------------------------------

    @property
    def full_since_s(self) -> int | None:
        return self._fact("full_since")

    @property
    def log_size(self) -> int:
        return self._fact("log_size") or 0

    def reached(self, log_size: int) -> None:
        def change() -> None:
            self._database.execute("INSERT OR REPLACE INTO facts VALUES ('log_size', ?)", (log_size,))

        if log_size > self.log_size:
            self._change("index reached", change)

    def _fact(self, name: str) -> int | None:
        rows = self._rows("SELECT value FROM facts WHERE name = ?", (name,))
        return int(rows[0][0]) if rows else None

    def forget(self, now_s: int) -> None:
        def change() -> None:
            for statement in _FORGET:
                self._database.execute(statement)
            self._database.execute("INSERT OR REPLACE INTO facts VALUES ('full_since', ?)", (now_s,))

        self._acknowledged.clear()  # at once, even where the database fails
        if self._change("index forget", change):
            self._load()

    # What KnownFolder needs ----------------------------------------------------------------------------

    def leaf_key(self, leaf: bytes) -> bytes:
        """Keyed hash of a name inside its folder."""
        return self._hash(b"leaf", leaf)

    def remembered(self, content: bytes, context: bytes, signature: bytes) -> Remembered | None:
        """A file's record, as far as it is whole, of this state, and acknowledged."""
        record = scan_record.decode(content, self._key, scan_record.in_state(context, signature))
        if record is None:
            return None
        extents: list[Extent] = []
        for offset, chunks in record.runs:
            refs, end = self._usable(offset, chunks)
            if refs:
                extents.append(Extent(offset=offset, chunks=tuple(refs)))
            if len(refs) < len(chunks):
                # The rest was never acknowledged: the file is read again from there on.
                return Remembered(extents=tuple(extents), read_to=end)
        return Remembered(extents=tuple(extents), read_to=None if record.read_to == WHOLE else record.read_to)

    # ---------------------------------------------------------------------------------------------------

    def _usable(self, offset: int, chunks: Sequence[tuple[int, int, int]]) -> tuple[list[ChunkRef], int]:
        """The first chunks of a run, as far as their packs were acknowledged, and where they end."""
        refs: list[ChunkRef] = []
        for number, slot, length in chunks:
            if number not in self._acknowledged:
                break
            refs.append(ChunkRef(pack=self._packs[number], slot=slot, length=length))
            offset += length
        return refs, offset

    def _scan_row(self, folder: bytes, state: FileState) -> tuple[bytes, bytes, bytes]:
        name = self.leaf_key(state.path.rpartition(b"/")[2])
        runs = tuple((extent.offset, self._chunks(extent)) for extent in state.extents)
        record = ScanRecord(read_to=WHOLE if state.read_to is None else state.read_to, runs=runs)
        context = scan_record.in_state(folder + name, state.signature)
        return folder, name, scan_record.encode(record, self._key, context)

    def _chunks(self, extent: Extent) -> tuple[tuple[int, int, int], ...]:
        return tuple((self._number(ref.pack), ref.slot, ref.length) for ref in extent.chunks)

    def _waiting(self, packs: Sequence[PackId]) -> list[int]:
        """Numbers of those packs that are known here and were not acknowledged yet."""
        return sorted({self._numbers[pack] for pack in packs if pack in self._numbers} - self._acknowledged)

    def _hash(self, purpose: bytes, *parts: bytes) -> bytes:
        return blake3(b"\0".join((purpose, *parts)), key=self._key).digest(NAME_BYTES)

    def _folder_key(self, source: str, folder: bytes) -> bytes:
        return self._hash(b"folder", source.encode(), folder)

    def _seal_of(self, number: int) -> bytes:
        """What a pack's row holds once it was acknowledged. No flipped bit makes it."""
        return scan_record.mac(self._key, b"acknowledged %d %b" % (number, self._packs[number]))

    def _check(self, name: bytes, number: int, slot: int, length: int) -> bytes:
        pack = self._packs.get(number, b"")
        return scan_record.mac(self._key, b"%b%b%d.%d" % (name, pack, slot, length))

    def _number(self, pack: PackId) -> int:
        number = self._numbers.get(pack)
        if number is None:
            cursor = self._database.execute("INSERT INTO packs (id, acknowledged) VALUES (?, x'')", (pack,))
            assert cursor.lastrowid is not None
            number = cursor.lastrowid
            self._numbers[pack], self._packs[number] = number, pack
        return number

    def _rows(self, statement: str, values: tuple[object, ...]) -> list[tuple[bytes, bytes]]:
        try:
            with self._lock:
                return self._database.execute(statement, values).fetchall()
        except sqlite3.Error as error:
            self._spoil(error)
            return []

    def _change(self, label: str, change: Callable[[], None]) -> bool:
        """One durable change; whether it was made. A database that fails is left alone for the rest of
        the run: what is not remembered is only stored again."""
        if self._spoiled:
            return False
        try:
            with self._lock, self._database:
                change()
        except sqlite3.Error as error:
            self._spoil(error)
            return False
        self._steps(label)
        return True

    def _spoil(self, error: sqlite3.Error) -> None:
        if not self._spoiled:
            self._spoiled = True
            self._warn(str(error))

    def _load(self) -> None:
        rows = self._database.execute("SELECT number, id, acknowledged FROM packs").fetchall()
        self._packs = {number: PackId(pack) for number, pack, _ in rows}
        self._numbers = {pack: number for number, pack in self._packs.items()}
        self._acknowledged = {number for number, _, seal in rows if seal == self._seal_of(number)}
        self._has_scans = bool(self._database.execute("SELECT 1 FROM scans LIMIT 1").fetchall())
        self._load_prefixes()

    def _load_prefixes(self) -> None:
        """Most new chunks end their search in this array: 10^7 names take 80 MB here, a gigabyte as
        objects. Names that were added count only after a `commit`, so until then it may be behind."""
        rows = self._database.execute(_PREFIXES)
        self._prefixes = array("Q", (int.from_bytes(prefix, "big") for (prefix,) in rows))
        self._prefixes_behind = False

    def _open(self) -> None:
        self._database = index_database.opened(self._path)
        self._load()


def _folder(state: FileState) -> bytes:
    return state.path.rpartition(b"/")[0]
