"""Bech32 (BIP 173's alphabet and checksum) without its length limit: how age keys are written.

Not Bech32m, no witness versions. Raises ValueError without quoting the text, which may be a secret.
FORMAT 2.2.
"""

from __future__ import annotations

from collections.abc import Iterable

ALPHABET = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
GENERATOR = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)  # BIP 173
CHECKSUM_CHARS = 6
GROUP_BITS = 5  # bits per letter
TEXT_CHARS_MAX = 4096  # characters; an age1pq1 recipient has 1959, nothing that we read has more
_VALUE = {letter: value for value, letter in enumerate(ALPHABET)}


def encode(prefix: str, data: bytes) -> str:
    """Lower-case Bech32 of `data` under the human-readable `prefix` (lower case)."""
    _check_prefix(prefix)
    if prefix != prefix.lower():
        raise ValueError("the prefix is not lower case")
    values = _regroup(data)
    checksum = _polymod([*_expand(prefix), *values, *([0] * CHECKSUM_CHARS)]) ^ 1
    values += [checksum >> 5 * (CHECKSUM_CHARS - 1 - place) & 31 for place in range(CHECKSUM_CHARS)]
    return prefix + "1" + "".join(ALPHABET[value] for value in values)


def decode(text: str) -> tuple[str, bytes]:
    """(prefix in lower case, data). ValueError for mixed case, foreign letters, a wrong checksum or
    bits left over."""
    if len(text) > TEXT_CHARS_MAX:
        raise ValueError("too long")
    if not text.isascii() or (text != text.lower() and text != text.upper()):
        raise ValueError("letters of both cases, or foreign letters")
    prefix, separator, body = text.lower().rpartition("1")
    if not separator or len(body) < CHECKSUM_CHARS:
        raise ValueError("no separator, or too short")
    _check_prefix(prefix)
    try:
        values = [_VALUE[letter] for letter in body]
    except KeyError:
        raise ValueError("a letter that does not occur in such keys") from None
    if _polymod([*_expand(prefix), *values]) != 1:
        raise ValueError("the checksum does not match: a letter is wrong")
    return prefix, _ungroup(values[:-CHECKSUM_CHARS])


def _check_prefix(prefix: str) -> None:
    if not prefix or not all("!" <= letter <= "~" for letter in prefix):
        raise ValueError("the prefix is empty or holds a character that is not printable")


def _polymod(values: Iterable[int]) -> int:
    checksum = 1
    for value in values:
        top = checksum >> 25
        checksum = (checksum & 0x1FFFFFF) << 5 ^ value
        for bit, term in enumerate(GENERATOR):
            if top >> bit & 1:
                checksum ^= term
    return checksum


def _expand(prefix: str) -> list[int]:
    return [ord(letter) >> 5 for letter in prefix] + [0] + [ord(letter) & 31 for letter in prefix]


def _regroup(data: bytes) -> list[int]:
    """Bits of `data` in groups of five, the last one filled with zeros."""
    count = -(-len(data) * 8 // GROUP_BITS)
    number = int.from_bytes(data, "big") << (count * GROUP_BITS - len(data) * 8)
    return [number >> GROUP_BITS * (count - 1 - place) & 31 for place in range(count)]


def _ungroup(values: list[int]) -> bytes:
    """Inverse of `_regroup`: the filling is shorter than one group and all zero."""
    spare = len(values) * GROUP_BITS % 8
    if spare >= GROUP_BITS or (spare and values[-1] & ((1 << spare) - 1)):
        raise ValueError("bits are left over")
    number = 0
    for value in values:
        number = number << 5 | value
    return (number >> spare).to_bytes(len(values) * GROUP_BITS // 8, "big")
