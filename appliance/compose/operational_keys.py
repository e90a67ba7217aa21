"""The controller's own keys (40-custody): none of them opens data, and each half holds only its own.

intake-state/pairing.key   speaks to the interlock        seal-state/pairing.key   the same
intake-state/dedup.key     recognises known chunks         seal-state/log.key       extends the ledger

Behind each key stands a part of its hash: a key that is not what it was is told from one that the other
side refuses.
"""

from __future__ import annotations

import os
from pathlib import Path

from blake3 import blake3
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from appliance.adapters import small_file
from appliance.errors import OwnFileMissing
from appliance.format.note_key import Signer

KEY_BYTES = 32  # bytes of every key here
CHECK_BYTES = 8  # bytes behind it; against chance only
PAIRING, DEDUP, LOG = "pairing.key", "dedup.key", "log.key"


def write(folder: Path, name: str, key: bytes) -> None:
    """Place a key that is not there yet, for its owner's eyes only."""
    fd = os.open(folder / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(fd, "wb") as file:
        file.write(key + _check(key))
        file.flush()
        os.fsync(fd)


def read(folder: Path, name: str) -> bytes:
    """The key. OwnFileMissing where it is not whole. Homes from before have keys without a check."""
    try:
        content = small_file.read(folder / name, KEY_BYTES + CHECK_BYTES)
    except (FileNotFoundError, ValueError):
        raise OwnFileMissing(path=folder / name) from None
    key, check = content[:KEY_BYTES], content[KEY_BYTES:]
    if len(key) != KEY_BYTES or check not in {b"", _check(key)}:
        raise OwnFileMissing(path=folder / name)
    return key


def _check(key: bytes) -> bytes:
    return blake3(key).digest(CHECK_BYTES)


def log_signer(seal_state: Path, public: bytes) -> Signer:
    """Signs checkpoints and drive headers; OwnFileMissing, when it signs, for another key than the policy's
    `public`."""
    seed = read(seal_state, LOG)
    if public_of(seed) == public:
        return Ed25519PrivateKey.from_private_bytes(seed).sign

    def refuse(_message: bytes) -> bytes:
        raise OwnFileMissing(path=seal_state / LOG)

    return refuse


def public_of(seed: bytes) -> bytes:
    """The 32-byte Ed25519 public key of a seed."""
    return Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()
