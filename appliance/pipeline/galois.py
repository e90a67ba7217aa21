"""Arithmetic of GF(2^8) and the code's matrix: the written-down reference (FORMAT 5.3, 5.4).

Field: bytes as polynomials over GF(2) modulo x^8 + x^4 + x^3 + x^2 + 1 (0x11d), generator 2. Small
matrices are lists of byte rows. `combine` multiplies whole columns and needs no library; the fast way
(adapters/reed_solomon.py) must give the same bytes. Holds no geometry and reads no file.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache

POLYNOMIAL = 0x11D  # the field polynomial of FORMAT 5.3, the one that most storage codes use
FIELD = 256  # elements of the field

Row = bytes
Matrix = tuple[Row, ...]


def _powers() -> Iterator[int]:
    value = 1
    for _ in range(FIELD - 1):
        yield value
        value <<= 1
        if value >= FIELD:
            value ^= POLYNOMIAL


_POWER = bytes(_powers())  # _POWER[e] = 2^e
_LOG = {value: exponent for exponent, value in enumerate(_POWER)}


def multiply(a: int, b: int) -> int:
    """Product of two field elements."""
    if a == 0 or b == 0:
        return 0
    return _POWER[(_LOG[a] + _LOG[b]) % (FIELD - 1)]


def inverse(a: int) -> int:
    """The element whose product with `a` is 1. Zero has none: ZeroDivisionError."""
    if a == 0:
        raise ZeroDivisionError("0 has no inverse in the field")
    return _POWER[-_LOG[a] % (FIELD - 1)]


def cauchy_matrix(data: int, parity: int) -> Matrix:
    """The (data + parity) x data matrix of the code: the identity above a Cauchy matrix whose element
    in row i and column j is 1 / (i xor j). Every data x data submatrix of it can be inverted."""
    identity = tuple(bytes(int(row == column) for column in range(data)) for row in range(data))
    below = tuple(
        bytes(inverse(row ^ column) for column in range(data)) for row in range(data, data + parity)
    )
    return identity + below


def product(left: Sequence[Row], right: Sequence[Row]) -> Matrix:
    """Matrix product."""
    return tuple(
        bytes(_dot(row, bytes(other[column] for other in right)) for column in range(len(right[0])))
        for row in left
    )


def _dot(left: Row, right: Row) -> int:
    total = 0
    for a, b in zip(left, right, strict=True):
        total ^= multiply(a, b)
    return total


def invert(matrix: Sequence[Row]) -> Matrix:
    """The inverse of a square matrix, by Gauss and Jordan. A singular one is a ValueError."""
    size = len(matrix)
    rows = [bytearray(row) + bytes(int(i == j) for j in range(size)) for i, row in enumerate(matrix)]
    for column in range(size):
        pivot = next((i for i in range(column, size) if rows[i][column]), None)
        if pivot is None:
            raise ValueError("the matrix is singular")
        rows[column], rows[pivot] = rows[pivot], rows[column]
        _scale(rows[column], inverse(rows[column][column]))
        for i in range(size):
            if i != column:
                _subtract(rows[i], rows[column], rows[i][column])
    return tuple(bytes(row[size:]) for row in rows)


def _scale(row: bytearray, factor: int) -> None:
    row[:] = row.translate(times(factor))


def _subtract(row: bytearray, other: bytearray, factor: int) -> None:
    row[:] = bytes(a ^ b for a, b in zip(row, other.translate(times(factor)), strict=True))


@cache
def times(factor: int) -> bytes:
    """The table of products with `factor`, as `bytes.translate` takes it."""
    return bytes(multiply(factor, value) for value in range(FIELD))


def combine(
    rows: Sequence[Row], sources: Sequence[memoryview], targets: Sequence[memoryview]
) -> None:
    """targets[i] = sum over j of rows[i][j] * sources[j], byte by byte. All columns of one length."""
    for row, target in zip(rows, targets, strict=True):
        total = 0
        for factor, source in zip(row, sources, strict=True):
            if factor:
                total ^= int.from_bytes(bytes(source).translate(times(factor)), "big")
        target[:] = total.to_bytes(len(target), "big")
