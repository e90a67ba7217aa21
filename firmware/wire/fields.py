"""How a value becomes bytes: the few field kinds of messages and of the interlock's memory (PROTOCOL 3.2).

Every kind has exactly one spelling per value and a bound on its length. Integers are big-endian.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any


class MalformedError(ValueError):
    """A field is out of its bounds, cut short, or followed by too much."""


@dataclass(frozen=True, slots=True)
class UInt:
    """Unsigned integer of `size` bytes."""

    size: int


@dataclass(frozen=True, slots=True)
class SInt:
    """Signed integer of `size` bytes, two's complement."""

    size: int


@dataclass(frozen=True, slots=True)
class Octets:
    """Exactly `size` bytes."""

    size: int


@dataclass(frozen=True, slots=True)
class Blob:
    """`least` to `most` bytes after a two-byte length."""

    most: int
    least: int = 1


@dataclass(frozen=True, slots=True)
class Code:
    """One byte that must be a member of `codes`."""

    codes: type[IntEnum]


@dataclass(frozen=True, slots=True)
class Flag:
    """One byte, 0 or 1."""


@dataclass(frozen=True, slots=True)
class Record:
    """A dataclass: its fields in the listed order."""

    shape: type[Any]
    fields: tuple[tuple[str, Kind], ...]


@dataclass(frozen=True, slots=True)
class Many:
    """0 to `most` of `item` after a one-byte count; a tuple."""

    item: Kind
    most: int


Kind = UInt | SInt | Octets | Blob | Code | Flag | Record | Many


def put(kind: Kind, value: Any) -> bytes:  # noqa: ANN401  the kind says what it is; one arm each
    """The bytes of `value`. Raises MalformedError when it does not fit."""
    match kind:
        case UInt() | SInt():
            return _put_integer(kind, value)
        case Octets(size=size):
            if len(value) != size:
                raise MalformedError("a fixed field has another length")
            return bytes(value)
        case Blob(most=most, least=least):
            if not least <= len(value) <= most:
                raise MalformedError("a blob is too short or too long")
            return len(value).to_bytes(2, "big") + bytes(value)
        case Code(codes=codes):
            return bytes([codes(value)])
        case Flag():
            return b"\x01" if value else b"\x00"
        case Record(fields=rows):
            return b"".join(put(field, getattr(value, name)) for name, field in rows)
        case Many(item=item, most=most):
            return _put_many(item, most, value)


def get(kind: Kind, data: bytes, at: int) -> tuple[Any, int]:
    """The value that begins at `at`, and where it ends. Raises MalformedError."""
    match kind:
        case UInt(size=size) | SInt(size=size):
            return int.from_bytes(_take(data, at, size), "big", signed=isinstance(kind, SInt)), at + size
        case Octets(size=size):
            return _take(data, at, size), at + size
        case Blob():
            return _get_blob(kind, data, at)
        case Code(codes=codes):
            return _get_code(codes, data, at), at + 1
        case Flag():
            flag = _take(data, at, 1)[0]
            if flag > 1:
                raise MalformedError("a flag is neither 0 nor 1")
            return flag == 1, at + 1
        case Record():
            return _get_record(kind, data, at)
        case Many(item=item, most=most):
            return _get_many(item, most, data, at)


def longest(kind: Kind) -> int:
    """The most bytes that a value of `kind` takes."""
    match kind:
        case UInt(size=size) | SInt(size=size) | Octets(size=size):
            return size
        case Blob(most=most):
            return 2 + most
        case Record(fields=rows):
            return sum(longest(field) for _, field in rows)
        case Many(item=item, most=most):
            return 1 + most * longest(item)
        case _:
            return 1  # a code or a flag


def whole(record: Record, data: bytes) -> Any:  # noqa: ANN401  the record says what it is
    """The record that `data` is, no byte less or more. Raises MalformedError."""
    value, end = get(record, data, 0)
    if end != len(data):
        raise MalformedError("bytes after the last field")
    return value


def _put_integer(kind: UInt | SInt, value: int) -> bytes:
    try:
        return int(value).to_bytes(kind.size, "big", signed=isinstance(kind, SInt))
    except OverflowError as error:
        raise MalformedError("an integer does not fit its field") from error


def _put_many(item: Kind, most: int, values: Sequence[Any]) -> bytes:
    if len(values) > most:
        raise MalformedError("too many items")
    return bytes([len(values)]) + b"".join(put(item, value) for value in values)


def _get_blob(kind: Blob, data: bytes, at: int) -> tuple[bytes, int]:
    length = int.from_bytes(_take(data, at, 2), "big")
    if not kind.least <= length <= kind.most:
        raise MalformedError("a blob is too short or too long")
    return _take(data, at + 2, length), at + 2 + length


def _get_code(codes: type[IntEnum], data: bytes, at: int) -> IntEnum:
    try:
        return codes(_take(data, at, 1)[0])
    except ValueError as error:
        raise MalformedError("no such code") from error


def _get_record(kind: Record, data: bytes, at: int) -> tuple[Any, int]:
    values: dict[str, Any] = {}
    for name, field in kind.fields:
        values[name], at = get(field, data, at)
    return kind.shape(**values), at


def _get_many(item: Kind, most: int, data: bytes, at: int) -> tuple[tuple[Any, ...], int]:
    count = _take(data, at, 1)[0]
    if count > most:
        raise MalformedError("too many items")
    values: list[Any] = []
    at += 1
    for _ in range(count):
        value, at = get(item, data, at)
        values.append(value)
    return tuple(values), at


def _take(data: bytes, at: int, size: int) -> bytes:
    if at + size > len(data):
        raise MalformedError("cut short")
    return data[at : at + size]
