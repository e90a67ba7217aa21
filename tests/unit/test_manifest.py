"""Manifest segments: every object of a tree, byte-exact; one spelling; nothing that leads out of a tree."""

import struct
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from appliance.domain.file_entry import ChunkRef, Extent, FileEntry, Kind
from appliance.domain.ids import PackId, SourceName
from appliance.errors import ManifestInvalid
from appliance.format import manifest, manifest_record, pack
from appliance.format.manifest_record import End, Head

HEAD = Head(window=7, begin_s=1_700_000_000, segment=0, source=SourceName("docs"))
LAST = End(last=True, entries=1, files=1, bytes=1)
PACK_A, PACK_B = PackId(b"a" * 32), PackId(b"b" * 32)


def written(entries: list[FileEntry], head: Head = HEAD, end: End | None = None) -> bytes:
    out = bytearray()
    writer = manifest.Writer(head, out.extend)
    for entry in entries:
        writer.add(entry)
    writer.end(end if end is not None else End())
    return bytes(out)


def read(content: bytes, piece: int = 1 << 20) -> list[FileEntry]:
    pieces = [content[start : start + piece] for start in range(0, len(content), piece)]
    return list(manifest.Reader(pieces))


def file(path: bytes = b"f", size: int = 0, *extents: Extent, **changes: Any) -> FileEntry:
    entry = FileEntry(
        path=path, kind=Kind.FILE, mode=0o644, uid=1000, gid=1000, mtime_ns=1, size=size, extents=extents
    )
    return replace(entry, **changes)


# Any tree -------------------------------------------------------------------------------------------

components = st.binary(min_size=1, max_size=255).filter(
    lambda part: part not in (b".", b"..") and b"/" not in part and b"\0" not in part
)
paths = st.lists(components, min_size=1, max_size=4).map(b"/".join)
attribute_names = st.binary(min_size=1, max_size=255).filter(lambda name: b"\0" not in name)
xattrs = st.dictionaries(attribute_names, st.binary(max_size=300), max_size=3).map(
    lambda found: tuple(sorted(found.items()))
)
refs = st.builds(
    ChunkRef,
    pack=st.binary(min_size=32, max_size=32).map(PackId),
    slot=st.integers(0, pack.SLOTS_MAX - 1),
    length=st.integers(1, pack.RAW_BYTES_MAX),
)


@st.composite
def contents(draw: st.DrawFn) -> tuple[int, tuple[Extent, ...]]:
    """A size and runs that fit in it."""
    end, extents = -1, []
    for _ in range(draw(st.integers(0, 4))):
        offset = end + 1 + draw(st.integers(0, 1 << 40))
        chunks = tuple(draw(st.lists(refs, min_size=1, max_size=4)))
        extents.append(Extent(offset=offset, chunks=chunks))
        end = offset + sum(ref.length for ref in chunks)
    return max(end, 0) + draw(st.integers(0, 1 << 40)), tuple(extents)


@st.composite
def entries(draw: st.DrawFn) -> FileEntry:
    kind = draw(st.sampled_from(Kind))
    size, extents = draw(contents()) if kind == Kind.FILE else (0, ())
    path = draw(paths)
    targets = {
        Kind.SYMLINK: st.binary(min_size=1, max_size=400).filter(lambda text: b"\0" not in text),
        Kind.HARD_LINK: paths.filter(lambda other: other != path),
    }
    devices = st.tuples(st.integers(0, 4095), st.integers(0, 1 << 20))
    return FileEntry(
        path=path,
        kind=kind,
        mode=draw(st.integers(0, 0o7777)),
        uid=draw(st.integers(0, (1 << 32) - 1)),
        gid=draw(st.integers(0, (1 << 32) - 1)),
        mtime_ns=draw(st.integers(-(1 << 62), 1 << 62)),
        size=size,
        target=draw(targets.get(kind, st.just(b""))),
        device=draw(devices) if kind in (Kind.CHARACTER_DEVICE, Kind.BLOCK_DEVICE) else (0, 0),
        xattrs=draw(xattrs),
        extents=extents,
        changed=kind == Kind.FILE and draw(st.booleans()),
    )


