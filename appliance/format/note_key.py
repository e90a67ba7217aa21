"""Verifier keys of signed notes: Ed25519 (the log) and cosignature/v1 (the witness). FORMAT 9.5, 9.7.

Signers are injected. A cosignature carries the witness's own time; whether that time is plausible is
the ledger's question.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum
from typing import TypeAlias

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ed25519

from appliance.errors import SignatureInvalid, SignatureMalformed
from appliance.format import base64_text, ed25519_key
from appliance.format.note import KEY_ID_BYTES, Note, SignatureLine, is_name

Signer: TypeAlias = Callable[[bytes], bytes]

TIME_BYTES = 8  # bytes; big-endian seconds since 1970
TIME_S_MAX = 2**63 - 1  # seconds; C2SP tlog-cosignature


class KeyKind(IntEnum):
    """Signature type byte of C2SP signed-note."""

    ED25519 = 1
    COSIGNATURE = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class NoteKey:
    """A named public key: `name`, `kind`, 32 bytes of Ed25519."""

    name: str
    kind: KeyKind
    public_key: bytes

    def __post_init__(self) -> None:
        if not is_name(self.name):
            raise SignatureMalformed(detail="a key's name is empty or holds a character that it may not")
        ed25519_key.check(self.public_key)

    @classmethod
    def from_text(cls, text: str) -> NoteKey:
        """From a verifier key text, `name+12345678+Base64`. SignatureMalformed unless it is exact."""
        try:
            name, shown_id, encoded = text.split("+", 2)
            blob = base64_text.decode(encoded)
            key = cls(name=name, kind=KeyKind(blob[0]), public_key=blob[1:])
        except (ValueError, IndexError):
            raise SignatureMalformed(detail="not a verifier key") from None
        if key.key_id().hex() != shown_id:
            raise SignatureMalformed(detail="the verifier key's id does not belong to it")
        return key

    def text(self) -> str:
        """The verifier key text."""
        encoded = base64_text.encode(bytes([self.kind]) + self.public_key)
        return f"{self.name}+{self.key_id().hex()}+{encoded}"

    def key_id(self) -> bytes:
        """Four bytes that say which key a line is meant for. They prove nothing."""
        blob = self.name.encode("utf-8") + b"\n" + bytes([self.kind]) + self.public_key
        return hashlib.sha256(blob).digest()[:KEY_ID_BYTES]

    def sign(self, signer: Signer, text: str, time_s: int | None = None) -> SignatureLine:
        """A verified signature line over `text`. `signer` gives 64 bytes over the bytes it is handed.
        `time_s` is given exactly for a cosignature key."""
        signature = bytes(signer(self._signed(text, time_s)))
        return self.line(signature, text, time_s)

    def line(self, signature: bytes, text: str, time_s: int | None = None) -> SignatureLine:
        """The line for a signature that somebody else made, as the witness does. Verified."""
        prefix = b"" if time_s is None else time_s.to_bytes(TIME_BYTES, "big")
        self._check(signature, self._signed(text, time_s))
        return SignatureLine(name=self.name, key_id=self.key_id(), signature=prefix + signature)

    def verify(self, note: Note) -> int | None:
        """Check this key's line. Gives the witness's time (seconds since 1970) for a cosignature, else
        None. SignatureInvalid if the note has no line of this key, or if one of its lines does not hold."""
        mine = [line for line in note.signatures if line.name == self.name and line.key_id == self.key_id()]
        if len(mine) != 1:
            raise SignatureInvalid(detail=f"{len(mine)} signatures of {self.name} instead of one")
        blob = mine[0].signature
        time_s = None
        if self.kind is KeyKind.COSIGNATURE:
            time_s, blob = int.from_bytes(blob[:TIME_BYTES], "big"), blob[TIME_BYTES:]
        self._check(blob, self._signed(note.text, time_s))
        return time_s

    def _signed(self, text: str, time_s: int | None) -> bytes:
        """The bytes under the signature."""
        if (time_s is not None) != (self.kind is KeyKind.COSIGNATURE):
            raise ValueError("a time belongs to a cosignature, and only to it")
        if time_s is None:
            return text.encode("utf-8")
        if not 0 <= time_s <= TIME_S_MAX:
            raise SignatureMalformed(detail="a cosignature's time is out of range")
        return f"cosignature/v1\ntime {time_s}\n{text}".encode()

    def _check(self, signature: bytes, signed: bytes) -> None:
        if len(signature) != ed25519_key.SIGNATURE_BYTES:
            raise SignatureMalformed(detail=f"a signature of {len(signature)} bytes by {self.name}")
        try:
            ed25519.Ed25519PublicKey.from_public_bytes(self.public_key).verify(signature, signed)
        except InvalidSignature:
            raise SignatureInvalid(detail=f"not made by {self.name} over this text") from None
