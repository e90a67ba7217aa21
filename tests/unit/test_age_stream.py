"""The payload: every chunk in its place, into the caller's memory, and any one of them alone."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.errors import AgePayloadDamaged
from appliance.format import age_key, age_stream

CHUNK, TAG, SEALED = age_stream.CHUNK_BYTES, age_stream.TAG_BYTES, age_stream.SEALED_BYTES
FILE_KEY = age_key.FileKey(bytes(16))
NONCE = bytes(range(16))
BORDERS = sorted({count * CHUNK + delta for count in range(4) for delta in (-1, 0, 1)} - {-1})


def seal(plaintext: bytes) -> bytes:
    sealer = age_stream.Sealer(file_key=FILE_KEY, nonce=NONCE, header=b"")
    out = bytearray(age_stream.sealed_length(len(plaintext)))
    position = 0
    for start in range(0, len(plaintext) or 1, CHUNK):
        last = start + CHUNK >= len(plaintext)
        position += sealer.seal_chunk_into(
            plaintext[start : start + CHUNK], memoryview(out)[position:], last=last
        )
    assert position == len(out)
    return bytes(out)


def open_one(index: int, sealed: bytes) -> bytes:
    span = age_stream.chunk_span(index, len(sealed))
    out = bytearray(span.plain_length)
    opener = age_stream.ChunkOpener(file_key=FILE_KEY, nonce=NONCE)
    opener.open_chunk(index, sealed[span.offset : span.offset + span.length], memoryview(out), last=span.last)
    return bytes(out)


def open_all(sealed: bytes) -> bytes:
    return b"".join(open_one(index, sealed) for index in range(age_stream.chunk_count(len(sealed))))


def pattern(size: int) -> bytes:
    return (b"0123456789abcdefghijklmnopqrstuvwxyz" * (size // 36 + 1))[:size]


@pytest.mark.clause("FORMAT 2.5")
@pytest.mark.clause("FORMAT 2.9")
@pytest.mark.parametrize("size", BORDERS)
def test_every_length_around_a_chunk_border_is_read_back_chunk_by_chunk(size: int) -> None:
    plaintext = pattern(size)
    sealed = seal(plaintext)
    assert len(sealed) == age_stream.sealed_length(size)
    assert age_stream.plain_length(len(sealed)) == size
    for index in reversed(range(age_stream.chunk_count(len(sealed)))):
        assert open_one(index, sealed) == plaintext[index * CHUNK : (index + 1) * CHUNK]


@given(size=st.integers(min_value=0, max_value=1 << 45))
def test_the_arithmetic_of_lengths_is_its_own_inverse(size: int) -> None:
    length = age_stream.sealed_length(size)
    assert age_stream.plain_length(length) == size
    count = age_stream.chunk_count(length)
    last = age_stream.chunk_span(count - 1, length)
    assert last.last
    assert last.offset + last.length == length
    assert (count - 1) * CHUNK + last.plain_length == size


@pytest.mark.clause("FORMAT 2.9")
@given(length=st.integers(min_value=0, max_value=1 << 20))
def test_a_length_is_refused_exactly_if_no_plaintext_has_it(length: int) -> None:
    near = max(0, length - 16 * TAG * 2)
    possible = any(age_stream.sealed_length(size) == length for size in range(near, length + 1))
    try:
        assert age_stream.sealed_length(age_stream.plain_length(length)) == length
        assert possible
    except AgePayloadDamaged:
        assert not possible


@pytest.mark.clause("FORMAT 2.5")
@pytest.mark.parametrize(
    "length", [0, 1, TAG - 1, SEALED + 1, SEALED + TAG - 1, SEALED + TAG, 2 * SEALED + TAG]
)
def test_a_content_that_is_cut_within_a_tag_or_ends_with_an_empty_chunk_is_refused(length: int) -> None:
    with pytest.raises(AgePayloadDamaged):
        age_stream.chunk_count(length)


@pytest.mark.clause("FORMAT 2.5")
def test_chunks_that_are_left_out_repeated_moved_or_added_are_refused() -> None:
    sealed = seal(pattern(3 * CHUNK + 5))
    chunks = [sealed[start : start + SEALED] for start in range(0, len(sealed), SEALED)]
    for order in itertools.chain.from_iterable(
        itertools.product(range(4), repeat=count) for count in range(1, 6)
    ):
        forged = b"".join(chunks[index] for index in order)
        if order != (0, 1, 2, 3):
            with pytest.raises(AgePayloadDamaged):
                open_all(forged)
    assert open_all(sealed) == pattern(3 * CHUNK + 5)


@pytest.mark.clause("FORMAT 2.5")
@given(size=st.integers(min_value=0, max_value=2 * CHUNK), cut=st.integers(min_value=1))
def test_a_content_that_ends_early_is_refused(size: int, cut: int) -> None:
    sealed = seal(pattern(size))
    with pytest.raises(AgePayloadDamaged):
        open_all(sealed[: -(1 + cut % len(sealed))])


@pytest.mark.clause("FORMAT 2.10")
def test_a_sealer_never_seals_two_chunks_under_one_nonce() -> None:
    seen: list[bytes] = []

    class Recording:
        def encrypt_into(self, nonce: bytes, data: object, associated: object, out: object) -> int:
            seen.append(nonce)
            return 0

    sealer = age_stream.Sealer(file_key=FILE_KEY, nonce=NONCE, header=b"")
    sealer._key = Recording()  # type: ignore[assignment]
    full, out = bytes(CHUNK), memoryview(bytearray(SEALED))
    for _ in range(300):
        sealer.seal_chunk_into(full, out, last=False)
    sealer.seal_chunk_into(b"x", out, last=True)
    for plain, last in ((b"x", True), (full, False), (b"", True)):
        with pytest.raises(ValueError, match="last chunk was sealed"):
            sealer.seal_chunk_into(plain, out, last=last)
    assert len(set(seen)) == len(seen) == 301
    assert seen[256] == bytes(9) + b"\x01\x00\x00"
    assert seen[-1][-1] == 1


@pytest.mark.clause("FORMAT 2.5")
def test_a_sealer_refuses_chunks_that_no_reader_would_take() -> None:
    out = memoryview(bytearray(2 * SEALED))
    sealer = age_stream.Sealer(file_key=FILE_KEY, nonce=NONCE, header=b"")
    for plain, last in ((b"short", False), (bytes(CHUNK + 1), True), (b"", False)):
        with pytest.raises(ValueError, match="a chunk of"):
            sealer.seal_chunk_into(plain, out, last=last)
    sealer.seal_chunk_into(bytes(CHUNK), out, last=False)
    with pytest.raises(ValueError, match="empty last chunk"):
        sealer.seal_chunk_into(b"", out, last=True)


def test_sealing_writes_its_bytes_and_nothing_beside_them() -> None:
    arena = bytearray(b"\xee" * 100)
    sealer = age_stream.Sealer(file_key=FILE_KEY, nonce=NONCE, header=b"")
    written = sealer.seal_chunk_into(memoryview(b"hello"), memoryview(arena)[10:], last=True)
    assert written == 5 + TAG
    assert arena[:10] == b"\xee" * 10
    assert arena[10 + written :] == b"\xee" * (90 - written)
    assert open_all(bytes(arena[10 : 10 + written])) == b"hello"


@pytest.mark.clause("FORMAT 1.5")
def test_a_refused_chunk_leaves_no_plaintext_in_the_callers_memory() -> None:
    sealed = bytearray(seal(pattern(1000)))
    sealed[-1] ^= 1
    out = bytearray(1000)
    opener = age_stream.ChunkOpener(file_key=FILE_KEY, nonce=NONCE)
    with pytest.raises(AgePayloadDamaged):
        opener.open_chunk(0, sealed, memoryview(out), last=True)
    assert out == bytes(1000)


@pytest.mark.planted
def test_the_order_test_catches_a_nonce_without_its_counter(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(age_stream, "_nonce", lambda index, *, last: bytes(11) + bytes([last]))
    sealed = seal(pattern(2 * CHUNK))
    repeated = sealed[:SEALED] + sealed
    assert open_all(repeated) == pattern(2 * CHUNK)[:CHUNK] + pattern(2 * CHUNK)