@given(st.lists(entries(), max_size=8), st.integers(1, 5000))
@pytest.mark.clause("FORMAT 4.5")
def test_what_is_listed_reads_back_in_any_pieces(listed: list[FileEntry], piece: int) -> None:
    content = written(listed)
    assert read(content, piece) == listed
    assert list(manifest.read([content])) == listed


@given(entries(), contents())
def test_an_entry_with_other_extents_differs_in_nothing_else(
    entry: FileEntry, content: tuple[int, tuple[Extent, ...]]
) -> None:
    assert entry.with_extents(content[1]) == replace(entry, extents=content[1])


def test_the_root_itself_is_listed_as_a_directory() -> None:
    root = FileEntry(path=b"", kind=Kind.DIRECTORY, mode=0o755, uid=0, gid=0, mtime_ns=0)
    assert read(written([root])) == [root]


@pytest.mark.clause("FORMAT 4.3")
@pytest.mark.clause("FORMAT 4.7")
def test_head_and_end_say_whose_list_it_is_and_whether_it_is_whole() -> None:
    for end in (End(), LAST):
        reader = manifest.Reader([written([file()], end=end)])
        assert reader.head == HEAD
        assert reader.end is None
        assert len(list(reader)) == 1
        assert reader.end == end


def test_a_long_list_spans_frames_and_holds_only_one_of_them() -> None:
    names = [b"%06d-%s" % (number, bytes([97 + number % 26]) * 200) for number in range(12_000)]
    pieces: list[bytes] = []
    writer = manifest.Writer(HEAD, lambda piece: pieces.append(bytes(piece)))
    for name in names:
        writer.add(file(name))
    writer.end(End())
    assert writer.raw_bytes > 2 * manifest.FRAME_BYTES
    assert len(pieces) >= 4  # magic, frames, end
    assert [entry.path for entry in manifest.Reader(pieces)] == names


def test_a_pack_is_named_once_per_segment() -> None:
    extent = Extent(offset=0, chunks=(ChunkRef(pack=PACK_A, slot=0, length=5),) * 100)
    assert read(written([file(b"1", 500, extent), file(b"2", 500, extent)]))[1].extents == (extent,)
    body = records(written([file(b"1", 500, extent), file(b"2", 500, extent)]))
    assert [tag for tag, _ in body] == [1, 2, 3, 3, 4]


# Hostile fields ---------------------------------------------------------------------------------------


def records(content: bytes) -> list[tuple[int, bytes]]:
    """The records of a short segment, taken apart by hand."""
    stored, _ = struct.unpack_from(">II", content, len(manifest.MAGIC))
    start = len(manifest.MAGIC) + 8
    raw, found = zstandard.ZstdDecompressor().decompress(content[start : start + stored]), []
    while raw:
        tag, length = struct.unpack_from(">BI", raw)
        found.append((tag, raw[5 : 5 + length]))
        raw = raw[5 + length :]
    return found


def joined(parts: list[tuple[int, bytes]]) -> bytes:
    return framed(b"".join(struct.pack(">BI", tag, len(body)) + body for tag, body in parts))


def framed(raw: bytes) -> bytes:
    frame = zstandard.ZstdCompressor().compress(raw)
    return manifest.MAGIC + struct.pack(">II", len(frame), len(raw)) + frame + bytes(8)


def refuse(content: bytes, match: str = "a") -> None:
    with pytest.raises(ManifestInvalid, match=match):
        read(content)


RUN = Extent(offset=5, chunks=(ChunkRef(pack=PACK_A, slot=1, length=10),))
GOOD = [file(b"a", 30, RUN, xattrs=((b"user.x", b"1"),))]


def test_the_hostile_segments_differ_from_a_good_one_in_one_point_only() -> None:
    assert read(joined(records(written(GOOD)))) == GOOD


