"""The box's phases, lines and what was measured of them: words only, no transitions (window/phase.py)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Phase(StrEnum):
    """What the box is doing, as the interlock says it (10-architecture)."""

    UNKNOWN = "UNKNOWN"
    ISOLATED = "ISOLATED"
    CONTACT_TEST = "CONTACT_TEST"
    INTAKE = "INTAKE"
    AIRLOCK = "AIRLOCK"
    SEAL = "SEAL"
    SCRUB = "SCRUB"
    RECOVERY = "RECOVERY"
    SECURED = "SECURED"
    FAULT = "FAULT"


class Medium(StrEnum):
    """Which medium the controller booted from; the interlock selects it."""

    INTAKE = "intake"
    SEALING = "sealing"


@dataclass(frozen=True, slots=True, kw_only=True)
class Lines:
    """One level per line, either as ordered or as measured. `drives` by bay, first bay first."""

    link: bool
    drives: tuple[bool, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class InterlockStatus:
    """The interlock's answer to a heartbeat. Times in seconds; `unix_s` is the interlock's own clock."""

    phase: Phase
    cause: str
    ordered: Lines
    measured: Lines
    unix_s: int
    window_number: int
    next_window_s: int
    window_ends_s: int
    link_left_s: int
    drives_left_s: int
    gap_left_s: int
    exposure_used_s: int
    refused: int
    policy_version: int
    log_size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class BootFacts:
    """What the interlock tells a controller that has just started; all that a drive phase may trust."""

    phase: Phase
    medium: Medium
    session_nonce: bytes
    policy_version: int
    policy_hash: bytes
    log_size: int
    log_root: bytes
    last_leaf: bytes
    unix_s: int
    window_number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Cosignature:
    """The witness's answer for one leaf: the tree's new size and root, its time and its signature
    over the C2SP cosignature/v1 message."""

    size: int
    root: bytes
    unix_s: int
    signature: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What someone in front of the box sees: measured beside ordered, with the age of the
    measurement. `phase_left_s` until the interlock cuts what is live now, `window_left_s` until the
    window's end; 0 outside. `fault` is the first cause of a latched fault, or empty;
    `secured`: by a person."""

    phase: Phase
    ordered: Lines
    measured: Lines
    unix_s: int
    age_ms: int
    phase_left_s: int = 0
    window_left_s: int = 0
    fault: str = ""
    secured: bool = False

    @property
    def isolated(self) -> bool:
        """The network path does not conduct, as measured."""
        return not self.measured.link

    @property
    def confirmed(self) -> bool:
        """What is measured is what was ordered."""
        return self.measured == self.ordered and not self.fault


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """What a run of the box amounted to, measured by the plant. `both_ms` is the time that link and
    drives were live together; more than 0 is a violation of the airlock (I3)."""

    link_ms: int = 0
    drives_ms: int = 0
    both_ms: int = 0
    refused: int = 0

    def __add__(self, other: Totals) -> Totals:
        return Totals(
            link_ms=self.link_ms + other.link_ms,
            drives_ms=self.drives_ms + other.drives_ms,
            both_ms=self.both_ms + other.both_ms,
            refused=self.refused + other.refused,
        )
