"""The box's copper as a pure function: permits, coils, contacts, supplies, senses (20-interlock).

A coil needs the interlock's half (permit through K3's throw) and the controller's half (its GPIO pulls
the low side). Decides nothing and knows no phase; faults are planted with `plant_fault`.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import Enum

from hw.profile import BoardProfile
from hw.twin import contact
from hw.twin.contact import Relay

DRIVE_GONE_MS = -1  # spin-up counter of a drive without supply


class Throw(Enum):
    """Where K3's changeover contact rests. In the GAP it feeds nothing: break before make."""

    DRIVES = "drives"
    GAP = "gap"
    LINK = "link"


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """What holds the circuit from outside. `gpio` has a bit per BCM number, `drive_mask` bit 0 for bay 1."""

    permit_link: bool = False
    permit_drives: bool = False
    drive_mask: int = 0
    k3_on_link: bool = False
    controller_power: bool = False
    gpio: int = 0
    cut_pressed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Circuit:
    """Everything that has a memory in copper. `spin_ms` counts a drive's time with supply, saturating."""

    profile: BoardProfile
    k1: Relay = contact.RESTING
    k2: Relay = contact.RESTING
    k3: Relay = contact.RESTING
    k3_stuck: Throw | None = None
    drives: tuple[Relay, ...]
    spin_ms: tuple[int, ...]
    pulled: frozenset[int] = field(default_factory=frozenset)
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
        return tuple(relay.conducting for relay in self.drives)

    @property
    def drives_up(self) -> tuple[bool, ...]:
        """Each bay's drive has spun up and answers on its bus."""
        ready = self.profile.spin_up_ms
        return tuple(
            spun >= ready and bay not in self.pulled for bay, spun in enumerate(self.spin_ms, start=1)
        )

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
    return Circuit(profile=profile, drives=(contact.RESTING,) * bays, spin_ms=(DRIVE_GONE_MS,) * bays)


def step(circuit: Circuit, drawn: Drawn, dt_ms: int) -> Circuit:
    """The circuit `dt_ms` later under constant outside conditions. Exact when dt_ms <= `due_ms`."""
    assert dt_ms > 0
    if _at_rest(circuit, drawn):
        return circuit
    p = circuit.profile
    coils = _coils(circuit, drawn)
    k1 = contact.step(circuit.k1, energised=coils.k1, dt_ms=dt_ms, timing=p.relay)
    k2 = contact.step(circuit.k2, energised=coils.k2, dt_ms=dt_ms, timing=p.relay)
    k3 = contact.step(circuit.k3, energised=drawn.k3_on_link, dt_ms=dt_ms, timing=p.changeover)
    drives = tuple(
        contact.step(relay, energised=coil, dt_ms=dt_ms, timing=p.relay)
        for relay, coil in zip(circuit.drives, coils.drives, strict=True)
    )
    linked = k1.conducting and k2.conducting
    link_charge_ms, drives_charge_ms, supply_ms = (
        _charge(left_ms, fed=fed, full=full, dt_ms=dt_ms) for left_ms, fed, full in _charges(circuit, drawn)
    )
    return replace(
        circuit,
        k1=k1,
        k2=k2,
        k3=k3,
        drives=drives,
        spin_ms=tuple(
            _spin(spun, was_live=was.conducting, live=now.conducting, full=p.spin_up_ms, dt_ms=dt_ms)
            for spun, was, now in zip(circuit.spin_ms, circuit.drives, drives, strict=True)
        ),
        link_charge_ms=link_charge_ms,
        drives_charge_ms=drives_charge_ms,
        supply_ms=supply_ms,
        carrier_ms=min(circuit.carrier_ms + dt_ms, p.carrier_ms) if linked and circuit.link_conducting else 0,
    )


