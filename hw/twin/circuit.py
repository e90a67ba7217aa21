"""The box's copper as a pure function: permits, coils, contacts, supplies, senses (20-interlock).

A coil needs the interlock's half (permit through K3's throw) and the controller's half (its GPIO pulls
the low side). Decides nothing and knows no phase; faults are planted with `plant_fault`.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import Enum

from hw.profile import BoardProfile, ContactTiming
from hw.twin import contact
from hw.twin.contact import Relay
from hw.twin.damage import Damage

DRIVE_GONE_MS = -1  # spin-up counter of a drive without supply
ROOM_CELSIUS = 25  # a room


class Throw(Enum):
    """Where K3's changeover contact rests. In the GAP it feeds nothing: break before make."""

    DRIVES = "drives"
    GAP = "gap"
    LINK = "link"


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """What holds the circuit from outside. `gpio` has a bit per BCM number, `drive_mask` bit 0 for bay 1.
    `gpio` is None until the controller's program has made its pins outputs."""

    permit_link: bool = False
    permit_drives: bool = False
    drive_mask: int = 0
    k3_on_link: bool = False
    controller_power: bool = False
    gpio: int | None = 0
    cut_pressed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Circuit:
    """Everything that has a memory in copper. `spin_ms` counts a drive's time with supply, saturating;
    `brown_ms` what is left of a dip of its supply; `bus_order` the bays in the order of their drives' bus."""

    profile: BoardProfile
    k1: Relay = contact.RESTING
    k2: Relay = contact.RESTING
    k3: Relay = contact.RESTING
    k3_stuck: Throw | None = None
    drives: tuple[Relay, ...]
    spin_ms: tuple[int, ...]
    brown_ms: tuple[int, ...]
    bus_order: tuple[int, ...]
    pulled: frozenset[int] = field(default_factory=frozenset)
    damage: Damage = field(default_factory=Damage)
    celsius: int = ROOM_CELSIUS
    link_charge_ms: int = 0
    drives_charge_ms: int = 0
    supply_ms: int = 0
    carrier_ms: int = 0

    @property
    def throw(self) -> Throw:
        if self.k3_stuck is not None:
            return self.k3_stuck
        settled = self.k3.since_ms == contact.LONG_AGO_MS
        if not settled:
            return Throw.GAP
        return Throw.LINK if self.k3.conducting else Throw.DRIVES

    @property
    def link_conducting(self) -> bool:
        """The network path exists: both contacts of the series pair conduct."""
        return self.k1.conducting and self.k2.conducting

    @property
    def drives_live(self) -> tuple[bool, ...]:
        """Supply at each bay."""
        return tuple(
            relay.conducting and not brown for relay, brown in zip(self.drives, self.brown_ms, strict=True)
        )

    @property
    def drives_up(self) -> tuple[bool, ...]:
        """Each bay's drive has spun up and answers on its bus."""
        ready = self.profile.spin_up_ms
        return tuple(
            spun >= ready and bay not in self.pulled and not self.stopped(bay)
            for bay, spun in enumerate(self.spin_ms, start=1)
        )

    def stopped(self, bay: int) -> bool:
        """A drive whose motor stalls, or that has switched itself off because it is too hot."""
        return bay in self.damage.stalled or self.celsius > self.profile.drive_celsius_max

    @property
    def carrier(self) -> bool:
        """The media converter has supply and has found its link."""
        return self.link_conducting and self.carrier_ms >= self.profile.carrier_ms

    @property
    def controller_supplied(self) -> bool:
        return self.supply_ms > 0


def build(profile: BoardProfile, bays: int) -> Circuit:
    """A dead circuit with `bays` drives: nothing energised, nothing charged."""
    if not 1 <= bays <= profile.bays_max:
        raise ValueError(f"this board has 1 to {profile.bays_max} bays")
    return Circuit(
        profile=profile,
        drives=(contact.RESTING,) * bays,
        spin_ms=(DRIVE_GONE_MS,) * bays,
        brown_ms=(0,) * bays,
        bus_order=tuple(range(1, bays + 1)),
    )


def step(circuit: Circuit, drawn: Drawn, dt_ms: int) -> Circuit:
    """The circuit `dt_ms` later under constant outside conditions. Exact when dt_ms <= `due_ms`."""
    assert dt_ms > 0
    if _at_rest(circuit, drawn):
        return circuit
    p = circuit.profile
    moved = [
        contact.step(part.relay, energised=part.coil, dt_ms=dt_ms, timing=part.timing)
        for part in _parts(circuit, drawn)
    ]
    k1, k2, k3, *drives = moved
    link_charge_ms, drives_charge_ms, supply_ms = (
        _charge(left_ms, fed=fed, full=full, dt_ms=dt_ms) for left_ms, fed, full in _charges(circuit, drawn)
    )
    after = replace(
        circuit,
        k1=k1,
        k2=k2,
        k3=k3,
        drives=tuple(drives),
        brown_ms=tuple(max(0, left_ms - dt_ms) for left_ms in circuit.brown_ms),
        link_charge_ms=link_charge_ms,
        drives_charge_ms=drives_charge_ms,
        supply_ms=supply_ms,
    )
    carrier_ms = min(circuit.carrier_ms + dt_ms, p.carrier_ms) if circuit.link_conducting else 0
    return replace(
        after,
        spin_ms=_spun(circuit, after.drives_live, dt_ms),
        carrier_ms=carrier_ms if after.link_conducting else 0,
    )


