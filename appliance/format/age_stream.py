"""The payload of an age v1 file: STREAM, 64 KiB chunks that are sealed and opened one by one. FORMAT 2.5.

Each direction works from and into the caller's buffers; nothing is kept but a key and a counter. Any
chunk opens on its own, from its index and whether it is the last. Knows no header and no file.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from appliance.errors import AgePayloadDamaged
from appliance.format import age_key

Bytes: TypeAlias = bytes | bytearray | memoryview

CHUNK_BYTES = 64 * 1024  # bytes of plaintext in every chunk but the last; C2SP age
TAG_BYTES = 16  # bytes; Poly1305
SEALED_BYTES = CHUNK_BYTES + TAG_BYTES  # bytes of a full chunk in the file
COUNTER_BYTES = 11  # bytes; big-endian chunk index, followed by one byte that marks the last chunk


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """Where a sealed chunk lies: `offset` and `length` in bytes from the first chunk's start."""

    offset: int
    length: int
    last: bool

    @property
    def plain_length(self) -> int:
        return self.length - TAG_BYTES


def sealed_length(plain_length: int) -> int:
    """Bytes of all sealed chunks of `plain_length` plain bytes; empty plaintext is one empty chunk."""
    return plain_length + max(1, -(-plain_length // CHUNK_BYTES)) * TAG_BYTES


def chunk_count(ciphertext_len: int) -> int:
    """Chunks in `ciphertext_len` sealed bytes. AgePayloadDamaged if no plaintext has that length."""
    count = -(-ciphertext_len // SEALED_BYTES)
    last = ciphertext_len - (count - 1) * SEALED_BYTES
    if count == 0 or last < TAG_BYTES or (last == TAG_BYTES and count > 1):
        raise AgePayloadDamaged(detail=f"{ciphertext_len} bytes cannot be a whole content: it is cut off")
    return count


def plain_length(ciphertext_len: int) -> int:
    """Inverse of `sealed_length`. AgePayloadDamaged if no plaintext has that length."""
    return ciphertext_len - chunk_count(ciphertext_len) * TAG_BYTES


def chunk_span(index: int, ciphertext_len: int) -> Span:
    """Place of chunk `index` when all sealed chunks have `ciphertext_len` bytes."""
    count = chunk_count(ciphertext_len)
    if not 0 <= index < count:
        raise IndexError(f"chunk {index} of {count}")
    offset = index * SEALED_BYTES
    last = index == count - 1
    return Span(offset=offset, length=ciphertext_len - offset if last else SEALED_BYTES, last=last)


class Sealer:
    """Seals one file's chunks in order. `header` (nonce included) goes to the file first. Single use,
    single thread; the order of calls is enforced because a repeated nonce would give the plaintext away."""

    __slots__ = ("_index", "_key", "finished", "header")

    def __init__(self, *, file_key: age_key.FileKey, nonce: bytes, header: bytes) -> None:
        self.header = header + nonce
        self.finished = False
        self._key = ChaCha20Poly1305(age_key.payload_key(file_key, nonce))
        self._index = 0

    def seal_chunk_into(self, plain: Bytes, out: memoryview, *, last: bool) -> int:
        """Seal `plain` to the front of `out`; returns the bytes written, len(plain) + TAG_BYTES. Every
        chunk but the last has CHUNK_BYTES, the last at least one unless the whole plaintext is empty.
        The buffers must not overlap."""
        length = len(plain)
        if self.finished:
            raise ValueError("the last chunk was sealed already")
        if length > CHUNK_BYTES or (not last and length != CHUNK_BYTES):
            raise ValueError(f"a chunk of {length} bytes, last: {last}")
        if length == 0 and self._index > 0:
            raise ValueError("an empty last chunk after others")
        nonce = _nonce(self._index, last=last)
        self.finished = last
        self._index += 1
        return self._key.encrypt_into(nonce, plain, None, out[: length + TAG_BYTES])


class ChunkOpener:
    """Opens any chunk of one file by its index. Stateless, so threads may share it."""

    __slots__ = ("_key",)

    def __init__(self, *, file_key: age_key.FileKey, nonce: bytes) -> None:
        self._key = ChaCha20Poly1305(age_key.payload_key(file_key, nonce))

    def open_chunk(self, index: int, ciphertext: Bytes, out: memoryview, *, last: bool) -> int:
        """Open sealed chunk `index` to the front of `out`; returns its plain length. `last` is what the
        file's length says (`chunk_span`). AgePayloadDamaged if the chunk is changed, moved, or if the
        file was cut behind or continued after it; `out` then holds zeros."""
        length = len(ciphertext) - TAG_BYTES
        if not 0 <= length <= CHUNK_BYTES or (not last and length != CHUNK_BYTES):
            raise AgePayloadDamaged(detail=f"chunk {index} has {length + TAG_BYTES} bytes")
        if length == 0 and index > 0:
            raise AgePayloadDamaged(detail=f"chunk {index} is empty")
        try:
            return self._key.decrypt_into(_nonce(index, last=last), ciphertext, None, out[:length])
        except InvalidTag:
            out[:length] = bytes(length)  # the library decrypts before it has checked the tag
            raise AgePayloadDamaged(detail=f"chunk {index} is changed, moved or cut off") from None


def _nonce(index: int, *, last: bool) -> bytes:
    return index.to_bytes(COUNTER_BYTES, "big") + (b"\x01" if last else b"\x00")