def due_ms(circuit: Circuit, drawn: Drawn) -> int | None:
    """The longest step that misses nothing; None when nothing moves."""
    if _at_rest(circuit, drawn):
        return None
    p = circuit.profile
    coils = _coils(circuit, drawn)
    relays = [(circuit.k1, coils.k1), (circuit.k2, coils.k2), *zip(circuit.drives, coils.drives, strict=True)]
    moments = [contact.due_ms(relay, energised=coil, timing=p.relay) for relay, coil in relays]
    moments.append(contact.due_ms(circuit.k3, energised=drawn.k3_on_link, timing=p.changeover))
    moments += [p.spin_up_ms - spun for spun in circuit.spin_ms if 0 <= spun < p.spin_up_ms]
    for charge, fed, _ in _charges(circuit, drawn):
        if fed != (charge > 0):
            moments.append(charge)
    if circuit.link_conducting and circuit.carrier_ms < p.carrier_ms:
        moments.append(p.carrier_ms - circuit.carrier_ms)
    return max(1, min((moment for moment in moments if moment is not None), default=1))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Coils:
    k1: bool
    k2: bool
    drives: tuple[bool, ...]


def _coils(circuit: Circuit, drawn: Drawn) -> _Coils:
    """Which coils carry current now: both halves, K3's throw and the CUT button's contact."""
    pins = circuit.profile.pins
    gpio = drawn.gpio if circuit.controller_supplied else 0  # without supply the external pulls win
    throw = _throw(circuit, drawn)
    link_rail = circuit.link_charge_ms > 0 and throw is Throw.LINK and not drawn.cut_pressed
    drive_rail = circuit.drives_charge_ms > 0 and throw is Throw.DRIVES and not drawn.cut_pressed
    return _Coils(
        k1=link_rail and bool(gpio >> pins.link[0] & 1),
        k2=link_rail and bool(gpio >> pins.link[1] & 1),
        drives=tuple(
            drive_rail and bool(drawn.drive_mask >> index & 1) and bool(gpio >> pin & 1)
            for index, pin in zip(range(len(circuit.drives)), pins.drives, strict=False)
        ),
    )


def _throw(circuit: Circuit, drawn: Drawn) -> Throw:
    """A changeover whose coil has just changed has left its contact."""
    if circuit.k3_stuck is None and circuit.k3.energised != drawn.k3_on_link:
        return Throw.GAP
    return circuit.throw


def _charges(circuit: Circuit, drawn: Drawn) -> tuple[tuple[int, bool, int], ...]:
    p = circuit.profile
    return (
        (circuit.link_charge_ms, drawn.permit_link, p.permit_decay_ms),
        (circuit.drives_charge_ms, drawn.permit_drives, p.permit_decay_ms),
        (circuit.supply_ms, drawn.controller_power, p.supply_fall_ms),
    )


def _charge(left_ms: int, *, fed: bool, full: int, dt_ms: int) -> int:
    return max(full, 1) if fed else max(0, left_ms - dt_ms)


def _spin(spun_ms: int, *, was_live: bool, live: bool, full: int, dt_ms: int) -> int:
    if not live:
        return DRIVE_GONE_MS
    return min(spun_ms + dt_ms, full) if was_live else 0


def _at_rest(circuit: Circuit, drawn: Drawn) -> bool:
    """Whether a step of any length would change nothing."""
    p = circuit.profile
    if any(charge != (max(full, 1) if fed else 0) for charge, fed, full in _charges(circuit, drawn)):
        return False
    if any(0 <= spun < p.spin_up_ms for spun in circuit.spin_ms):
        return False
    if circuit.link_conducting and circuit.carrier_ms < p.carrier_ms:
        return False
    coils = _coils(circuit, drawn)
    pairs = [
        (circuit.k1, coils.k1),
        (circuit.k2, coils.k2),
        (circuit.k3, drawn.k3_on_link),
        *zip(circuit.drives, coils.drives, strict=True),
    ]
    return all(relay.energised == coil and relay.since_ms == contact.LONG_AGO_MS for relay, coil in pairs)