HOSTILE: dict[str, Callable[[FileEntry], FileEntry]] = {
    "absolute": lambda e: replace(e, path=b"/etc/passwd"),
    "parent": lambda e: replace(e, path=b"a/../../b"),
    "dot": lambda e: replace(e, path=b"./a"),
    "empty component": lambda e: replace(e, path=b"a//b"),
    "trailing slash": lambda e: replace(e, path=b"a/"),
    "empty": lambda e: replace(e, path=b""),
    "nul": lambda e: replace(e, path=b"a\0b"),
    "long component": lambda e: replace(e, path=b"a" * 256),
    "mode": lambda e: replace(e, mode=0o10000),
    "target of a file": lambda e: replace(e, target=b"x"),
    "device of a file": lambda e: replace(e, device=(1, 3)),
    "content of a symlink": lambda e: replace(e, kind=Kind.SYMLINK, target=b"x"),
    "symlink to nothing": lambda e: replace(e, kind=Kind.SYMLINK, extents=(), size=0),
    "symlink with nul": lambda e: replace(e, kind=Kind.SYMLINK, extents=(), size=0, target=b"a\0b"),
    "link to itself": lambda e: replace(e, kind=Kind.HARD_LINK, extents=(), size=0, target=b"a"),
    "link outside": lambda e: replace(e, kind=Kind.HARD_LINK, extents=(), size=0, target=b"../a"),
    "changed directory": lambda e: replace(e, kind=Kind.DIRECTORY, extents=(), size=0, changed=True),
    "data behind the end": lambda e: replace(e, size=14),
    "run without chunks": lambda e: replace(e, extents=(Extent(offset=0, chunks=()),)),
    "touching runs": lambda e: replace(e, extents=(e.extents[0], replace(e.extents[0], offset=15))),
    "overlapping runs": lambda e: replace(e, extents=(e.extents[0], replace(e.extents[0], offset=6))),
    "empty chunk": lambda e: replace(
        e, extents=(Extent(offset=0, chunks=(ChunkRef(pack=PACK_A, slot=0, length=0),)),)
    ),
    "huge chunk": lambda e: replace(
        e, size=1 << 40, extents=(Extent(offset=0, chunks=(ChunkRef(pack=PACK_A, slot=0, length=1 << 30),)),)
    ),
    "attributes out of order": lambda e: replace(e, xattrs=((b"b", b""), (b"a", b""))),
    "attribute twice": lambda e: replace(e, xattrs=((b"a", b""), (b"a", b""))),
    "attribute without name": lambda e: replace(e, xattrs=((b"", b""),)),
    "attribute with nul": lambda e: replace(e, xattrs=((b"a\0", b""),)),
    "long value": lambda e: replace(e, xattrs=((b"a", b"x" * 65537),)),
}


@pytest.mark.clause("FORMAT 4.5")
@pytest.mark.clause("FORMAT 4.6")
@pytest.mark.parametrize("name", HOSTILE)
def test_an_entry_that_means_nothing_or_leads_out_is_neither_written_nor_read(name: str) -> None:
    hostile = HOSTILE[name](GOOD[0])
    writer = manifest.Writer(HEAD, lambda _: None)
    before = writer.raw_bytes
    with pytest.raises(ValueError, match=r".+"):
        writer.add(hostile)
    assert writer.raw_bytes == before
    body = manifest_record.encode_entry(hostile, lambda _: 0)
    head, packed, _, end = records(written(GOOD))
    refuse(joined([head, packed, (3, body), end]))


def spoiled_entry(offset: int, value: bytes) -> bytes:
    head, packed, (_, body), end = records(written(GOOD))
    return joined([head, packed, (3, body[:offset] + value + body[offset + len(value) :]), end])


@pytest.mark.clause("FORMAT 4.5")
@pytest.mark.parametrize(
    ("offset", "value"),
    [
        pytest.param(0, b"\x07", id="kind"),
        pytest.param(1, b"\x02", id="flags"),
        pytest.param(20, struct.pack(">I", 1_000_000_000), id="nanoseconds"),
        pytest.param(40, b"\xff\xff", id="path longer than the record"),
        pytest.param(44, b"\xff\xff", id="more attributes than there are"),
        pytest.param(46, b"\xff\xff\xff\xff", id="more runs than there are"),
        pytest.param(46, b"\0\0\0\0", id="bytes that nothing says"),
    ],
)
def test_an_entry_with_a_spoiled_number_is_refused(offset: int, value: bytes) -> None:
    refuse(spoiled_entry(offset, value))


