"""A board profile: which pin is which, how contacts behave, how long things take.

Reads `boards/*.toml` into one frozen value and checks it; drives nothing. The numbers' sources stand
in the files, beside the numbers (20-interlock, electrical model).
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path

from hw import soundness, wired
from hw.section import BCM_PINS, ProfileInvalid, Section
from hw.wired import Wired

BOARDS = Path(__file__).parent / "boards"
CARRIER = Path(__file__).parent / "carrier.toml"
SENSES = ("k1", "k2", "k3", "drives", "cut", "key", "supply")  # kinds of sense lines
PROFILE_BYTES_MAX = 64 * 1024  # a profile is two pages of text

__all__ = ["BoardProfile", "ContactTiming", "Pins", "ProfileInvalid", "input_names", "load", "names",
           "output_names", "parse"]


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
    (SENSES) whose pull makes an open wire read high. `wired`: what a board of copper has beside, None for the
    emulated one."""

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
    wired: Wired | None = None

    @property
    def bays_max(self) -> int:
        return len(self.pins.drives)

    @property
    def production(self) -> bool:
        """Whether a box may be built with it: a board of copper, without a radio, meant for that."""
        return not self.radio and self.wired is not None and self.wired.use == "production"


def parse(text: str, carrier: str = "") -> BoardProfile:
    """A profile from the text of its file, which lies on top of the carrier's. Raises ProfileInvalid."""
    try:
        values = tomllib.loads(text)
        top = Section(_over(tomllib.loads(carrier), values), "top")
    except tomllib.TOMLDecodeError as error:
        raise ProfileInvalid(str(error)) from error
    uart = top.section("uart")
    copper = None if top.truth("emulated") else wired.read(top)
    relay, changeover = _timings(top, copper)
    profile = BoardProfile(
        name=top.text("name"),
        emulated=top.truth("emulated"),
        radio=top.truth("radio"),
        pins=_pins(top.section("pins")),
        relay=relay,
        changeover=changeover,
        permit_decay_ms=top.section("permit").number("decay_ms"),
        spin_up_ms=top.section("drive").number("spin_up_ms"),
        drive_celsius_max=top.section("drive").number("celsius_max", most=125),
        carrier_ms=top.section("converter").number("carrier_ms"),
        supply_fall_ms=top.section("controller").number("supply_fall_ms"),
        uart_bytes_per_ms=uart.number("bytes_per_ms"),
        uart_queue_bytes=uart.number("queue_bytes", most=1 << 20),
        open_reads_high=top.section("sense").names("open_reads_high", SENSES),
        wired=copper,
    )
    for section in _SOURCED:
        top.section(section).text("source")
    _check(profile)
    return profile


_SOURCED = ("pins", "sense", "permit", "drive", "converter", "controller", "uart", "interlock")


def load(name: str) -> BoardProfile:
    """The profile `boards/<name>.toml`. Raises ProfileInvalid, also for a name that there is not."""
    if not name.isidentifier():
        raise ProfileInvalid(f"{name!r} is not the name of a board")
    path = BOARDS / f"{name}.toml"
    if not path.is_file() or path.stat().st_size > PROFILE_BYTES_MAX:
        raise ProfileInvalid(f"there is no board profile {name}")
    text = path.read_text(encoding="utf-8")
    return parse(text, "" if name == "emulated" else CARRIER.read_text(encoding="utf-8"))


def names() -> tuple[str, ...]:
    """The boards that there are."""
    return tuple(sorted(path.stem for path in BOARDS.glob("*.toml")))


def _over(below: dict[str, object], above: dict[str, object]) -> dict[str, object]:
    """Both, table by table; where both say something, `above` holds."""
    merged = dict(below)
    for key, value in above.items():
        under = below.get(key)
        merged[key] = {**under, **value} if isinstance(under, dict) and isinstance(value, dict) else value
    return merged


def _timings(top: Section, copper: Wired | None) -> tuple[ContactTiming, ContactTiming]:
    """Of K1, K2 and the bays together (the slowest), and of K3."""
    if copper is None:
        return _timing(top.section("relay")), _timing(top.section("changeover"))
    lines = [make for make in copper.relays if set(make.serves) - {"K3"}]
    throws = [make for make in copper.relays if "K3" in make.serves]
    return _slowest(lines), _slowest(throws)


def _timing(section: Section) -> ContactTiming:
    section.text("source")
    return ContactTiming(
        operate_ms=section.number("operate_ms"),
        release_ms=section.number("release_ms"),
        bounce_ms=section.optional("bounce_ms", most=20),
    )


def _slowest(makes: list[wired.RelayMake]) -> ContactTiming:
    return ContactTiming(
        operate_ms=max((make.operate_ms for make in makes), default=0),
        release_ms=max((make.release_ms for make in makes), default=0),
        bounce_ms=max((make.bounce_ms for make in makes), default=0),
    )


def _pins(section: Section) -> Pins:
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
    if profile.permit_decay_ms >= soundness.DECAY_MS_MAX:
        raise ProfileInvalid("[permit] decay_ms: a stopped output must be dead within 50 ms")
    if not profile.uart_bytes_per_ms or not profile.uart_queue_bytes:
        raise ProfileInvalid("[uart] a serial line that carries nothing")
    if profile.wired is None:
        return
    timing = soundness.Timing(decay_ms=profile.permit_decay_ms, supply_fall_ms=profile.supply_fall_ms)
    found = soundness.findings(
        profile.wired,
        outputs=output_names(profile.pins),
        inputs=input_names(profile.pins),
        radio=profile.radio,
        timing=timing,
    )
    for finding in found:
        raise ProfileInvalid(finding)


def output_names(pins: Pins) -> dict[str, int]:
    """What switches which coil's low side."""
    bays = {f"D{bay}": pin for bay, pin in enumerate(pins.drives, start=1)}
    return {"K1": pins.link[0], "K2": pins.link[1], **bays}


def input_names(pins: Pins) -> dict[str, int]:
    """What the controller reads."""
    k1, k2 = pins.sense_link
    return {
        "sense K1": k1,
        "sense K2": k2,
        "sense K3": pins.sense_k3,
        "sense CUT": pins.sense_cut,
        "sense key": pins.sense_key,
    }
