"""Batch records of staging: canonical, bounded, and strict, because intake may be lying."""

import json
from dataclasses import replace
from typing import Any

import pytest
from blake3 import blake3
from hypothesis import given
from hypothesis import strategies as st

from appliance.domain.ids import PackId, SourceName
from appliance.errors import BatchInvalid
from appliance.format import batch
from appliance.format.batch import Batch, SourceFacts, StagedPack, StagedSegment

IDS = st.binary(min_size=32, max_size=32).map(PackId)
DOCS = SourceName("docs")
COUNTS = st.integers(0, batch.COUNT_MAX)


@st.composite
def batches(draw: st.DrawFn) -> Batch:
    ids = draw(st.lists(IDS, unique=True, max_size=6))
    border = draw(st.integers(0, len(ids)))
    complete = draw(st.booleans())
    return Batch(
        window=draw(st.integers(0, batch.NUMBER_MAX)),
        sequence=draw(st.integers(0, batch.SEQUENCE_MAX)),
        begin_s=draw(COUNTS),
        final=complete or draw(st.booleans()),
        complete=complete,
        sources=(SourceFacts(name=DOCS, complete=complete, files=draw(COUNTS), bytes=draw(COUNTS)),),
        packs=tuple(StagedPack(id=i, size=draw(st.integers(1, 1 << 28))) for i in ids[:border]),
        segments=tuple(StagedSegment(id=i, size=1, source=DOCS) for i in ids[border:]),
        bytes_read=draw(COUNTS),
        bytes_new=draw(COUNTS),
        unreadable=draw(COUNTS),
    )


@given(batches())
@pytest.mark.clause("FORMAT 4.8")
def test_a_record_reads_back_and_its_name_says_which_it_is(original: Batch) -> None:
    content = batch.encode(original)
    assert batch.decode(content) == original
    assert json.loads(content[: -batch.HASH_LINE_BYTES])["iwato_batch"] == 1
    folder, leaf = original.name.split("/")
    assert folder == batch.FOLDER
    assert batch.parse_name(leaf) == (original.window, original.sequence)


GOOD = Batch(
    window=3,
    sequence=0,
    begin_s=1_700_000_000,
    final=True,
    complete=True,
    sources=(SourceFacts(name=DOCS, complete=True, files=1, bytes=5),),
    packs=(StagedPack(id=PackId(b"p" * 32), size=10),),
    segments=(StagedSegment(id=PackId(b"s" * 32), size=10, source=DOCS),),
    bytes_read=5,
    bytes_new=5,
    unreadable=0,
)


def hashed(line: bytes) -> bytes:
    """A record of this line, so that nothing but the line can be refused."""
    return line + blake3(line).hexdigest().encode() + b"\n"


def line_of(record: Batch) -> bytes:
    return batch.encode(record)[: -batch.HASH_LINE_BYTES]


def spelled(**changes: Any) -> bytes:
    record = json.loads(line_of(GOOD)) | changes
    return hashed(json.dumps(record, separators=(",", ":")).encode() + b"\n")


def test_the_spelling_that_the_hostile_records_are_made_of_is_good() -> None:
    assert batch.decode(spelled()) == GOOD


P, S = {"id": "70" * 32, "size": 10}, {"id": "73" * 32, "size": 10, "source": "docs"}


@pytest.mark.clause("FORMAT 4.8")
@pytest.mark.parametrize(
    "changes",
    [
        {"iwato_batch": 2}, {"window": -1}, {"window": 10**8}, {"sequence": 10**4}, {"sequence": 1.0},
        {"begin_s": -1}, {"begin_s": 1 << 63}, {"final": 1}, {"final": False}, {"unreadable": True},
        {"sources": [{"name": "docs", "complete": False, "files": 1, "bytes": 5}]},
        {"sources": [{"name": "../x", "complete": True, "files": 1, "bytes": 5}]},
        {"sources": []}, {"packs": [P, P]}, {"packs": [P, {"id": "73" * 32, "size": 1}]},
        {"packs": [{"id": "70" * 31, "size": 10}]}, {"packs": [{"id": "7A" * 32, "size": 10}]},
        {"packs": [{"id": "70" * 32, "size": 0}]}, {"packs": [{"id": "70" * 32, "size": (1 << 28) + 1}]},
        {"segments": [{**S, "source": "other"}]}, {"segments": [S, S]}, {"packs": [{**P, "more": 1}]},
        {"more": 1}, {"packs": [{"id": f"{i:064x}", "size": 1} for i in range(batch.NAMES_MAX + 1)]},
    ],
)  # fmt: skip
def test_a_record_with_an_impossible_field_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(BatchInvalid):
        batch.decode(spelled(**changes))


