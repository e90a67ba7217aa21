"""Faults planted in the box: what is broken now, and how a scenario's deeds change it.

Holds damage and hands only; the plant performs what concerns processes and power. Pure apart from being
a mutable record of the present.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from hw.twin import contact
from hw.twin.circuit import Circuit
from hw.twin.contact import Relay
from hw.twin.scenario import Deed
from hw.twin.senses import Side


@dataclass(slots=True, kw_only=True)
class Hands:
    """What people and wear do to the box from outside the copper."""

    cut_pressed: bool = False
    key_turned: bool = False
    serial_unplugged: bool = False
    clock_lost: bool = False
    stuck: dict[tuple[Side, str], bool] = field(default_factory=dict)


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
        case "free":
            for side in deed.sides:
                hands.stuck.pop((side, deed.line), None)
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
            spun = tuple(
                0 if bay == deed.bay and ms >= 0 else ms for bay, ms in enumerate(circuit.spin_ms, start=1)
            )
            return replace(circuit, pulled=circuit.pulled - {deed.bay}, spin_ms=spun)
        case _:
            return None


def _on_relay(circuit: Circuit, deed: Deed) -> Circuit:
    def changed(relay: Relay) -> Relay:
        return contact.damage(
            relay,
            welded=deed.do == "weld" or (relay.welded and deed.do != "mend"),
            broken=deed.do == "break" or (relay.broken and deed.do == "break"),
        )

    match deed.target:
        case "k1":
            return replace(circuit, k1=changed(circuit.k1))
        case "k2":
            return replace(circuit, k2=changed(circuit.k2))
        case _:
            place = int(deed.target.removeprefix("d")) - 1
            drives = list(circuit.drives)
            drives[place] = changed(drives[place])
            return replace(circuit, drives=tuple(drives))
