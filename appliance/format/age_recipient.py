"""The vault's key pair in age's post-quantum form: seed, recipient, key texts, wrapping. FORMAT 2.2, 2.4.

X-Wing (ML-KEM-768 with X25519) through HPKE. The box holds a `Recipient`; an `Identity` exists only in
a recovery or birth process and on holders' tokens. There is no classical fallback here.
"""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Sequence
from typing import NoReturn

from cryptography.exceptions import InvalidTag, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hpke
from cryptography.hazmat.primitives.asymmetric import mlkem, x25519

from appliance.errors import (
    AgeFormatError,
    AgeKeyMismatch,
    AgeKeyTextInvalid,
    PackStanzaRefused,
    PostQuantumMissing,
)
from appliance.format import age_key, base64_text, bech32
from appliance.format.age_header import Header, Stanza

KIND = "mlkem768x25519"
INFO = b"age-encryption.org/mlkem768x25519"  # HPKE info; C2SP age
RECIPIENT_PREFIX = "age1pq"
IDENTITY_PREFIX = "age-secret-key-pq-"
SEED_BYTES = 32  # bytes; X-Wing decapsulation key
MLKEM_PUBLIC_BYTES = 1184  # bytes; FIPS 203, ML-KEM-768
PUBLIC_KEY_BYTES = MLKEM_PUBLIC_BYTES + 32  # bytes; ML-KEM-768, then X25519
ENC_BYTES = 1088 + 32  # bytes; ML-KEM-768 ciphertext, then the ephemeral X25519 key
MLKEM_SEED_BYTES = 64  # bytes; d and z of FIPS 203
BODY_BYTES = age_key.FILE_KEY_BYTES + 16  # bytes; file key and Poly1305 tag
HEADER_BYTES = 1627  # bytes; a header with one stanza of this kind has always this length


class Recipient:
    """A public key. `public_key` is its 1216 raw bytes, `fingerprint` their SHA-256."""

    __slots__ = ("_key", "fingerprint", "public_key")

    def __init__(self, public_key: bytes) -> None:
        """AgeKeyTextInvalid unless these are the bytes of an X-Wing public key."""
        if len(public_key) != PUBLIC_KEY_BYTES:
            raise AgeKeyTextInvalid(detail=f"{len(public_key)} bytes instead of {PUBLIC_KEY_BYTES}")
        try:
            self._key = hpke.MLKEM768X25519PublicKey(
                mlkem.MLKEM768PublicKey.from_public_bytes(public_key[:MLKEM_PUBLIC_BYTES]),
                x25519.X25519PublicKey.from_public_bytes(public_key[MLKEM_PUBLIC_BYTES:]),
            )
        except ValueError:
            raise AgeKeyTextInvalid(detail="its bytes are no public key") from None
        except UnsupportedAlgorithm as error:
            raise PostQuantumMissing(detail=str(error)) from error
        self.public_key = bytes(public_key)
        self.fingerprint = hashlib.sha256(self.public_key).digest()

    @classmethod
    def from_text(cls, text: str) -> Recipient:
        """From `age1pq1…`, one line without white space."""
        return cls(_from_bech32(text, RECIPIENT_PREFIX))

    def text(self) -> str:
        """The `age1pq1…` line that any age with post-quantum support takes as recipient."""
        return bech32.encode(RECIPIENT_PREFIX, self.public_key)

    def wrap(self, file_key: age_key.FileKey) -> Stanza:
        """The stanza that lets this key's owner open a file."""
        try:
            sealed = _suite().encrypt(file_key, self._key, info=INFO)
        except ValueError:  # an X25519 half of small order: nobody's key
            raise AgeKeyTextInvalid(detail="nobody can hold this key") from None
        enc, body = sealed[:ENC_BYTES], sealed[ENC_BYTES:]
        return Stanza(kind=KIND, args=(base64_text.encode_raw(enc),), body=body)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Recipient) and self.public_key == other.public_key

    def __hash__(self) -> int:
        return hash(self.public_key)

    def __repr__(self) -> str:
        return f"Recipient({self.fingerprint.hex()[:16]}…)"


