"""One table of a board profile: every value is taken by name and checked. Knows no meaning of any."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

BCM_PINS = range(28)  # GPIO numbers on the 40-pin header


class ProfileInvalid(ValueError):
    """A board profile that contradicts itself or lacks a value; the message names the place."""


class Section:
    """See the module. `name` is said in messages."""

    def __init__(self, values: Mapping[str, object], name: str) -> None:
        self._values, self._name = values, name

    def section(self, key: str) -> Section:
        value = self._values.get(key)
        if not isinstance(value, dict):
            raise ProfileInvalid(f"[{key}] is missing")
        return Section(value, key)

    def sections(self, key: str) -> tuple[Section, ...]:
        """The tables of a list `[[key]]`, at least one."""
        value = self._values.get(key)
        if not isinstance(value, list) or not value or not all(isinstance(item, dict) for item in value):
            raise ProfileInvalid(f"[[{key}]] is missing")
        return tuple(Section(item, f"[{key}] {place}") for place, item in enumerate(value, start=1))

    def number(self, key: str, *, most: int = 60_000) -> int:
        value = self._values.get(key)
        if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= most:
            raise ProfileInvalid(f"[{self._name}] {key}: a whole number from 0 to {most} is needed")
        return value

    def optional(self, key: str, *, most: int) -> int:
        """As `number`; 0 where it is absent."""
        return self.number(key, most=most) if key in self._values else 0

    def truth(self, key: str) -> bool:
        value = self._values.get(key)
        if not isinstance(value, bool):
            raise ProfileInvalid(f"[{self._name}] {key}: true or false is needed")
        return value

    def text(self, key: str) -> str:
        value = self._values.get(key)
        if not isinstance(value, str) or not value:
            raise ProfileInvalid(f"[{self._name}] {key}: a text is needed")
        return value

    def note(self, key: str) -> str:
        """As `text`; empty where it is absent."""
        return self.text(key) if key in self._values else ""

    def texts(self, key: str) -> tuple[str, ...]:
        value = self._values.get(key)
        if not isinstance(value, list) or not value or not all(isinstance(item, str) for item in value):
            raise ProfileInvalid(f"[{self._name}] {key}: a list of texts is needed")
        return tuple(value)

    def pins(self, key: str, count: range) -> tuple[int, ...]:
        value = self._values.get(key)
        if not isinstance(value, list) or len(value) not in count:
            raise ProfileInvalid(f"[{self._name}] {key}: {count.start} to {count.stop - 1} pins are needed")
        pins = [pin for pin in value if isinstance(pin, int) and pin in BCM_PINS]
        if len(pins) != len(value):
            raise ProfileInvalid(f"[{self._name}] {key}: a pin is a BCM number from 0 to 27")
        return tuple(pins)

    def names(self, key: str, known: Sequence[str]) -> frozenset[str]:
        value = self._values.get(key)
        if not isinstance(value, list) or not all(name in known for name in value):
            raise ProfileInvalid(f"[{self._name}] {key}: a list out of {', '.join(known)} is needed")
        return frozenset(value)

    def pair(self, key: str) -> tuple[int, int]:
        first, second = self.pins(key, range(2, 3))
        return first, second
