"""The controller's own keys (40-custody): none of them opens data, and each half holds only its own.

intake-state/pairing.key   speaks to the interlock        seal-state/pairing.key   the same
intake-state/dedup.key     recognises known chunks         seal-state/log.key       extends the ledger
"""

from __future__ import annotations

import os
import stat
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from appliance.errors import OwnFileMissing
from appliance.format.note_key import Signer

KEY_BYTES = 32  # bytes of every key here
# Intake may write its folder: a link or a FIFO planted there must be refused, not followed or waited for.
_READ_FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
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
        fd = os.open(folder / name, _READ_FLAGS)
    except FileNotFoundError:
        raise OwnFileMissing(path=folder / name) from None
    with os.fdopen(fd, "rb") as file:
        key = file.read(KEY_BYTES + 1) if stat.S_ISREG(os.fstat(fd).st_mode) else b""
    if len(key) != KEY_BYTES:
        raise OwnFileMissing(path=folder / name)
    return key


def log_signer(seal_state: Path) -> Signer:
    """Signs checkpoints and drive headers."""
    return Ed25519PrivateKey.from_private_bytes(read(seal_state, LOG)).sign


def public_of(seed: bytes) -> bytes:
    """The 32-byte Ed25519 public key of a seed."""
    return Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()
