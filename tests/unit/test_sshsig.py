"""Holders' signatures: for one text, one purpose and one key, in one spelling."""

import functools
from collections.abc import Callable
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, utils
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from appliance.errors import IwatoError, SignatureInvalid, SignatureMalformed, SigningKeyRefused
from appliance.format import base64_text, ssh_key, sshsig
from appliance.format.ssh_key import P256_ORDER, SshKey
from appliance.format.ssh_wire import Reader, mpint, string
from tests import depth

POLICY, ORDER = "iwato-policy@v1", "iwato-recovery-order@v1"
MESSAGE = b"iwato-policy 1\nquorum 3 of 5\n"
Pair = tuple[SshKey, Callable[[bytes], bytes]]


@functools.cache
def ed25519(number: int = 1) -> Pair:
    private = Ed25519PrivateKey.from_private_bytes(bytes([number]) * 32)
    return SshKey.from_ed25519(private.public_key().public_bytes_raw()), private.sign


@functools.cache
def p256(number: int = 1) -> Pair:
    private = ec.derive_private_key(number + 10**9, ec.SECP256R1())

    def sign(data: bytes) -> bytes:
        r, s = utils.decode_dss_signature(private.sign(data, ec.ECDSA(hashes.SHA256())))
        return r.to_bytes(32, "big") + s.to_bytes(32, "big")

    point = private.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    return SshKey.from_p256(point), sign


KINDS = pytest.mark.parametrize("kind", [ed25519, p256])


@pytest.mark.clause("FORMAT 9.3")
@KINDS
def test_a_signature_is_read_back_and_holds(kind: Callable[..., Pair]) -> None:
    key, signer = kind()
    for message in (b"", MESSAGE, bytes(range(256)) * 5):
        signature = sshsig.sign(signer, key, POLICY, message)
        armored = signature.armor()
        assert sshsig.parse(armored) == signature
        sshsig.verify(armored, message, POLICY, key)
        assert all(len(line) == 70 for line in armored.split("\n")[1:-3])


@pytest.mark.clause("FORMAT 9.3")
@KINDS
def test_a_signature_is_refused_for_another_text_purpose_or_key(kind: Callable[..., Pair]) -> None:
    key, signer = kind()
    armored = sshsig.sign(signer, key, POLICY, MESSAGE).armor()
    for message, namespace, asked in (
        (MESSAGE + b"\n", POLICY, key),
        (MESSAGE, ORDER, key),
        (MESSAGE, POLICY, kind(2)[0]),
    ):
        with pytest.raises(SignatureInvalid):
            sshsig.verify(armored, message, namespace, asked)


@pytest.mark.clause("FORMAT 9.3")
@KINDS
def test_a_signature_whose_purpose_was_rewritten_is_refused(kind: Callable[..., Pair]) -> None:
    key, signer = kind()
    moved = replace(sshsig.sign(signer, key, POLICY, MESSAGE), namespace=ORDER)
    with pytest.raises(SignatureInvalid):
        sshsig.verify(moved.armor(), MESSAGE, ORDER, key)


@KINDS
def test_a_token_that_answers_with_another_key_is_found_while_signing(kind: Callable[..., Pair]) -> None:
    with pytest.raises(SignatureInvalid):
        sshsig.sign(kind(2)[1], kind()[0], POLICY, MESSAGE)


