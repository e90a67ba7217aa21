"""What the controller's own sense lines show: words only."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Senses:
    """True contacts, as wired (a broken wire reads as what forbids). `drives` by bay, first bay first: True
    where the controller sees supply or a drive, False where it sees that there is no supply, None where it
    cannot tell: an empty bay and a dead one look the same on a bus."""

    k1_conducting: bool
    k2_conducting: bool
    k3_on_link: bool
    cut_pressed: bool
    key_turned: bool
    drives: tuple[bool | None, ...]

    @property
    def link(self) -> bool:
        """Both contacts of the series pair conduct."""
        return self.k1_conducting and self.k2_conducting
