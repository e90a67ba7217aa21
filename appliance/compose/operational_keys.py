"""The controller's own keys (40-custody): none of them opens data, and each half holds only its own.

intake-state/pairing.key   speaks to the interlock        seal-state/pairing.key   the same
intake-state/dedup.key     recognises known chunks         seal-state/log.key       extends the ledger
"""

from __future__ import annotations

import os
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from appliance.adapters import small_file
from appliance.errors import OwnFileMissing
from appliance.format.note_key import Signer

KEY_BYTES = 32  # bytes of every key here
PAIRING, DEDUP, LOG = "pairing.key", "dedup.key", "log.key"


def write(folder: Path, name: str, key: bytes) -> None:
    """Place a key that is not there yet, for its owner's eyes only."""
    fd = os.open(folder / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(fd, "wb") as file:
        file.write(key)
        file.flush()
        os.fsync(fd)


def read(folder: Path, name: str) -> bytes:
    """The key. OwnFileMissing where it is not whole."""
    try:
        key = small_file.read(folder / name, KEY_BYTES)
    except (FileNotFoundError, ValueError):
        raise OwnFileMissing(path=folder / name) from None
    if len(key) != KEY_BYTES:
        raise OwnFileMissing(path=folder / name)
    return key


def log_signer(seal_state: Path) -> Signer:
    """Signs checkpoints and drive headers."""
    return Ed25519PrivateKey.from_private_bytes(read(seal_state, LOG)).sign


def public_of(seed: bytes) -> bytes:
    """The 32-byte Ed25519 public key of a seed."""
    return Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()
