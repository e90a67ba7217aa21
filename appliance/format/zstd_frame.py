"""One zstd frame (RFC 8878) of known raw length, made and opened within limits. FORMAT 3.3.

A frame states its content size, uses no dictionary and nothing follows it, so a hostile one can cost no
more than the length that the caller already accepted. Decides nothing about what is worth compressing.
"""

from __future__ import annotations

from typing import TypeAlias

import zstandard

from appliance.errors import BlockInvalid, EncoderBroken

Bytes: TypeAlias = bytes | bytearray | memoryview

LEVEL = 1  # zstd level; 30-vault: higher ones cost more time than the window has


class Encoder:
    """Makes frames. Not for use by two threads at once."""

    def __init__(self, level: int = LEVEL) -> None:
        self._compressor = zstandard.ZstdCompressor(
            level=level, write_content_size=True, write_checksum=False, write_dict_id=False
        )
        self._decompressor = zstandard.ZstdDecompressor()

    def encode(self, raw: Bytes) -> bytes:
        """The frame of `raw`."""
        return self._compressor.compress(raw)

    def check(self, frame: bytes, raw: Bytes) -> None:
        """EncoderBroken unless `frame` expands to exactly `raw`. Compressors of other backup programs
        have written frames that could not be opened (60-reliability); nothing is stored unproven."""
        try:
            expanded = self._decompressor.decompress(frame, max_output_size=len(raw), allow_extra_data=False)
        except zstandard.ZstdError as error:
            raise EncoderBroken(detail=f"a fresh zstd frame does not open: {error}") from error
        # `startswith` compares in place; `==` would need a copy of what is not `bytes`.
        if len(expanded) != len(raw) or not expanded.startswith(raw):
            raise EncoderBroken(detail="a fresh zstd frame opens as something else")


def decode(frame: Bytes, raw_bytes: int) -> bytes:
    """The `raw_bytes` bytes inside `frame`. BlockInvalid for any other length, a dictionary, bytes
    behind the frame, or damage; never makes more than `raw_bytes` bytes."""
    try:
        parameters = zstandard.get_frame_parameters(frame)
        if parameters.content_size != raw_bytes or parameters.dict_id:
            raise BlockInvalid(detail="the frame does not hold what its table says")
        raw = zstandard.ZstdDecompressor(max_window_size=_window(raw_bytes)).decompress(
            frame, max_output_size=raw_bytes, allow_extra_data=False
        )
    except zstandard.ZstdError as error:
        raise BlockInvalid(detail=str(error)) from error
    if len(raw) != raw_bytes:
        raise BlockInvalid(detail="the frame is shorter than its table says")
    return raw


def _window(raw_bytes: int) -> int:
    """Window a frame of this length may ask for: zstd's least allowed limit is 1 KiB."""
    return max(1 << 10, 1 << (raw_bytes - 1).bit_length())
