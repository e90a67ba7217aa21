"""OpenSSH's wire encoding: length-prefixed strings and positive integers (RFC 4251, section 5).

Strict on reading: one spelling per value, nothing left over. FORMAT 9.1.
"""

from __future__ import annotations

from appliance.errors import SignatureMalformed

LENGTH_BYTES = 4  # bytes; big-endian
STRING_BYTES_MAX = 4096  # bytes; the largest string here is a signature of some 100 bytes


def string(data: bytes) -> bytes:
    """`data` behind its length."""
    return len(data).to_bytes(LENGTH_BYTES, "big") + data


def mpint(number: int) -> bytes:
    """A positive integer: shortest form whose first bit is zero."""
    return string(number.to_bytes(number.bit_length() // 8 + 1, "big"))


class Reader:
    """Takes values off the front of `data`. SignatureMalformed as soon as something does not fit."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._position = 0

    def take(self, length: int) -> bytes:
        taken = self._data[self._position : self._position + length]
        if len(taken) != length:
            raise SignatureMalformed(detail="it is cut off")
        self._position += length
        return taken

    def number(self) -> int:
        """An unsigned 32-bit number."""
        return int.from_bytes(self.take(LENGTH_BYTES), "big")

    def string(self) -> bytes:
        length = self.number()
        if length > STRING_BYTES_MAX:
            raise SignatureMalformed(detail=f"a field of {length} bytes")
        return self.take(length)

    def mpint(self) -> int:
        data = self.string()
        number = int.from_bytes(data, "big")
        if number == 0 or data[0] & 0x80 or mpint(number) != string(data):
            raise SignatureMalformed(detail="a number with a second spelling, or not positive")
        return number

    def end(self) -> None:
        if self._position != len(self._data):
            raise SignatureMalformed(detail="bytes are left over")
