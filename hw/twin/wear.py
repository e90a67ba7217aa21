"""Damage that outlives a power cycle: welded contacts, pulled drives, stuck lines, in one file.

A welded contact that conducted when the power went conducts when it returns. The clock and the
interlock's memory are elsewhere (memory.py); hands on buttons are not kept.
"""

from __future__ import annotations

import json
import os
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from hw.twin import kept_file
from hw.twin.circuit import Circuit, Throw
from hw.twin.contact import Relay
from hw.twin.damage import Damage
from hw.twin.faults import Hands
from hw.twin.kept_file import KeptInvalid
from hw.twin.senses import Side

NAME = "damage.json"
BYTES_MAX = 64 << 10  # bytes; the file of a box with everything broken has 2 KB


class Wear:
    """Keeps the damage in `folder`/damage.json; no file is a sound box."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / NAME
        self._kept = ""

    def load(self, circuit: Circuit, hands: Hands) -> Circuit:
        """The circuit as it was left; `hands` gets its stuck lines. Raises KeptInvalid."""
        try:
            content = kept_file.read(self._path, BYTES_MAX)
        except FileNotFoundError:
            return circuit
        try:
            self._kept = content.decode()
            return _from_text(self._kept, circuit, hands)
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise KeptInvalid(f"{self._path}: {error}") from error

    def save(self, circuit: Circuit, hands: Hands) -> None:
        """Write what is broken, when it is not what the file says already."""
        text = _to_text(circuit, hands)
        if text == self._kept:
            return
        fresh = self._path.with_suffix(".new")
        fresh.write_text(text, encoding="utf-8")
        os.replace(fresh, self._path)  # noqa: PTH105 - one atomic step, said by its name
        self._kept = text


def _to_text(circuit: Circuit, hands: Hands) -> str:
    relays = {"k1": circuit.k1, "k2": circuit.k2, "k3": circuit.k3}
    relays |= {f"d{bay}": relay for bay, relay in enumerate(circuit.drives, start=1)}
    damage = {
        "relays": {
            name: {
                "welded": relay.welded,
                "broken": relay.broken,
                "conducting": relay.welded and relay.conducting,
            }
            for name, relay in relays.items()
            if relay.welded or relay.broken
        },
        "k3_stuck": circuit.k3_stuck.value if circuit.k3_stuck is not None else "",
        "pulled": sorted(circuit.pulled),
        "stuck": [[side.value, line, level] for (side, line), level in _by_name(hands.stuck)],
        "clock_lost": hands.clock_lost,
        "drift_ppm": hands.drift_ppm,
        "copper": _broken(circuit.damage),
    }
    return json.dumps(damage, indent=1, sort_keys=True) + "\n"


def _from_text(text: str, circuit: Circuit, hands: Hands) -> Circuit:
    damage = json.loads(text)
    relays = damage["relays"]
    hands.stuck = {
        (Side(side), str(line)): None if level is None else bool(level)
        for side, line, level in damage["stuck"]
    }
    hands.clock_lost = bool(damage["clock_lost"])
    hands.drift_ppm = int(damage.get("drift_ppm", 0))
    return replace(
        circuit,
        k1=_relay(circuit.k1, relays.get("k1")),
        k2=_relay(circuit.k2, relays.get("k2")),
        k3=_relay(circuit.k3, relays.get("k3")),
        drives=tuple(
            _relay(relay, relays.get(f"d{bay}")) for bay, relay in enumerate(circuit.drives, start=1)
        ),
        k3_stuck=Throw(damage["k3_stuck"]) if damage["k3_stuck"] else None,
        pulled=frozenset(int(bay) for bay in damage["pulled"]),
        damage=_copper(damage.get("copper", {})),
    )


def _by_name(stuck: dict[tuple[Side, str], bool | None]) -> list[tuple[tuple[Side, str], bool | None]]:
    return sorted(stuck.items(), key=lambda item: item[0])


def _broken(damage: Damage) -> dict[str, list[object]]:
    """The lists that are not empty."""
    lists = {field.name: sorted(getattr(damage, field.name)) for field in fields(Damage)}
    return {name: items for name, items in lists.items() if items}


def _copper(kept: dict[str, list[Any]]) -> Damage:
    """As `_broken` wrote it; a file of an older version has none."""
    return Damage(
        open_coils=frozenset(str(name) for name in kept.get("open_coils", ())),
        shorted_drivers=frozenset(str(name) for name in kept.get("shorted_drivers", ())),
        shorted_pumps=frozenset(str(name) for name in kept.get("shorted_pumps", ())),
        lost_pulls=frozenset(str(name) for name in kept.get("lost_pulls", ())),
        bounces=frozenset((str(name), int(ms)) for name, ms in kept.get("bounces", ())),
        stalled=frozenset(int(bay) for bay in kept.get("stalled", ())),
    )


def _relay(relay: Relay, kept: dict[str, bool] | None) -> Relay:
    if kept is None:
        return relay
    return replace(
        relay,
        welded=bool(kept["welded"]),
        broken=bool(kept["broken"]),
        conducting=bool(kept["conducting"]),
    )
