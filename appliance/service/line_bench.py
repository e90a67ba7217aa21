"""One board whose lines are looked at and tried: what `iwato line` needs of it, emulated or of copper.

Declares no behaviour.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol

from appliance.domain.ids import Bay
from appliance.domain.senses import Senses
from appliance.ports import Clock, Interlock, Link, Relays
from appliance.service.keeper import Keeper
from appliance.service.pulse import Pulsing


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """`senses` reads the controller's own sense lines; `settle_ms` is how long a contact takes to move,
    twice; `carrier_ms` how long the media converter may take to find its link."""

    relays: Relays
    senses: Callable[[], Senses]
    link: Link
    interlock: Interlock
    clock: Clock
    bays: tuple[Bay, ...]
    pulse: Callable[[Keeper], Pulsing]
    settle_ms: int
    carrier_ms: int


class Step(StrEnum):
    """What the test of the lines does, in this order."""

    DARK = "dark"
    K1_ALONE = "k1-alone"
    K2_ALONE = "k2-alone"
    LINK_ALONE = "link-alone"
    DRIVES_ALONE = "drives-alone"
    KEY = "key"
    CONNECT = "connect"
    DARK_AGAIN = "dark-again"


class Question(StrEnum):
    """What a person is asked to look at."""

    LAMP_DARK = "lamp-dark"
    LAMP_LIT = "lamp-lit"
    DRIVES_DARK = "drives-dark"


class Verdict(StrEnum):
    """How a step ended. UNSEEN: as far as measured it passed, but nobody looked."""

    PASSED = "passed"
    UNSEEN = "not looked at"
    SKIPPED = "not asked for"
    REFUSED = "refused by the interlock"
    FAILED = "FAILED"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """`line` by its name ("K1", "drive 3", "carrier", "key"), `side` who says so ("controller", "interlock",
    "eyes"), `live`: what it is, which is not what it should be."""

    line: str
    side: str
    live: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class StepResult:
    """`cause`: the interlock's, where it refused."""

    step: Step
    verdict: Verdict
    findings: tuple[Finding, ...] = ()
    cause: str = ""


class Eyes(Protocol):
    """The person at the bench: is told what happens, looks, and turns the key."""

    def begins(self, step: Step) -> None: ...

    def sees(self, question: Question) -> bool | None:
        """Yes, no, or None where nobody looks."""
        ...

    def turns_key(self, *, turned: bool) -> bool:
        """Ask for the key to be turned, or turned back; False where nobody does."""
        ...

    def ended(self, result: StepResult) -> None: ...


class Lines(Protocol):
    """`iwato line` on one board. The mappings are the commands' JSON. Raises IwatoError."""

    def listed(self) -> Mapping[str, Any]: ...

    def tested(self, eyes: Eyes, *, connect: bool) -> Mapping[str, Any]: ...
