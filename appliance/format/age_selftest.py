"""Start-up proof that this machine seals to a post-quantum key and opens it again. FORMAT 2.7.

Intake refuses to begin without it. Shows that the library works, not that a vault key is the right one:
that is the canary's and the drill's work.
"""

from __future__ import annotations

import hashlib

from cryptography.exceptions import UnsupportedAlgorithm

from appliance.errors import AgeFormatError, AgeKeyMismatch, PostQuantumMissing, VaultError
from appliance.format import age_file, age_recipient

SEED = bytes(range(age_recipient.SEED_BYTES))  # a public constant: nothing is ever kept under this key
# SHA-256 of the recipient that SEED gives; npm age-encryption 0.3.1 derives the same one.
FINGERPRINT = "c9a3565ffde4f72b51661be391ee13e46378d7f06dd5c8bf5af9d2cfb5b8336b"
PLAINTEXT = b"iwato self-test"


def self_test() -> None:
    """PostQuantumMissing unless a known seed gives the known recipient, a file sealed to it opens, and
    a changed one does not. Takes a few milliseconds."""
    try:
        identity = age_recipient.Identity.from_seed(SEED)
        if identity.recipient.fingerprint.hex() != FINGERPRINT:
            raise PostQuantumMissing(detail="a known seed gives another key")
        sealed = age_file.encrypt(PLAINTEXT, identity.recipient, _fixed_entropy)
        if age_file.decrypt(sealed, identity) != PLAINTEXT:
            raise PostQuantumMissing(detail="a sealed text opens as another text")
    except PostQuantumMissing:
        raise
    except (UnsupportedAlgorithm, VaultError) as error:
        raise PostQuantumMissing(detail=str(error)) from error
    _refuse_changed(identity, sealed)


def _refuse_changed(identity: age_recipient.Identity, sealed: bytes) -> None:
    """A library that opens anything would pass a round trip; it does not pass this."""
    changed = bytearray(sealed)
    changed[-1] ^= 1
    try:
        age_file.decrypt(changed, identity)
    except (AgeFormatError, AgeKeyMismatch):
        return
    raise PostQuantumMissing(detail="a changed file opens")


def _fixed_entropy(length: int) -> bytes:
    """No secret is sealed here, so a repeated file key gives nothing away."""
    return hashlib.shake_256(b"iwato self-test").digest(length)
