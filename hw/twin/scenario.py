"""What goes wrong, and when: a TOML file, or a seed, as a list of events. Performs nothing (faults.py).

Each `[[event]]` has `at_s` (seconds since power-on), or `in_phase` and `after_s` (seconds since that phase
was first entered), a deed `do`, and the fields that DEEDS lists for it. Examples: hw/README.md.
"""

from __future__ import annotations

import random
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from firmware.wire.codes import Phase
from hw.twin import senses
from hw.twin.circuit import Throw
from hw.twin.senses import Side

EVENTS_MAX = 256  # events; a page of them is already unreadable
TEXT_BYTES_MAX = 256 * 1024  # bytes of a scenario file
BOUNCE_MS_MAX = 20  # ms; 60-reliability
DIP_MS_MAX = 60_000  # ms of a brown-out; a longer one is a cut
CELSIUS = range(-40, 126)  # what parts are made for
PPM = range(-900_000, 1_000_001)  # a crystal from a tenth to double of its rate; ageing is within 100
SUPPLIES = ("link", "drives")
_WITH_K3 = frozenset({"bounce", "open_coil", "mend"})

# What can be done, and the fields that each needs beside `do` and the trigger.
DEEDS: Mapping[str, tuple[str, ...]] = {
    "weld": ("target",),
    "break": ("target",),
    "mend": ("target",),
    "bounce": ("target", "ms"),
    "open_coil": ("target",),
    "short_driver": ("target",),
    "lose_pull": ("target",),
    "short_pump": ("supply",),
    "mend_pump": ("supply",),
    "stick_k3": ("throw",),
    "free_k3": (),
    "pull": ("bay",),
    "insert": ("bay",),
    "stall": ("bay",),
    "unstall": ("bay",),
    "reenumerate": ("bays",),
    "brown_out": ("bays", "ms"),
    "heat": ("celsius",),
    "stick": ("line", "level", "side"),
    "open_sense": ("line", "side"),
    "free": ("line", "side"),
    "press_cut": (),
    "release_cut": (),
    "turn_key": (),
    "release_key": (),
    "hang_controller": (),
    "kill_controller": (),
    "plant_rootkit": (),
    "unplug_serial": (),
    "plug_serial": (),
    "noise": ("bytes",),
    "hold_carrier": (),
    "free_carrier": (),
    "add_interface": (),
    "remove_interface": (),
    "reset_interlock": (),
    "hang_interlock": (),
    "drift": ("ppm",),
    "lose_clock": (),
    "cut_power": (),
}


