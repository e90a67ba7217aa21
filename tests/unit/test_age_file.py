"""Whole files: sealed to one key, opened by that key alone, and never in part."""

import copy
import os
import pickle
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.errors import AgeFormatError, AgeKeyMismatch, AgeKeyTextInvalid, AgePayloadDamaged
from appliance.format import age_file, age_header, age_passphrase, age_recipient, age_stream
from tests import depth

CHUNK = age_stream.CHUNK_BYTES
SEED = bytes(range(32))
VAULT = age_recipient.Identity.from_seed(SEED)
STRANGER = age_recipient.Identity.from_seed(bytes(32))
SMALL = age_file.encrypt(b"minutes of the board", VAULT.recipient, os.urandom)
BORDER = st.integers(min_value=0, max_value=3).flatmap(
    lambda count: st.integers(min_value=max(0, count * CHUNK - 2), max_value=count * CHUNK + 2)
)


def refused(data: bytes | bytearray) -> bool:
    try:
        age_file.decrypt(data, VAULT)
    except (AgeFormatError, AgeKeyMismatch):
        return True
    return False


@pytest.mark.clause("FORMAT 2.1")
@given(size=st.one_of(BORDER, st.integers(min_value=0, max_value=4 * CHUNK)), seed=st.integers(0, 255))
def test_what_is_sealed_opens_again_at_every_length(size: int, seed: int) -> None:
    plaintext = bytes([seed]) * size
    sealed = age_file.encrypt(plaintext, VAULT.recipient, os.urandom)
    assert len(sealed) == age_recipient.HEADER_BYTES + 16 + age_stream.sealed_length(size)
    assert age_file.decrypt(memoryview(sealed), VAULT) == plaintext


def test_another_vaults_key_opens_nothing_and_says_so() -> None:
    with pytest.raises(AgeKeyMismatch):
        age_file.decrypt(SMALL, STRANGER)


