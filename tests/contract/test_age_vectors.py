"""The public age vectors (C2SP CCTV): what age calls success opens here, what it calls failure fails here
with the same meaning. None is left out: armored ones, which age reads, this box has to refuse."""

import hashlib
import re
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from appliance.errors import AgeFormatError, AgeHeaderForged, AgeKeyMismatch, AgePayloadDamaged, VaultError
from appliance.format import (
    age_file,
    age_header,
    age_key,
    age_passphrase,
    age_recipient,
    age_stream,
    base64_text,
)
from appliance.format.age_header import Stanza
from tests import vectors as public_vectors
from tests.age_x25519 import ClassicIdentity

FILES = public_vectors.files("age/*")
FILES_EXPECTED = 143
ARMORED_EXPECTED = 33  # not applicable as age files: age's ASCII armor is no form of ours (FORMAT 2.1)
MEANING: dict[str, type[VaultError]] = {
    "header failure": AgeFormatError,
    "HMAC failure": AgeHeaderForged,
    "no match": AgeKeyMismatch,
    "payload failure": AgePayloadDamaged,
}


@dataclass
class Vector:
    expect: str = ""
    payload: str = ""
    armored: bool = False
    compressed: bool = False
    identities: list[age_file.Unwraps] = field(default_factory=list)
    body: bytes = b""


class AnyOf:
    """Several identities, tried in order, as age's command line does."""

    def __init__(self, identities: Sequence[age_file.Unwraps]) -> None:
        self._identities = identities

    def unwrap(self, stanzas: Sequence[Stanza]) -> age_key.FileKey:
        for identity in self._identities:
            try:
                return identity.unwrap(stanzas)
            except AgeKeyMismatch:
                continue
        raise AgeKeyMismatch


def identity(text: str) -> age_file.Unwraps:
    if text.startswith("AGE-SECRET-KEY-PQ-"):
        return age_recipient.Identity.from_text(text)
    return ClassicIdentity(text)


def load(path: Path) -> Vector:
    head, _, body = path.read_bytes().partition(b"\n\n")
    vector = Vector(body=body)
    for line in head.decode("utf-8").split("\n"):
        name, _, value = line.partition(": ")
        match name:
            case "expect":
                vector.expect = value
            case "payload":
                vector.payload = value
            case "armored":
                vector.armored = value == "yes"
            case "compressed":
                vector.body = zlib.decompress(body)
            case "identity":
                vector.identities.append(identity(value))
            case "passphrase":
                vector.identities.append(age_passphrase.PassphraseKey(value))
            case _:
                assert name in {"comment", "file key"}, f"{path.name} has the unknown line {name}"
    return vector


def outcome(vector: Vector) -> str:
    """What this box says, in the vectors' words."""
    try:
        opened = age_file.decrypt(vector.body, AnyOf(vector.identities))
    except VaultError as error:
        return next(
            (word for word, kind in reversed(MEANING.items()) if type(error) is kind), type(error).__name__
        )
    return "success" if hashlib.sha256(opened).hexdigest() == vector.payload else "another plaintext"


@pytest.mark.clause("FORMAT 2.3")
@pytest.mark.clause("FORMAT 2.4")
@pytest.mark.clause("FORMAT 2.5")
@pytest.mark.clause("FORMAT 2.6")
@pytest.mark.parametrize(
    "path", [file for file in FILES if not file.name.startswith("armor")], ids=lambda path: path.name
)
def test_a_public_vector_has_the_outcome_that_age_states(path: Path, vectors: Path) -> None:
    vector = load(path)
    assert outcome(vector) == vector.expect


@pytest.mark.clause("FORMAT 2.1")
@pytest.mark.parametrize(
    "path", [file for file in FILES if file.name.startswith("armor")], ids=lambda path: path.name
)
def test_age_armor_is_refused_whatever_it_holds(path: Path, vectors: Path) -> None:
    vector = load(path)
    with pytest.raises(AgeFormatError):
        age_file.decrypt(vector.body, AnyOf(vector.identities))


def test_every_vector_is_used_and_the_armored_ones_are_those_that_say_so(vectors: Path) -> None:
    armored = {path.name for path in FILES if load(path).armored}
    assert len(FILES) == FILES_EXPECTED
    assert len(armored) == ARMORED_EXPECTED
    assert armored == {path.name for path in FILES if path.name.startswith("armor")}


# Planted bugs: each makes the reader as lax as a first try often is. --------------------------------


def lax_base64(text: str) -> bytes:
    import base64

    return base64.b64decode(text + "=" * (-len(text) % 4))


def lax_argument(word: str) -> bool:
    return True


def lax_mac(header: age_header.Header, file_key: age_key.FileKey) -> None:
    return


def lax_order(self: age_recipient.Identity, enc: bytes) -> None:
    return


def lax_count(ciphertext_len: int) -> int:
    return max(1, -(-ciphertext_len // age_stream.SEALED_BYTES))


def lax_chunk(
    self: age_stream.ChunkOpener, index: int, ciphertext: age_stream.Bytes, out: memoryview, *, last: bool
) -> int:
    """Does not care which chunk is the last."""
    for mark in (b"\x00", b"\x01"):
        try:
            opened = self._key.decrypt(index.to_bytes(11, "big") + mark, ciphertext, None)
        except Exception:  # noqa: BLE001, S112 -- a planted bug
            continue
        out[: len(opened)] = opened
        return len(opened)
    raise AgePayloadDamaged(detail="planted")


PLANTS: list[tuple[str, object, str, Callable[..., object]]] = [
    ("hmac|stanza|hybrid_not|scrypt_not", base64_text, "decode_raw", lax_base64),
    ("stanza", age_header, "_is_argument", lax_argument),
    ("hmac", age_header, "authenticate", lax_mac),
    ("hybrid_low|hybrid_id", age_recipient.Identity, "_refuse_small_order", lax_order),
    ("stream", age_stream, "chunk_count", lax_count),
    ("stream", age_stream.ChunkOpener, "open_chunk", lax_chunk),
]


@pytest.mark.planted
@pytest.mark.parametrize(
    ("names", "place", "function", "lax"), PLANTS, ids=[plant[3].__name__ for plant in PLANTS]
)
def test_the_vectors_catch_a_lax_reader(
    names: str,
    place: object,
    function: str,
    lax: Callable[..., object],
    vectors: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(place, function, lax)
    caught = []
    for path in FILES:
        if re.match(names, path.name):
            vector = load(path)
            try:
                said = outcome(vector)
            except Exception as error:  # noqa: BLE001 -- a lax reader may also stumble
                said = type(error).__name__
            caught += [path.name] if said != vector.expect else []
    assert caught


@pytest.mark.planted
def test_the_vectors_catch_a_lax_work_factor(vectors: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(age_passphrase, "_DECIMAL", re.compile(r"[+0-9]{1,3}"))
    cases = [load(path) for path in FILES if path.name.startswith("scrypt_work_factor_leading")]
    assert any(outcome(case) != case.expect for case in cases)
