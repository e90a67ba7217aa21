"""How a pack is cut into stripes and blocks over the drives. Pure arithmetic (FORMAT 5).

A pack of `size` bytes is cut into stripes of `data * BLOCK_BYTES` bytes. Each stripe is `data`
contiguous columns, which the code extends by `parity` columns. The last stripe's column is the
smallest multiple of ALIGN_BYTES that holds its share; its tail is zero-filled.
"""

from collections.abc import Iterator
from dataclasses import dataclass

ALIGN_BYTES = 4096  # bytes; the page and logical block size that O_DIRECT asks for on every target
BLOCK_BYTES = 1 << 20  # bytes; one column of a full stripe: a long sequential access, yet damage is located
DATA_MIN = 2  # drives; with one, every drive would be a whole copy (P7: sharding cannot be turned off)
DRIVES_MAX = 16  # drives; more than one case powers, and far below the 255 that GF(2^8) allows


@dataclass(frozen=True, slots=True, kw_only=True)
class Stripe:
    """One stripe of a pack. `offset` and `length` in the pack, `column` bytes in each shard at
    `shard_offset`."""

    number: int
    offset: int
    length: int
    column: int
    shard_offset: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Geometry:
    """`data` (k) and `parity` (m) drives of a set; `write_quorum` drives must hold a pack before it
    is committed."""

    data: int
    parity: int
    write_quorum: int

    def __post_init__(self) -> None:
        if self.data < DATA_MIN or self.parity < 1 or self.drives > DRIVES_MAX:
            raise ValueError(f"{self.data}+{self.parity} drives: not within {DATA_MIN}+1 to {DRIVES_MAX}")
        if not self.data <= self.write_quorum <= self.drives:
            raise ValueError(f"write quorum {self.write_quorum} lies outside {self.data}..{self.drives}")

    @property
    def drives(self) -> int:
        """Drives in the set (n)."""
        return self.data + self.parity

    def stripes(self, size: int) -> Iterator[Stripe]:
        """The stripes of a pack of `size` bytes, in order."""
        full = self.data * BLOCK_BYTES
        offset = shard_offset = number = 0
        while offset < size:
            length = min(full, size - offset)
            column = BLOCK_BYTES if length == full else align(-(-length // self.data))
            yield Stripe(
                number=number, offset=offset, length=length, column=column, shard_offset=shard_offset
            )
            offset, shard_offset, number = offset + length, shard_offset + column, number + 1


def align(length: int) -> int:
    """`length` rounded up to ALIGN_BYTES."""
    return (length + ALIGN_BYTES - 1) & ~(ALIGN_BYTES - 1)