@pytest.mark.clause("FORMAT 1.5")
@pytest.mark.clause("FORMAT 2.5")
def test_every_flipped_bit_of_a_file_is_noticed() -> None:
    step = depth.many(23, 1)  # coprime to 8: all bit positions occur
    for place in range(0, len(SMALL) * 8, step):
        flipped = bytearray(SMALL)
        flipped[place // 8] ^= 1 << place % 8
        assert refused(flipped), f"bit {place}"


@pytest.mark.clause("FORMAT 1.5")
@pytest.mark.clause("FORMAT 2.5")
def test_every_shortened_or_lengthened_file_is_refused() -> None:
    for length in range(0, len(SMALL), depth.many(7, 1)):
        assert refused(SMALL[:length]), f"cut to {length} bytes"
    assert refused(SMALL[:-1])
    assert refused(SMALL + b"\0")
    assert not refused(SMALL)


@pytest.mark.clause("FORMAT 2.5")
def test_the_content_of_one_file_does_not_fit_the_header_of_another() -> None:
    other = age_file.encrypt(b"minutes of the board", VAULT.recipient, os.urandom)
    start = age_recipient.HEADER_BYTES
    with pytest.raises(AgePayloadDamaged):
        age_file.decrypt(SMALL[:start] + other[start:], VAULT)


@pytest.mark.clause("FORMAT 2.3")
def test_a_forged_header_is_refused_before_the_content_is_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    forged = SMALL.replace(b"\n---", b"\n-> x\n\n---", 1)
    opened: list[int] = []
    monkeypatch.setattr(age_stream, "ChunkOpener", lambda **values: opened.append(1))
    with pytest.raises(AgeFormatError):
        age_file.Opener(VAULT, forged)
    assert not opened


@pytest.mark.clause("FORMAT 2.9")
def test_one_chunk_of_a_large_file_opens_from_the_files_beginning_and_that_chunk() -> None:
    plaintext = os.urandom(5 * CHUNK + 77)
    sealed = age_file.encrypt(plaintext, VAULT.recipient, os.urandom)
    opener = age_file.Opener(VAULT, sealed[:4096])
    assert opener.chunks_offset == 1643
    for index in (5, 2, 0):
        span = age_stream.chunk_span(index, len(sealed) - opener.chunks_offset)
        start = opener.chunks_offset + span.offset
        assert start == 1643 + 65552 * index
        out = bytearray(span.plain_length)
        opener.open_chunk(index, sealed[start : start + span.length], memoryview(out), last=span.last)
        assert out == plaintext[index * CHUNK : (index + 1) * CHUNK]


@pytest.mark.clause("FORMAT 2.9")
def test_a_chunk_is_refused_when_the_file_was_cut_behind_it() -> None:
    sealed = age_file.encrypt(bytes(2 * CHUNK), VAULT.recipient, os.urandom)
    opener = age_file.Opener(VAULT, sealed)
    cut = memoryview(sealed)[opener.chunks_offset : -age_stream.SEALED_BYTES]
    span = age_stream.chunk_span(0, len(cut))
    with pytest.raises(AgePayloadDamaged):
        opener.open_span(0, span, cut, memoryview(bytearray(CHUNK)))


@pytest.mark.clause("FORMAT 2.10")
def test_every_file_has_a_file_key_and_a_nonce_of_its_own() -> None:
    drawn: list[bytes] = []

    def entropy(length: int) -> bytes:
        drawn.append(os.urandom(length))
        return drawn[-1]

    files = [age_file.encrypt(b"same", VAULT.recipient, entropy) for _ in range(3)]
    assert [len(data) for data in drawn] == [16, 16] * 3
    assert [data[1627:1643] for data in files] == drawn[1::2]
    for data, file_key in zip(files, drawn[::2], strict=True):
        assert VAULT.unwrap(age_header.parse(data).stanzas) == file_key


@pytest.mark.clause("FORMAT 2.10")
def test_an_entropy_source_that_runs_dry_stops_the_writer() -> None:
    with pytest.raises(ValueError, match="entropy"):
        age_file.encrypt(b"x", VAULT.recipient, lambda length: b"\0" * (length - 1))


@pytest.mark.clause("FORMAT 2.2")
def test_a_key_pair_is_the_same_from_its_seed_and_from_its_texts() -> None:
    again = age_recipient.Identity.from_text(VAULT.secret_text())
    assert again.secret_seed() == SEED
    assert VAULT.secret_text().startswith("AGE-SECRET-KEY-PQ-1")
    public = age_recipient.Recipient.from_text(VAULT.recipient.text())
    assert public == VAULT.recipient
    assert public.text().startswith("age1pq1")
    assert len(public.public_key) == 1216
    assert public.fingerprint == VAULT.recipient.fingerprint


@pytest.mark.clause("FORMAT 2.2")
@pytest.mark.parametrize("length", [0, 31, 33, 64])
def test_a_vault_key_of_another_length_is_refused(length: int) -> None:
    with pytest.raises(AgeKeyTextInvalid):
        age_recipient.Identity.from_seed(bytes(length))


@pytest.mark.clause("FORMAT 2.4")
def test_a_recipient_whose_classical_half_everybody_holds_is_never_sealed_to() -> None:
    weak = age_recipient.Recipient(VAULT.recipient.public_key[:-32] + bytes(32))
    with pytest.raises(AgeKeyTextInvalid):
        age_file.encrypt(b"x", weak, os.urandom)


@pytest.mark.clause("FORMAT 2.1")
@pytest.mark.clause("FORMAT 2.11")
def test_a_box_writes_binary_files_with_one_stanza_of_its_two_kinds_only() -> None:
    lock = age_passphrase.PassphraseLock("correct horse battery", entropy=os.urandom, work_factor=2)
    for recipient, kind in ((VAULT.recipient, "mlkem768x25519"), (lock, "scrypt")):
        sealed = age_file.encrypt(b"x", recipient, os.urandom)
        assert sealed.startswith(b"age-encryption.org/v1\n-> ")
        assert [stanza.kind for stanza in age_header.parse(sealed).stanzas] == [kind]
    recipients = [
        name
        for name in vars(age_recipient).keys() | vars(age_passphrase).keys()
        if hasattr(getattr(age_recipient, name, getattr(age_passphrase, name, None)), "wrap")
    ]
    assert sorted(recipients) == ["PassphraseLock", "Recipient"]


def test_secrets_show_in_no_representation_and_leave_the_process_by_no_pickle() -> None:
    secret = age_passphrase.PassphraseKey("correct horse battery")
    lock = age_passphrase.PassphraseLock("correct horse battery", entropy=os.urandom, work_factor=2)
    shown = f"{VAULT!r} {VAULT} {secret!r} {lock!r} {VAULT.recipient!r}"
    assert "horse" not in shown
    assert SEED.hex() not in shown
    assert VAULT.secret_text()[20:40] not in shown
    for escape in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError):
            escape(VAULT)


def test_opening_a_file_needs_memory_for_one_plaintext_only() -> None:
    sealed = age_file.encrypt(bytes(64 * CHUNK), VAULT.recipient, os.urandom)
    tracemalloc.start()
    try:
        age_file.decrypt(sealed, VAULT)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 2 * 64 * CHUNK + 4 * CHUNK  # the buffer and the bytes that are handed back


@pytest.mark.planted
def test_the_flip_test_catches_a_reader_that_skips_the_headers_mac(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(age_header, "authenticate", lambda header, file_key: None)
    place = SMALL.index(b"\n--- ") + 6
    flips = [SMALL[:place] + letter + SMALL[place + 1 :] for letter in (b"A", b"B")]
    assert not all(refused(flip) for flip in flips)
