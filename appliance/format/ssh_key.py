"""Holders' signing keys as OpenSSH writes them: `ssh-ed25519` and `ecdsa-sha2-nistp256`. FORMAT 9.2.

Public keys only. Takes and gives raw 64-byte signatures (Ed25519: RFC 8032; P-256: r and s, 32 bytes
each), which is also what tokens give and what the interlock is sent.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, utils

from appliance.errors import SignatureInvalid, SignatureMalformed, SigningKeyRefused
from appliance.format import base64_text, ed25519_key
from appliance.format.ssh_wire import Reader, mpint, string

ED25519 = "ssh-ed25519"
P256 = "ecdsa-sha2-nistp256"
P256_CURVE = b"nistp256"
P256_POINT_BYTES = 65  # bytes; uncompressed SEC 1 point
P256_HALF_BYTES = 32  # bytes; r, and s
P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
OTHER_KIND = f"its kind is neither {ED25519} nor {P256}"
LINE_FIELDS_MIN = 2  # algorithm and blob; a comment may follow


@dataclass(frozen=True, slots=True)
class SshKey:
    """A checked public key: `algorithm`, and `point` (32 bytes, or 65 for P-256). Use the class methods."""

    algorithm: str
    point: bytes

    def __post_init__(self) -> None:
        if self.algorithm == ED25519:
            ed25519_key.check(self.point)
        elif self.algorithm == P256:
            _p256(self.point)
        else:
            raise SigningKeyRefused(detail=OTHER_KIND)

    @classmethod
    def from_ed25519(cls, public_key: bytes) -> SshKey:
        """From 32 raw bytes. SigningKeyRefused for small order and for what is no point."""
        return cls(ED25519, bytes(public_key))

    @classmethod
    def from_p256(cls, point: bytes) -> SshKey:
        """From 65 bytes: 0x04, x, y. SigningKeyRefused for what is no point."""
        return cls(P256, bytes(point))

    @classmethod
    def from_blob(cls, blob: bytes) -> SshKey:
        """From OpenSSH's binary form."""
        reader = Reader(blob)
        algorithm = reader.string().decode("ascii", "replace")
        if algorithm not in {ED25519, P256}:
            raise SigningKeyRefused(detail=OTHER_KIND)
        if algorithm == P256 and reader.string() != P256_CURVE:
            raise SignatureMalformed(detail="the key's curve is not nistp256")
        point = reader.string()
        reader.end()
        return cls(algorithm, point)

    @classmethod
    def from_line(cls, line: str) -> SshKey:
        """From one line of a `.pub` file; a comment after the key is not read."""
        fields = line.strip().split(" ", LINE_FIELDS_MIN)
        if len(fields) < LINE_FIELDS_MIN:
            raise SignatureMalformed(detail="not a public key line")
        try:
            key = cls.from_blob(base64_text.decode(fields[1]))
        except ValueError as error:
            raise SignatureMalformed(detail=f"the public key: {error}") from None
        if key.algorithm != fields[0]:
            raise SignatureMalformed(detail="the line names another kind of key than it holds")
        return key

    def blob(self) -> bytes:
        """OpenSSH's binary form."""
        curve = string(P256_CURVE) if self.algorithm == P256 else b""
        return string(self.algorithm.encode("ascii")) + curve + string(self.point)

    def line(self, comment: str = "") -> str:
        """One line of a `.pub` file, without line end."""
        return " ".join(filter(None, (self.algorithm, base64_text.encode(self.blob()), comment)))

    def fingerprint(self) -> str:
        """`SHA256:…` as `ssh-keygen -l` shows it."""
        return "SHA256:" + base64_text.encode_raw(hashlib.sha256(self.blob()).digest())

    def wire_signature(self, raw: bytes) -> bytes:
        """A raw 64-byte signature of this key in OpenSSH's form."""
        if len(raw) != ed25519_key.SIGNATURE_BYTES:
            raise SignatureMalformed(detail=f"{len(raw)} bytes instead of {ed25519_key.SIGNATURE_BYTES}")
        body = raw
        if self.algorithm == P256:
            body = mpint(_number(raw[:P256_HALF_BYTES])) + mpint(_number(raw[P256_HALF_BYTES:]))
        return string(self.algorithm.encode("ascii")) + string(body)

    def raw_signature(self, wire: bytes) -> bytes:
        """Inverse of `wire_signature`. SignatureMalformed for another algorithm or a second spelling."""
        reader = Reader(wire)
        if reader.string() != self.algorithm.encode("ascii"):
            raise SignatureMalformed(detail="the signature is of another kind than the key")
        body = reader.string()
        reader.end()
        if self.algorithm == P256:
            halves = Reader(body)
            r, s = halves.mpint(), halves.mpint()
            halves.end()
            if not (0 < r < P256_ORDER and 0 < s < P256_ORDER):
                raise SignatureMalformed(detail="a signature's number is out of range")
            body = r.to_bytes(P256_HALF_BYTES, "big") + s.to_bytes(P256_HALF_BYTES, "big")
        if len(body) != ed25519_key.SIGNATURE_BYTES:
            raise SignatureMalformed(detail=f"a signature of {len(body)} bytes")
        return body

    def verify(self, raw: bytes, data: bytes) -> None:
        """SignatureInvalid unless `raw` is this key's signature over `data`."""
        if len(raw) != ed25519_key.SIGNATURE_BYTES:
            raise SignatureMalformed(detail=f"{len(raw)} bytes instead of {ed25519_key.SIGNATURE_BYTES}")
        try:
            if self.algorithm == ED25519:
                ed25519.Ed25519PublicKey.from_public_bytes(self.point).verify(raw, data)
            else:
                halves = _number(raw[:P256_HALF_BYTES]), _number(raw[P256_HALF_BYTES:])
                der = utils.encode_dss_signature(*halves)
                _p256(self.point).verify(der, data, ec.ECDSA(hashes.SHA256()))
        except InvalidSignature:
            raise SignatureInvalid(detail=f"not made by {self.fingerprint()} over this text") from None


def _number(data: bytes) -> int:
    return int.from_bytes(data, "big")


def _p256(point: bytes) -> ec.EllipticCurvePublicKey:
    if len(point) != P256_POINT_BYTES:
        raise SigningKeyRefused(detail=f"{len(point)} bytes instead of {P256_POINT_BYTES}")
    try:
        return ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point)
    except ValueError:
        raise SigningKeyRefused(detail="it is not a point of the curve") from None
