"""A board profile: which pin is which, how contacts behave, how long things take.

Reads `boards/*.toml` into one frozen value and checks it; drives nothing. The numbers' sources stand
in the files, beside the numbers (20-interlock, electrical model).
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

BOARDS = Path(__file__).parent / "boards"
BCM_PINS = range(28)  # GPIO numbers on the 40-pin header
SENSES = ("k1", "k2", "k3", "drives", "cut", "key", "supply")  # kinds of sense lines
PROFILE_BYTES_MAX = 64 * 1024  # a profile is two pages of text


class ProfileInvalid(ValueError):
    """A board profile that contradicts itself or lacks a value; the message names the place."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pins:
    """BCM numbers. `link` is (K1, K2); `drives` and its order are the bays, first bay first."""

    link: tuple[int, int]
    drives: tuple[int, ...]
    sense_link: tuple[int, int]
    sense_k3: int
    sense_cut: int
    sense_key: int

    @property
    def outputs(self) -> tuple[int, ...]:
        return (*self.link, *self.drives)

    @property
    def inputs(self) -> tuple[int, ...]:
        return (*self.sense_link, self.sense_k3, self.sense_cut, self.sense_key)


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactTiming:
    """Milliseconds from the coil's change to the contact's, and how long a fresh make chatters."""

    operate_ms: int
    release_ms: int
    bounce_ms: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class BoardProfile:
    """One board. Times in ms, `uart_bytes_per_ms` in both directions. `open_reads_high`: the kinds of sense
    (SENSES) whose pull makes an open wire read high."""

    name: str
    emulated: bool
    radio: bool
    pins: Pins
    relay: ContactTiming
    changeover: ContactTiming
    permit_decay_ms: int
    spin_up_ms: int
    drive_celsius_max: int
    carrier_ms: int
    supply_fall_ms: int
    uart_bytes_per_ms: int
    uart_queue_bytes: int
    open_reads_high: frozenset[str]

    @property
    def bays_max(self) -> int:
        return len(self.pins.drives)


class _Section:
    """One table of the file; every value is taken by name and checked."""

    def __init__(self, values: Mapping[str, object], name: str) -> None:
        self._values, self._name = values, name

    def section(self, key: str) -> _Section:
        value = self._values.get(key)
        if not isinstance(value, dict):
            raise ProfileInvalid(f"[{key}] is missing")
        return _Section(value, key)

    def number(self, key: str, *, most: int = 60_000) -> int:
        value = self._values.get(key)
        if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= most:
            raise ProfileInvalid(f"[{self._name}] {key}: a whole number from 0 to {most} is needed")
        return value

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

    def timing(self) -> ContactTiming:
        self.text("source")
        bounce = self.number("bounce_ms", most=20) if "bounce_ms" in self._values else 0
        return ContactTiming(
            operate_ms=self.number("operate_ms"), release_ms=self.number("release_ms"), bounce_ms=bounce
        )


def parse(text: str) -> BoardProfile:
    """A profile from the text of its file. Raises ProfileInvalid."""
    try:
        top = _Section(tomllib.loads(text), "top")
    except tomllib.TOMLDecodeError as error:
        raise ProfileInvalid(str(error)) from error
    uart = top.section("uart")
    profile = BoardProfile(
        name=top.text("name"),
        emulated=top.truth("emulated"),
        radio=top.truth("radio"),
        pins=_pins(top.section("pins")),
        relay=top.section("relay").timing(),
        changeover=top.section("changeover").timing(),
        permit_decay_ms=top.section("permit").number("decay_ms"),
        spin_up_ms=top.section("drive").number("spin_up_ms"),
        drive_celsius_max=top.section("drive").number("celsius_max", most=125),
        carrier_ms=top.section("converter").number("carrier_ms"),
        supply_fall_ms=top.section("controller").number("supply_fall_ms"),
        uart_bytes_per_ms=uart.number("bytes_per_ms"),
        uart_queue_bytes=uart.number("queue_bytes", most=1 << 20),
        open_reads_high=top.section("sense").names("open_reads_high", SENSES),
    )
    _check(profile)
    return profile


def load(name: str) -> BoardProfile:
    """The profile `boards/<name>.toml`. Raises ProfileInvalid, also for a name that there is not."""
    if not name.isidentifier():
        raise ProfileInvalid(f"{name!r} is not the name of a board")
    path = BOARDS / f"{name}.toml"
    if not path.is_file() or path.stat().st_size > PROFILE_BYTES_MAX:
        raise ProfileInvalid(f"there is no board profile {name}")
    return parse(path.read_text(encoding="utf-8"))


def _pins(section: _Section) -> Pins:
    section.text("source")
    return Pins(
        link=section.pair("link"),
        drives=section.pins("drives", range(1, 17)),
        sense_link=section.pair("sense_link"),
        sense_k3=section.number("sense_k3", most=BCM_PINS[-1]),
        sense_cut=section.number("sense_cut", most=BCM_PINS[-1]),
        sense_key=section.number("sense_key", most=BCM_PINS[-1]),
    )


def _check(profile: BoardProfile) -> None:
    used = [*profile.pins.outputs, *profile.pins.inputs]
    twice = sorted({pin for pin in used if used.count(pin) > 1})
    if twice:
        raise ProfileInvalid(f"[pins] {twice} serve two purposes")
    if profile.permit_decay_ms >= 50:  # noqa: PLR2004 - the limit of 20-interlock, said in the message
        raise ProfileInvalid("[permit] decay_ms: a stopped output must be dead within 50 ms")
    if not profile.uart_bytes_per_ms or not profile.uart_queue_bytes:
        raise ProfileInvalid("[uart] a serial line that carries nothing")
