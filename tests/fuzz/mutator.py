"""Seeded damage to bytes: what noise does, and what somebody does who knows where lengths and names stand.

The same seed gives the same damage. Knows no format: a target that is guarded by a checksum mends it
after the damage (`targets.Target.mend`), so that what lies behind the checksum is reached.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence

LENGTH_MAX = 1 << 16  # bytes; a damaged input never grows beyond this
WIDTHS = (1, 2, 4, 8)  # bytes of the big-endian numbers of FORMAT 1.2
DEPTH = 3000  # brackets; more than any recursive reader survives
WORDS = (
    b"\n", b"\n\n", b"\r\n", b"\0", b" ", b"..", b"/", b"-", b"=", b"+",
    b"\xff", b"\x1b[2J", b"\xed\xa0\x80", "\u202e".encode(), "\u0661".encode(), "\uff10".encode(),
    b"0", b"00", b"-1", b"18446744073709551616", b"1e9", b"9" * 400, b"true", b"null", b"{}", b"\\u0000",
)  # fmt: skip
Damage = Callable[[random.Random, bytearray, Sequence[bytes]], None]


def mutations(seeds: Sequence[bytes], count: int, key: str) -> Iterator[bytearray]:
    """`count` damaged inputs made of `seeds`, always the same ones for the same `key`."""
    draw = random.Random(key)
    for number in range(count):
        data = bytearray(seeds[number % len(seeds)])
        for _ in range(1 if draw.random() < 0.7 else draw.randint(2, 6)):
            draw.choice(DAMAGES)(draw, data, seeds)
        yield data[:LENGTH_MAX]


def _at(draw: random.Random, data: bytearray) -> int:
    """A place, more often near the beginning and the end, where heads and trailers are."""
    if draw.random() < 0.4:
        near = draw.randint(0, min(64, len(data)))
        return near if draw.random() < 0.7 else len(data) - near
    return draw.randint(0, len(data))


def _flip(draw: random.Random, data: bytearray, _seeds: Sequence[bytes]) -> None:
    if data:
        data[min(_at(draw, data), len(data) - 1)] ^= 1 << draw.randrange(8)


def _byte(draw: random.Random, data: bytearray, _seeds: Sequence[bytes]) -> None:
    if data:
        data[min(_at(draw, data), len(data) - 1)] = draw.choice((0, 1, 0x7F, 0x80, 0xFF, draw.randrange(256)))


def _number(draw: random.Random, data: bytearray, _seeds: Sequence[bytes]) -> None:
    """A big-endian number becomes another one: a limit, its neighbour, or a little more or less."""
    width, at = draw.choice(WIDTHS), _at(draw, data)
    old, most = int.from_bytes(data[at : at + width], "big"), (1 << 8 * width) - 1
    limits, near = (0, 1, most, most >> 1, (most >> 1) + 1), (old + 1, old - 1, old * 2)
    new = draw.choice((*limits, *near, 1 << draw.randrange(8 * width)))
    data[at : at + width] = (new & most).to_bytes(width, "big")


def _digits(draw: random.Random, data: bytearray, _seeds: Sequence[bytes]) -> None:
    """A number in a text becomes another one."""
    places = [at for at, byte in enumerate(data) if 0x30 <= byte <= 0x39]
    if places:
        at = draw.choice(places)
        data[at : at + 1] = draw.choice((b"0", b"9", b"10", b"00", b"99999999999", b"9" * 30, b"-1", b""))


def _word(draw: random.Random, data: bytearray, _seeds: Sequence[bytes]) -> None:
    at = _at(draw, data)
    data[at : at + draw.choice((0, 0, 1))] = draw.choice(WORDS)


def _cut(draw: random.Random, data: bytearray, _seeds: Sequence[bytes]) -> None:
    at = _at(draw, data)
    del data[at : draw.choice((at + 1, at + draw.randint(1, 40), len(data)))]


def _repeat(draw: random.Random, data: bytearray, _seeds: Sequence[bytes]) -> None:
    at = _at(draw, data)
    piece = data[at : at + draw.randint(1, 64)]
    data[at:at] = piece * draw.choice((1, 2, 30))


def _swap(draw: random.Random, data: bytearray, _seeds: Sequence[bytes]) -> None:
    """Two lines change places, or two runs of eight bytes where there are no lines."""
    lines = bytes(data).split(b"\n")
    if len(lines) > 2:
        one, other = draw.randrange(len(lines)), draw.randrange(len(lines))
        lines[one], lines[other] = lines[other], lines[one]
        data[:] = b"\n".join(lines)
    elif len(data) > 16:
        one, other = draw.randrange(len(data) - 8), draw.randrange(len(data) - 8)
        data[one : one + 8], data[other : other + 8] = data[other : other + 8], data[one : one + 8]


def _splice(draw: random.Random, data: bytearray, seeds: Sequence[bytes]) -> None:
    """The beginning of this one, the end of another."""
    other = draw.choice(seeds)
    data[_at(draw, data) :] = other[draw.randint(0, len(other)) :]


def _nest(draw: random.Random, data: bytearray, _seeds: Sequence[bytes]) -> None:
    """Brackets that no recursive reader comes back from."""
    opening, closing = draw.choice(((b"[", b"]"), (b'{"a":', b"}"), (b"(", b")")))
    at = _at(draw, data)
    data[at:at] = opening * DEPTH + draw.choice((b"", b"1" + closing * DEPTH))


DAMAGES: tuple[Damage, ...] = (
    _flip, _flip, _byte, _number, _number, _digits, _word, _cut, _repeat, _swap, _splice, _nest,
)  # fmt: skip
