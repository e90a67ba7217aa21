"""COBS: turns any bytes into bytes without a zero, so that a zero can end a frame (PROTOCOL 2.1).

Consistent Overhead Byte Stuffing (Cheshire and Baker, 1997). It does not bound lengths and does
not check content: frame.py does both.
"""

from __future__ import annotations

BLOCK_BYTES = 254  # bytes; the longest run without a zero that one code byte can describe
FULL_BLOCK = BLOCK_BYTES + 1  # the code byte of a run that no zero follows


class CobsError(ValueError):
    """The bytes are not the image of any input."""


def longest(raw_bytes: int) -> int:
    """The most bytes that `encode` makes of `raw_bytes` bytes."""
    return raw_bytes + raw_bytes // BLOCK_BYTES + 1


def encode(raw: bytes) -> bytes:
    """`raw` without any zero byte; no delimiter is added."""
    out = bytearray()
    run = bytearray()
    for byte in raw:
        if byte == 0:
            out.append(len(run) + 1)
            out += run
            run.clear()
            continue
        run.append(byte)
        if len(run) == BLOCK_BYTES:
            out.append(FULL_BLOCK)
            out += run
            run.clear()
    out.append(len(run) + 1)
    out += run
    return bytes(out)


def decode(stuffed: bytes) -> bytes:
    """The only input that encodes to `stuffed`. Raises CobsError, also for a second spelling."""
    out = bytearray()
    at = 0
    while at < len(stuffed):
        code = stuffed[at]
        run = stuffed[at + 1 : at + code]
        if code == 0 or len(run) != code - 1 or 0 in run:
            raise CobsError("a code byte does not fit what follows it")
        out += run
        at += code
        if code != FULL_BLOCK and at < len(stuffed):
            out.append(0)
    if encode(bytes(out)) != stuffed:
        raise CobsError("not the canonical spelling")
    return bytes(out)
