"""The numbers both controllers agree on: phases, causes, kinds (PROTOCOL 3.1).

A number is never reused for another meaning. This file decides nothing.
"""

from __future__ import annotations

from enum import IntEnum


class Phase(IntEnum):
    """Where the box is. The interlock alone changes it."""

    UNKNOWN = 0
    ISOLATED = 1
    CONTACT_TEST = 2
    INTAKE = 3
    AIRLOCK = 4
    SEAL = 5
    SCRUB = 6
    RECOVERY = 7
    SECURED = 8
    FAULT = 9


class Medium(IntEnum):
    """What the controller boots from when its supply returns."""

    INTAKE = 1
    SEALING = 2


class UploadKind(IntEnum):
    """Texts that are longer than a frame."""

    POLICY = 1
    RECOVERY_ORDER = 2
    VETO = 3
    OVERRIDE = 4
    RELEASE_ORDER = 5
    TIME_ORDER = 6
    UNSEAL_ORDER = 7


class Cause(IntEnum):
    """Why a phase ended, a request was refused, or a fault was latched."""

    NONE = 0
    # Ends of phases.
    STARTED = 1
    WORK_DONE = 2
    LINK_HALF_OVER = 3
    TIME_OVER = 4
    HEARTBEAT_LOST = 5
    BUDGET_SPENT = 6
    CUT_PRESSED = 7
    CONTROLLER_ASKED = 8
    CONTACT_TEST_FAILED = 9
    CONTACT_TEST_PASSED = 10
    CONTROLLER_SILENT = 11
    KEY_RELEASED = 12
    CLOCK_LOST = 13
    CUT_HELD = 14
    RELEASED = 15
    # Refusals.
    NOT_NOW = 32
    NO_POLICY = 33
    OUTSIDE_WINDOW = 34
    GAP_TOO_SHORT = 35
    TESTS_SPENT = 36
    LINKS_SPENT = 37
    RECOVERY_LATCHED = 38
    DRIVES_LIVE = 39
    LINK_CONDUCTING = 40
    KEY_NOT_TURNED = 41
    NO_ORDER = 42
    ORDER_EXPIRED = 43
    ORDER_REPLAYED = 44
    ORDER_FOREIGN = 45
    ORDER_TOO_LONG_LIVED = 46
    NONCES_FULL = 47
    SIGNATURES_MISSING = 48
    SIGNATURE_BAD = 49
    SIGNER_UNKNOWN = 50
    SIGNER_TWICE = 51
    POLICY_MALFORMED = 52
    POLICY_NOT_FIRST = 53
    POLICY_WITNESS = 54
    ORDER_MALFORMED = 55
    UPLOAD_SEQUENCE = 56
    UPLOAD_TOO_LONG = 57
    LOG_SIZE = 58
    LOG_FORK = 59
    SECURED = 60
    FAULTED = 61
    CONTROLLER_OFF = 62
    HEARTBEAT_STALE = 63
    POLICY_NOT_NEXT = 64
    POLICY_FOREIGN = 65
    POLICY_GENERATION = 66
    POLICY_DROPPED = 67
    POLICIES_FULL = 68
    NO_PENDING = 69
    NO_VETO = 70
    SIGNER_REMOVED = 71
    ENTERING_MISSING = 72
    NO_CHALLENGE = 73
    TIME_BACKWARDS = 74
    NO_SUCH_GROUP = 75
    NOTHING_LATCHED = 76
    # Faults: latched, first cause kept.
    LINK_WITHOUT_ORDER = 96
    DRIVE_WITHOUT_ORDER = 97
    CHANGEOVER_STUCK = 98
    SUPPLY_STUCK = 99
    MEMORY_LOST = 101
    UNLISTED_PAIR = 102
    UPTIME_BACKWARDS = 103
    FIRMWARE_OLD = 104
    # Wire faults, counted like refusals.
    WIRE_CORRUPT = 128
    WIRE_LOST = 129
    WIRE_REPEATED = 130
    WIRE_REORDERED = 131
    WIRE_FORGED = 132
    WIRE_STRANGER = 133
    WIRE_REFLECTED = 134
    WIRE_TOO_LONG = 135
    WIRE_UNKNOWN_MESSAGE = 136
    WIRE_MALFORMED = 137
    WIRE_NOT_FOR_ME = 138


class EventKind(IntEnum):
    """What a line of the interlock's own event log is about."""

    POWER_ON = 1
    PHASE = 2
    REFUSED = 3
    FAULT = 4
    POLICY = 5
    ORDER = 6
    SECURED = 7
    LATCH_CLEARED = 8
    POLICY_PENDING = 9
    VETO = 10
    OVERRIDE = 11
    RELEASED = 12
    TIME_SET = 13