class ScenarioInvalid(ValueError):
    """The scenario does not say what is to happen; the message names the event."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trigger:
    """After `after_ms` of power, or of the first time in `phase`."""

    after_ms: int
    phase: Phase | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Deed:
    """One fault or act. Fields that `do` does not need hold their defaults."""

    trigger: Trigger
    do: str
    target: str = ""
    throw: Throw = Throw.GAP
    bay: int = 0
    line: str = ""
    level: bool = False
    sides: tuple[Side, ...] = ()
    bytes: int = 0
    ms: int = 0
    supply: str = ""
    bays: tuple[int, ...] = ()
    celsius: int = 0
    ppm: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """Events in the order of the file."""

    deeds: tuple[Deed, ...] = ()


def parse(text: str, *, bays: int) -> Scenario:
    """The scenario in `text`. Raises ScenarioInvalid."""
    if len(text) > TEXT_BYTES_MAX:
        raise ScenarioInvalid("the scenario is too long")
    try:
        top = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ScenarioInvalid(str(error)) from error
    events = top.get("event", [])
    if set(top) - {"event"} or not isinstance(events, list) or len(events) > EVENTS_MAX:
        raise ScenarioInvalid(f"a scenario is a list of at most {EVENTS_MAX} [[event]]")
    return Scenario(deeds=tuple(_deed(event, place, bays) for place, event in enumerate(events, start=1)))


def draw(seed: int, *, bays: int, events: int = 3, within_ms: int = 30_000) -> Scenario:
    """A random scenario; the same for the same arguments. Leaves out what needs processes or a hand."""
    dice = random.Random(seed)  # noqa: S311 - a seed must replay
    deeds = [_drawn(dice, bays, within_ms) for _ in range(dice.randint(0, events))]
    return Scenario(deeds=tuple(deeds))


# What a seed may draw: not what needs processes, and not the carrier, for which the controller stops at once.
_DRAWN = (
    *("weld", "break", "pull", "stick", "press_cut", "hang_controller", "kill_controller", "noise"),
    *("bounce", "open_coil", "short_driver", "short_pump", "lose_pull", "stall", "open_sense", "brown_out"),
    *("unplug_serial", "reset_interlock", "stick_k3", "lose_clock", "release_cut", "free"),
    *("reenumerate", "heat", "hang_interlock", "drift"),
)
_TRIGGER_PHASES = (None, Phase.CONTACT_TEST, Phase.INTAKE, Phase.AIRLOCK, Phase.SEAL)


def _drawn(dice: random.Random, bays: int, within_ms: int) -> Deed:
    do = dice.choice(_DRAWN)
    return Deed(
        trigger=Trigger(after_ms=dice.randrange(within_ms), phase=dice.choice(_TRIGGER_PHASES)),
        do=do,
        target=dice.choice(_targets(bays, do)),
        throw=dice.choice(list(Throw)),
        bay=dice.randint(1, bays),
        line=dice.choice(senses.lines(bays)),
        level=dice.random() < 0.5,  # noqa: PLR2004 - a fair coin
        sides=(Side.INTERLOCK,),
        bytes=dice.randint(1, 2000),
        ms=dice.randint(0, BOUNCE_MS_MAX if do == "bounce" else 500),
        supply=dice.choice(SUPPLIES),
        bays=tuple(dice.sample(range(1, bays + 1), bays if do == "reenumerate" else dice.randint(1, bays))),
        celsius=dice.choice([20, 45, 90]),
        ppm=dice.randint(-200, 200),
    )


def _targets(bays: int, do: str) -> Sequence[str]:
    k3 = ("k3",) if do in _WITH_K3 else ()
    return ("k1", "k2", *k3, *(f"d{bay}" for bay in range(1, bays + 1)))


def _deed(event: object, place: int, bays: int) -> Deed:
    if not isinstance(event, dict):
        raise ScenarioInvalid(f"event {place}: a table is needed")
    do = event.get("do")
    if not isinstance(do, str) or do not in DEEDS:
        raise ScenarioInvalid(f"event {place}: do must be one of {', '.join(DEEDS)}")
    fields = DEEDS[do]
    trigger = _trigger(event, place)
    rest = set(event) - {"do", "at_s", "in_phase", "after_s"}
    if rest - set(fields) or set(fields) - rest - {"side"}:
        raise ScenarioInvalid(f"event {place}: {do} takes {', '.join(fields) or 'nothing more'}")
    try:
        return Deed(
            trigger=trigger,
            do=do,
            target=_one_of(event.get("target", "k1"), _targets(bays, do)),
            throw=Throw(event.get("throw", "gap")),
            bay=_number(event.get("bay", 1), range(1, bays + 1)),
            line=_one_of(event.get("line", "k1_conducting"), senses.lines(bays)),
            level=_truth(event.get("level", False)),
            sides=tuple(Side) if event.get("side", "both") == "both" else (Side(event["side"]),),
            bytes=_number(event.get("bytes", 1), range(1, 65537)),
            ms=_number(event.get("ms", 0), range(BOUNCE_MS_MAX + 1 if do == "bounce" else DIP_MS_MAX + 1)),
            supply=_one_of(event.get("supply", "link"), SUPPLIES),
            bays=_bays(event.get("bays", [1]), bays, every=do == "reenumerate") if "bays" in fields else (),
            celsius=_number(event.get("celsius", 0), CELSIUS),
            ppm=_number(event.get("ppm", 0), PPM),
        )
    except ValueError as error:
        raise ScenarioInvalid(f"event {place}: {error}") from error


def _trigger(event: Mapping[str, object], place: int) -> Trigger:
    if ("at_s" in event) == ("in_phase" in event):
        raise ScenarioInvalid(f"event {place}: either at_s or in_phase is needed")
    seconds = event.get("at_s", event.get("after_s", 0))
    if not isinstance(seconds, int | float) or isinstance(seconds, bool) or not 0 <= seconds < 1 << 31:
        raise ScenarioInvalid(f"event {place}: a time is a number of seconds")
    phase = event.get("in_phase")
    if phase is not None and phase not in Phase.__members__:
        raise ScenarioInvalid(f"event {place}: there is no phase {phase!r}")
    return Trigger(after_ms=round(seconds * 1000), phase=None if phase is None else Phase[str(phase)])


def _one_of(value: object, choice: Sequence[str]) -> str:
    if value not in choice:
        raise ValueError(f"{value!r} is none of {', '.join(choice)}")
    return str(value)


def _number(value: object, choice: range) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value not in choice:
        raise ValueError(f"a number from {choice.start} to {choice.stop - 1} is needed")
    return value


def _bays(value: object, bays: int, *, every: bool) -> tuple[int, ...]:
    if not isinstance(value, list):
        raise ValueError("a list of bays is needed")  # noqa: TRY004 - one family of errors for the file
    found = tuple(_number(bay, range(1, bays + 1)) for bay in value)
    if not found or len(set(found)) != len(found) or (every and len(found) != bays):
        raise ValueError("bays: each once" + (", and all of them" if every else ", at least one"))
    return found


def _truth(value: object) -> bool:
    if not isinstance(value, bool):
        raise ValueError("true or false is needed")  # noqa: TRY004 - one family of errors for the file
    return value
