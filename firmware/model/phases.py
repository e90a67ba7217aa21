"""The interlock's phase machine: one literal table (PROTOCOL 5.1).

`turn(phase, event)` looks a pair up. An unlisted pair of the interlock's own events is a latched
FAULT; an unlisted *request* is merely refused, because a hostile controller must not be able to
latch anything. RELEASED comes with an order of k holders, never from the controller alone. Starts in UNKNOWN.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from firmware.wire.codes import Phase


class Turn(StrEnum):
    """What can make the phase change."""

    # The interlock's own.
    PROVEN = "all dark, controller restarted"
    PROVEN_SECURED = "all dark, controller restarted, SECURED is set"
    PROVEN_FAULT = "all dark, controller restarted, a fault is latched"
    TEST_PASSED = "each contact seen dark, alone and together"
    TEST_FAILED = "the contact test's time is over"
    LINK_HALF_OVER = "link half over"
    BUDGET_SPENT = "exposure budget spent"
    TIME_OVER = "window, slot or order over"
    HEARTBEAT_LOST = "heartbeat lost"
    CONTROLLER_SILENT = "no beat after the restart"
    CLOCK_LOST = "clock lost"
    KEY_RELEASED = "key switch turned back"
    OTHER_LIVE = "a line of the other side is live"
    CUT_PRESSED = "CUT pressed"
    CUT_HELD = "CUT held"  # pressing it has ended every live phase long before
    RESTARTED_SEAL = "controller restarted for SEAL"
    RESTARTED_SCRUB = "controller restarted for SCRUB"
    RESTARTED_RECOVERY = "controller restarted for RECOVERY"
    RESTARTED_ISOLATED = "controller restarted"
    RESTARTED_SECURED = "controller restarted, SECURED is set"
    BROKEN = "sense against order"
    RELEASED = "a quorum releases"
    # Requests of the controller.
    ASKS_INTAKE = "controller asks for INTAKE"
    ASKS_SEAL = "controller asks for SEAL"
    ASKS_SCRUB = "controller asks for SCRUB"
    ASKS_RECOVERY = "controller asks for RECOVERY"
    ASKS_ISOLATED = "controller asks for ISOLATED"
    ASKS_SECURED = "controller asks for SECURED"
    DONE = "controller says done"


class Act(StrEnum):
    """What is done on the way. Levels of outputs are no acts: levels.py derives them from the state."""

    BEGIN_LINK = "begin exposure"
    END_LINK = "end exposure"
    COUNT_TEST = "count failed test"
    BEGIN_DRIVE_HALF = "begin drive half"
    LEAD_TO_SEAL = "restart for SEAL"
    LEAD_TO_SCRUB = "restart for SCRUB"
    LEAD_TO_RECOVERY = "restart for RECOVERY"
    LEAD_TO_ISOLATED = "restart"
    LATCH_RECOVERY = "latch recovery"
    LATCH_SECURED = "latch SECURED"
    LATCH_FAULT = "latch fault"
    UNLATCH = "clear SECURED and fault"


Row = tuple[Phase, tuple[Act, ...]]

_DROP: Final[Row] = (Phase.ISOLATED, (Act.END_LINK, Act.COUNT_TEST))
_SEAL: Final[Row] = (Phase.AIRLOCK, (Act.END_LINK, Act.BEGIN_DRIVE_HALF, Act.LEAD_TO_SEAL))
_HOME: Final[Row] = (Phase.AIRLOCK, (Act.LEAD_TO_ISOLATED,))
_LOCK: Final[Row] = (Phase.AIRLOCK, (Act.LATCH_SECURED, Act.LEAD_TO_ISOLATED))
_FREE: Final[Row] = (Phase.AIRLOCK, (Act.UNLATCH, Act.LEAD_TO_ISOLATED))
_BREAK: Final[Row] = (Phase.FAULT, (Act.END_LINK, Act.LATCH_FAULT))

TABLE: Final[Mapping[tuple[Phase, Turn], Row]] = MappingProxyType(
    {
        (Phase.UNKNOWN, Turn.PROVEN): (Phase.ISOLATED, ()),
        (Phase.UNKNOWN, Turn.PROVEN_SECURED): (Phase.SECURED, ()),
        (Phase.UNKNOWN, Turn.PROVEN_FAULT): (Phase.FAULT, ()),
        (Phase.UNKNOWN, Turn.CUT_HELD): (Phase.UNKNOWN, (Act.LATCH_SECURED,)),
        (Phase.UNKNOWN, Turn.BROKEN): _BREAK,
        (Phase.ISOLATED, Turn.ASKS_INTAKE): (Phase.CONTACT_TEST, (Act.BEGIN_LINK,)),
        (Phase.ISOLATED, Turn.ASKS_SEAL): (Phase.AIRLOCK, (Act.BEGIN_DRIVE_HALF, Act.LEAD_TO_SEAL)),
        (Phase.ISOLATED, Turn.ASKS_SCRUB): (Phase.AIRLOCK, (Act.LEAD_TO_SCRUB,)),
        (Phase.ISOLATED, Turn.ASKS_RECOVERY): (Phase.AIRLOCK, (Act.LATCH_RECOVERY, Act.LEAD_TO_RECOVERY)),
        (Phase.ISOLATED, Turn.ASKS_ISOLATED): (Phase.ISOLATED, ()),
        (Phase.ISOLATED, Turn.ASKS_SECURED): (Phase.SECURED, (Act.LATCH_SECURED,)),
        (Phase.ISOLATED, Turn.CUT_HELD): (Phase.SECURED, (Act.LATCH_SECURED,)),
        (Phase.ISOLATED, Turn.BROKEN): _BREAK,
        (Phase.CONTACT_TEST, Turn.TEST_PASSED): (Phase.INTAKE, ()),
        (Phase.CONTACT_TEST, Turn.TEST_FAILED): _DROP,
        (Phase.CONTACT_TEST, Turn.LINK_HALF_OVER): _DROP,
        (Phase.CONTACT_TEST, Turn.BUDGET_SPENT): _DROP,
        (Phase.CONTACT_TEST, Turn.TIME_OVER): _DROP,
        (Phase.CONTACT_TEST, Turn.HEARTBEAT_LOST): _DROP,
        (Phase.CONTACT_TEST, Turn.CLOCK_LOST): _DROP,
        (Phase.CONTACT_TEST, Turn.OTHER_LIVE): _DROP,
        (Phase.CONTACT_TEST, Turn.CUT_PRESSED): _DROP,
        (Phase.CONTACT_TEST, Turn.ASKS_ISOLATED): _DROP,
        (Phase.CONTACT_TEST, Turn.ASKS_SECURED): (Phase.SECURED, (Act.END_LINK, Act.LATCH_SECURED)),
        (Phase.CONTACT_TEST, Turn.BROKEN): _BREAK,
        (Phase.INTAKE, Turn.DONE): _SEAL,
        (Phase.INTAKE, Turn.LINK_HALF_OVER): _SEAL,
        (Phase.INTAKE, Turn.BUDGET_SPENT): _SEAL,
        (Phase.INTAKE, Turn.HEARTBEAT_LOST): _SEAL,
        (Phase.INTAKE, Turn.TIME_OVER): (Phase.ISOLATED, (Act.END_LINK,)),
        (Phase.INTAKE, Turn.CLOCK_LOST): (Phase.ISOLATED, (Act.END_LINK,)),
        (Phase.INTAKE, Turn.OTHER_LIVE): (Phase.ISOLATED, (Act.END_LINK,)),
        (Phase.INTAKE, Turn.CUT_PRESSED): (Phase.ISOLATED, (Act.END_LINK,)),
        (Phase.INTAKE, Turn.ASKS_ISOLATED): (Phase.ISOLATED, (Act.END_LINK,)),
        (Phase.INTAKE, Turn.ASKS_SECURED): (Phase.SECURED, (Act.END_LINK, Act.LATCH_SECURED)),
        (Phase.INTAKE, Turn.BROKEN): _BREAK,
        (Phase.AIRLOCK, Turn.RESTARTED_SEAL): (Phase.SEAL, ()),
        (Phase.AIRLOCK, Turn.RESTARTED_SCRUB): (Phase.SCRUB, ()),
        (Phase.AIRLOCK, Turn.RESTARTED_RECOVERY): (Phase.RECOVERY, ()),
        (Phase.AIRLOCK, Turn.RESTARTED_ISOLATED): (Phase.ISOLATED, ()),
        (Phase.AIRLOCK, Turn.RESTARTED_SECURED): (Phase.SECURED, ()),
        (Phase.AIRLOCK, Turn.TIME_OVER): _HOME,
        (Phase.AIRLOCK, Turn.CLOCK_LOST): _HOME,
        (Phase.AIRLOCK, Turn.KEY_RELEASED): _HOME,
        (Phase.AIRLOCK, Turn.CUT_PRESSED): _HOME,
        (Phase.AIRLOCK, Turn.CUT_HELD): _LOCK,
        (Phase.AIRLOCK, Turn.BROKEN): _BREAK,
        (Phase.SEAL, Turn.DONE): _HOME,
        (Phase.SEAL, Turn.TIME_OVER): _HOME,
        (Phase.SEAL, Turn.HEARTBEAT_LOST): _HOME,
        (Phase.SEAL, Turn.CONTROLLER_SILENT): _HOME,
        (Phase.SEAL, Turn.CLOCK_LOST): _HOME,
        (Phase.SEAL, Turn.OTHER_LIVE): _HOME,
        (Phase.SEAL, Turn.CUT_PRESSED): _HOME,
        (Phase.SEAL, Turn.ASKS_ISOLATED): _HOME,
        (Phase.SEAL, Turn.ASKS_SECURED): _LOCK,
        (Phase.SEAL, Turn.BROKEN): _BREAK,
        (Phase.SCRUB, Turn.DONE): _HOME,
        (Phase.SCRUB, Turn.TIME_OVER): _HOME,
        (Phase.SCRUB, Turn.HEARTBEAT_LOST): _HOME,
        (Phase.SCRUB, Turn.CONTROLLER_SILENT): _HOME,
        (Phase.SCRUB, Turn.CLOCK_LOST): _HOME,
        (Phase.SCRUB, Turn.OTHER_LIVE): _HOME,
        (Phase.SCRUB, Turn.CUT_PRESSED): _HOME,
        (Phase.SCRUB, Turn.ASKS_ISOLATED): _HOME,
        (Phase.SCRUB, Turn.ASKS_SECURED): _LOCK,
        (Phase.SCRUB, Turn.BROKEN): _BREAK,
        (Phase.RECOVERY, Turn.DONE): _HOME,
        (Phase.RECOVERY, Turn.TIME_OVER): _HOME,
        (Phase.RECOVERY, Turn.HEARTBEAT_LOST): _HOME,
        (Phase.RECOVERY, Turn.CONTROLLER_SILENT): _HOME,
        (Phase.RECOVERY, Turn.CLOCK_LOST): _HOME,
        (Phase.RECOVERY, Turn.KEY_RELEASED): _HOME,
        (Phase.RECOVERY, Turn.OTHER_LIVE): _HOME,
        (Phase.RECOVERY, Turn.CUT_PRESSED): _HOME,
        (Phase.RECOVERY, Turn.ASKS_ISOLATED): _HOME,
        (Phase.RECOVERY, Turn.ASKS_SECURED): _LOCK,
        (Phase.RECOVERY, Turn.BROKEN): _BREAK,
        (Phase.SECURED, Turn.ASKS_SECURED): (Phase.SECURED, ()),
        (Phase.SECURED, Turn.RELEASED): _FREE,
        (Phase.SECURED, Turn.BROKEN): _BREAK,
        (Phase.FAULT, Turn.CUT_HELD): (Phase.FAULT, (Act.LATCH_SECURED,)),
        (Phase.FAULT, Turn.RELEASED): _FREE,
    }
)

LINK_PHASES: Final = frozenset({Phase.CONTACT_TEST, Phase.INTAKE})
DRIVE_PHASES: Final = frozenset({Phase.SEAL, Phase.SCRUB, Phase.RECOVERY})
RESTARTING: Final = frozenset({Phase.UNKNOWN, Phase.AIRLOCK})


def listed(phase: Phase, event: Turn) -> bool:
    """Whether the table knows the pair."""
    return (phase, event) in TABLE


def turn(phase: Phase, event: Turn) -> Row:
    """The next phase and what to do; an unlisted pair is a latched fault."""
    return TABLE.get((phase, event), _BREAK)