def due_ms(circuit: Circuit, drawn: Drawn) -> int | None:
    """The longest step that misses nothing; None when nothing moves."""
    if _at_rest(circuit, drawn):
        return None
    p = circuit.profile
    moments = [
        contact.due_ms(part.relay, energised=part.coil, timing=part.timing)
        for part in _parts(circuit, drawn)
    ]
    moments += [p.spin_up_ms - spun for spun in _spinning(circuit)]
    moments += [left_ms for left_ms in circuit.brown_ms if left_ms]
    for charge, fed, _ in _charges(circuit, drawn):
        if fed != (charge > 0):
            moments.append(charge)
    if circuit.link_conducting and circuit.carrier_ms < p.carrier_ms:
        moments.append(p.carrier_ms - circuit.carrier_ms)
    return max(1, min((moment for moment in moments if moment is not None), default=1))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Part:
    """A relay, whether its coil carries current now, and its figures."""

    relay: Relay
    coil: bool
    timing: ContactTiming


def _parts(circuit: Circuit, drawn: Drawn) -> tuple[_Part, ...]:
    """K1, K2, K3, D1 …: a coil needs both halves, K3's throw and the CUT button's contact."""
    p, damage = circuit.profile, circuit.damage
    throw = _throw(circuit, drawn)
    link_rail = circuit.link_charge_ms > 0 and throw is Throw.LINK and not drawn.cut_pressed
    drive_rail = circuit.drives_charge_ms > 0 and throw is Throw.DRIVES and not drawn.cut_pressed
    gpio = drawn.gpio if circuit.controller_supplied else None  # then the external pulls win

    def part(name: str, relay: Relay, rail: bool, pin: int) -> _Part:  # noqa: FBT001 - local
        level = None if gpio is None else bool(gpio >> pin & 1)
        coil = rail and damage.low_side(name, pin_high=level)
        return _Part(relay=relay, coil=coil, timing=_timing(p.relay, damage.bounce_ms(name)))

    k3 = _Part(
        relay=circuit.k3,
        coil=drawn.k3_on_link and "k3" not in damage.open_coils,
        timing=_timing(p.changeover, damage.bounce_ms("k3")),
    )
    drives = (
        part(f"d{bay}", relay, drive_rail and bool(drawn.drive_mask >> bay - 1 & 1), pin)
        for bay, (relay, pin) in enumerate(zip(circuit.drives, p.pins.drives, strict=False), start=1)
    )
    k1 = part("k1", circuit.k1, link_rail, p.pins.link[0])
    k2 = part("k2", circuit.k2, link_rail, p.pins.link[1])
    return k1, k2, k3, *drives


def _timing(sound: ContactTiming, bounce_ms: int | None) -> ContactTiming:
    return sound if bounce_ms is None else replace(sound, bounce_ms=bounce_ms)


def _throw(circuit: Circuit, drawn: Drawn) -> Throw:
    """A changeover whose coil has just changed has left its contact."""
    ordered = drawn.k3_on_link and "k3" not in circuit.damage.open_coils
    if circuit.k3_stuck is None and circuit.k3.energised != ordered:
        return Throw.GAP
    return circuit.throw


def _charges(circuit: Circuit, drawn: Drawn) -> tuple[tuple[int, bool, int], ...]:
    p, shorted = circuit.profile, circuit.damage.shorted_pumps
    return (
        (circuit.link_charge_ms, drawn.permit_link or "link" in shorted, p.permit_decay_ms),
        (circuit.drives_charge_ms, drawn.permit_drives or "drives" in shorted, p.permit_decay_ms),
        (circuit.supply_ms, drawn.controller_power, p.supply_fall_ms),
    )


def _charge(left_ms: int, *, fed: bool, full: int, dt_ms: int) -> int:
    return max(full, 1) if fed else max(0, left_ms - dt_ms)


def _spun(circuit: Circuit, live: tuple[bool, ...], dt_ms: int) -> tuple[int, ...]:
    """How long each drive has been spinning: from anew after every loss, not at all while it is stopped."""
    full = circuit.profile.spin_up_ms
    spun = []
    for bay, (spun_ms, was, now) in enumerate(
        zip(circuit.spin_ms, circuit.drives_live, live, strict=True), start=1
    ):
        if not now:
            spun.append(DRIVE_GONE_MS)
        elif not was or circuit.stopped(bay):
            spun.append(0)
        else:
            spun.append(min(spun_ms + dt_ms, full))
    return tuple(spun)


def _spinning(circuit: Circuit) -> list[int]:
    """Of each drive that is on its way up, how far it is."""
    return [
        spun
        for bay, spun in enumerate(circuit.spin_ms, start=1)
        if 0 <= spun < circuit.profile.spin_up_ms and not circuit.stopped(bay)
    ]


def _at_rest(circuit: Circuit, drawn: Drawn) -> bool:
    """Whether a step of any length would change nothing."""
    p = circuit.profile
    if any(charge != (max(full, 1) if fed else 0) for charge, fed, full in _charges(circuit, drawn)):
        return False
    if _spinning(circuit) or any(circuit.brown_ms):
        return False
    if any(spun > 0 and circuit.stopped(bay) for bay, spun in enumerate(circuit.spin_ms, start=1)):
        return False
    if circuit.link_conducting and circuit.carrier_ms < p.carrier_ms:
        return False
    return all(
        part.relay.energised == part.coil and part.relay.since_ms == contact.LONG_AGO_MS
        for part in _parts(circuit, drawn)
    )