@pytest.mark.clause("FORMAT 4.4")
def test_a_pack_that_was_not_named_or_named_twice_is_refused() -> None:
    head, packed, entry, end = records(written(GOOD))
    refuse(joined([head, entry, end]), "not named")
    refuse(joined([head, entry, packed, end]), "not named")
    refuse(joined([head, packed, packed, entry, end]), "named twice")
    refuse(joined([head, (2, b"short"), entry, end]), "pack")
    two = (3, manifest_record.encode_entry(GOOD[0], lambda _: 1))
    refuse(joined([head, packed, two, end]), "not named")
    assert read(joined([head, packed, (2, PACK_B), two, end]))[0].extents[0].chunks[0].pack == PACK_B


@pytest.mark.clause("FORMAT 4.2")
def test_records_in_another_order_are_refused() -> None:
    head, packed, entry, end = records(written(GOOD))
    refuse(joined([packed, head, entry, end]), "begin")
    refuse(joined([head, head, packed, entry, end]), "record of kind 1")
    refuse(joined([head, packed, entry]), "middle of a record")
    refuse(joined([head, packed, entry, end, end]), "behind the end")
    refuse(joined([head, packed, end, entry]), "behind the end")
    refuse(joined([head, (9, b""), end]), "kind 9")
    refuse(joined([(1, head[1][:-1] + b"!"), end]), "name")
    refuse(joined([(1, b"\0\2" + head[1][2:]), end]), "version")
    refuse(joined([head, (4, b"\1" + end[1][1:] + b"x")]), "last record")
    refuse(joined([head, (4, b"\2" + bytes(24))]), "last record")
    refuse(joined([head, (4, b"\0" + bytes(23) + b"\1")]), "last record")


@pytest.mark.clause("FORMAT 4.1")
def test_a_segment_cut_anywhere_is_refused_and_so_is_one_that_goes_on() -> None:
    content = written(GOOD)
    for length in range(len(content)):
        refuse(content[:length])
    refuse(content + b"\0", "behind its end")
    refuse(b"X" + content[1:], "begin")


@pytest.mark.clause("FORMAT 4.1")
@pytest.mark.clause("FORMAT 8.1")
def test_frames_and_records_that_promise_too_much_are_refused_before_they_are_made() -> None:
    bomb = zstandard.ZstdCompressor().compress(bytes(64 << 20))
    for raw in (64 << 20, manifest.FRAME_BYTES):
        refuse(manifest.MAGIC + struct.pack(">II", len(bomb), raw) + bomb + bytes(8))
    refuse(manifest.MAGIC + struct.pack(">II", 0xFFFFFFFF, 100) + bytes(100), "length")
    head = records(written(GOOD))[0]
    promise = struct.pack(">BI", 3, manifest.RECORD_BYTES_MAX + 1)
    refuse(framed(struct.pack(">BI", 1, len(head[1])) + head[1] + promise), "too long")


@pytest.mark.clause("FORMAT 4.1")
def test_a_short_frame_before_the_last_is_refused() -> None:
    content = written(GOOD)
    start = len(manifest.MAGIC)
    stored, _ = struct.unpack_from(">II", content, start)
    raw = zstandard.ZstdDecompressor().decompress(content[start + 8 : start + 8 + stored])
    frames = b""
    for part in (raw[:20], raw[20:]):
        frame = zstandard.ZstdCompressor().compress(part)
        frames += struct.pack(">II", len(frame), len(part)) + frame
    refuse(manifest.MAGIC + frames + bytes(8), "length")


@pytest.mark.planted
def test_a_reader_that_trusted_paths_would_be_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """Control: with the check of paths taken out, the hostile path comes through."""
    hostile = HOSTILE["parent"](GOOD[0])
    body = manifest_record.encode_entry(hostile, lambda _: 0)
    head, packed, _, end = records(written(GOOD))
    monkeypatch.setattr(manifest_record, "is_path", lambda _: True)
    assert read(joined([head, packed, (3, body), end]))[0].path == b"a/../../b"
