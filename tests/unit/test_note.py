"""Signed notes, checkpoints and cosignatures: strict in what is read, exact in what a signature means."""

import functools
from collections.abc import Callable

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from appliance.errors import IwatoError, SignatureInvalid, SignatureMalformed, SigningKeyRefused
from appliance.format import checkpoint, note
from appliance.format.checkpoint import Checkpoint
from appliance.format.note import Note, SignatureLine
from appliance.format.note_key import KeyKind, NoteKey
from tests import depth

# The example that C2SP signed-note prints.
EXAMPLE_KEY = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
EXAMPLE_NOTE = (
    "This is an example message.\n\n— example.com/foo "
    "Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n"
)
ORIGIN, WITNESS = "box.example/log", "witness.box.example"
TIME_S = 1_700_000_000
HEAD = Checkpoint(origin=ORIGIN, size=7, root=bytes(range(32)))
Signer = Callable[[bytes], bytes]


@functools.cache
def pair(name: str, kind: KeyKind, number: int = 1) -> tuple[NoteKey, Signer]:
    private = Ed25519PrivateKey.from_private_bytes(bytes([number]) * 32)
    return NoteKey(name=name, kind=kind, public_key=private.public_key().public_bytes_raw()), private.sign


BOX, BOX_SIGN = pair(ORIGIN, KeyKind.ED25519)
WK, WK_SIGN = pair(WITNESS, KeyKind.COSIGNATURE, 2)


def witnessed(head: Checkpoint = HEAD, time_s: int = TIME_S) -> Note:
    text = head.text()
    return (
        Note(text=text)
        .with_signature(BOX.sign(BOX_SIGN, text))
        .with_signature(WK.sign(WK_SIGN, text, time_s))
    )


def verified_by_both(data: bytes) -> int | None:
    parsed = note.parse(data)
    BOX.verify(parsed)
    return WK.verify(parsed)


@pytest.mark.clause("FORMAT 9.4")
@pytest.mark.clause("FORMAT 9.5")
def test_the_published_example_is_read_verified_and_written_again() -> None:
    key = NoteKey.from_text(EXAMPLE_KEY)
    parsed = note.parse(EXAMPLE_NOTE.encode())
    assert key.verify(parsed) is None
    assert key.text() == EXAMPLE_KEY
    assert parsed.encode().decode() == EXAMPLE_NOTE


@pytest.mark.clause("FORMAT 9.6")
@pytest.mark.clause("FORMAT 9.7")
def test_a_witnessed_checkpoint_is_read_back_with_the_witnesss_time() -> None:
    parsed = note.parse(witnessed().encode())
    assert parsed == witnessed()
    assert BOX.verify(parsed) is None
    assert WK.verify(parsed) == TIME_S
    assert checkpoint.parse(parsed.text) == HEAD


@pytest.mark.clause("FORMAT 9.7")
def test_a_cosignature_with_another_time_is_refused() -> None:
    line = witnessed().signatures[1]
    later = SignatureLine(
        name=line.name, key_id=line.key_id, signature=(TIME_S + 1).to_bytes(8, "big") + line.signature[8:]
    )
    with pytest.raises(SignatureInvalid):
        WK.verify(Note(text=HEAD.text(), signatures=(later,)))
    for time_s in (-1, 1 << 63):
        with pytest.raises((SignatureMalformed, OverflowError)):
            WK.sign(WK_SIGN, HEAD.text(), time_s)


@pytest.mark.clause("FORMAT 9.7")
def test_a_log_signature_is_no_cosignature_and_the_other_way_round() -> None:
    log, sign = pair("same", KeyKind.ED25519)
    witness, _ = pair("same", KeyKind.COSIGNATURE)
    assert log.key_id() != witness.key_id()
    text = HEAD.text()
    with pytest.raises(IwatoError):
        witness.line(sign(text.encode()), text, TIME_S)
    for key, time_s in ((log, TIME_S), (witness, None)):
        with pytest.raises(ValueError, match="time belongs"):
            key.sign(sign, text, time_s)