class Identity:
    """A key pair from its 32-byte seed. Its repr shows the public fingerprint only."""

    __slots__ = ("_key", "_seed", "_x25519", "recipient")

    def __init__(self, seed: bytes) -> None:
        if len(seed) != SEED_BYTES:
            raise AgeKeyTextInvalid(detail=f"{len(seed)} bytes instead of {SEED_BYTES}")
        self._seed = bytes(seed)
        expanded = hashlib.shake_256(self._seed).digest(MLKEM_SEED_BYTES + 32)
        self._x25519 = x25519.X25519PrivateKey.from_private_bytes(expanded[MLKEM_SEED_BYTES:])
        try:
            lattice = mlkem.MLKEM768PrivateKey.from_seed_bytes(expanded[:MLKEM_SEED_BYTES])
        except UnsupportedAlgorithm as error:
            raise PostQuantumMissing(detail=str(error)) from error
        self._key = hpke.MLKEM768X25519PrivateKey(lattice, self._x25519)
        self.recipient = Recipient(
            lattice.public_key().public_bytes_raw() + self._x25519.public_key().public_bytes_raw()
        )

    @classmethod
    def from_seed(cls, seed: bytes) -> Identity:
        """From the vault key: 32 bytes."""
        return cls(seed)

    @classmethod
    def generate(cls, entropy: age_key.Entropy) -> Identity:
        """A fresh key pair."""
        return cls(age_key.draw(entropy, SEED_BYTES))

    @classmethod
    def from_text(cls, text: str) -> Identity:
        """From `AGE-SECRET-KEY-PQ-1…`, one line without white space."""
        return cls(_from_bech32(text, IDENTITY_PREFIX))

    def secret_text(self) -> str:
        """The `AGE-SECRET-KEY-PQ-1…` line. A secret: never into a log, a message or an argument."""
        return bech32.encode(IDENTITY_PREFIX, self._seed).upper()

    def secret_seed(self) -> bytes:
        """The vault key itself, for splitting it into shares."""
        return self._seed

    def unwrap(self, stanzas: Sequence[Stanza]) -> age_key.FileKey:
        """The file key from the first stanza that this key opens. AgeFormatError if a stanza of this
        kind is malformed, AgeKeyMismatch if none opens."""
        for stanza in stanzas:
            if stanza.kind == KIND:
                enc = _split(stanza)
                self._refuse_small_order(enc)
                try:
                    return age_key.FileKey(_suite().decrypt(enc + stanza.body, self._key, info=INFO))
                except InvalidTag:
                    continue
        raise AgeKeyMismatch

    def _refuse_small_order(self, enc: bytes) -> None:
        try:
            self._x25519.exchange(x25519.X25519PublicKey.from_public_bytes(enc[-32:]))
        except ValueError:
            raise AgeFormatError(detail="the stanza's X25519 share has small order") from None

    def __repr__(self) -> str:
        return f"Identity(secret, of {self.recipient!r})"

    def __reduce__(self) -> NoReturn:
        raise TypeError("an identity is not written anywhere by accident")


def require_single_pq_stanza(header: Header) -> None:
    """PackStanzaRefused unless the header holds exactly one well-formed stanza of our kind. Needs no
    key: the drives' side checks every pack with it before it is scattered."""
    kinds = [stanza.kind for stanza in header.stanzas]
    if kinds != [KIND]:
        raise PackStanzaRefused(detail=f"{len(kinds)} stanzas, the first of kind {kinds[0]}")
    try:
        _split(header.stanzas[0])
    except AgeFormatError as error:
        raise PackStanzaRefused(detail=error.values["detail"]) from None


def _split(stanza: Stanza) -> bytes:
    """`enc` of a stanza whose shape is right. The lengths are checked before anything is decrypted."""
    if len(stanza.args) != 1:
        raise AgeFormatError(detail="the post-quantum stanza has not exactly one argument")
    try:
        enc = base64_text.decode_raw(stanza.args[0])
    except ValueError as error:
        raise AgeFormatError(detail=f"the post-quantum stanza's share: {error}") from None
    if len(enc) != ENC_BYTES or len(stanza.body) != BODY_BYTES:
        raise AgeFormatError(detail="the post-quantum stanza has the wrong length")
    return enc


def _from_bech32(text: str, prefix: str) -> bytes:
    try:
        found, data = bech32.decode(text)
    except ValueError as error:
        raise AgeKeyTextInvalid(detail=str(error)) from None
    if found != prefix:
        raise AgeKeyTextInvalid(detail=f"it does not begin with {prefix}1")
    return data


@functools.cache
def _suite() -> hpke.Suite:
    """HPKE base mode with X-Wing. PostQuantumMissing where the library's backend lacks it."""
    try:
        return hpke.Suite(hpke.KEM.MLKEM768_X25519, hpke.KDF.HKDF_SHA256, hpke.AEAD.CHACHA20_POLY1305)
    except (UnsupportedAlgorithm, AttributeError) as error:
        raise PostQuantumMissing(detail=str(error)) from error
