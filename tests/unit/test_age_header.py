"""The header's grammar in both directions, and what may be told from it without a key."""

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.errors import AgeFormatError, AgeHeaderForged, PackStanzaRefused
from appliance.format import age_file, age_header, age_key, age_recipient, base64_text
from appliance.format.age_header import Header, Stanza
from tests.age_x25519 import ClassicRecipient

FILE_KEY = age_key.FileKey(bytes(range(16)))
VAULT = age_recipient.Identity.from_seed(bytes(range(32)))
WORDS = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1, max_size=12)
STANZAS = st.lists(
    st.builds(
        Stanza,
        kind=WORDS.filter(lambda word: word != "scrypt"),
        args=st.lists(WORDS, max_size=3).map(tuple),
        body=st.binary(max_size=150),
    ),
    min_size=1,
    max_size=4,
)


def header_of(*stanzas: Stanza) -> Header:
    return age_header.parse(age_header.marshal(stanzas, FILE_KEY))


@pytest.mark.clause("FORMAT 2.3")
@given(stanzas=STANZAS, rest=st.binary(max_size=40))
def test_a_header_is_read_back_and_nothing_behind_it_is_touched(stanzas: list[Stanza], rest: bytes) -> None:
    written = age_header.marshal(stanzas, FILE_KEY)
    header = age_header.parse(written + rest)
    assert header.stanzas == tuple(stanzas)
    assert header.payload_offset == len(written)
    age_header.authenticate(header, FILE_KEY)


@pytest.mark.clause("FORMAT 2.3")
@pytest.mark.parametrize("size", [0, 1, 47, 48, 49, 96])
def test_only_a_short_line_ends_a_body(size: int) -> None:
    stanza = Stanza(kind="other", args=(), body=bytes(size))
    lines = age_header.marshal([stanza], FILE_KEY).split(b"\n")[2:-2]
    assert [len(line) for line in lines[:-1]] == [64] * (len(lines) - 1)
    assert len(lines[-1]) < 64
    assert header_of(stanza).stanzas == (stanza,)


@pytest.mark.clause("FORMAT 2.3")
@given(stanzas=STANZAS, place=st.integers(min_value=0), byte=st.integers(min_value=0, max_value=255))
def test_a_changed_header_never_passes_as_the_same(stanzas: list[Stanza], place: int, byte: int) -> None:
    written = bytearray(age_header.marshal(stanzas, FILE_KEY))
    at = place % len(written)
    if written[at] == byte:
        return
    written[at] = byte
    with pytest.raises(AgeFormatError):
        age_header.authenticate(age_header.parse(written), FILE_KEY)


@pytest.mark.clause("FORMAT 2.3")
def test_a_header_made_with_another_file_key_is_refused() -> None:
    header = header_of(Stanza(kind="other", args=(), body=b""))
    with pytest.raises(AgeHeaderForged):
        age_header.authenticate(header, age_key.FileKey(bytes(16)))


@pytest.mark.clause("FORMAT 2.3")
@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"age-encryption.org/v2\n-> a\n\n--- ",
        b"age-encryption.org/v1\r\n",
        b"age-encryption.org/v1\n--- " + b"A" * 43 + b"\n",
        b"age-encryption.org/v1\n-> a\n\n---" + b"A" * 43 + b"\n",
        b"age-encryption.org/v1\n->  a\n\n--- " + b"A" * 43 + b"\n",
        b"age-encryption.org/v1\n-> a \n\n--- " + b"A" * 43 + b"\n",
        b"age-encryption.org/v1\n-> \xc3\xa9\n\n--- " + b"A" * 43 + b"\n",
        b"age-encryption.org/v1\n-> a\n\n--- " + b"A" * 43,
    ],
    ids=[
        "empty",
        "version",
        "CRLF",
        "no stanza",
        "no space",
        "empty argument",
        "trailing space",
        "not ASCII",
        "no end",
    ],
)
def test_a_header_outside_the_grammar_is_refused(text: bytes) -> None:
    with pytest.raises(AgeFormatError):
        age_header.parse(text)


