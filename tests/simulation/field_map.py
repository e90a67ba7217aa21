"""Where every field of every structure of FORMAT.md lies in a file: names and spans that tile the file.

Written from the tables of FORMAT.md, not from the product's structs. A map that leaves a gap fails, so
"every field" is every byte.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from tests.depth import many

CHUNK_BYTES, TAG_BYTES, NONCE_BYTES, HASH_BYTES, UNIT_BYTES = 65536, 16, 16, 32, 4096
WORDS = re.compile(rb"\n|[^\n ]+| ")
JSON = re.compile(rb'"(?:[^"\\]|\\.)*"|[0-9]+|true|false|[{}\[\],:]|\n')
FLIPS_MAX = many(1, 3)  # flipped bits of one field, evenly spread, for what costs a whole scrub or boot


@dataclass(frozen=True, kw_only=True)
class Field:
    """Bytes `begin` to `end` of a file."""

    name: str
    begin: int
    end: int

    def bits(self) -> Iterator[tuple[int, int]]:
        """(byte, bit) of every flip."""
        bits, salt = 8 * (self.end - self.begin), zlib.crc32(self.name.encode())
        count = min(bits, FLIPS_MAX)
        for number in range(count):
            place = (salt + number * bits // count) % bits
            yield self.begin + place // 8, place % 8


def laid(parts: Iterable[tuple[str, int]], begin: int = 0) -> list[Field]:
    """Fields of these lengths one behind the other; empty ones are none."""
    fields = []
    for name, length in parts:
        if length:
            fields.append(Field(name=name, begin=begin, end=begin + length))
        begin += length
    return fields


def tiles(fields: Iterable[Field], length: int) -> bool:
    """Whether the fields cover every byte of a file once."""
    end = 0
    for field in fields:
        if field.begin != end or field.end <= field.begin:
            return False
        end = field.end
    return end == length


def text(content: bytes) -> list[Field]:
    """Lines of words: each word, blank and line end is a field, named for its line's first word."""
    parts, keyword, number = [], "", 0
    for token in WORDS.findall(content):
        if token == b"\n":
            parts.append((f"{keyword} line end", 1))
            keyword = ""
            continue
        if not keyword:
            keyword, number = token[:12].decode("utf-8", "replace"), 0
        parts.append((f"{keyword} {number}", len(token)))
        number += 1
    return laid(parts)


def json(content: bytes) -> list[Field]:
    """Members, values and marks, named for the newest member's name."""
    parts, member = [], ""
    for token in JSON.findall(content):
        if token.startswith(b'"'):
            member = token[:16].decode("utf-8", "replace")
        parts.append((f"{member} {token[:8]!r}", len(token)))
    return laid(parts)


def record(content: bytes) -> list[Field]:
    """FORMAT 4.8: a line of JSON and its hash."""
    border = content.index(b"\n") + 1
    return [*json(content[:border]), *shifted("hash", text(content[border:]), border)]


def shifted(prefix: str, fields: Iterable[Field], begin: int) -> list[Field]:
    """Fields of a part as fields of the whole, whose part begins at `begin`."""
    return [
        Field(name=f"{prefix} {field.name}", begin=begin + field.begin, end=begin + field.end)
        for field in fields
    ]


def age(content: bytes) -> list[Field]:
    """FORMAT 2.1, 2.3, 2.5: header, nonce, sealed chunks and their tags."""
    header = content.index(b"\n", content.index(b"\n--- ") + 1) + 1
    parts, at = [("nonce", NONCE_BYTES)], header + NONCE_BYTES
    while at < len(content):
        sealed = min(CHUNK_BYTES + TAG_BYTES, len(content) - at)
        parts += [("chunk", sealed - TAG_BYTES), ("tag", TAG_BYTES)]
        at += sealed
    return [*shifted("header", text(content[:header]), 0), *laid(parts, header)]


def shard(content: bytes, drives: int, column: bytes = b"") -> list[Field]:
    """FORMAT 5.7, a pack of one stripe. `column`: the age file that begins the shard, if it does."""
    footer_bytes = int.from_bytes(content[-HASH_BYTES - 4 : -HASH_BYTES], "big")
    border = len(content) - footer_bytes
    hashes = [(f"hash of block {number}", HASH_BYTES) for number in range(drives)]
    head = [("magic", 12), ("version", 2), ("k", 1), ("m", 1), ("index", 1), ("zero", 3), ("size", 8)]
    head += [("pack id", HASH_BYTES), ("parity hash", HASH_BYTES), *hashes]
    zeros = footer_bytes - sum(length for _, length in head) - 4 - HASH_BYTES
    footer = [*head, ("zeros", zeros), ("length", 4), ("own hash", HASH_BYTES)]
    beyond = laid([("beyond the pack's end" if column else "column", border - len(column))], len(column))
    return [*(age(column) if column else []), *beyond, *shifted("footer", laid(footer), border)]


def segment(content: bytes) -> list[Field]:
    """FORMAT 7.3."""
    magic = content.index(b"\n") + 1
    fields = laid([("magic", magic), ("first", 8), ("records", 4), ("edition", 2), ("root", HASH_BYTES)])
    at = fields[-1].end
    while at < len(content) - HASH_BYTES:
        length = int.from_bytes(content[at + 1 : at + 5], "big")
        fields += laid([("kind", 1), ("length", 4)], at)
        fields += shifted("entry", json(content[at + 5 : at + 5 + length]), at + 5)
        at += 5 + length
    return [*fields, *laid([("trailer", HASH_BYTES)], at)]


def receipt(content: bytes) -> list[Field]:
    """FORMAT 6.8."""
    magic = content.index(b"\n") + 1
    entry = int.from_bytes(content[magic : magic + 4], "big")
    begin = magic + 8
    return [
        *laid([("magic", magic), ("length of the entry", 4), ("length of the proof", 4)]),
        *shifted("entry", json(content[begin : begin + entry]), begin),
        *shifted("proof", text(content[begin + entry :]), begin + entry),
    ]
