"""The layout of data packs: one spelling, bounded, nothing hidden, and found from the end."""

import os
import random
from collections.abc import Callable

import pytest
from blake3 import blake3
from hypothesis import given
from hypothesis import strategies as st

from appliance.domain.geometry import BLOCK_BYTES, Geometry
from appliance.errors import PackTableInvalid
from appliance.format import age_file, pack
from appliance.format.age_recipient import Identity
from appliance.format.pack import Block, Codec, Slot, Table
from appliance.format.pack_id import PackIdHasher
from appliance.pipeline import seal

DIGEST = b"d" * 32
IDENTITY = Identity.from_seed(b"a pack's reader in these tests..")


def table(*blocks: tuple[int, tuple[int, ...]]) -> Table:
    """Blocks as (bytes saved by compression, lengths of the chunks)."""
    made, slots = [], []
    for number, (saved, lengths) in enumerate(blocks):
        raw = sum(lengths)
        codec = Codec.ZSTD if saved else Codec.RAW
        made.append(Block(stored=raw - saved, raw=raw, codec=codec))
        offset = 0
        for length in lengths:
            slots.append(Slot(block=number, offset=offset, length=length, digest=DIGEST))
            offset += length
    return Table.of(made, slots)


def decoded(encoded: bytes, blocks_bytes: int) -> Table:
    """As a reader does it: trailer, span, table."""
    plain_bytes = blocks_bytes + len(encoded)
    offset, length = pack.table_span(encoded[-pack.TRAILER_BYTES :], plain_bytes)
    assert offset == blocks_bytes
    return Table.decode(encoded[:length], plain_bytes)


lengths = st.lists(st.integers(10, 5000), min_size=1, max_size=5).map(tuple)
tables = st.lists(st.tuples(st.integers(0, 5), lengths), max_size=6).map(lambda blocks: table(*blocks))


@given(tables)
@pytest.mark.clause("FORMAT 3.2")
def test_a_table_reads_back_as_it_was_written(original: Table) -> None:
    assert decoded(original.encode(), original.blocks_bytes) == original


@given(tables.filter(lambda t: bool(t.slots)), st.data())
def test_every_chunk_is_found_where_it_lies(original: Table, data: st.DataObject) -> None:
    number = data.draw(st.integers(0, len(original.slots) - 1))
    place = original.locate(number)
    before = original.blocks[: original.slots[number].block]
    assert place.start == sum(block.stored for block in before)
    assert place.slot is original.slots[number]
    with pytest.raises(PackTableInvalid, match="no slot"):
        original.locate(len(original.slots))
    with pytest.raises(PackTableInvalid, match="no slot"):
        original.locate(-1)


def raw_table(blocks: list[tuple[int, int, int]], slots: list[tuple[int, int, int]]) -> bytes:
    """What a hostile writer would seal: numbers as they come."""
    content = b"\0\1" + len(blocks).to_bytes(4, "big") + len(slots).to_bytes(4, "big")
    for stored, raw, codec in blocks:
        content += stored.to_bytes(4, "big") + raw.to_bytes(4, "big") + codec.to_bytes(1, "big")
    for numbers in slots:
        content += b"".join(number.to_bytes(4, "big") for number in numbers) + DIGEST
    return content


def refuse(content: bytes, blocks_bytes: int, match: str) -> None:
    with pytest.raises(PackTableInvalid, match=match):
        Table.decode(content, blocks_bytes + len(content) + pack.TRAILER_BYTES)


GOOD_BLOCKS = [(100, 100, 0), (50, 90, 1)]
GOOD_SLOTS = [(0, 0, 60), (0, 60, 40), (1, 0, 90)]


def test_the_hostile_tables_differ_from_a_good_one_in_one_point_only() -> None:
    content = raw_table(GOOD_BLOCKS, GOOD_SLOTS)
    assert len(Table.decode(content, 150 + len(content) + pack.TRAILER_BYTES).slots) == 3


@pytest.mark.clause("FORMAT 3.4")
@pytest.mark.parametrize(
    "slots",
    [
        pytest.param([(0, 0, 60), (0, 59, 41), (1, 0, 90)], id="overlap"),
        pytest.param([(0, 0, 60), (0, 61, 39), (1, 0, 90)], id="gap"),
        pytest.param([(0, 0, 60), (1, 0, 90)], id="block not filled"),
        pytest.param([(0, 0, 60), (0, 60, 41), (1, 0, 90)], id="beyond the block"),
        pytest.param([(0, 0, 60), (0, 60, 0xFFFFFFFF), (1, 0, 90)], id="overflow"),
        pytest.param([(0, 0, 60), (0, 60, 0), (0, 60, 40), (1, 0, 90)], id="empty slot"),
        pytest.param([(1, 0, 90), (0, 0, 60), (0, 60, 40)], id="blocks out of order"),
        pytest.param([(0, 0, 60), (0, 60, 40), (2, 0, 90)], id="no such block"),
        pytest.param([(0, 0, 60), (0, 60, 40)], id="block without slots"),
        pytest.param([], id="no slots"),
    ],
)
def test_slots_that_do_not_fill_their_blocks_are_refused(slots: list[tuple[int, int, int]]) -> None:
    refuse(raw_table(GOOD_BLOCKS, slots), 150, "slot")


