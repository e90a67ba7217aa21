"""The file key of one age file and what is derived from it. FORMAT 2.3.

Holds no long-term key. Entropy is injected.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NewType, TypeAlias

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

FileKey = NewType("FileKey", bytes)
Entropy: TypeAlias = Callable[[int], bytes]

FILE_KEY_BYTES = 16  # bytes; C2SP age
DERIVED_BYTES = 32  # bytes; an HMAC-SHA-256 key and a ChaCha20-Poly1305 key


def draw(entropy: Entropy, length: int) -> bytes:
    """Exactly `length` random bytes: a source that gives fewer must never go unnoticed."""
    data = bytes(entropy(length))
    if len(data) != length:
        raise ValueError(f"the entropy source gave {len(data)} bytes instead of {length}")
    return data


def fresh(entropy: Entropy) -> FileKey:
    """A file key for one file, never used twice."""
    return FileKey(draw(entropy, FILE_KEY_BYTES))


def header_key(file_key: FileKey) -> bytes:
    """Key of the header's MAC."""
    return _derive(file_key, b"", b"header")


def payload_key(file_key: FileKey, nonce: bytes) -> bytes:
    """Key of the payload's chunks."""
    return _derive(file_key, nonce, b"payload")


def _derive(file_key: FileKey, salt: bytes, info: bytes) -> bytes:
    return HKDF(hashes.SHA256(), DERIVED_BYTES, salt, info).derive(file_key)
