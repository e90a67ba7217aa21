"""What the sense lines show of the circuit, and what is wrong with the lines themselves.

Pure. Mirror contacts tell a contact's true position; a stuck line tells what it is stuck at, to the
interlock, to the controller, or to both.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from hw.channel import Inputs
from hw.profile import BoardProfile, Pins
from hw.twin.circuit import Circuit, Drawn, Throw


class Side(StrEnum):
    """Who reads a line."""

    INTERLOCK = "interlock"
    CONTROLLER = "controller"


@dataclass(slots=True, kw_only=True)
class Network:
    """What is wrong with the network: `interfaces` carry beside the box's own link, which itself may claim
    to carry whatever its supply."""

    carrier_held: bool = False
    interfaces: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Senses:
    """Levels as one side reads them."""

    k1_conducting: bool
    k2_conducting: bool
    k3_on_link: bool
    drives_live: tuple[bool, ...]
    cut_pressed: bool
    key_turned: bool
    controller_supplied: bool


_KINDS = {
    "k1_conducting": "k1",
    "k2_conducting": "k2",
    "k3_on_link": "k3",
    "cut_pressed": "cut",
    "key_turned": "key",
    "controller_supplied": "supply",
}


def open_level(profile: BoardProfile, line: str) -> bool:
    """What a line reads whose wire is open: its pull's level."""
    return _KINDS.get(line, "drives") in profile.open_reads_high


def lines(bays: int) -> tuple[str, ...]:
    """The names under which a line can be stuck."""
    drives = tuple(f"d{bay}_live" for bay in range(1, bays + 1))
    link = ("k1_conducting", "k2_conducting", "k3_on_link")
    return (*link, *drives, "cut_pressed", "key_turned", "controller_supplied")


def read(
    circuit: Circuit,
    drawn: Drawn,
    *,
    key_turned: bool,
    stuck: Mapping[tuple[Side, str], bool | None],
    side: Side,
) -> Senses:
    """The senses as `side` reads them; a line stuck at None is an open wire."""

    def level(name: str, *, true: bool) -> bool:
        if (side, name) not in stuck:
            return true
        level = stuck[side, name]
        return open_level(circuit.profile, name) if level is None else level

    return Senses(
        k1_conducting=level("k1_conducting", true=circuit.k1.conducting),
        k2_conducting=level("k2_conducting", true=circuit.k2.conducting),
        k3_on_link=level("k3_on_link", true=circuit.throw is Throw.LINK),
        drives_live=tuple(
            level(f"d{bay}_live", true=live) for bay, live in enumerate(circuit.drives_live, start=1)
        ),
        cut_pressed=level("cut_pressed", true=drawn.cut_pressed),
        key_turned=level("key_turned", true=key_turned),
        controller_supplied=level("controller_supplied", true=circuit.controller_supplied),
    )


def pin_levels(senses: Senses, pins: Pins) -> int:
    """The controller's input pins as a mask, a bit per BCM number."""
    by_pin = {
        pins.sense_link[0]: senses.k1_conducting,
        pins.sense_link[1]: senses.k2_conducting,
        pins.sense_k3: senses.k3_on_link,
        pins.sense_cut: senses.cut_pressed,
        pins.sense_key: senses.key_turned,
    }
    return sum(1 << pin for pin, high in by_pin.items() if high)


def inputs(circuit: Circuit, read: Senses, network: Network) -> Inputs:
    """All that the controller can read of the board."""
    numbered = tuple(range(1, len(circuit.drives) + 1))
    return Inputs(
        levels=pin_levels(read, circuit.profile.pins),
        carrier=circuit.carrier or network.carrier_held,
        supplied=mask(circuit.drives_live),
        up=mask(circuit.drives_up),
        interfaces=network.interfaces,
        order=() if circuit.bus_order == numbered else circuit.bus_order,
    )


def mask(levels: tuple[bool, ...]) -> int:
    """Bit 0 for the first of `levels`."""
    return sum(1 << index for index, high in enumerate(levels) if high)
