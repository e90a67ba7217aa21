"""Whole age v1 files: seal to one recipient, open, and read any part of one. FORMAT 2.

Composes header, stanza and payload. Touches no disk; `Opener` is given the file's beginning and then
single sealed chunks, by whoever reads them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from appliance.errors import AgeFormatError
from appliance.format import age_header, age_key, age_stream
from appliance.format.age_stream import Bytes, Sealer, Span


class Wraps(Protocol):
    """A recipient: `age_recipient.Recipient` or `age_passphrase.PassphraseLock`."""

    def wrap(self, file_key: age_key.FileKey) -> age_header.Stanza: ...


class Unwraps(Protocol):
    """An identity: `age_recipient.Identity` or `age_passphrase.PassphraseKey`."""

    def unwrap(self, stanzas: Sequence[age_header.Stanza]) -> age_key.FileKey: ...


def sealer(recipient: Wraps, entropy: age_key.Entropy) -> Sealer:
    """For streaming: write `.header`, then every chunk that `seal_chunk_into` gives."""
    file_key = age_key.fresh(entropy)
    nonce = age_key.draw(entropy, age_header.NONCE_BYTES)
    header = age_header.marshal([recipient.wrap(file_key)], file_key)
    return Sealer(file_key=file_key, nonce=nonce, header=header)


def encrypt(plaintext: Bytes, recipient: Wraps, entropy: age_key.Entropy) -> bytes:
    """A whole file, for small things. Packs are streamed with `sealer`."""
    seal = sealer(recipient, entropy)
    start = len(seal.header)
    out = bytearray(start + age_stream.sealed_length(len(plaintext)))
    out[:start] = seal.header
    with memoryview(plaintext) as source, memoryview(out) as target:
        position, offset = start, 0
        while not seal.finished:
            chunk = source[offset : offset + age_stream.CHUNK_BYTES]
            offset += len(chunk)
            position += seal.seal_chunk_into(chunk, target[position:], last=offset == len(source))
    return bytes(out)


def decrypt(ciphertext: Bytes, identity: Unwraps) -> bytes:
    """The whole plaintext, or an error and nothing. AgeKeyMismatch if the identity does not open the
    file, AgeFormatError and its subclasses if the file is damaged."""
    with memoryview(ciphertext) as source:
        opener = Opener(identity, source[: age_header.HEADER_BYTES_MAX + age_header.NONCE_BYTES])
        sealed = source[opener.chunks_offset :]
        count = age_stream.chunk_count(len(sealed))
        out = bytearray(age_stream.plain_length(len(sealed)))
        with memoryview(out) as target:
            for index in range(count):
                span = age_stream.chunk_span(index, len(sealed))
                opener.open_span(index, span, sealed, target[index * age_stream.CHUNK_BYTES :])
    return bytes(out)


class Opener:
    """One file opened for reading at any place. `prefix` is its beginning, at least up to the nonce's
    end. Sealed chunks begin at `chunks_offset`; `age_stream.chunk_span` says where each one lies."""

    __slots__ = ("_chunks", "chunks_offset", "header")

    def __init__(self, identity: Unwraps, prefix: Bytes) -> None:
        """AgeFormatError for a damaged header, AgeKeyMismatch for another identity, AgeHeaderForged
        for a changed header."""
        self.header = age_header.parse(prefix)
        self.chunks_offset = self.header.chunks_offset
        nonce = bytes(prefix[self.header.payload_offset : self.chunks_offset])
        if len(nonce) != age_header.NONCE_BYTES:
            raise AgeFormatError(detail="it ends before its content begins")
        file_key = identity.unwrap(self.header.stanzas)
        age_header.authenticate(self.header, file_key)
        self._chunks = age_stream.ChunkOpener(file_key=file_key, nonce=nonce)

    def open_chunk(self, index: int, ciphertext: Bytes, out: memoryview, *, last: bool) -> int:
        """See `age_stream.ChunkOpener.open_chunk`."""
        return self._chunks.open_chunk(index, ciphertext, out, last=last)

    def open_span(self, index: int, span: Span, sealed: memoryview, out: memoryview) -> int:
        """Open chunk `index` where `span` says within `sealed`, the run of all sealed chunks."""
        ciphertext = sealed[span.offset : span.offset + span.length]
        return self._chunks.open_chunk(index, ciphertext, out, last=span.last)
