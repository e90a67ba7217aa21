"""Stage: the columns of a stripe and the parity that extends them, in both directions (FORMAT 5.3-5.5).

`scatter` fills the parity columns of a stripe from its data columns; `gather` fills missing columns
from any `data` others. It checks no hash and moves no file; who calls gather has verified every column
that it hands in. The column arithmetic is injected (galois.combine, or ISA-L by the adapter).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Protocol

from appliance.domain.geometry import Geometry
from appliance.pipeline import galois


class ColumnsTooFew(Exception):
    """Fewer than `data` columns of a stripe are left: it cannot be computed."""


class Combine(Protocol):
    """Column arithmetic: targets[i] = sum over j of rows[i][j] * sources[j] in GF(2^8)."""

    def __call__(
        self, rows: Sequence[bytes], sources: Sequence[memoryview], targets: Sequence[memoryview], /
    ) -> None: ...


class Code:
    """The Reed-Solomon code of one geometry. Thread-safe; keeps only small matrices."""

    def __init__(self, geometry: Geometry, combine: Combine = galois.combine) -> None:
        self.geometry = geometry
        self._combine = combine
        self._matrix = galois.cauchy_matrix(geometry.data, geometry.parity)
        self._rows: dict[tuple[tuple[int, ...], tuple[int, ...]], galois.Matrix] = {}

    def scatter(self, columns: Sequence[memoryview]) -> None:
        """`columns` are all n columns of a stripe, writable and of one length; the first k hold data
        and the others are overwritten with parity."""
        data = self.geometry.data
        assert len(columns) == self.geometry.drives
        self._combine(self._matrix[data:], columns[:data], columns[data:])

    def gather(
        self, columns: Sequence[memoryview], present: Collection[int], wanted: Collection[int]
    ) -> None:
        """Fill the columns `wanted` from those in `present` (numbers of columns that hold verified
        bytes). Raises ColumnsTooFew when fewer than k are present."""
        assert len(columns) == self.geometry.drives
        have = tuple(sorted(present)[: self.geometry.data])
        want = tuple(sorted(set(wanted) - set(present)))
        if len(have) < self.geometry.data:
            raise ColumnsTooFew(f"{len(have)} of {self.geometry.data} columns are left")
        if want:
            self._combine(
                self._gathering(have, want), [columns[i] for i in have], [columns[i] for i in want]
            )

    def _gathering(self, have: tuple[int, ...], want: tuple[int, ...]) -> galois.Matrix:
        """Rows that compute the columns `want` from the columns `have`; at most a few hundred exist
        for a set, and damage asks for very few of them."""
        rows = self._rows.get((have, want))
        if rows is None:
            inverted = galois.invert([self._matrix[i] for i in have])
            rows = galois.product([self._matrix[i] for i in want], inverted)
            self._rows[have, want] = rows
        return rows


def columns_of(buffer: memoryview, column: int, drives: int) -> list[memoryview]:
    """The n columns of `column` bytes that lie one after the other at the start of `buffer`; the
    data columns are then the pack's bytes as they come from staging, without a copy."""
    return [buffer[i * column : (i + 1) * column] for i in range(drives)]
