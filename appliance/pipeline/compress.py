"""Compression stage: a raw block to what is stored, and back. FORMAT 3.3.

Chooses the codec by what it saves. Knows neither packs nor chunks.
"""

from __future__ import annotations

from appliance.errors import BlockInvalid
from appliance.format import zstd_frame
from appliance.format.pack import Block, Codec
from appliance.format.zstd_frame import Bytes

GAIN_DIVISOR = 64  # a frame that saves less than 1/64 of the block is not worth expanding later


class Compressor:
    """One worker's compressor. Not for use by two threads at once."""

    def __init__(self, level: int = zstd_frame.LEVEL) -> None:
        self._encoder = zstd_frame.Encoder(level)

    def compress(self, raw: Bytes) -> tuple[Block, Bytes]:
        """What to store for `raw`, proven to expand to it again. EncoderBroken if it does not."""
        length = len(raw)
        frame = self._encoder.encode(raw)
        if len(frame) + length // GAIN_DIVISOR >= length:
            return Block(stored=length, raw=length, codec=Codec.RAW), raw
        self._encoder.check(frame, raw)
        return Block(stored=len(frame), raw=length, codec=Codec.ZSTD), frame


def expand(stored: Bytes, block: Block) -> bytes:
    """The raw block. BlockInvalid when the bytes are not what `block` says."""
    if len(stored) != block.stored:
        raise BlockInvalid(detail=f"{len(stored)} bytes instead of {block.stored}")
    if block.codec == Codec.RAW:
        return bytes(stored)
    return zstd_frame.decode(stored, block.raw)
