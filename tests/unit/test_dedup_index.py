"""The box's memory: acknowledged or nothing, whole or nothing, and nothing to read in it."""

import errno
import os
import sqlite3
import struct
from collections.abc import Iterator
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest
from blake3 import blake3

from appliance.adapters import scan_record
from appliance.adapters.dedup_index import SqliteIndex
from appliance.domain.file_entry import ChunkRef, Extent
from appliance.domain.file_state import FileState
from appliance.domain.ids import PackId
from appliance.errors import StagingFailed
from tests.depth import many

KEY = b"k" * 32
A, B = PackId(b"a" * 32), PackId(b"b" * 32)
NAME, OTHER = blake3(b"chunk").digest(), blake3(b"other").digest()
STATE = b"size and times"


def extent(*packs: PackId, offset: int = 0) -> Extent:
    chunks = tuple(ChunkRef(pack=pack, slot=slot, length=100) for slot, pack in enumerate(packs))
    return Extent(offset=offset, chunks=chunks)


def state(*extents: Extent, path: bytes = b"folder/file", read_to: int | None = None) -> FileState:
    return FileState(path=path, signature=STATE, extents=extents, read_to=read_to)


class Opened:
    """The index, opened as often as needed on one file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.warnings: list[str] = []
        self.index = self.again()

    def again(self, key: bytes = KEY) -> SqliteIndex:
        if hasattr(self, "index"):
            self.index.close()
        self.index = SqliteIndex(self.path, key, warn=self.warnings.append)
        return self.index


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Opened]:
    opened = Opened(tmp_path / "index.sqlite")
    yield opened
    opened.index.close()


def test_a_chunk_counts_from_the_acknowledgement_of_its_pack_on(opened: Opened) -> None:
    opened.index.add(A, [(NAME, 3, 100)])
    assert opened.index.find(NAME) is None
    assert opened.again().find(NAME) is None
    opened.index.commit([B, A])
    expected = ChunkRef(pack=A, slot=3, length=100)
    assert opened.index.find(NAME) == expected
    assert opened.again().find(NAME) == expected
    assert opened.index.find(OTHER) is None
    assert opened.warnings == []


def test_a_chunk_that_was_stored_again_is_found_in_the_newer_pack(opened: Opened) -> None:
    opened.index.add(A, [(NAME, 3, 100)])
    opened.index.add(B, [(NAME, 4, 100)])
    opened.index.commit([A])
    opened.again()
    assert opened.index.find(NAME) is None  # stored once more is wrong by nothing but room
    opened.index.commit([B])
    assert opened.index.find(NAME) == ChunkRef(pack=B, slot=4, length=100)


def test_a_dropped_pack_never_counts(opened: Opened) -> None:
    opened.index.add(A, [(NAME, 3, 100)])
    opened.index.remember("docs", [state(extent(A))])
    opened.index.drop([A, B])
    opened.index.add(B, [(OTHER, 0, 100)])
    opened.index.commit([A, B])
    assert opened.again().find(NAME) is None
    remembered = opened.index.folder("docs", b"folder").find(b"file", STATE)
    assert remembered is not None
    assert (remembered.extents, remembered.read_to) == ((), 0)


def test_an_acknowledged_pack_is_not_dropped(opened: Opened) -> None:
    opened.index.add(A, [(NAME, 3, 100)])
    opened.index.commit([A])
    opened.index.drop([A])
    assert opened.again().find(NAME) is not None


def test_a_lost_pack_never_counts_again_and_others_stay(opened: Opened) -> None:
    opened.index.add(A, [(NAME, 3, 100)])
    opened.index.add(B, [(OTHER, 0, 100)])
    opened.index.remember("docs", [state(extent(B, A))])
    opened.index.commit([A, B])
    assert opened.index.lose([A, A])
    for _ in range(2):
        index = opened.index
        assert index.find(NAME) is None
        assert index.find(OTHER) == ChunkRef(pack=B, slot=0, length=100)
        found = index.folder("docs", b"folder").find(b"file", STATE)
        assert found is not None
        assert (found.extents, found.read_to) == ((extent(B),), 100)
        opened.again()
    assert opened.index.lose([A])  # known already
    opened.index.commit([A])  # a receipt that comes late
    assert opened.index.find(NAME) is None


@pytest.mark.parametrize("how", ["lose", "forget"])
def test_a_database_that_refuses_to_lose_packs_counts_none_in_this_run(opened: Opened, how: str) -> None:
    opened.index.add(A, [(NAME, 3, 100)])
    opened.index.commit([A])
    other = sqlite3.connect(opened.path)
    other.execute("CREATE TRIGGER stuck BEFORE DELETE ON packs BEGIN SELECT RAISE(ABORT, 'stuck'); END")
    other.close()
    if how == "lose":
        assert not opened.index.lose([A])
    else:
        opened.index.forget(1)
    assert opened.index.find(NAME) is None
    assert opened.warnings


def test_how_far_the_ledger_reached_only_grows_until_all_is_forgotten(opened: Opened) -> None:
    assert opened.index.log_size == 0
    opened.index.reached(7)
    opened.index.reached(5)
    assert opened.again().log_size == 7
    opened.index.forget(1)
    assert opened.again().log_size == 0


def test_a_file_is_known_in_its_exact_state_and_place_only(opened: Opened) -> None:
    whole = extent(A, A), extent(A, offset=1000)
    opened.index.add(A, [])
    opened.index.remember("docs", [state(*whole)])
    opened.index.commit([A])
    index = opened.again()
    found = index.folder("docs", b"folder").find(b"file", STATE)
    assert found is not None
    assert (found.extents, found.read_to) == (whole, None)
    assert index.folder("docs", b"folder").find(b"file", STATE + b"!") is None
    assert index.folder("docs", b"folder").find(b"other", STATE) is None
    assert index.folder("docs", b"other").find(b"file", STATE) is None
    assert index.folder("else", b"folder").find(b"file", STATE) is None


def test_of_a_file_counts_what_was_acknowledged_from_its_beginning_on(opened: Opened) -> None:
    opened.index.add(A, [])
    opened.index.add(B, [])
    opened.index.remember("docs", [state(extent(A), extent(A, B, A, offset=500))])
    opened.index.commit([A])
    found = opened.index.folder("docs", b"folder").find(b"file", STATE)
    assert found is not None
    assert found.extents == (extent(A), extent(A, offset=500))
    assert found.read_to == 600


def test_where_reading_ended_early_is_remembered(opened: Opened) -> None:
    opened.index.add(A, [])
    opened.index.commit([A])
    opened.index.remember("docs", [state(extent(A), read_to=100)])
    found = opened.again().folder("docs", b"folder").find(b"file", STATE)
    assert found is not None
    assert found.read_to == 100


def test_forgetting_leaves_nothing_and_begins_a_period(opened: Opened) -> None:
    assert opened.index.full_since_s is None
    opened.index.add(A, [(NAME, 3, 100)])
    opened.index.remember("docs", [state(extent(A))])
    opened.index.commit([A])
    opened.index.forget(1_700_000_000)
    for index in (opened.index, None):
        index = index or opened.again()  # noqa: PLW2901 - the same file, opened anew
        assert index.full_since_s == 1_700_000_000
        assert index.find(NAME) is None
        assert index.folder("docs", b"folder").find(b"file", STATE) is None


def test_another_generation_s_key_finds_nothing(opened: Opened) -> None:
    opened.index.add(A, [(NAME, 3, 100)])
    opened.index.remember("docs", [state(extent(A))])
    opened.index.commit([A])
    index = opened.again(b"x" * 32)
    assert index.find(NAME) is None
    assert index.folder("docs", b"folder").find(b"file", STATE) is None


def fill(index: SqliteIndex) -> None:
    index.forget(1_700_000_000)
    index.add(A, [(blake3(bytes([number])).digest(), number, 100 + number) for number in range(200)])
    index.commit([A])
    index.remember("docs", [state(extent(A), path=b"folder/%d" % number) for number in range(50)])


def truths(index: SqliteIndex) -> Iterator[bool]:
    """Every answer that the index gives; each has to be right or nothing."""
    for number in range(200):
        found = index.find(blake3(bytes([number])).digest())
        yield found in (None, ChunkRef(pack=A, slot=number, length=100 + number))
    folder = index.folder("docs", b"folder")
    for number in range(50):
        known = folder.find(b"%d" % number, STATE)
        yield known is None or (known.extents, known.read_to) in (((extent(A),), None), ((), 0))


def test_no_flipped_bit_makes_a_small_index_say_something_wrong(opened: Opened) -> None:
    """Every bit of every byte that is not zero, and some of those that are."""
    opened.index.forget(1_700_000_000)
    opened.index.add(A, [(blake3(bytes([number])).digest(), number, 100 + number) for number in range(3)])
    opened.index.commit([A])
    opened.index.remember("docs", [state(extent(A), path=b"folder/%d" % number) for number in range(2)])
    opened.index.close()
    content = bytearray(opened.path.read_bytes())
    places = [place for place in range(len(content)) if content[place] or not place % 61]
    for bit in [8 * place + bit for place in places for bit in range(8)][:: many(97, 1)]:
        content[bit // 8] ^= 1 << bit % 8
        opened.path.write_bytes(content)
        assert all(truths(opened.again())), bit
        content[bit // 8] ^= 1 << bit % 8


@pytest.mark.planted
def test_no_flipped_byte_makes_the_index_say_something_wrong(
    opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And the control: without the rows' checks, a flipped byte does come through."""
    fill(opened.index)
    opened.index.close()
    content = opened.path.read_bytes()
    assert not opened.path.with_name("index.sqlite-wal").exists()
    places = [place for place in range(100, len(content)) if content[place]]
    for place in places[:: max(1, len(places) // many(60, 1500))]:
        opened.path.write_bytes(content[:place] + bytes([content[place] ^ 0x41]) + content[place + 1 :])
        assert all(truths(opened.again())), place
    opened.index.close()

    monkeypatch.setattr("appliance.adapters.scan_record.mac", lambda *_: b"12345678")
    opened.path.unlink()
    fill(opened.again())
    opened.index.close()
    with sqlite3.connect(opened.path) as database:
        name = blake3(bytes([7])).digest()
        row = bytearray(database.execute("SELECT place FROM chunks WHERE name = ?", (name,)).fetchone()[0])
        row[7] ^= 1  # the slot
        database.execute("UPDATE chunks SET place = ? WHERE name = ?", (bytes(row), name))
    database.close()
    assert not all(truths(opened.again()))


@pytest.mark.parametrize("content", [b"", b"no database at all" * 500, b"SQLite format 3\0" + b"\xff" * 5000])
def test_a_damaged_database_is_forgotten_and_works_again(opened: Opened, content: bytes) -> None:
    fill(opened.index)
    opened.index.close()
    opened.path.write_bytes(content)
    index = opened.again()
    assert bool(opened.warnings) == bool(content)
    assert index.find(blake3(bytes([1])).digest()) is None
    assert index.full_since_s is None
    fill(index)
    assert index.find(blake3(bytes([1])).digest()) is not None


def test_a_database_of_a_later_version_is_forgotten(opened: Opened) -> None:
    fill(opened.index)
    opened.index.close()
    with sqlite3.connect(opened.path) as database:
        database.execute("PRAGMA user_version = 99")
    database.close()
    assert opened.again().full_since_s is None
    assert opened.warnings == ["it is of version 99"]


def damage(path: Path, *statements: str) -> None:
    """Plant in the database what its own rules forbid: without them, as another program could."""
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.execute("PRAGMA ignore_check_constraints = 1")
        database.execute("PRAGMA writable_schema = 1")
        rules = database.execute("SELECT name, sql FROM sqlite_schema WHERE sql LIKE '%STRICT%'").fetchall()
        for name, rule in rules:
            loose = rule.replace(" STRICT,", "").replace(" STRICT", "")
            database.execute("UPDATE sqlite_schema SET sql = ? WHERE name = ?", (loose, name))
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.execute("PRAGMA ignore_check_constraints = 1")
        for statement in statements:
            database.execute(statement)
        database.execute("PRAGMA writable_schema = 1")
        for name, rule in rules:
            database.execute("UPDATE sqlite_schema SET sql = ? WHERE name = ?", (rule, name))


@pytest.mark.clause("THREATS 4.7")
@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO packs (id, acknowledged) VALUES ('0123456789abcdef0123456789abcdef', x'')",
        "INSERT INTO packs (id, acknowledged) VALUES (x'00', x'')",
        "UPDATE packs SET acknowledged = 'text'",
        "INSERT INTO packs VALUES (-1, zeroblob(32), x'')",
        "INSERT INTO packs VALUES (1 << 40, zeroblob(32), x'')",
        "UPDATE sqlite_sequence SET seq = 1 << 40",
        "UPDATE sqlite_sequence SET seq = 'text'",
        "UPDATE chunks SET place = 7",
        "UPDATE chunks SET place = '01234567890123456789'",
        "INSERT INTO chunks VALUES ('text', x'')",
        "UPDATE scans SET record = 'a text that is as long as a record has to be at the least'",
        "UPDATE scans SET record = 7",
        "UPDATE facts SET value = 'text'",
        "UPDATE facts SET value = 9e999",
        "DROP TABLE scans",
        "CREATE TRIGGER planted AFTER INSERT ON packs BEGIN DELETE FROM packs; END",
    ],
)
def test_a_planted_row_costs_the_index_and_no_intake(opened: Opened, statement: str) -> None:
    fill(opened.index)
    opened.index.close()
    damage(opened.path)
    assert opened.again().full_since_s is not None  # control: planting alone changes nothing
    opened.index.close()
    damage(opened.path, statement)
    index = opened.again()
    assert len(opened.warnings) == 1
    assert index.full_since_s is None
    fill(index)
    assert index.find(blake3(bytes([1])).digest()) is not None
    assert all(truths(opened.again()))
    assert len(opened.warnings) == 1


