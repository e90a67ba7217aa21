"""The words of canonical lines: numbers, hashes, keys, times and paths as policy and orders spell them.

Each value has one spelling; readers raise ValueError for any other. Knows no document.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import TypeAlias, TypeVar

from appliance.domain.schedule import Duration, Slot
from appliance.format import base64_text

HASH_BYTES = 32  # bytes; SHA-256
NUMBER = r"(0|[1-9][0-9]{0,9})"
HASH = r"sha256:([0-9a-f]{64})"
SLOT = r"(\d\d:[0-5]\d:[0-5]\d)-(\d\d:[0-5]\d:[0-5]\d) daily ([+-]\d\d:[0-5]\d)"
DURATION = r"([1-9][0-9]{0,6})([smh])"

_HOURS_A_DAY = 24
_OFFSET_S_MAX = 14 * 3600 + 59 * 60  # s; the interlock's bound, beyond any offset from UTC in use
_PLAIN = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789/._-~")
_PATH = re.compile(r"(?:[A-Za-z0-9/._~-]|%[0-9A-F]{2})+", re.ASCII)
_ESCAPE = re.compile(rb"%([0-9A-F]{2})")
_T = TypeVar("_T")
Fields: TypeAlias = tuple[str, ...]


class Lines:
    """Walks over LF-ended lines, one keyword after the other. Each line is matched whole against its
    keyword's pattern and its groups go to a reader. `grammar` maps keyword to pattern; `encoding` is
    "ascii" or, where people's own words occur, "utf-8"."""

    def __init__(self, text: bytes, grammar: Mapping[str, str], encoding: str = "ascii") -> None:
        try:
            whole = text.decode(encoding)
        except UnicodeDecodeError:
            raise ValueError(f"a byte that is not {encoding.upper()}") from None
        self._lines = whole.split("\n")
        if self._lines.pop():
            raise ValueError("the last line does not end")
        self._grammar = grammar
        self._position = 0

    def one(self, keyword: str, read: Callable[[Fields], _T]) -> _T:
        """The next line, which must be this keyword's. ValueError names the line."""
        line = self._lines[self._position] if self._position < len(self._lines) else ""
        found = re.fullmatch(f"{re.escape(keyword)} {self._grammar[keyword]}", line, re.ASCII)
        if found is None:
            raise ValueError(f"line {self._position + 1} should be a line `{keyword}`")
        try:
            value = read(found.groups())
        except ValueError as error:
            raise ValueError(f"line {self._position + 1}: {error}") from None
        self._position += 1
        return value

    def many(self, keyword: str, read: Callable[[Fields], _T], most: int) -> tuple[_T, ...]:
        """All lines of this keyword that follow now, at most `most`."""
        values: list[_T] = []
        while self._position < len(self._lines) and self._lines[self._position].startswith(keyword + " "):
            if len(values) == most:
                raise ValueError(f"more than {most} lines `{keyword}`")
            values.append(self.one(keyword, read))
        return tuple(values)

    def end(self) -> None:
        """ValueError if a line is left."""
        if self._position != len(self._lines):
            raise ValueError(f"line {self._position + 1} comes after the end")


def write_hash(value: bytes) -> str:
    """`sha256:` and 64 lower-case hex digits, as HASH reads."""
    assert len(value) == HASH_BYTES
    return f"sha256:{value.hex()}"


def read_key(text: str) -> bytes:
    """Padded Base64, one spelling."""
    return base64_text.decode(text)


def write_key(key: bytes) -> str:
    """Inverse of `read_key`."""
    return base64_text.encode(key)


def write_path(path: bytes) -> str:
    """Percent-encoding with upper-case digits of every byte outside A-Z a-z 0-9 / . _ - ~."""
    return "".join(chr(byte) if byte in _PLAIN else f"%{byte:02X}" for byte in path)


def read_path(text: str) -> bytes:
    """Inverse of `write_path`."""
    if not _PATH.fullmatch(text):
        raise ValueError("not a percent-encoded path")
    path = _ESCAPE.sub(lambda found: bytes((int(found.group(1), 16),)), text.encode("ascii"))
    if write_path(path) != text:
        raise ValueError("a path with a second spelling")
    return path


def write_words(data: bytes) -> str:
    """People's own words on one line: UTF-8 as it is, but percent-encoded what is not printable (line
    ends, controls, marks that turn the direction of writing, bytes that are not UTF-8) and '%'."""
    text = data.decode("utf-8", "surrogateescape")
    return "".join(
        letter if letter.isprintable() and letter != "%" else _escape(letter) for letter in text
    )


def read_words(text: str) -> bytes:
    """Inverse of `write_words`."""
    data = _ESCAPE.sub(lambda found: bytes((int(found.group(1), 16),)), text.encode("utf-8"))
    if write_words(data) != text:
        raise ValueError("words with a second spelling")
    return data


def read_duration(fields: Fields) -> Duration:
    """(amount, unit)."""
    return Duration(amount=int(fields[0]), unit=fields[1])


def write_duration(duration: Duration) -> str:
    """As DURATION reads."""
    return f"{duration.amount}{duration.unit}"


def read_slot(fields: Fields) -> Slot:
    """(begin, end, offset)."""
    begin, end, offset = fields
    return Slot(begin_s=_second_of_day(begin), end_s=_second_of_day(end), offset_s=_offset(offset))


def write_slot(slot: Slot) -> str:
    """As SLOT reads."""
    sign, ahead = ("-" if slot.offset_s < 0 else "+"), abs(slot.offset_s)
    begin, end = (_time_text(second) for second in (slot.begin_s, slot.end_s))
    return f"{begin}-{end} daily {sign}{ahead // 3600:02d}:{ahead // 60 % 60:02d}"


def _escape(letter: str) -> str:
    return "".join(f"%{byte:02X}" for byte in letter.encode("utf-8", "surrogateescape"))


def _second_of_day(text: str) -> int:
    hours, minutes, seconds = (int(part) for part in text.split(":"))
    if hours >= _HOURS_A_DAY:
        raise ValueError(f"{text} is not a time of day")
    return hours * 3600 + minutes * 60 + seconds


def _offset(text: str) -> int:
    hours, minutes = (int(part) for part in text[1:].split(":"))
    ahead = hours * 3600 + minutes * 60
    if ahead > _OFFSET_S_MAX:
        raise ValueError(f"{text} is not an offset from UTC")
    return -ahead if text[0] == "-" else ahead


def _time_text(second: int) -> str:
    return f"{second // 3600:02d}:{second // 60 % 60:02d}:{second % 60:02d}"
