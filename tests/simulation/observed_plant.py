"""The plant with a bystander: after every step of the box it looks at the copper and judges.

Trusts nothing but measured lines, the interlock's outputs and the wall clock. Knows which faults of the
copper were planted: a welded contact is allowed to conduct, not to be followed by a connection.
"""

from __future__ import annotations

from dataclasses import dataclass

from firmware.wire.codes import Phase
from hw.twin.plant import Plant

LINK_PHASES = frozenset({Phase.CONTACT_TEST, Phase.INTAKE})
DRIVE_PHASES = frozenset({Phase.AIRLOCK, Phase.SEAL, Phase.SCRUB, Phase.RECOVERY})
RELEASE_MS = 200  # ms; permit decay, release and bounce together, x2
DAY_S = 86_400
CLOCK_S = 1  # s; the interlock looks at its clock once a tick and counts in whole seconds
OFF_MS = 10_000  # ms without supply after which a key is gone from memory


class Violation(AssertionError):
    """An invariant does not hold; the first word of the message is its name."""


@dataclass(slots=True)
class Bystander:
    """What has to be remembered between two looks."""

    link_unfed_ms: int = 0
    drives_unfed_ms: int = 0
    key_in_memory: bool = False
    unpowered_ms: int = 0
    was_powered: bool = False


class ObservedPlant(Plant):
    """See the module."""

    bystander: Bystander | None = None

    def _step(self, most_ms: int) -> int:
        dt_ms = super()._step(most_ms)
        if self.bystander is None:
            self.bystander = Bystander(key_in_memory=self.device.state.fram.recovery_latched)
        self._judge_orders()
        self._judge_copper(self.bystander, dt_ms)
        self._judge_key(self.bystander, dt_ms)
        return dt_ms

    def _judge_orders(self) -> None:
        """I1: coil supply is ordered in its phase only, for the link inside the window's link half."""
        drive, state = self.device.drive, self.device.state
        if drive.permit_link:
            must("I1", self.phase in LINK_PHASES, f"link supply in {self.phase.name}")
            must("I1", not state.fram.fault and not state.fram.secured, "link supply with a latched fault")
            must("I1", self._in_link_half(), "link supply outside a window's link half")
        if drive.permit_drives:
            must("I1", self.phase in DRIVE_PHASES, f"drive supply in {self.phase.name}")
        must("I3", not (drive.permit_link and drive.permit_drives), "both supplies ordered")

    def _in_link_half(self) -> bool:
        """By the wall clock, a second either way."""
        policy = self.device.state.fram.policy
        now_s = self.unix_ms / 1000
        for window in () if policy is None else policy.windows:
            begin_s = window.slot.begin_s - window.slot.offset_s - CLOCK_S
            if (now_s - begin_s) % DAY_S <= window.link_s + 2 * CLOCK_S:
                return True
        return False

    def _judge_copper(self, seen: Bystander, dt_ms: int) -> None:
        """I2: a line without coil supply falls, but for a weld. I3 is the plant's own `stop_at_both`."""
        circuit = self.circuit
        fed = circuit.link_charge_ms > 0 or circuit.k1.welded or circuit.k2.welded
        seen.link_unfed_ms = 0 if fed or not circuit.link_conducting else seen.link_unfed_ms + dt_ms
        must("I2", seen.link_unfed_ms <= RELEASE_MS, "the link conducts without coil supply")
        orphans = [relay for relay in circuit.drives if relay.conducting and not relay.welded]
        fed = circuit.drives_charge_ms > 0 or not orphans
        seen.drives_unfed_ms = 0 if fed else seen.drives_unfed_ms + dt_ms
        must("I2", seen.drives_unfed_ms <= RELEASE_MS, "drives are live without coil supply")

    def _judge_key(self, seen: Bystander, dt_ms: int) -> None:
        """I4: from RECOVERY until the controller was without supply for 10 s nothing boots and there is
        no link; a power cut in between changes nothing, because supply may have been away for a moment."""
        powered = self.circuit.controller_supplied
        if self.phase is Phase.RECOVERY and powered:
            seen.key_in_memory = True
        elif seen.key_in_memory:
            must("I4", seen.was_powered or not powered, f"a boot {seen.unpowered_ms} ms after a key was held")
            must("I4", not self.circuit.link_conducting, "the link conducts while a key may be in memory")
            must("I4", not self.device.drive.permit_link, "link supply while a key may be in memory")
        seen.unpowered_ms = 0 if powered else seen.unpowered_ms + dt_ms
        seen.was_powered = powered
        if seen.unpowered_ms >= OFF_MS:
            seen.key_in_memory = False


def must(name: str, holds: object, what: str) -> None:
    """Raise Violation unless it holds."""
    if not holds:
        raise Violation(f"{name} {what}")