@pytest.mark.clause("FORMAT 4.8")
def test_another_spelling_of_the_same_record_is_refused() -> None:
    content = line_of(GOOD)
    record = json.loads(content)
    assert batch.decode(hashed(content)) == GOOD
    for other in (
        content[:-1],
        content + b"\n",
        b" " + content,
        json.dumps(record).encode() + b"\n",
        json.dumps(dict(sorted(record.items())), separators=(",", ":")).encode() + b"\n",
        content.replace(b'"window":3', b'"window":3,"window":3'),
        content.replace(b"docs", b"d\\u006fcs"),
        b"",
        b"[" * 100_000,
        b"\xff\xfe",
    ):
        with pytest.raises(BatchInvalid):
            batch.decode(hashed(other))


@pytest.mark.clause("FORMAT 4.8")
def test_a_record_that_is_not_what_was_hashed_is_refused() -> None:
    content = batch.encode(GOOD)
    for other in (content[:-1], content + b"\n", line_of(GOOD), content.replace(b"docs", b"dobs")):
        with pytest.raises(BatchInvalid):
            batch.decode(other)


@pytest.mark.clause("FORMAT 8.1")
def test_a_record_of_the_most_names_fits_and_a_longer_one_is_refused() -> None:
    def ids(offset: int) -> list[PackId]:
        return [PackId((offset + number).to_bytes(32, "big")) for number in range(batch.NAMES_MAX)]

    long_name = SourceName("x" * 32)
    sources = tuple(
        SourceFacts(name=SourceName(f"{n:032d}"), complete=True, files=batch.COUNT_MAX, bytes=batch.COUNT_MAX)
        for n in range(batch.SOURCES_MAX - 1)
    )
    fullest = replace(
        GOOD,
        sources=(*sources, SourceFacts(name=long_name, complete=True, files=1, bytes=1)),
        packs=tuple(StagedPack(id=i, size=1 << 28) for i in ids(0)),
        segments=tuple(StagedSegment(id=i, size=1 << 28, source=long_name) for i in ids(1 << 20)),
    )
    content = batch.encode(fullest)
    assert len(content) <= batch.BATCH_BYTES_MAX
    assert batch.decode(content) == fullest
    with pytest.raises(BatchInvalid, match="too long"):
        batch.decode(content + b" " * batch.BATCH_BYTES_MAX)


@pytest.mark.parametrize(
    "changes",
    [
        {"window": -1},
        {"sequence": batch.SEQUENCE_MAX + 1},
        {"final": False},
        {"packs": GOOD.packs * 2},
        {
            "packs": tuple(
                StagedPack(id=PackId(n.to_bytes(32, "big")), size=1) for n in range(batch.NAMES_MAX + 1)
            )
        },
        {"segments": (replace(GOOD.segments[0], source=SourceName("other")),)},
    ],
)
def test_a_record_that_would_be_refused_is_never_written(changes: dict[str, Any]) -> None:
    with pytest.raises(AssertionError):
        batch.encode(replace(GOOD, **changes))


def test_foreign_names_in_the_folders_mean_nothing() -> None:
    for leaf in ("1-2.batch", "00000001-0000.batch.old", "00000001-00001.batch", ""):
        assert batch.parse_name(leaf) is None
    assert batch.parse_pack_name("AB" * 32 + ".age") is None
    pack_id = PackId(b"\xab" * 32)
    assert batch.parse_pack_name(batch.pack_name(pack_id).split("/")[1]) == pack_id
