"""Both ways with stock OpenSSH: what a holder signs anywhere is read here, and the other way round."""

import subprocess
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, utils
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from appliance.errors import SignatureInvalid, SignatureMalformed, SigningKeyRefused
from appliance.format import sshsig
from appliance.format.ssh_key import SshKey

NAMESPACE = "iwato-policy@v1"
MESSAGE = b"iwato-policy 1\nquorum 3 of 5\n"
KINDS = pytest.mark.parametrize("kind", ["ed25519", "ecdsa"])
TIMEOUT_S = 60  # s; a hang, not a measurement


def keygen(place: Path, *words: str, data: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    command = ["ssh-keygen", *words]
    return subprocess.run(command, cwd=place, input=data, capture_output=True, timeout=TIMEOUT_S, check=False)


def made(place: Path, kind: str) -> SshKey:
    assert keygen(place, "-q", "-t", kind, "-N", "", "-C", "holder 1", "-f", "key").returncode == 0
    return SshKey.from_line((place / "key.pub").read_text())


def signer(place: Path) -> sshsig.Signer:
    """What a token does with the bytes it is handed."""
    private = serialization.load_ssh_private_key((place / "key").read_bytes(), None)

    def sign(data: bytes) -> bytes:
        if isinstance(private, Ed25519PrivateKey):
            return private.sign(data)
        assert isinstance(private, ec.EllipticCurvePrivateKey)
        r, s = utils.decode_dss_signature(private.sign(data, ec.ECDSA(hashes.SHA256())))
        return r.to_bytes(32, "big") + s.to_bytes(32, "big")

    return sign


def openssh_accepts(place: Path, armored: str, message: bytes, namespace: str = NAMESPACE) -> bool:
    (place / "sig").write_text(armored)
    words = ("-Y", "verify", "-f", "allowed", "-I", "holder-1", "-n", namespace, "-s", "sig")
    return keygen(place, *words, data=message).returncode == 0


@pytest.mark.needs("ssh-keygen")
@pytest.mark.clause("FORMAT 9.2")
@KINDS
def test_OpenSSHs_key_files_are_read_and_written_as_it_does(kind: str, tmp_path: Path) -> None:
    key = made(tmp_path, kind)
    assert key.line("holder 1") + "\n" == (tmp_path / "key.pub").read_text()
    shown = keygen(tmp_path, "-l", "-f", "key.pub").stdout.decode()
    assert key.fingerprint() == shown.split()[1]


@pytest.mark.needs("ssh-keygen")
@pytest.mark.clause("FORMAT 9.3")
@KINDS
def test_we_verify_what_OpenSSH_signs(kind: str, tmp_path: Path) -> None:
    key = made(tmp_path, kind)
    for length in range(1, 40, 6):  # P-256 numbers come in several lengths
        message = MESSAGE * length
        done = keygen(tmp_path, "-Y", "sign", "-f", "key", "-n", NAMESPACE, data=message)
        armored = done.stdout.decode()
        sshsig.verify(armored, message, NAMESPACE, key)
        assert sshsig.parse(armored).armor() == armored
        with pytest.raises(SignatureInvalid):
            sshsig.verify(armored, message + b"!", NAMESPACE, key)


@pytest.mark.needs("ssh-keygen")
@pytest.mark.clause("FORMAT 9.3")
@KINDS
def test_OpenSSH_verifies_what_we_sign_for_that_text_and_purpose_only(kind: str, tmp_path: Path) -> None:
    key = made(tmp_path, kind)
    (tmp_path / "allowed").write_text(
        sshsig.allowed_signers([("holder-1", key)], [NAMESPACE, "iwato-ceremony@v1"])
    )
    armored = sshsig.sign(signer(tmp_path), key, NAMESPACE, MESSAGE).armor()
    assert openssh_accepts(tmp_path, armored, MESSAGE)
    assert not openssh_accepts(tmp_path, armored, MESSAGE + b"!")
    assert not openssh_accepts(tmp_path, armored, MESSAGE, "iwato-ceremony@v1")


@pytest.mark.needs("ssh-keygen")
@pytest.mark.clause("FORMAT 9.3")
def test_OpenSSHs_signatures_with_another_hash_or_kind_of_key_are_refused(tmp_path: Path) -> None:
    made(tmp_path, "ed25519")
    other = keygen(tmp_path, "-Y", "sign", "-O", "hashalg=sha256", "-f", "key", "-n", NAMESPACE, data=MESSAGE)
    with pytest.raises(SignatureMalformed):
        sshsig.parse(other.stdout.decode())
    assert keygen(tmp_path, "-q", "-t", "ecdsa", "-b", "384", "-N", "", "-f", "p384").returncode == 0
    with pytest.raises(SigningKeyRefused):
        SshKey.from_line((tmp_path / "p384.pub").read_text())


@pytest.mark.planted
@pytest.mark.needs("ssh-keygen")
def test_OpenSSH_catches_a_blob_that_leaves_out_the_reserved_field(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = made(tmp_path, "ed25519")
    (tmp_path / "allowed").write_text(sshsig.allowed_signers([("holder-1", key)], [NAMESPACE]))
    right = sshsig.to_be_signed
    monkeypatch.setattr(
        sshsig,
        "to_be_signed",
        lambda message, namespace: right(message, namespace).replace(b"\0\0\0\0", b"", 1),
    )
    armored = sshsig.sign(signer(tmp_path), key, NAMESPACE, MESSAGE).armor()
    sshsig.verify(armored, MESSAGE, NAMESPACE, key)  # our own round trip does not see it
    assert not openssh_accepts(tmp_path, armored, MESSAGE)
