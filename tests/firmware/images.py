"""The interlock's images for the tests, each compiled once a run; and images that were tampered with."""

from __future__ import annotations

import tempfile
import zlib
from functools import cache
from pathlib import Path

from firmware.interlock import build

BOOT2 = slice(0, build.BOOT2_BYTES)


@cache
def image(name: str) -> build.Image:
    with tempfile.TemporaryDirectory() as folder:
        return build.build(name, Path(folder))


def patched(name: str, old: bytes, new: bytes) -> bytes:
    """The image with `old` replaced everywhere and a fresh checksum: another program, not a damaged one."""
    body = image(name).data[:-4]
    assert old in body[BOOT2.stop :]
    body = body[BOOT2] + body[BOOT2.stop :].replace(old, new)
    return body + zlib.crc32(body).to_bytes(4, "little")
