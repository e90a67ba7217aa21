"""Shard names and footers: one spelling, bounded, and worth nothing against the ledger's facts."""

import pytest
from blake3 import blake3
from hypothesis import given
from hypothesis import strategies as st

from appliance.domain.geometry import BLOCK_BYTES, Geometry
from appliance.domain.ids import DriveIndex, PackId
from appliance.errors import ShardFormatError
from appliance.format import shard
from appliance.pipeline.place import Placement, damaged
from appliance.pipeline.scatter import Code
from appliance.service.stripe_buffer import StripeBuffer

FOUR_TWO = Geometry(data=4, parity=2, write_quorum=5)


def footer(size: int = 10_000, geometry: Geometry = FOUR_TWO, index: int = 1) -> shard.ShardFooter:
    count = shard.stripe_count(geometry, size) * geometry.drives
    hashes = shard.BlockHashes(
        geometry=geometry, size=size, flat=b"".join(blake3(bytes([i % 256])).digest() for i in range(count))
    )
    return shard.ShardFooter(index=DriveIndex(index), facts=hashes.facts(), hashes=hashes)


def same(left: shard.ShardFooter, right: shard.ShardFooter) -> bool:
    """Equal but for the write quorum, which a shard does not carry."""
    return (left.index, left.facts, left.hashes.flat) == (right.index, right.facts, right.hashes.flat)


@given(st.integers(2, 8), st.integers(1, 8), st.integers(1, shard.PACK_BYTES_MAX))
@pytest.mark.clause("FORMAT 5.7")
def test_a_footer_reads_back_as_it_was_written(data: int, parity: int, size: int) -> None:
    geometry = Geometry(data=data, parity=parity, write_quorum=data)
    original = footer(size, geometry, index=geometry.drives - 1)
    content = shard.encode(original)
    assert len(content) == shard.footer_bytes(geometry, size)
    assert len(content) % 4096 == 0
    assert same(shard.decode(content), original)


@given(st.integers(2, 8), st.integers(1, shard.PACK_BYTES_MAX))
@pytest.mark.clause("FORMAT 5.2")
def test_a_shards_columns_are_as_long_as_its_stripes_say(data: int, size: int) -> None:
    geometry = Geometry(data=data, parity=1, write_quorum=data)
    stripes = list(geometry.stripes(size))
    assert shard.stripe_count(geometry, size) == len(stripes)
    assert shard.columns_bytes(geometry, size) == sum(stripe.column for stripe in stripes)
    assert all(stripe.column % 4096 == 0 and stripe.column <= BLOCK_BYTES for stripe in stripes)


@pytest.mark.clause("FORMAT 5.7")
def test_no_flipped_bit_of_a_footer_goes_unnoticed() -> None:
    content = shard.encode(footer())
    for position in range(len(content)):
        spoilt = bytearray(content)
        spoilt[position] ^= 1 << position % 8
        with pytest.raises(ShardFormatError):
            shard.decode(bytes(spoilt))


def resealed(content: bytearray) -> bytes:
    """The same body with a matching own hash: what somebody who wants to forge would write."""
    content[-32:] = blake3(bytes(content[:-32])).digest()
    return bytes(content)


@pytest.mark.clause("FORMAT 5.7")
@pytest.mark.parametrize(
    ("position", "value"),
    [(0, 0x58), (13, 2), (14, 1), (14, 0), (14, 200), (15, 0), (15, 13), (16, 6), (17, 1), (20, 0xFF),
     (24, 1), (30, 0), (60, 7), (100, 7), (300, 7), (2000, 7), (-34, 7)],
)
def test_a_forger_who_makes_the_hash_match_still_breaks_a_rule(position: int, value: int) -> None:
    content = bytearray(shard.encode(footer()))
    assert content[position] != value
    content[position] = value
    with pytest.raises(ShardFormatError):
        shard.decode(resealed(content))


@pytest.mark.clause("FORMAT 5.8")
def test_a_whole_forged_footer_is_found_by_the_ledgers_facts() -> None:
    honest, forged = footer(10_000), footer(10_001)
    assert shard.decode(shard.encode(forged)).hashes.proves(honest.facts) is False
    parity_swapped = bytearray(honest.hashes.flat)
    parity_swapped[4 * 32] ^= 1
    hashes = shard.BlockHashes(geometry=FOUR_TWO, size=10_000, flat=bytes(parity_swapped))
    assert hashes.facts().pack == honest.facts.pack
    assert not hashes.proves(honest.facts)


@given(st.binary(max_size=9000))
def test_arbitrary_bytes_are_refused_and_never_crash(content: bytes) -> None:
    with pytest.raises(ShardFormatError):
        shard.decode(content)
    if len(content) > 32:
        with pytest.raises(ShardFormatError):
            shard.decode(resealed(bytearray(content)))


@given(st.binary(min_size=32, max_size=32), st.integers(0, 15), st.integers(0, shard.REVISIONS_MAX))
@pytest.mark.clause("FORMAT 5.6")
def test_a_name_says_pack_index_and_revision(pack: bytes, index: int, revision: int) -> None:
    name = shard.ShardName(pack=PackId(pack), index=DriveIndex(index), revision=revision)
    folder, _, leaf = name.path.rpartition("/")
    assert folder == shard.folder_of(name.pack) == f"shards/{pack.hex()[:2]}"
    assert shard.parse_name(leaf) == name


@pytest.mark.parametrize("suffix", ["", ".01", ".1.r0", ".1.r1000", ".1.r1\n", ".100", ".1.tmp", "0.1"])
def test_other_names_are_nobodys_shard(suffix: str) -> None:
    assert shard.parse_name("a" * 64 + ".1") is not None
    assert shard.parse_name("a" * 64 + suffix) is None
    assert shard.parse_name("A" * 64 + ".1") is None


@pytest.mark.clause("FORMAT 5.2")
def test_a_pack_id_is_the_hash_of_the_hashes_of_its_zero_padded_data_blocks() -> None:
    content = bytes(i * i % 251 for i in range(5 * BLOCK_BYTES + 77))
    blocks = [content[i * BLOCK_BYTES : (i + 1) * BLOCK_BYTES] for i in range(4)]
    tail = content[4 * BLOCK_BYTES :]
    column = (len(tail) + 3) // 4
    column = (column + 4095) // 4096 * 4096
    blocks += [tail[i * column : (i + 1) * column].ljust(column, b"\0") for i in range(4)]
    expected = blake3(b"".join(blake3(block).digest() for block in blocks)).digest()

    buffer, placement = StripeBuffer(FOUR_TWO), Placement(FOUR_TWO, len(content))
    for stripe in FOUR_TWO.stripes(len(content)):
        columns = buffer.columns(stripe)
        buffer.data(stripe)[:] = content[stripe.offset : stripe.offset + stripe.length]
        buffer.pad(stripe)
        Code(FOUR_TWO).scatter(columns)
        placement.record(stripe, columns)
        assert not damaged(placement_hashes(placement, stripe.number + 1), stripe, columns, range(6))
        columns[3][0] ^= 1
        assert damaged(placement_hashes(placement, stripe.number + 1), stripe, columns, range(6)) == {3}
    assert placement.hashes().facts().pack == expected


def placement_hashes(placement: Placement, stripes: int) -> shard.BlockHashes:
    """The hashes of the stripes so far, as a pack of so many whole stripes."""
    flat = b"".join(placement._stripes[:stripes])
    return shard.BlockHashes(geometry=FOUR_TWO, size=placement.size, flat=flat)