@pytest.mark.parametrize(
    "body",
    [
        struct.pack(">QI", 0, 1),
        struct.pack(">QIQI", 0, 1, 0, 1),
        struct.pack(">QIQI5s", 0, 1, 0, 1, b""),
        struct.pack(">QIQIIII", 0, (1 << 32) - 1, 0, 1, 1, 0, 100),
        struct.pack(">QIQIIII", 0, 1, 0, (1 << 32) - 1, 1, 0, 100),
    ],
)
def test_a_record_that_was_forged_with_the_key_is_none(body: bytes) -> None:
    content = body + scan_record.state_of(KEY, b"context" + body)
    assert scan_record.decode(content, KEY, b"context") is None


@pytest.mark.parametrize("name", ["-journal", "-wal", "-shm"])
def test_a_folder_for_a_journal_is_damage_and_not_a_disk_that_fails(opened: Opened, name: str) -> None:
    fill(opened.index)
    opened.index.close()
    opened.path.with_name(opened.path.name + name).mkdir()
    assert opened.again().full_since_s is None
    assert opened.warnings == ["its journal is no file"]


def test_an_index_that_somebody_holds_is_kept(opened: Opened, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(opened.index)
    opened.index.close()
    connect = sqlite3.connect
    monkeypatch.setattr(sqlite3, "connect", partial(connect, timeout=0))
    with closing(connect(opened.path, isolation_level=None)) as holder:
        holder.execute("PRAGMA locking_mode = EXCLUSIVE")
        holder.execute("BEGIN EXCLUSIVE")
        with pytest.raises(StagingFailed, match="locked"):
            opened.again()
    assert opened.again().find(blake3(bytes([1])).digest()) is not None
    assert opened.warnings == []


@pytest.mark.parametrize(
    "code",
    [sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR_READ, sqlite3.SQLITE_IOERR_SHMSIZE, sqlite3.SQLITE_NOMEM],
)
def test_a_disk_that_fails_at_the_opening_costs_no_index(
    opened: Opened, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    fill(opened.index)
    opened.index.close()

    def failing(*_: object, **__: object) -> sqlite3.Connection:
        error = sqlite3.OperationalError("the disk says no")
        error.sqlite_errorcode = code
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(sqlite3, "connect", failing)
        with pytest.raises(StagingFailed, match="the disk says no"):
            opened.again()
    assert opened.again().find(blake3(bytes([1])).digest()) is not None
    assert opened.warnings == []


def test_a_file_that_cannot_be_opened_is_a_failing_disk(
    opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(*_: object) -> int:
        raise OSError(errno.EIO, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr(os, "open", failing)
        with pytest.raises(StagingFailed):
            opened.again()


def test_a_database_that_fails_while_it_is_used_only_costs_memory(opened: Opened) -> None:
    fill(opened.index)
    opened.index._database.close()  # any later use is a sqlite3.ProgrammingError
    opened.index.add(B, [(NAME, 0, 1)])
    opened.index.commit([B])
    opened.index.remember("docs", [state(extent(B))])
    assert opened.index.find(blake3(bytes([1])).digest()) is None
    assert opened.index.folder("docs", b"folder").find(b"1", STATE) is None
    assert len(opened.warnings) == 1
    assert opened.again().find(blake3(bytes([1])).digest()) is not None
