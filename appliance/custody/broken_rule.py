"""A rule of the policy that a text breaks: on which line, what is wrong, what to write instead.

Judges nothing: custody/holder_rules.py and custody/schedule_rules.py do.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Broken:
    """A rule: the keyword of its line, which of these lines (from 0), what is wrong, what to do, and the
    values of both sentences."""

    word: str
    place: int
    what: str
    fix: str
    values: tuple[tuple[str, object], ...] = ()

    def english(self) -> str:
        """What is wrong, for an error's detail."""
        return self.what.format(**dict(self.values))


Judged: TypeAlias = Iterator[tuple[bool, Broken]]
"""(holds, what is said where it does not)."""


def most(number: int) -> tuple[tuple[str, object], ...]:
    """The value of a sentence that names a bound."""
    return (("most", number),)


def repeated(items: Iterable[object]) -> list[int]:
    """The places of what stood before already."""
    seen: set[object] = set()
    places = []
    for place, item in enumerate(items):
        if item in seen:
            places.append(place)
        seen.add(item)
    return places
