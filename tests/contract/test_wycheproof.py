"""C2SP Wycheproof against the primitives in the very way in which the formats call them.

These are the library's algorithms, not ours; what is tested is that the version that is installed
refuses what it has to, through our calls.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, mlkem, utils, x25519
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from appliance.errors import AgeFormatError, SignatureInvalid, SignatureMalformed, SigningKeyRefused
from appliance.format import age_recipient
from appliance.format.ssh_key import P256_ORDER, SshKey

NONCE_BITS = 96
SMALL_ORDER_SHARES = 5  # X25519 vectors have at least these


def cases(place: Path, name: str) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """(group, test) of one file; at least one."""
    groups = json.loads((place / "wycheproof" / f"{name}_test.json").read_text(encoding="utf-8"))[
        "testGroups"
    ]
    assert groups
    for group in groups:
        for test in group["tests"]:
            yield group, test


def unhex(test: dict[str, Any], *names: str) -> tuple[bytes, ...]:
    return tuple(bytes.fromhex(test[name]) for name in names)


@pytest.mark.needs("vectors")
def test_ChaCha20_Poly1305_in_place(vectors: Path) -> None:
    for group, test in cases(vectors, "chacha20_poly1305"):
        if group["ivSize"] != NONCE_BITS:
            continue
        key, nonce, aad, message, sealed, tag = unhex(test, "key", "iv", "aad", "msg", "ct", "tag")
        out = bytearray(len(sealed))
        try:
            ChaCha20Poly1305(key).decrypt_into(nonce, sealed + tag, aad, out)
            assert (test["result"], bytes(out)) == ("valid", message), test["tcId"]
        except InvalidTag:
            assert test["result"] == "invalid", test["tcId"]
        if test["result"] == "valid":
            target = bytearray(len(message) + 16)
            ChaCha20Poly1305(key).encrypt_into(nonce, message, aad, target)
            assert target == sealed + tag, test["tcId"]


@pytest.mark.needs("vectors")
def test_HKDF_SHA256(vectors: Path) -> None:
    for _, test in cases(vectors, "hkdf_sha256"):
        secret, salt, info, expected = unhex(test, "ikm", "salt", "info", "okm")
        try:
            derived = HKDF(hashes.SHA256(), test["size"], salt, info).derive(secret)
            assert (test["result"], derived) == ("valid", expected), test["tcId"]
        except ValueError:
            assert test["result"] == "invalid", test["tcId"]


@pytest.mark.needs("vectors")
@pytest.mark.clause("FORMAT 2.4")
def test_an_X25519_share_of_small_order_is_refused_by_the_identity(vectors: Path) -> None:
    identity = age_recipient.Identity.from_seed(bytes(32))
    refused = 0
    for _, test in cases(vectors, "x25519"):
        public, private, shared = unhex(test, "public", "private", "shared")
        if not any(shared):
            with pytest.raises(AgeFormatError):
                identity._refuse_small_order(bytes(1088) + public)
            refused += 1
        else:
            key = x25519.X25519PrivateKey.from_private_bytes(private)
            assert key.exchange(x25519.X25519PublicKey.from_public_bytes(public)) == shared, test["tcId"]
    assert refused >= SMALL_ORDER_SHARES


@pytest.mark.needs("vectors")
def test_ML_KEM_768_decapsulation_and_key_generation(vectors: Path) -> None:
    for _, test in cases(vectors, "mlkem_768_keygen_seed"):
        seed, public = unhex(test, "seed", "ek")
        assert mlkem.MLKEM768PrivateKey.from_seed_bytes(seed).public_key().public_bytes_raw() == public
    for _, test in cases(vectors, "mlkem_768"):
        seed, sealed, shared = unhex(test, "seed", "c", "K")
        try:
            opened = mlkem.MLKEM768PrivateKey.from_seed_bytes(seed).decapsulate(sealed)
            assert (test["result"], opened) == ("valid", shared), test["tcId"]
        except ValueError:
            assert test["result"] == "invalid", test["tcId"]


@pytest.mark.needs("vectors")
@pytest.mark.clause("FORMAT 9.3")
def test_Ed25519_signatures_of_holders(vectors: Path) -> None:
    for group, test in cases(vectors, "ed25519"):
        message, signature = unhex(test, "msg", "sig")
        try:
            SshKey.from_ed25519(bytes.fromhex(group["publicKey"]["pk"])).verify(signature, message)
            assert test["result"] == "valid", test["tcId"]
        except (SignatureInvalid, SignatureMalformed, SigningKeyRefused):
            assert test["result"] == "invalid", test["tcId"]


@pytest.mark.needs("vectors")
@pytest.mark.clause("FORMAT 9.3")
def test_P256_signatures_of_holders(vectors: Path) -> None:
    """DER is not what we read, so only cases whose two numbers are well spelled come this far."""
    held = 0
    for group, test in cases(vectors, "ecdsa_secp256r1_sha256"):
        message, der = unhex(test, "msg", "sig")
        key = SshKey.from_p256(bytes.fromhex(group["publicKey"]["uncompressed"]))
        try:
            r, s = utils.decode_dss_signature(der)
            raw = r.to_bytes(32, "big") + s.to_bytes(32, "big")
        except (ValueError, OverflowError):
            assert test["result"] == "invalid", test["tcId"]
            continue
        assert utils.encode_dss_signature(r, s) == der, test["tcId"]
        try:
            key.verify(raw, message)
            held += 1
            assert test["result"] == "valid", test["tcId"]
            assert 0 < r < P256_ORDER
            assert 0 < s < P256_ORDER
        except SignatureInvalid:
            assert test["result"] == "invalid", test["tcId"]
    assert held > 0


@pytest.mark.planted
@pytest.mark.needs("vectors")
def test_the_P256_cases_catch_a_verifier_with_another_hash(vectors: Path) -> None:
    caught = 0
    for group, test in cases(vectors, "ecdsa_secp256r1_sha256"):
        if test["result"] == "valid":
            point = bytes.fromhex(group["publicKey"]["uncompressed"])
            key = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point)
            try:
                key.verify(bytes.fromhex(test["sig"]), bytes.fromhex(test["msg"]), ec.ECDSA(hashes.SHA512()))
            except Exception:  # noqa: BLE001 -- any refusal is what is wanted
                caught += 1
    assert caught > 0
