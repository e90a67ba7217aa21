"""What is broken in the copper beyond its contacts: coils, drivers, pulls, motors. Values only.

A relay is named "k1", "k2", "k3", "d1" …; a coil supply is named "link" or "drives".
"""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True, kw_only=True)
class Damage:
    """`open_coils`: never pull in. `shorted_drivers`: the low side conducts whatever the pin says.
    `shorted_pumps`: a coil supply that is fed without its permit. `lost_pulls`: a pin that nobody drives
    floats high. `bounces`: (relay, ms) of a worn contact. `stalled`: bays whose drive does not spin up."""

    open_coils: frozenset[str] = frozenset()
    shorted_drivers: frozenset[str] = frozenset()
    shorted_pumps: frozenset[str] = frozenset()
    lost_pulls: frozenset[str] = frozenset()
    bounces: frozenset[tuple[str, int]] = frozenset()
    stalled: frozenset[int] = frozenset()

    def low_side(self, relay: str, *, pin_high: bool | None) -> bool:
        """Whether the low side of a coil conducts; `pin_high` is None while nobody drives the pin."""
        high = relay in self.lost_pulls if pin_high is None else pin_high
        return relay not in self.open_coils and (high or relay in self.shorted_drivers)

    def bounce_ms(self, relay: str) -> int | None:
        """A worn contact's bounce; None for a sound one."""
        return next((ms for name, ms in self.bounces if name == relay), None)


def mended(damage: Damage, relay: str) -> Damage:
    """Everything of one relay is sound again."""
    return replace(
        damage,
        open_coils=damage.open_coils - {relay},
        shorted_drivers=damage.shorted_drivers - {relay},
        lost_pulls=damage.lost_pulls - {relay},
        bounces=frozenset(item for item in damage.bounces if item[0] != relay),
    )
