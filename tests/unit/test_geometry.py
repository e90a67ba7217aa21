"""How a pack is cut: whole, in order, aligned, and only for sets that the format allows."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.domain.geometry import ALIGN_BYTES, BLOCK_BYTES, Geometry
from appliance.domain.ids import DriveIndex
from appliance.errors import ShardFormatError
from appliance.format import shard


@pytest.mark.clause("FORMAT 5.1")
@pytest.mark.parametrize(
    ("data", "parity", "write"),
    [(1, 1, 1), (0, 2, 2), (2, 0, 2), (9, 8, 10), (15, 2, 16), (4, 2, 3), (4, 2, 7)],
)
def test_sets_that_the_format_does_not_allow_cannot_be_made(data: int, parity: int, write: int) -> None:
    with pytest.raises(ValueError, match=r"drives|quorum"):
        Geometry(data=data, parity=parity, write_quorum=write)


@given(st.integers(2, 15), st.integers(0, 40 * BLOCK_BYTES))
def test_the_stripes_cover_a_pack_without_gap_or_overlap(data: int, size: int) -> None:
    geometry = Geometry(data=data, parity=1, write_quorum=data)
    offset = shard_offset = 0
    for number, stripe in enumerate(geometry.stripes(size)):
        assert (stripe.number, stripe.offset, stripe.shard_offset) == (number, offset, shard_offset)
        assert 0 < stripe.length <= data * stripe.column
        assert stripe.column % ALIGN_BYTES == 0
        assert data * (stripe.column - ALIGN_BYTES) < stripe.length
        offset, shard_offset = offset + stripe.length, shard_offset + stripe.column
    assert offset == size


@pytest.mark.clause("FORMAT 8.1")
def test_a_pack_beyond_the_limit_is_refused_before_its_hashes_are_looked_at() -> None:
    geometry = Geometry(data=4, parity=2, write_quorum=5)
    size = shard.PACK_BYTES_MAX + 1
    count = shard.stripe_count(geometry, size) * geometry.drives
    hashes = shard.BlockHashes(geometry=geometry, size=size, flat=bytes(32) * count)
    content = shard.encode(shard.ShardFooter(index=DriveIndex(0), facts=hashes.facts(), hashes=hashes))
    with pytest.raises(ShardFormatError, match=r"limits"):
        shard.decode(content)