@pytest.mark.clause("FORMAT 9.5")
def test_a_note_counts_as_signed_only_with_one_line_of_the_key_that_holds() -> None:
    good = witnessed()
    other, sign = pair(ORIGIN, KeyKind.ED25519, 3)
    stolen_id = SignatureLine(name=ORIGIN, key_id=BOX.key_id(), signature=sign(good.text.encode()))
    foreign = other.sign(sign, good.text)
    cosign = good.signatures[1]
    for lines in ((), (cosign,), (foreign,), (stolen_id,), (good.signatures[0], stolen_id)):
        with pytest.raises(SignatureInvalid):
            BOX.verify(Note(text=good.text, signatures=lines))
    assert BOX.verify(good) is None


@pytest.mark.clause("FORMAT 9.4")
def test_lines_of_unknown_keys_are_ignored() -> None:
    stranger = SignatureLine(name="stranger.example", key_id=b"1234", signature=b"whatever they sign with")
    noisy = note.parse(witnessed().with_signature(stranger).encode())
    assert BOX.verify(noisy) is None
    assert WK.verify(noisy) == TIME_S


@pytest.mark.clause("FORMAT 9.5")
def test_a_signature_over_another_text_is_refused() -> None:
    lines = witnessed().signatures
    for head in (
        Checkpoint(origin=ORIGIN, size=8, root=HEAD.root),
        Checkpoint(origin=ORIGIN, size=7, root=bytes(32)),
        Checkpoint(origin="box.example/lag", size=7, root=HEAD.root),
    ):
        for key in (BOX, WK):
            with pytest.raises(SignatureInvalid):
                key.verify(Note(text=head.text(), signatures=lines))


def test_a_signer_with_another_key_is_found_while_signing() -> None:
    with pytest.raises(SignatureInvalid):
        BOX.sign(WK_SIGN, HEAD.text())


