"""Faults planted in the box: what is broken now, and how a scenario's deeds change it.

Holds damage and hands only; the plant performs what concerns processes and power. Pure apart from being
a mutable record of the present.
"""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace

from hw.twin import contact, damage
from hw.twin.circuit import Circuit
from hw.twin.contact import Relay
from hw.twin.damage import Damage
from hw.twin.scenario import Deed
from hw.twin.senses import Network, Side

INTERFACES_MAX = 9  # networks that somebody may bring along; one is an alarm already


@dataclass(slots=True, kw_only=True)
class Hands:
    """What people and wear do to the box from outside the copper."""

    cut_pressed: bool = False
    key_turned: bool = False
    serial_unplugged: bool = False
    clock_lost: bool = False
    stuck: dict[tuple[Side, str], bool | None] = field(default_factory=dict)  # None: its wire is open
    drift_ppm: int = 0
    network: Network = field(default_factory=Network)


def on_hands(hands: Hands, deed: Deed) -> bool:
    """Perform a deed of hands or lines; False when it is none."""
    match deed.do:
        case "press_cut" | "release_cut":
            hands.cut_pressed = deed.do == "press_cut"
        case "turn_key" | "release_key":
            hands.key_turned = deed.do == "turn_key"
        case "unplug_serial" | "plug_serial":
            hands.serial_unplugged = deed.do == "unplug_serial"
        case "lose_clock":
            hands.clock_lost = True
        case "stick":
            hands.stuck.update({(side, deed.line): deed.level for side in deed.sides})
        case "open_sense":
            hands.stuck.update({(side, deed.line): None for side in deed.sides})
        case "drift":
            hands.drift_ppm = deed.ppm
        case "free":
            for side in deed.sides:
                hands.stuck.pop((side, deed.line), None)
        case _:
            return _on_network(hands.network, deed)
    return True


def _on_network(network: Network, deed: Deed) -> bool:
    match deed.do:
        case "hold_carrier" | "free_carrier":
            network.carrier_held = deed.do == "hold_carrier"
        case "add_interface":
            network.interfaces = min(network.interfaces + 1, INTERFACES_MAX)
        case "remove_interface":
            network.interfaces = max(network.interfaces - 1, 0)
        case _:
            return False
    return True


def on_copper(circuit: Circuit, deed: Deed) -> Circuit | None:
    """The circuit after a deed of contacts and drives; None when it is none."""
    match deed.do:
        case "weld" | "break" | "mend":
            return _on_relay(circuit, deed)
        case "stick_k3":
            return replace(circuit, k3_stuck=deed.throw)
        case "free_k3":
            return replace(circuit, k3_stuck=None)
        case "pull":
            return replace(circuit, pulled=circuit.pulled | {deed.bay})
        case "insert":
            spun = _anew(circuit, {deed.bay})
            return replace(circuit, pulled=circuit.pulled - {deed.bay}, spin_ms=spun)
        case "reenumerate":
            return replace(circuit, bus_order=deed.bays, spin_ms=_anew(circuit, set(deed.bays)))
        case "brown_out":
            dips = tuple(
                max(deed.ms, left_ms) if bay in deed.bays else left_ms
                for bay, left_ms in enumerate(circuit.brown_ms, start=1)
            )
            return replace(circuit, brown_ms=dips)
        case "heat":
            return replace(circuit, celsius=deed.celsius)
        case _:
            broken = _on_damage(circuit.damage, deed)
            return None if broken is None else replace(circuit, damage=broken)


def _on_damage(broken: Damage, deed: Deed) -> Damage | None:
    """The damage after a deed of coils, drivers, pulls and motors; None when it is none."""
    relay = frozenset({deed.target})
    match deed.do:
        case "open_coil":
            return replace(broken, open_coils=broken.open_coils | relay)
        case "short_driver":
            return replace(broken, shorted_drivers=broken.shorted_drivers | relay)
        case "lose_pull":
            return replace(broken, lost_pulls=broken.lost_pulls | relay)
        case "bounce":
            rest = frozenset(item for item in broken.bounces if item[0] != deed.target)
            return replace(broken, bounces=rest | {(deed.target, deed.ms)})
        case "short_pump":
            return replace(broken, shorted_pumps=broken.shorted_pumps | {deed.supply})
        case "mend_pump":
            return replace(broken, shorted_pumps=broken.shorted_pumps - {deed.supply})
        case "stall":
            return replace(broken, stalled=broken.stalled | {deed.bay})
        case "unstall":
            return replace(broken, stalled=broken.stalled - {deed.bay})
        case _:
            return None


def _anew(circuit: Circuit, bays: AbstractSet[int]) -> tuple[int, ...]:
    """Spin-up counters with these drives beginning anew, where they have supply."""
    return tuple(0 if bay in bays and ms >= 0 else ms for bay, ms in enumerate(circuit.spin_ms, start=1))


def _on_relay(circuit: Circuit, deed: Deed) -> Circuit:
    def changed(relay: Relay) -> Relay:
        return contact.damage(
            relay,
            welded=deed.do == "weld" or (relay.welded and deed.do != "mend"),
            broken=deed.do == "break" or (relay.broken and deed.do == "break"),
        )

    if deed.do == "mend":
        circuit = replace(circuit, damage=damage.mended(circuit.damage, deed.target))
    match deed.target:
        case "k1":
            return replace(circuit, k1=changed(circuit.k1))
        case "k3":
            return circuit  # its contact is stick_k3's; only its coil can be mended here
        case "k2":
            return replace(circuit, k2=changed(circuit.k2))
        case _:
            place = int(deed.target.removeprefix("d")) - 1
            drives = list(circuit.drives)
            drives[place] = changed(drives[place])
            return replace(circuit, drives=tuple(drives))
