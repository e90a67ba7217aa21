"""Stage: the block hashes of a pack's columns, made on the way out and checked on the way back.

`Placement` gathers the block hashes that go into every footer while stripes pass, in any order.
`damaged` is the way back: which columns of a stripe are not what the hashes say. It writes and reads
no file (FORMAT 5.7).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from blake3 import blake3

from appliance.domain.geometry import Geometry, Stripe
from appliance.format import shard


class Placement:
    """The block hashes of one pack of `size` bytes, while it is placed."""

    def __init__(self, geometry: Geometry, size: int) -> None:
        self.geometry = geometry
        self.size = size
        self._stripes: list[bytes] = [b""] * shard.stripe_count(geometry, size)

    def record(self, stripe: Stripe, columns: Sequence[memoryview]) -> None:
        """Hash all n columns of a stripe."""
        assert len(columns) == self.geometry.drives
        self._stripes[stripe.number] = b"".join(block_hash(column) for column in columns)

    def hashes(self) -> shard.BlockHashes:
        """All block hashes; every stripe must have been recorded."""
        assert all(self._stripes)
        return shard.BlockHashes(geometry=self.geometry, size=self.size, flat=b"".join(self._stripes))


def block_hash(column: memoryview) -> bytes:
    """BLAKE3 of one block, its zero-filled tail included."""
    return blake3(column).digest()


def damaged(
    hashes: shard.BlockHashes, stripe: Stripe, columns: Sequence[memoryview], read: Collection[int]
) -> frozenset[int]:
    """Those of the columns in `read` whose bytes are not what the hashes say."""
    return frozenset(
        number for number in read if block_hash(columns[number]) != hashes.of(stripe.number, number)
    )