@pytest.mark.clause("FORMAT 9.3")
@KINDS
def test_every_flipped_bit_of_a_signature_file_is_noticed(kind: Callable[..., Pair]) -> None:
    key, signer = kind()
    armored = sshsig.sign(signer, key, POLICY, MESSAGE).armor().encode()
    for place in range(0, len(armored) * 8, depth.many(5, 1)):
        flipped = bytearray(armored)
        flipped[place // 8] ^= 1 << place % 8
        with pytest.raises(IwatoError):
            sshsig.verify(flipped.decode("latin-1"), MESSAGE, POLICY, key)


@pytest.mark.clause("FORMAT 8.1")
@pytest.mark.clause("FORMAT 9.1")
@pytest.mark.clause("FORMAT 9.3")
def test_a_second_spelling_of_a_signature_file_is_refused() -> None:
    key, signer = ed25519()
    signature = sshsig.sign(signer, key, POLICY, MESSAGE)
    armored = signature.armor()
    body = base64_text.encode(signature.encode())
    lines = [sshsig.BEGIN, body, sshsig.END, ""]
    for wrong in (
        armored[:-1], armored + "\n", " " + armored, armored.replace("\n", "\r\n"), "\n".join(lines),
        armored.replace("SSH", "ssh"), "", armored + armored, "A" * (sshsig.ARMORED_CHARS_MAX + 1),
    ):  # fmt: skip
        with pytest.raises(SignatureMalformed):
            sshsig.parse(wrong)


@pytest.mark.clause("FORMAT 9.1")
@pytest.mark.clause("FORMAT 9.3")
def test_a_signature_with_another_version_hash_or_reserved_field_is_refused() -> None:
    key, signer = ed25519()
    good = sshsig.sign(signer, key, POLICY, MESSAGE).encode()
    for old, new in (
        (b"SSHSIG\0\0\0\1", b"SSHSIG\0\0\0\2"),
        (b"SSHSIG", b"SSHSIg"),
        (string(b"sha512"), string(b"sha256")),
        (string(b"") + string(b"sha512"), string(b"x") + string(b"sha512")),
        (string(POLICY.encode()), string(b"")),
        (string(POLICY.encode()), string(b"a b")),
        (string(b"ssh-ed25519") + good[-68:], string(b"ssh-rsa") + good[-68:]),
    ):
        assert old in good
        with pytest.raises((SignatureMalformed, SigningKeyRefused)):
            sshsig.decode(good.replace(old, new))
    with pytest.raises(SignatureMalformed):
        sshsig.decode(good + b"\0")


@pytest.mark.clause("FORMAT 9.3")
def test_a_P256_signature_has_a_twin_so_its_bytes_name_no_act() -> None:
    key, signer = p256()
    signature = sshsig.sign(signer, key, POLICY, MESSAGE)
    r, s = (int.from_bytes(half, "big") for half in (signature.raw[:32], signature.raw[32:]))
    twin = replace(signature, raw=r.to_bytes(32, "big") + (P256_ORDER - s).to_bytes(32, "big"))
    assert twin.raw != signature.raw
    sshsig.verify(twin.armor(), MESSAGE, POLICY, key)


@pytest.mark.clause("FORMAT 9.1")
@given(number=st.integers(min_value=1, max_value=1 << 300))
def test_a_number_is_read_back(number: int) -> None:
    reader = Reader(mpint(number))
    assert reader.mpint() == number
    reader.end()


@pytest.mark.clause("FORMAT 9.1")
@pytest.mark.parametrize(
    "data",
    [b"", string(b""), string(b"\0\1"), string(b"\x80"), string(b"\0"), b"\0\0\0\5abc", b"\xff\xff\xff\xff"],
)
def test_a_number_in_another_spelling_is_refused(data: bytes) -> None:
    with pytest.raises(SignatureMalformed):
        Reader(data).mpint()


@pytest.mark.clause("FORMAT 9.1")
def test_a_field_beyond_the_limit_and_bytes_left_over_are_refused() -> None:
    with pytest.raises(SignatureMalformed, match="a field of"):
        Reader(string(bytes(4097))).string()
    with pytest.raises(SignatureMalformed, match="left over"):
        SshKey.from_blob(ed25519()[0].blob() + b"\0")


@pytest.mark.clause("FORMAT 9.1")
@pytest.mark.clause("FORMAT 9.3")
def test_a_P256_signature_with_a_number_out_of_range_is_refused() -> None:
    key, _ = p256()
    for r, s in ((P256_ORDER, 1), (1, P256_ORDER), (1 << 256, 1), (1, 1 << 300)):
        wire = string(b"ecdsa-sha2-nistp256") + string(mpint(r) + mpint(s))
        with pytest.raises(SignatureMalformed):
            key.raw_signature(wire)


@pytest.mark.clause("FORMAT 9.2")
@KINDS
def test_a_key_is_the_same_from_its_line_and_its_blob(kind: Callable[..., Pair]) -> None:
    key, _ = kind()
    for line in (key.line(), key.line("holder 1"), key.line() + "\n"):
        assert SshKey.from_line(line) == key
    assert SshKey.from_blob(key.blob()) == key


@pytest.mark.clause("FORMAT 9.2")
def test_keys_that_are_not_taken() -> None:
    good, _ = ed25519()
    point, _ = p256()
    other_curve = point.blob().replace(string(b"nistp256"), string(b"nistp384"))
    for line in (
        "", "ssh-ed25519", f"ssh-rsa {good.line().split()[1]}", f"{ssh_key.P256} {good.line().split()[1]}",
        good.line()[:-1], "ssh-ed25519 " + base64_text.encode(string(b"ssh-ed25519") + string(bytes(32))),
        "ssh-dss " + base64_text.encode(string(b"ssh-dss") + string(b"x")),
        f"{ssh_key.P256} {base64_text.encode(point.blob().replace(b'p256', b'p384'))}",
        f"{ssh_key.P256} {base64_text.encode(other_curve)}",
    ):  # fmt: skip
        with pytest.raises((SignatureMalformed, SigningKeyRefused)):
            SshKey.from_line(line)
    for wrong in (point.point[:-1], b"\x04" + bytes(64), b"\x02" + point.point[1:33], b""):
        with pytest.raises(SigningKeyRefused):
            SshKey.from_p256(wrong)


@pytest.mark.parametrize("name", ["", "a b", "a,b", 'a"', "*", "#a", "!a", "é"])
def test_a_name_that_would_change_the_meaning_of_the_signers_file_is_refused(name: str) -> None:
    with pytest.raises(SignatureMalformed):
        sshsig.allowed_signers([(name, ed25519()[0])], [POLICY])


@pytest.mark.planted
def test_the_purpose_test_catches_a_blob_without_its_namespace(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sshsig, "to_be_signed", lambda message, namespace: message)
    key, signer = ed25519()
    moved = replace(sshsig.sign(signer, key, POLICY, MESSAGE), namespace=ORDER)
    sshsig.verify(moved.armor(), MESSAGE, ORDER, key)
