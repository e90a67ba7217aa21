"""What a board of copper has beside its pins: pulls, pump, relays of several makes, parts, ports.

Values and their reading. Judges nothing (soundness.py) and draws nothing (wiring.py). The emulated board has
none of it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from hw.section import BCM_PINS, ProfileInvalid, Section

PART_NUMBERS_MAX = 64  # references in one line of the list of parts


@dataclass(frozen=True, slots=True, kw_only=True)
class Pulls:
    """What the controller's own pulls do to its pins at power-on. `confirm`: what the bench has to show."""

    up: frozenset[int]
    down: frozenset[int]
    external_ohm: int
    source: str
    confirm: str

    def of(self, pin: int) -> str:
        """`up`, `down`, or `none` for a pin of which nothing is known."""
        if pin in self.up:
            return "up"
        return "down" if pin in self.down else "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pump:
    """The charge pump behind each dynamic output: edges through `coupling_nf` charge `hold_nf`, which
    `bleed_ohm` empties; a transistor with a threshold between two bounds switches the coil supply."""

    coupling_nf: int
    hold_nf: int
    bleed_ohm: int
    tolerance_percent: int
    swing_mv: int
    diodes_min_mv: int
    diodes_max_mv: int
    threshold_min_mv: int
    threshold_max_mv: int
    period_us: int
    source: str

    @property
    def decay_ms(self) -> int:
        """From the last edge until the slowest specimen has let go: the largest hold capacitor and bleed,
        the highest voltage, the lowest threshold, and the half period in which an edge would have come."""
        grown = (1 + self.tolerance_percent / 100) ** 2
        tau_ms = self.hold_nf * 1e-9 * self.bleed_ohm * grown * 1e3
        fall_ms = tau_ms * math.log((self.swing_mv - self.diodes_min_mv) / self.threshold_min_mv)
        return math.ceil(fall_ms + self.period_us / 2000)

    @property
    def trough_mv(self) -> int:
        """The lowest voltage of the weakest specimen while edges come: smallest capacitors and bleed."""
        shrunk = 1 - self.tolerance_percent / 100
        period_s = self.period_us * 1e-6
        load = self.bleed_ohm * shrunk * self.coupling_nf * 1e-9 * shrunk / period_s
        mean_mv = (self.swing_mv - self.diodes_max_mv) * load / (1 + load)
        tau_s = self.hold_nf * 1e-9 * shrunk * self.bleed_ohm * shrunk
        return math.floor(mean_mv * math.exp(-period_s / tau_s))


@dataclass(frozen=True, slots=True, kw_only=True)
class RelayMake:
    """A relay type. Maxima without bounce in ms; `mirror_ms` is when its mirror contact has made again."""

    serves: tuple[str, ...]
    maker: str
    part: str
    operate_ms: int
    release_ms: int
    mirror_ms: int
    bounce_ms: int
    contacts: str
    source: str
    confirm: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A line of the list of parts: why it is there, whence its figures, what the bench has to show."""

    refs: tuple[str, ...]
    what: str
    part: str
    why: str
    source: str
    confirm: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Wired:
    """All of it. `ports`: where each bay's drive appears on the bus. `uart`: transmit, receive."""

    title: str
    use: str
    controller: str
    reason: str
    pulls: Pulls
    pump: Pump
    relays: tuple[RelayMake, ...]
    parts: tuple[Part, ...]
    uart: tuple[int, int]
    reserved: tuple[int, ...]
    bus: str
    ports: tuple[str, ...]
    interlock: dict[str, int]
    confirm: tuple[str, ...]

    def make_of(self, ref: str) -> RelayMake:
        """The relay type of K1, K2, K3 or of a bay, D1 and so on."""
        return next(make for make in self.relays if ref in make.serves)


def read(top: Section) -> Wired:
    """Raises ProfileInvalid."""
    controller, uart = top.section("controller"), top.section("uart")
    bays, interlock = top.section("bays"), top.section("interlock")
    bays.text("source")
    return Wired(
        title=controller.text("title"),
        use=_use(controller),
        controller=controller.text("part"),
        reason=controller.text("why"),
        pulls=_pulls(top.section("pulls")),
        pump=_pump(top.section("pump")),
        relays=tuple(_relay(item) for item in top.sections("relay_make")),
        parts=tuple(_part(item) for item in top.sections("part")),
        uart=uart.pair("pins"),
        reserved=top.section("pulls").pins("reserved", range(1, len(BCM_PINS) + 1)),
        bus=bays.text("bus"),
        ports=bays.texts("ports"),
        interlock={name: interlock.number(name, most=29) for name in INTERLOCK_PINS},
        confirm=top.section("bench").texts("confirm"),
    )


INTERLOCK_PINS = (
    *("uart_tx", "uart_rx", "permit_link", "permit_drives", "sda", "scl", "k3_on_link", "controller_power"),
    *("boot_sealing", "sense_k1", "sense_k2", "sense_k3", "sense_cut", "sense_key", "sense_supply"),
    *("bay_1", "sense_bay_1", "bays"),
)


def _use(section: Section) -> str:
    use = section.text("use")
    if use not in ("production", "bench"):
        raise ProfileInvalid('[controller] use: "production" or "bench" is needed')
    return use


def _pulls(section: Section) -> Pulls:
    every = range(len(BCM_PINS) + 1)
    return Pulls(
        up=frozenset(section.pins("up", every)),
        down=frozenset(section.pins("down", every)),
        external_ohm=section.number("external_ohm", most=1_000_000),
        source=section.text("source"),
        confirm=section.note("confirm"),
    )


def _pump(section: Section) -> Pump:
    pump = Pump(
        coupling_nf=section.number("coupling_nf"),
        hold_nf=section.number("hold_nf"),
        bleed_ohm=section.number("bleed_ohm", most=10_000_000),
        tolerance_percent=section.number("tolerance_percent", most=50),
        swing_mv=section.number("swing_mv"),
        diodes_min_mv=section.number("diodes_min_mv"),
        diodes_max_mv=section.number("diodes_max_mv"),
        threshold_min_mv=section.number("threshold_min_mv"),
        threshold_max_mv=section.number("threshold_max_mv"),
        period_us=section.number("period_us"),
        source=section.text("source"),
    )
    floor = (pump.coupling_nf, pump.hold_nf, pump.bleed_ohm, pump.threshold_min_mv, pump.period_us)
    if not all(floor) or pump.swing_mv - pump.diodes_max_mv <= pump.threshold_max_mv:
        raise ProfileInvalid("[pump] it could never switch: a value is 0, or the swing below the threshold")
    return pump


def _relay(section: Section) -> RelayMake:
    return RelayMake(
        serves=section.texts("serves"),
        maker=section.text("maker"),
        part=section.text("part"),
        operate_ms=section.number("operate_ms"),
        release_ms=section.number("release_ms"),
        mirror_ms=section.number("mirror_ms"),
        bounce_ms=section.number("bounce_ms"),
        contacts=section.text("contacts"),
        source=section.text("source"),
        confirm=section.note("confirm"),
    )


def _part(section: Section) -> Part:
    refs = section.texts("refs")
    if len(refs) > PART_NUMBERS_MAX:
        raise ProfileInvalid(f"[part] {refs[0]}: at most {PART_NUMBERS_MAX} references in one line")
    return Part(
        refs=refs,
        what=section.text("what"),
        part=section.text("part"),
        why=section.text("why"),
        source=section.text("source"),
        confirm=section.note("confirm"),
    )
