"""What a fuzz target is: a parser, what it may raise, its checksum, and how its values are written."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from appliance.errors import IwatoError

GARBAGE = (ValueError,)  # what inner parsers say, whose callers name the file; see their docstrings
Parser = Callable[[bytes], Any]


@dataclass(frozen=True, kw_only=True)
class Target:
    """`parse` takes any bytes and gives a value or raises one of `refuses`."""

    name: str
    parse: Parser
    covers: tuple[str, ...]
    refuses: tuple[type[Exception], ...] = (IwatoError,)
    mend: Callable[[bytearray], None] | None = None
    again: Callable[[Any], bytes] | None = None


def text(data: bytes) -> str:
    """As a name or a text arrives that is not UTF-8."""
    return data.decode("utf-8", "surrogateescape")
