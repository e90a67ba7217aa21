"""Signatures of holders: the SSHSIG blob rebuilt from its parts, then Ed25519 or P-256 (PROTOCOL 6.3).

No PEM and no armor reach the interlock: (text, namespace, raw signature, holder's key) is all.
Source: OpenSSH PROTOCOL.sshsig.
"""

from __future__ import annotations

import hashlib

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from firmware.model.facts import HolderKey, KeyKind

ED25519_BYTES = 32  # bytes; a public key
P256_BYTES = 65  # bytes; 0x04, x, y

# Keys of small order sign anything for anybody; y-coordinates, sign bit cleared (20-interlock).
SMALL_ORDER = frozenset(
    bytes.fromhex(text)
    for text in (
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0100000000000000000000000000000000000000000000000000000000000000",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    )
)


def blob(namespace: bytes, text: bytes) -> bytes:
    """The bytes that `ssh-keygen -Y sign -n namespace` signs for `text` (hash algorithm sha512)."""
    digest = hashlib.sha512(text).digest()
    return b"SSHSIG" + _string(namespace) + _string(b"") + _string(b"sha512") + _string(digest)


def sound(key: HolderKey) -> bool:
    """Whether the key may be enrolled at all."""
    if key.kind is KeyKind.ED25519:
        return len(key.raw) == ED25519_BYTES and _without_sign(key.raw) not in SMALL_ORDER
    try:
        ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), key.raw)
    except ValueError:
        return False
    return len(key.raw) == P256_BYTES


def verify(key: HolderKey, namespace: bytes, text: bytes, signature: bytes) -> bool:
    """Whether the holder of `key` signed `text`. `signature`: 64 bytes, R||S or r||s."""
    signed = blob(namespace, text)
    try:
        if key.kind is KeyKind.ED25519:
            Ed25519PublicKey.from_public_bytes(key.raw).verify(signature, signed)
        else:
            r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
            point = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), key.raw)
            point.verify(encode_dss_signature(r, s), signed, ec.ECDSA(hashes.SHA256()))
    except (InvalidSignature, ValueError):
        return False
    return True


def _without_sign(raw: bytes) -> bytes:
    return raw[:-1] + bytes([raw[-1] & 0x7F])


def _string(data: bytes) -> bytes:
    return len(data).to_bytes(4, "big") + data
