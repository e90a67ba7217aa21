"""What the interlock says (PROTOCOL 3.4). Values only; messages.py gives each its number and its fields."""

from __future__ import annotations

from dataclasses import dataclass

from firmware.wire.codes import Cause, EventKind, Medium, Phase, UploadKind
from firmware.wire.requests import NONCE_BYTES


@dataclass(frozen=True, slots=True, kw_only=True)
class HelloAck:
    """Answers Hello with everything a controller needs at start. `session_nonce` is filled by the session."""

    phase: Phase
    boot_medium: Medium
    policy_version: int
    policy_hash: bytes
    log_size: int
    log_root: bytes
    last_leaf_hash: bytes
    time_s: int
    stamp_ms: int
    window_number: int
    session_nonce: bytes = bytes(NONCE_BYTES)


@dataclass(frozen=True, slots=True, kw_only=True)
class Granted:
    """The box is now entering `phase` (CONTACT_TEST for a request of INTAKE, AIRLOCK before drive phases)."""

    phase: Phase


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """The request with message number `request` was refused and counted."""

    request: int
    cause: Cause


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """What is measured, what is ordered, and what comes next. Times are Unix seconds; 0 means none.

    `window_number` counts the windows in which anything was energised. Masks have bit 0 for drive 1.
    `*_left_s` are seconds; 0 outside. `target` is where AIRLOCK leads.
    """

    phase: Phase
    target: Phase
    cause: Cause
    fault: Cause
    k1_conducting: bool
    k2_conducting: bool
    k3_on_link: bool
    cut_pressed: bool
    key_turned: bool
    controller_supplied: bool
    drives_live: int
    ordered_link: bool
    ordered_drives: bool
    ordered_k3_on_link: bool
    ordered_mask: int
    boot_medium: Medium
    clock_valid: bool
    secured: bool
    recovery_latched: bool
    time_s: int
    stamp_ms: int
    window_number: int
    window_begin_s: int
    window_end_s: int
    scrub_begin_s: int
    scrub_end_s: int
    window_left_s: int
    link_left_s: int
    drives_left_s: int
    gap_left_s: int
    exposure_used_s: int
    exposure_left_s: int
    tests_failed: int
    refused: int
    last_refused: Cause
    wire_faults: int
    event_newest: int
    policy_version: int
    log_size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CutWarning:
    """`phase` will be ended by the clock in `left_s` seconds."""

    phase: Phase
    left_s: int


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadAccepted:
    """The text with SHA-256 `digest` was verified and is persisted: in force, or pending its delay."""

    kind: UploadKind
    digest: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadReady:
    """`received` bytes and `signatures` signatures of the present upload are held."""

    received: int
    signatures: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Cosigned:
    """Raw Ed25519 cosignature/v1 over the checkpoint of `size` leaves with `root`, made at `time_s`."""

    size: int
    time_s: int
    root: bytes
    signature: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One line of the interlock's own log. `count` is the coalesced total of equal refusals."""

    sequence: int
    time_s: int
    kind: EventKind
    phase: Phase
    cause: Cause
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class NoEvent:
    """There is no event after the one asked for; `newest` is the last sequence given out."""

    newest: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Challenge:
    """`challenge` was made `age_s` seconds ago; a time order says what time it was then."""

    challenge: bytes
    age_s: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Authority:
    """Zeros where there is nothing. Masks: `vetoes` bit 0 for holder 1, `orders` bit n for upload kind n.

    `pending_due_s` is the earliest time at which the pending policy takes effect, `overridden` says that
    k others overrode the vetoes. `group` is the current drive group, `unsealed` the one that an order opened.
    """

    policy_version: int
    policy_hash: bytes
    generation: int
    firmware: int
    pending_version: int
    pending_hash: bytes
    pending_due_s: int
    vetoes: int
    overridden: bool
    group: int
    unsealed: int
    orders: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorReply:
    """An authentic message could not be used: unknown number, bounds, or not for this side."""

    cause: Cause
    message_id: int