@pytest.mark.clause("FORMAT 9.4")
@pytest.mark.clause("FORMAT 9.5")
def test_every_flipped_bit_of_a_witnessed_checkpoint_is_noticed() -> None:
    data = witnessed().encode()
    for place in range(0, len(data) * 8, depth.many(3, 1)):
        flipped = bytearray(data)
        flipped[place // 8] ^= 1 << place % 8
        with pytest.raises(IwatoError):
            verified_by_both(bytes(flipped))


@pytest.mark.clause("FORMAT 8.1")
@pytest.mark.clause("FORMAT 9.4")
@pytest.mark.parametrize(
    "wrong",
    [
        b"",
        b"text\n",
        b"text\n\n",
        b"text\n\n\n",
        EXAMPLE_NOTE.encode()[:-1],
        EXAMPLE_NOTE.encode() + b"\n",
        EXAMPLE_NOTE.replace("— ", "- ").encode(),
        EXAMPLE_NOTE.replace("— ", "—").encode(),
        EXAMPLE_NOTE.replace("\n", "\r\n").encode(),
        EXAMPLE_NOTE.replace("example m", "\x1bmple m").encode(),
        EXAMPLE_NOTE.replace("/foo ", "/f+o ").encode(),
        EXAMPLE_NOTE.replace("/foo ", "/f\u00a0o ").encode(),
        EXAMPLE_NOTE.replace("=\n", "\n").encode(),
        EXAMPLE_NOTE.replace("Uw2Q", "Uw2Q ").encode(),
        EXAMPLE_NOTE.encode().replace(b"This", b"\xff\xfe"),
        "a\n\n— k AAAA\n".encode(),
        "a\n\n— k AAAAAA==\n".encode(),
        b"x" * note.NOTE_BYTES_MAX + EXAMPLE_NOTE.encode(),
    ],
)
def test_bytes_that_are_not_exactly_a_signed_note_are_refused(wrong: bytes) -> None:
    with pytest.raises(SignatureMalformed):
        note.parse(wrong)


@pytest.mark.clause("FORMAT 8.1")
@pytest.mark.clause("FORMAT 1.4")
@pytest.mark.clause("FORMAT 9.4")
def test_a_note_with_more_signatures_than_the_limit_is_refused() -> None:
    line = SignatureLine(name="k", key_id=b"1234", signature=b"s")
    full = Note(text="a\n", signatures=(line,) * note.SIGNATURES_MAX)
    assert note.parse(full.encode()) == full
    with pytest.raises(SignatureMalformed):
        note.parse(full.encode() + line.encode().encode())


@pytest.mark.clause("FORMAT 9.4")
@given(
    lines=st.lists(
        st.text(st.characters(min_codepoint=0x20, exclude_categories=["Cs"])), min_size=1, max_size=5
    ),
    signature=st.binary(min_size=1, max_size=80),
)
def test_a_note_of_any_text_is_read_back(lines: list[str], signature: bytes) -> None:
    line = SignatureLine(name="ключ", key_id=b"1234", signature=signature)
    written = Note(text="\n".join(lines) + "\n", signatures=(line,))
    assert note.parse(written.encode()) == written


@pytest.mark.clause("FORMAT 9.4")
@pytest.mark.parametrize("text", ["", "no line end", "a\tb\n", "a\rb\n", "\x00\n", "\ud800\n"])
def test_a_text_that_no_reader_takes_is_never_written(text: str) -> None:
    with pytest.raises(SignatureMalformed):
        Note(text=text)


def test_a_note_without_signature_is_never_written() -> None:
    with pytest.raises(SignatureMalformed):
        Note(text="a\n").encode()


def test_the_same_signature_is_added_once() -> None:
    once = witnessed()
    assert once.with_signature(once.signatures[0]) is once


@pytest.mark.clause("FORMAT 9.6")
@given(size=st.integers(min_value=0, max_value=checkpoint.SIZE_MAX), root=st.binary(min_size=32, max_size=32))
def test_a_checkpoint_is_read_back(size: int, root: bytes) -> None:
    head = Checkpoint(origin=ORIGIN, size=size, root=root)
    assert checkpoint.parse(head.text()) == head


@pytest.mark.clause("FORMAT 9.6")
@pytest.mark.parametrize(
    "text",
    [
        "",
        HEAD.text()[:-1],
        HEAD.text() + "\n",
        HEAD.text() + "extension\n",
        HEAD.text().replace("\n7\n", "\n07\n"),
        HEAD.text().replace("\n7\n", "\n+7\n"),
        HEAD.text().replace("\n7\n", "\n７\n"),
        HEAD.text().replace("=\n", "\n"),
        HEAD.text().replace("\n7\n", "\n9223372036854775808\n"),
        "\n7\n" + HEAD.text().split("\n")[2] + "\n",
        f"{ORIGIN}\n7\nAAAA\n",
        HEAD.text().replace("\n", "\r\n"),
    ],
)
def test_a_text_that_is_not_exactly_a_checkpoint_is_refused(text: str) -> None:
    with pytest.raises(SignatureMalformed):
        checkpoint.parse(text)


@pytest.mark.clause("FORMAT 9.5")
@pytest.mark.parametrize("key", [BOX, WK])
def test_a_verifier_key_is_read_back(key: NoteKey) -> None:
    assert NoteKey.from_text(key.text()) == key


@pytest.mark.clause("FORMAT 9.5")
@pytest.mark.parametrize(
    "text",
    [
        "",
        "name",
        EXAMPLE_KEY + "=",
        EXAMPLE_KEY[:-1],
        EXAMPLE_KEY.replace("530d", "530e"),
        EXAMPLE_KEY.replace("530d903a", "530D903A"),
        EXAMPLE_KEY.replace("/foo", "/fop"),
        "+530d903a+AQ==",
        "n+0+",
        EXAMPLE_KEY.replace("+A", "+B"),
        " " + EXAMPLE_KEY,
    ],
)
def test_a_text_that_is_not_exactly_a_verifier_key_is_refused(text: str) -> None:
    with pytest.raises((SignatureMalformed, SigningKeyRefused)):
        NoteKey.from_text(text)


@pytest.mark.clause("FORMAT 9.5")
def test_a_log_key_with_which_everybody_could_sign_is_refused() -> None:
    with pytest.raises(SigningKeyRefused):
        NoteKey(name="n", kind=KeyKind.ED25519, public_key=b"\x01" + bytes(31))


@pytest.mark.planted
def test_the_time_test_catches_a_cosignature_that_leaves_the_time_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(NoteKey, "_signed", lambda self, text, time_s: text.encode())
    line = WK.sign(WK_SIGN, HEAD.text(), TIME_S)
    later = SignatureLine(name=line.name, key_id=line.key_id, signature=bytes(8) + line.signature[8:])
    assert WK.verify(Note(text=HEAD.text(), signatures=(later,))) == 0
