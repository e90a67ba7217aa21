"""Chunking stage: where a run of bytes is cut, by its content. FORMAT 3.5 (informative).

Cuts depend on nothing but the bytes since the last cut, so chunking may begin again at any cut. The
way back is joining. Reading does not depend on where the cuts were: a manifest says it.
"""

from __future__ import annotations

from typing import Final

import pyfastcdc
from blake3 import blake3

AVERAGE_BYTES = 1 << 20  # bytes; 30-vault: 10^7 chunks for 20 TB, and a table of 45 bytes per MiB
MIN_BYTES = 1 << 18  # bytes; a quarter of the average, FastCDC's usual ratio
MAX_BYTES = 1 << 21  # bytes; the smallest set's stripe (k = 2): a chunk touches two stripes at most
NORMALIZATION: Final = 2  # with a maximum of twice the average, 2 leaves about 2 % of cuts to it
SMALL_BYTES = 1 << 18  # bytes; shorter files are never cut, so they share a block
SOLID_BYTES = 1 << 20  # bytes; a shared block: long enough to compress well, short enough for one small file
SEED_BITS = 63  # bits; pyfastcdc takes a signed 64-bit number and 0 means "no seed"


class Chunker:
    """Content-defined cuts that another vault's box would not make. Not for two threads at once.

    The seed makes boundaries differ from vault to vault. It is no encryption of them: pyfastcdc mixes
    it into its table by one XOR. What hides chunk lengths from a reader of packs is that packs are
    sealed as one stream (30-vault). `average` in bytes, at most AVERAGE_BYTES: buffers are made for that."""

    def __init__(self, seed: int, average: int = AVERAGE_BYTES) -> None:
        self._fastcdc = pyfastcdc.FastCDC(
            average,
            min_size=average // (AVERAGE_BYTES // MIN_BYTES),
            max_size=average * (MAX_BYTES // AVERAGE_BYTES),
            normalized_chunking=NORMALIZATION,
            seed=seed,
        )

    def cuts(self, run: memoryview, *, last: bool) -> list[int]:
        """End offsets of the chunks in `run`, rising. Unless these are the `last` bytes, an end at the
        end of `run` is left out: the bytes to come could move it."""
        ends = [chunk.offset + chunk.length for chunk in self._fastcdc.cut_buf(run)]
        if ends and not last and ends[-1] == run.nbytes:
            ends.pop()
        return ends


def seed_of(key: bytes) -> int:
    """A vault's seed from its 32-byte key."""
    digest = blake3(key, derive_key_context="iwato 2025 chunk boundaries").digest(8)
    return int.from_bytes(digest, "big") >> (64 - SEED_BITS) | 1
