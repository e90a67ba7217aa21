"""The box's memory: acknowledged or nothing, whole or nothing, and nothing to read in it."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from blake3 import blake3

from appliance.adapters.dedup_index import SqliteIndex
from appliance.domain.file_entry import ChunkRef, Extent
from appliance.domain.file_state import FileState
from appliance.domain.ids import PackId
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
