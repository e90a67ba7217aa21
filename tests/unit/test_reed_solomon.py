"""The code: arithmetic of the field, the matrix, every erasure, and the library against the reference."""

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.adapters import reed_solomon
from appliance.domain.geometry import Geometry
from appliance.pipeline import galois, scatter
from appliance.pipeline.scatter import Code, ColumnsTooFew, Combine
from tests import depth

ELEMENTS = st.integers(0, 255)
SHAPES = [(2, 1), (2, 2), (3, 2), (4, 2), (5, 3), (10, 2), (15, 1), (2, 14), (8, 4), (12, 4)]
SHAPES = SHAPES[: depth.many(8, len(SHAPES))]


def coders() -> list[Combine]:
    return [galois.combine, reed_solomon.choose()]


def filled(geometry: Geometry, column: int, seed: int) -> list[memoryview]:
    """All n columns of a stripe; the data columns hold a pattern that differs in every column."""
    columns = [memoryview(bytearray(column)) for _ in range(geometry.drives)]
    for number in range(geometry.data):
        columns[number][:] = bytes((seed + 31 * number + i * i) % 256 for i in range(column))
    return columns


def slow_product(a: int, b: int) -> int:
    """Multiplication as FORMAT 5.3 defines it: shift, add, reduce."""
    total = 0
    while b:
        if b & 1:
            total ^= a
        a = (a << 1) ^ (galois.POLYNOMIAL if a & 0x80 else 0)
        b >>= 1
    return total


@given(ELEMENTS, ELEMENTS)
def test_a_product_is_that_of_polynomials_modulo_0x11d(a: int, b: int) -> None:
    assert galois.multiply(a, b) == slow_product(a, b)


def test_every_element_but_zero_has_an_inverse() -> None:
    assert all(galois.multiply(a, galois.inverse(a)) == 1 for a in range(1, 256))
    with pytest.raises(ZeroDivisionError):
        galois.inverse(0)


@pytest.mark.clause("FORMAT 5.4")
def test_the_matrix_of_4_plus_2_is_the_one_that_is_written_down() -> None:
    assert galois.cauchy_matrix(4, 2) == (
        bytes([1, 0, 0, 0]),
        bytes([0, 1, 0, 0]),
        bytes([0, 0, 1, 0]),
        bytes([0, 0, 0, 1]),
        bytes([0x47, 0xA7, 0x7A, 0xBA]),
        bytes([0xA7, 0x47, 0xBA, 0x7A]),
    )


@pytest.mark.clause("FORMAT 5.4")
@pytest.mark.parametrize("combine", coders())
def test_the_worked_example_of_the_specification_comes_out(combine: Combine) -> None:
    code = Code(Geometry(data=4, parity=2, write_quorum=5), combine)
    columns = [memoryview(bytearray(text)) for text in (b"IWAT", b"O is", b" the", b" cav", b"....", b"....")]
    code.scatter(columns)
    assert [bytes(column).hex() for column in columns[4:]] == ["c13f689c", "bb16e496"]


def test_a_singular_matrix_is_refused() -> None:
    with pytest.raises(ValueError, match="singular"):
        galois.invert([bytes([1, 2]), bytes([1, 2])])


@given(st.data())
def test_a_matrix_times_its_inverse_is_the_identity(data: st.DataObject) -> None:
    size = data.draw(st.integers(2, 6))
    matrix = galois.cauchy_matrix(size, size)[size:]
    identity = galois.cauchy_matrix(size, 1)[:size]
    assert galois.product(matrix, galois.invert(matrix)) == identity


@pytest.mark.clause("FORMAT 5.5")
@pytest.mark.parametrize(("data", "parity"), SHAPES)
def test_every_erasure_of_up_to_m_columns_is_made_good(data: int, parity: int) -> None:
    geometry = Geometry(data=data, parity=parity, write_quorum=data)
    code = Code(geometry, reed_solomon.choose())
    columns = filled(geometry, 68, seed=data)
    code.scatter(columns)
    original = [bytes(column) for column in columns]
    for present in combinations(range(geometry.drives), data):
        for number in set(range(geometry.drives)) - set(present):
            columns[number][:] = b"\xa5" * 68
        code.gather(columns, present, range(geometry.drives))
        assert [bytes(column) for column in columns] == original


@pytest.mark.parametrize(("data", "parity"), SHAPES)
def test_the_library_and_the_reference_give_the_same_bytes(data: int, parity: int) -> None:
    geometry = Geometry(data=data, parity=parity, write_quorum=data)
    results = []
    for combine in coders():
        code = Code(geometry, combine)
        columns = filled(geometry, 4096 + 5, seed=7)
        code.scatter(columns)
        present = range(parity, geometry.drives)
        for number in range(parity):
            columns[number][:] = bytes(4096 + 5)
        code.gather(columns, present, range(parity))
        results.append([bytes(column) for column in columns])
    assert results[0] == results[1]
    assert results[0][:data] == [bytes(column) for column in filled(geometry, 4096 + 5, seed=7)[:data]]


def test_fewer_than_k_columns_are_refused() -> None:
    code = Code(Geometry(data=4, parity=2, write_quorum=5))
    columns = [memoryview(bytearray(8)) for _ in range(6)]
    with pytest.raises(ColumnsTooFew):
        code.gather(columns, [0, 1, 5], [2])


def test_columns_of_a_buffer_are_the_packs_bytes_without_a_copy() -> None:
    buffer = memoryview(bytearray(range(24)))
    columns = scatter.columns_of(buffer, 4, 6)
    columns[1][0] = 99
    assert buffer[4] == 99
    assert len(columns) == 6


def test_the_library_in_the_wheel_is_taken_on_this_machine() -> None:
    assert reed_solomon.choose().name.startswith("isa-l")


def test_the_library_refuses_columns_that_do_not_fit() -> None:
    library = reed_solomon.choose()
    assert isinstance(library, reed_solomon.IsalReedSolomon)
    long, short = memoryview(bytearray(64)), memoryview(bytearray(32))
    for rows, sources, targets in (
        ([b"\x01\x01"], [long, short], [long]),
        ([b"\x01"], [long], [short]),
        ([b"\x01"], [long, long], [long]),
        ([b"\x01", b"\x01"], [long], [long]),
    ):
        with pytest.raises(ValueError, match=r"fit|length"):
            library(rows, sources, targets)


def test_a_file_that_is_no_such_library_is_unfit() -> None:
    for path in ("/nonexistent.so", "libc.so.6"):
        with pytest.raises(reed_solomon.LibraryUnfit):
            reed_solomon.IsalReedSolomon(path)


def test_without_any_library_the_reference_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reed_solomon, "_candidates", lambda: iter(["/nonexistent.so"]))
    chosen = reed_solomon.choose()
    assert chosen.name == "plain"
    reed_solomon.self_test(chosen)


@pytest.mark.planted
@pytest.mark.parametrize("polynomial_bit", [0, 200, 4160])
def test_the_self_test_catches_a_library_that_errs_in_one_byte(polynomial_bit: int) -> None:
    class Wrong(reed_solomon.PlainReedSolomon):
        def __call__(
            self, rows: list[bytes], sources: list[memoryview], targets: list[memoryview], /  # type: ignore[override]
        ) -> None:
            super().__call__(rows, sources, targets)
            targets[-1][polynomial_bit] ^= 1

    with pytest.raises(reed_solomon.LibraryUnfit):
        reed_solomon.self_test(Wrong())