@pytest.mark.clause("FORMAT 3.3")
@pytest.mark.parametrize(
    ("block", "match"),
    [
        ((50, 90, 2), "codec"),
        ((90, 90, 1), "stored block"),
        ((50, 90, 0), "stored block"),
        ((91, 90, 1), "raw bytes"),
        ((0, 90, 1), "raw bytes"),
        ((50, pack.RAW_BYTES_MAX + 1, 1), "raw bytes"),
    ],
)
def test_a_block_of_impossible_lengths_is_refused(block: tuple[int, int, int], match: str) -> None:
    refuse(raw_table([(100, 100, 0), block], GOOD_SLOTS), 100 + block[0], match)


@pytest.mark.clause("FORMAT 3.2")
@pytest.mark.parametrize("change", [-1, 1, 1000])
def test_a_pack_with_room_beside_its_blocks_is_refused(change: int) -> None:
    refuse(raw_table(GOOD_BLOCKS, GOOD_SLOTS), 150 + change, "do not fill")


@pytest.mark.clause("FORMAT 8.1")
def test_counts_that_promise_more_than_there_is_are_refused_before_any_work() -> None:
    refuse(b"\0\1" + b"\xff" * 8, 0, "too many")
    refuse(b"\0\1" + b"\0\0\1\0" * 2, 0, "does not fit")
    refuse(b"\0\2" + bytes(8), 0, "version")
    refuse(b"\0", 0, "cut off")


@pytest.mark.parametrize(
    ("trailer", "plain_bytes", "match"),
    [
        (b"\0\0\0\0NOT-A-PACK.\n", 100, "does not end"),
        (b"\xff\xff\xff\xffIWATO-PACK1\n", 100, "longer"),
        (b"\0\0\0\x55IWATO-PACK1\n", 100, "longer"),
        (b"short", 5, "size"),
        (b"\0\0\0\0IWATO-PACK1\n", pack.PLAIN_BYTES_MAX + 1, "size"),
    ],
)
def test_what_does_not_end_as_a_data_pack_is_refused(trailer: bytes, plain_bytes: int, match: str) -> None:
    with pytest.raises(PackTableInvalid, match=match):
        pack.table_span(trailer, plain_bytes)


def id_by_definition(content: bytes, geometry: Geometry) -> bytes:
    """FORMAT 3.1 in the plainest way."""
    outer = blake3()
    for stripe in geometry.stripes(len(content)):
        piece = content[stripe.offset : stripe.offset + stripe.length]
        piece = piece.ljust(geometry.data * stripe.column, b"\0")
        for start in range(0, len(piece), stripe.column):
            outer.update(blake3(piece[start : start + stripe.column]).digest())
    return outer.digest()


def sealed(plain: bytes, data: int, cut: Callable[[int], int]) -> tuple[seal.SealedPack, bytes]:
    """`plain` through a PackSealer, in pieces of the lengths that `cut` gives."""
    out = bytearray()

    def emit(piece: memoryview, offset: int) -> None:
        assert offset == len(out)
        assert offset % 4096 == len(piece) % 4096 == 0
        out.extend(piece)

    sealer = seal.PackSealer(
        sealer=age_file.sealer(IDENTITY.recipient, os.urandom),
        window=memoryview(bytearray(seal.window_bytes(data))),
        data=data,
        emit=emit,
    )
    position = 0
    while position < len(plain):
        step = cut(len(plain) - position)
        sealer.append(plain[position : position + step])
        position += step
    assert sealer.plain_bytes == len(plain)
    finished = sealer.finish()
    return finished, bytes(out[: finished.size])


@pytest.mark.clause("FORMAT 3.1")
@pytest.mark.parametrize("data", [2, 4])
@pytest.mark.parametrize(
    "length", [1, 65536, 65537, 2 * BLOCK_BYTES - 5000, 2 * BLOCK_BYTES, 4 * BLOCK_BYTES + 70_000]
)
def test_a_pack_is_named_by_its_blocks_and_opens_again(data: int, length: int) -> None:
    plain = random.Random(length).randbytes(length)
    geometry = Geometry(data=data, parity=1, write_quorum=data)
    chance = random.Random(data)
    finished, content = sealed(plain, data, lambda left: min(left, chance.choice([1, 1000, 65536, 200_000])))
    assert finished.id == id_by_definition(content, geometry)
    assert age_file.decrypt(content, IDENTITY) == plain

    hasher = PackIdHasher(data)
    for stripe in geometry.stripes(len(content)):
        piece = content[stripe.offset : stripe.offset + stripe.length]
        hasher.add(memoryview(piece.ljust(data * stripe.column, b"\0")), stripe.column)
    assert hasher.id() == finished.id


def test_any_part_of_a_sealed_pack_reads_back() -> None:
    plain = random.Random(7).randbytes(300_000)
    _, content = sealed(plain, 2, lambda left: left)

    def pread(buffer: memoryview, offset: int) -> int:
        piece = content[offset : offset + len(buffer)]
        buffer[: len(piece)] = piece
        return len(piece)

    plaintext = seal.Plaintext(IDENTITY, pread, len(content))
    assert plaintext.length == len(plain)
    parts = [(0, 300_000), (0, 0), (65535, 2), (65536, 65536), (299_999, 1), (131_000, 100_000)]
    for offset, length in parts:
        assert plaintext.read(offset, length) == plain[offset : offset + length]


@pytest.mark.planted
def test_a_name_that_leaves_out_the_padding_would_be_noticed() -> None:
    """Control: the id by definition differs as soon as the zero tail is not hashed."""
    geometry = Geometry(data=2, parity=1, write_quorum=2)
    _, content = sealed(b"x" * 100, 2, lambda left: left)
    careless = blake3(blake3(content[:4096]).digest() + blake3(content[4096:]).digest()).digest()
    assert careless != id_by_definition(content, geometry)
