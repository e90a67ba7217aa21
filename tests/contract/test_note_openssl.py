"""Checkpoint signatures and cosignatures hold in OpenSSL too: anybody can check them without our code."""

import shutil
import subprocess
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from appliance.format import note
from appliance.format.checkpoint import Checkpoint
from appliance.format.note import Note
from appliance.format.note_key import KeyKind, NoteKey

HEAD = Checkpoint(origin="box.example/log", size=3, root=bytes(range(32)))
TIME_S = 1_700_000_000
PRIVATE = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
PUBLIC = PRIVATE.public_key()
TIMEOUT_S = 60  # s; a hang, not a measurement


@pytest.fixture
def openssl(tmp_path: Path) -> Path:
    """The folder with the keys, for `pkeyutl`."""
    if shutil.which("openssl") is None:
        pytest.skip("needs openssl: openssl is not installed")
    (tmp_path / "public").write_bytes(PUBLIC.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    private = PRIVATE.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (tmp_path / "private").write_bytes(private)
    return tmp_path


def pkeyutl(place: Path, *words: str) -> subprocess.CompletedProcess[bytes]:
    command = ["openssl", "pkeyutl", *words, "-rawin", "-in", "message"]
    return subprocess.run(command, cwd=place, capture_output=True, timeout=TIMEOUT_S, check=False)


def openssl_accepts(place: Path, message: bytes, signature: bytes) -> bool:
    (place / "message").write_bytes(message)
    (place / "signature").write_bytes(signature)
    return pkeyutl(place, "-verify", "-pubin", "-inkey", "public", "-sigfile", "signature").returncode == 0


def openssl_signs(place: Path, message: bytes) -> bytes:
    (place / "message").write_bytes(message)
    done = pkeyutl(place, "-sign", "-inkey", "private", "-out", "made")
    assert done.returncode == 0, done.stderr
    return (place / "made").read_bytes()


def key(kind: KeyKind) -> NoteKey:
    return NoteKey(name="box.example/log", kind=kind, public_key=PUBLIC.public_bytes_raw())


@pytest.mark.clause("FORMAT 9.5")
def test_OpenSSL_verifies_our_signature_over_the_text(openssl: Path) -> None:
    line = key(KeyKind.ED25519).sign(PRIVATE.sign, HEAD.text())
    text = b"box.example/log\n3\nAAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n"
    assert openssl_accepts(openssl, text, line.signature)
    assert not openssl_accepts(openssl, text + b"\n", line.signature)


@pytest.mark.clause("FORMAT 9.7")
def test_OpenSSL_verifies_our_cosignature_over_time_and_text(openssl: Path) -> None:
    line = key(KeyKind.COSIGNATURE).sign(PRIVATE.sign, HEAD.text(), TIME_S)
    text = b"cosignature/v1\ntime 1700000000\n" + HEAD.text().encode()
    assert line.signature[:8] == TIME_S.to_bytes(8, "big")
    assert openssl_accepts(openssl, text, line.signature[8:])
    assert not openssl_accepts(openssl, text.replace(b"1700000000", b"1700000001"), line.signature[8:])


@pytest.mark.clause("FORMAT 9.5")
@pytest.mark.clause("FORMAT 9.7")
def test_we_verify_what_OpenSSL_signs(openssl: Path) -> None:
    text = HEAD.text()
    log, witness = key(KeyKind.ED25519), key(KeyKind.COSIGNATURE)
    cosigned = b"cosignature/v1\ntime 1700000000\n" + text.encode()
    made = Note(text=text).with_signature(log.line(openssl_signs(openssl, text.encode()), text))
    made = made.with_signature(witness.line(openssl_signs(openssl, cosigned), text, TIME_S))
    parsed = note.parse(made.encode())
    assert log.verify(parsed) is None
    assert witness.verify(parsed) == TIME_S


@pytest.mark.planted
def test_OpenSSL_catches_a_cosignature_that_leaves_the_time_out(
    openssl: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(NoteKey, "_signed", lambda self, text, time_s: text.encode())
    line = key(KeyKind.COSIGNATURE).sign(PRIVATE.sign, HEAD.text(), TIME_S)  # our own check does not see it
    text = b"cosignature/v1\ntime 1700000000\n" + HEAD.text().encode()
    assert not openssl_accepts(openssl, text, line.signature[8:])
