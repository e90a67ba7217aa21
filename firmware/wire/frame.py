"""One frame: header, payload, MAC, CRC, then COBS between two zeros (PROTOCOL 2).

It binds direction, session and counter to the payload; whether a counter is *acceptable* is the
session's decision. No clock: delay is found by the heartbeat's echoed stamp (PROTOCOL 4.3).
"""

from __future__ import annotations

import hashlib
import hmac
import struct
import zlib
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from firmware.wire import cobs

PAYLOAD_BYTES_MAX = 512  # bytes; fits the microcontroller's two static buffers, 47 ms at 115200 baud
MAC_BYTES = 16  # bytes; HMAC-SHA256 truncated to 128 bits (RFC 2104 section 5 asks for at least half)
CRC_BYTES = 4  # bytes; CRC-32 finds line noise before the costly MAC is computed
HEADER: Final = struct.Struct(">B8sI")  # version and direction, session nonce, counter
VERSION = 0x10  # high nibble of the first byte
COUNTER_MAX = 0xFFFF_FFFF  # a session that reaches it must be opened again
RAW_BYTES_MIN = HEADER.size + 1 + MAC_BYTES + CRC_BYTES
RAW_BYTES_MAX = HEADER.size + PAYLOAD_BYTES_MAX + MAC_BYTES + CRC_BYTES
STUFFED_BYTES_MAX = cobs.longest(RAW_BYTES_MAX)
DELIMITER = b"\x00"


class Direction(IntEnum):
    """Who sent the frame."""

    FROM_CONTROLLER = 1
    FROM_INTERLOCK = 2


class FrameCorruptError(ValueError):
    """Not a frame: noise, a cut, or a wrong length."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """A frame whose CRC held. Nothing in it may be believed before `authentic` said yes."""

    direction: Direction
    session: bytes
    counter: int
    payload: bytes
    mac: bytes

    def authentic(self, key: bytes) -> bool:
        """Whether `key` (32 bytes) made the MAC over header and payload."""
        expected = _mac(key, _header(self.direction, self.session, self.counter), self.payload)
        return hmac.compare_digest(expected, self.mac)


def seal(*, key: bytes, direction: Direction, session: bytes, counter: int, payload: bytes) -> bytes:
    """Bytes for the wire. The leading delimiter ends whatever noise came before."""
    if not 1 <= len(payload) <= PAYLOAD_BYTES_MAX:
        raise ValueError("the payload does not fit a frame")
    header = _header(direction, session, counter)
    body = header + payload + _mac(key, header, payload)
    raw = body + zlib.crc32(body).to_bytes(CRC_BYTES, "big")
    return DELIMITER + cobs.encode(raw) + DELIMITER


def unseal(stuffed: bytes) -> Frame:
    """The frame between two delimiters. Raises FrameCorruptError."""
    try:
        raw = cobs.decode(stuffed)
    except cobs.CobsError as error:
        raise FrameCorruptError("not COBS") from error
    if not RAW_BYTES_MIN <= len(raw) <= RAW_BYTES_MAX:
        raise FrameCorruptError("length")
    body, crc = raw[:-CRC_BYTES], raw[-CRC_BYTES:]
    if zlib.crc32(body).to_bytes(CRC_BYTES, "big") != crc:
        raise FrameCorruptError("CRC")
    first, session, counter = HEADER.unpack_from(body)
    if first & 0xF0 != VERSION or first & 0x0F not in (1, 2):
        raise FrameCorruptError("version")
    return Frame(
        direction=Direction(first & 0x0F),
        session=session,
        counter=counter,
        payload=body[HEADER.size : -MAC_BYTES],
        mac=body[-MAC_BYTES:],
    )


def _header(direction: Direction, session: bytes, counter: int) -> bytes:
    return HEADER.pack(VERSION | direction, session, counter)


def _mac(key: bytes, header: bytes, payload: bytes) -> bytes:
    return hmac.new(key, header + payload, hashlib.sha256).digest()[:MAC_BYTES]
