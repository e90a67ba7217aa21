"""A checkpoint small enough for a QR code on an 80x24 screen: the witness's word alone. FORMAT 7.8.

Digits and capital letters, so that it survives a paste, a telephone and QR's alphanumeric mode. Not
unaware of its meaning as `note` is, but of whether the signature holds: ledger/outside.py asks that.
"""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass

from appliance.domain.ids import VaultId
from appliance.errors import SignatureMalformed

PREFIX = "IWATO1:"
DIGITS = 186  # of base 36; the fewest that hold 120 bytes
CODE_DIGITS = 8  # the last ones, which a person reads back: 41 bits of the signature
BYTES = 120
NUMBER_MAX = (1 << 32) - 1  # entries; seconds until the year 2106, the box's clock ends with 2099
_FIELDS = struct.Struct(">16sI32sI64s")
_TEXT = re.compile(PREFIX + r"[0-9A-Z]{186}")
_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"


@dataclass(frozen=True, slots=True, kw_only=True)
class ShortCheckpoint:
    """`vault` names the log, `size` counts its entries, `root` is the tree's hash; `signature` is the
    witness's over these and its own time."""

    vault: VaultId
    size: int
    root: bytes
    unix_s: int
    signature: bytes

    def text(self) -> str:
        """193 characters. SignatureMalformed for a log or a time that does not fit."""
        if not (0 <= self.size <= NUMBER_MAX and 0 <= self.unix_s <= NUMBER_MAX):
            raise SignatureMalformed(detail="a size or time that has no short form")
        packed = _FIELDS.pack(self.vault, self.size, self.root, self.unix_s, self.signature)
        number, digits = int.from_bytes(packed, "big"), ""
        for _ in range(DIGITS):
            number, digit = divmod(number, len(_ALPHABET))
            digits = _ALPHABET[digit] + digits
        return PREFIX + digits

    def code(self) -> str:
        """What a person who has scanned it reads back."""
        return self.text()[-CODE_DIGITS:]


def parse(text: str) -> ShortCheckpoint:
    """Inverse of `text`; nothing verified. SignatureMalformed for anything else."""
    number = int(text.removeprefix(PREFIX), 36) if _TEXT.fullmatch(text) else 1 << (8 * BYTES)
    if number >> (8 * BYTES):
        raise SignatureMalformed(detail="this is no short checkpoint")
    vault, size, root, unix_s, signature = _FIELDS.unpack(number.to_bytes(BYTES, "big"))
    return ShortCheckpoint(vault=VaultId(vault), size=size, root=root, unix_s=unix_s, signature=signature)
