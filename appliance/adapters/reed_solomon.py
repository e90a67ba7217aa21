"""Adapter: column arithmetic in GF(2^8) by ISA-L, reached through ctypes; falls back to our own.

ISA-L comes inside pyeclib's wheel, or as Debian's libisal2. pyeclib's own calls copy every column and
hold the interpreter; the library's do neither. `choose` returns the first library that passes the
self-test against pipeline/galois.py, which is the written-down reference (FORMAT 5.3, 5.4) and the
fallback: it gives the same bytes, about two hundred times slower, and `name` says that it is in use.
"""

from __future__ import annotations

import ctypes
import ctypes.util
import importlib.util
from collections.abc import Iterator, Sequence
from pathlib import Path

from appliance.pipeline import galois

TABLE_BYTES = 32  # bytes of multiplication table per matrix element (ISA-L erasure_code.h)
TABLES_MAX = 512  # cached sets of tables; one per pattern of missing columns, 16 KiB at the very most
SELF_TEST_BYTES = 4096 + 64 + 17  # bytes per column: vector loop, short vector and odd tail all run
SELF_TEST_SHAPES = ((2, 1), (4, 2), (10, 6), (15, 1))  # data and parity: default, extremes


class LibraryUnfit(Exception):
    """The library is not there, lacks a function or computes something else."""


class PlainReedSolomon:
    """Our own arithmetic: always there, slow."""

    name = "plain"

    def __call__(
        self, rows: Sequence[bytes], sources: Sequence[memoryview], targets: Sequence[memoryview], /
    ) -> None:
        galois.combine(rows, sources, targets)


class IsalReedSolomon:
    """ISA-L's `ec_encode_data`. Releases the interpreter; columns must be writable memory."""

    def __init__(self, path: str) -> None:
        self.name = f"isa-l ({Path(path).name})"
        try:
            library = ctypes.CDLL(path)
            self._init_tables = library.ec_init_tables
            self._encode_data = library.ec_encode_data
        except (OSError, AttributeError) as error:
            raise LibraryUnfit(str(error)) from error
        self._init_tables.argtypes = [ctypes.c_int, ctypes.c_int, ctypes.c_char_p, ctypes.c_void_p]
        self._init_tables.restype = None
        self._encode_data.argtypes = [ctypes.c_int] * 3 + [ctypes.c_void_p] * 3
        self._encode_data.restype = None
        self._tables: dict[bytes, ctypes.Array[ctypes.c_char]] = {}

    def __call__(
        self, rows: Sequence[bytes], sources: Sequence[memoryview], targets: Sequence[memoryview], /
    ) -> None:
        length = len(sources[0])
        # A wrong length here would write beyond a buffer, so this is checked although only we call it.
        if any(len(column) != length for column in (*sources, *targets)) or len(rows) != len(targets):
            raise ValueError("columns of different length")
        if any(len(row) != len(sources) for row in rows):
            raise ValueError("matrix and columns do not fit")
        self._encode_data(
            length,
            len(sources),
            len(targets),
            self._tables_of(rows),
            _pointers(sources),
            _pointers(targets),
        )

    def _tables_of(self, rows: Sequence[bytes]) -> ctypes.Array[ctypes.c_char]:
        flat = bytes([len(rows)]) + b"".join(rows)
        tables = self._tables.get(flat)
        if tables is None:
            if len(self._tables) >= TABLES_MAX:
                self._tables.clear()
            tables = ctypes.create_string_buffer(TABLE_BYTES * (len(flat) - 1))
            self._init_tables(len(rows[0]), len(rows), flat[1:], tables)
            self._tables[flat] = tables
        return tables


def _pointers(columns: Sequence[memoryview]) -> ctypes.Array[ctypes.c_void_p]:
    """Addresses of the columns; the caller's views keep the memory alive during the call."""
    addresses = [ctypes.addressof(ctypes.c_char.from_buffer(column)) for column in columns]
    return (ctypes.c_void_p * len(columns))(*addresses)


def choose() -> PlainReedSolomon | IsalReedSolomon:
    """The fastest arithmetic that passes the self-test on this machine."""
    for path in _candidates():
        try:
            library = IsalReedSolomon(path)
            self_test(library)
        except LibraryUnfit:
            continue
        return library
    return PlainReedSolomon()


def _candidates() -> Iterator[str]:
    found = importlib.util.find_spec("pyeclib")  # only to find the wheel; nothing of it is imported
    if found is not None and found.origin is not None:
        beside = Path(found.origin).parent.parent / "pyeclib.libs"
        yield from (str(path) for path in sorted(beside.glob("libisal*.so*")))
    system = ctypes.util.find_library("isal")
    if system is not None:
        yield system


def self_test(combine: PlainReedSolomon | IsalReedSolomon) -> None:
    """Compare parity and recovery with the reference; a difference raises LibraryUnfit."""
    for data, parity in SELF_TEST_SHAPES:
        matrix = galois.cauchy_matrix(data, parity)
        sources = [_pattern(number) for number in range(data)]
        _compare(combine, matrix[data:], sources)
        kept = matrix[min(parity, data) :][:data]  # the first rows are lost, as far as parity reaches
        _compare(combine, galois.invert(kept), sources)


def _compare(
    combine: PlainReedSolomon | IsalReedSolomon, rows: Sequence[bytes], sources: Sequence[memoryview]
) -> None:
    expected = [memoryview(bytearray(SELF_TEST_BYTES)) for _ in rows]
    computed = [memoryview(bytearray(SELF_TEST_BYTES)) for _ in rows]
    galois.combine(rows, sources, expected)
    combine(rows, sources, computed)
    if expected != computed:
        raise LibraryUnfit("the library's products differ from the reference")


def _pattern(number: int) -> memoryview:
    """Bytes in which every value occurs at every position of a vector."""
    return memoryview(bytearray((i * 7 + i // 256 + 31 * number + 1) % 256 for i in range(SELF_TEST_BYTES)))