@pytest.mark.clause("FORMAT 8.1")
@pytest.mark.clause("FORMAT 1.4")
def test_a_header_beyond_its_limits_is_refused() -> None:
    many = [Stanza(kind="a", args=(), body=b"")] * (age_header.STANZAS_MAX + 1)
    with pytest.raises(AgeFormatError, match="too many"):
        header_of(*many)
    assert len(header_of(*many[1:]).stanzas) == age_header.STANZAS_MAX
    with pytest.raises(AgeFormatError, match="does not end"):
        header_of(Stanza(kind="a", args=(), body=bytes(age_header.HEADER_BYTES_MAX)))


@pytest.mark.clause("FORMAT 2.3")
def test_a_passphrase_stanza_beside_another_is_refused() -> None:
    locked = Stanza(kind="scrypt", args=(), body=b"")
    assert header_of(locked).stanzas == (locked,)
    for pair in ([locked, locked], [locked, VAULT.recipient.wrap(FILE_KEY)]):
        with pytest.raises(AgeFormatError, match="alone"):
            header_of(*pair)


@pytest.mark.clause("FORMAT 2.3")
def test_a_stanza_of_an_unknown_kind_is_skipped() -> None:
    grease = Stanza(kind="x-grease", args=("a",), body=b"?")
    header = header_of(grease, VAULT.recipient.wrap(FILE_KEY), grease)
    assert VAULT.unwrap(header.stanzas) == FILE_KEY


@pytest.mark.clause("FORMAT 2.8")
def test_a_pack_for_one_post_quantum_key_is_taken_without_any_key() -> None:
    pack = age_file.encrypt(b"content", VAULT.recipient, os.urandom)
    header = age_header.parse(pack)
    age_recipient.require_single_pq_stanza(header)
    assert header.payload_offset == age_recipient.HEADER_BYTES == 1627
    assert header.chunks_offset == 1643


@pytest.mark.clause("FORMAT 2.8")
@pytest.mark.clause("FORMAT 2.11")
def test_a_pack_that_somebody_else_could_also_open_is_refused() -> None:
    ours = VAULT.recipient.wrap(FILE_KEY)
    classic = ClassicRecipient(VAULT.recipient.public_key[-32:]).wrap(FILE_KEY)
    other = age_recipient.Identity.generate(os.urandom).recipient.wrap(FILE_KEY)
    for stanzas in (
        [ours, other],
        [ours, classic],
        [classic],
        [ours, ours],
        [Stanza(kind="x", args=(), body=b"")],
    ):
        with pytest.raises(PackStanzaRefused):
            age_recipient.require_single_pq_stanza(header_of(*stanzas))


@pytest.mark.clause("FORMAT 2.8")
@pytest.mark.clause("FORMAT 2.4")
def test_a_pack_whose_stanza_is_misshapen_is_refused_without_any_key() -> None:
    good = VAULT.recipient.wrap(FILE_KEY)
    enc = base64_text.decode_raw(good.args[0])
    long_enc, short_enc = (base64_text.encode_raw(data) for data in (enc + b"\0", enc[:-1]))
    for args, body in (
        ((), good.body),
        ((*good.args, "x"), good.body),
        ((long_enc,), good.body),
        ((short_enc,), good.body),
        (("!",), good.body),
        (good.args, good.body + b"\0"),
        (good.args, good.body[:-1]),
    ):
        with pytest.raises(PackStanzaRefused):
            age_recipient.require_single_pq_stanza(header_of(Stanza(kind=good.kind, args=args, body=body)))
        with pytest.raises(AgeFormatError):
            VAULT.unwrap([Stanza(kind=good.kind, args=args, body=body)])


@pytest.mark.planted
def test_the_changed_header_test_catches_a_mac_over_the_first_line_only(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    whole = age_header._mac
    monkeypatch.setattr(age_header, "_mac", lambda data, key: whole(data[:22], key))
    written = age_header.marshal([Stanza(kind="a", args=("b",), body=b"")], FILE_KEY).replace(
        b"-> a b", b"-> a c"
    )
    age_header.authenticate(age_header.parse(written), FILE_KEY)


def test_a_writer_never_writes_an_argument_that_no_reader_takes() -> None:
    for word in ("", "a b", "a\n", "é"):
        with pytest.raises(ValueError, match="argument"):
            age_header.marshal([Stanza(kind="a", args=(word,), body=b"")], FILE_KEY)
