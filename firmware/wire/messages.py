"""Every message, and the one literal table that gives each its number and its fields (PROTOCOL 3).

`encode` and `decode` are exact inverses inside strict bounds. What a message *does* is the model's
business; who may send it is the session's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from firmware.wire import fields
from firmware.wire.codes import Cause, EventKind, Medium, Phase, UploadKind
from firmware.wire.fields import Blob, Code, Flag, Octets, Record, UInt

NONCE_BYTES = 8  # bytes; a session nonce must never repeat under one pairing key, 2^32 sessions are plenty
HASH_BYTES = 32  # bytes; SHA-256
SIGNATURE_BYTES = 64  # bytes; Ed25519 R||S, or P-256 r||s, both big and fixed
CHUNK_BYTES_MAX = 480  # bytes; leaves room for offset and id inside one 512-byte payload


@dataclass(frozen=True, slots=True, kw_only=True)
class Hello:
    """Opens a session. `nonce` is the opener's fresh nonce (the session fills it when it is zeros)."""

    nonce: bytes = bytes(NONCE_BYTES)


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
class Heartbeat:
    """The work makes progress. `stamp_ms` echoes the newest stamp of the interlock's HelloAck or Status."""

    progress: int
    stamp_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestPhase:
    """Asks for INTAKE, SEAL, SCRUB, RECOVERY, ISOLATED (cut now) or SECURED."""

    phase: Phase


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """The work of `phase` is finished; a Done for another phase than the present one is refused."""

    phase: Phase


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadBegin:
    """A text of `length` bytes follows in chunks; any upload under way is forgotten."""

    kind: UploadKind
    length: int


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadChunk:
    """The next bytes, which begin at `offset`."""

    offset: int
    data: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadSignature:
    """Raw signature of holder number `signer` (as the policy numbers them) over the text's SSHSIG blob."""

    signer: int
    signature: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadCommit:
    """Everything is here: check and accept, or refuse."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cosign:
    """Asks for the cosignature over the log of `size` leaves whose last leaf hash is `leaf_hash`."""

    size: int
    leaf_hash: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class EventRead:
    """Asks for the oldest event whose sequence is greater than `after`."""

    after: int


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
    """The text with SHA-256 `digest` was verified, is persisted and in force."""

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
class ErrorReply:
    """An authentic message could not be used: unknown number, bounds, or not for this side."""

    cause: Cause
    message_id: int


Message = (
    Hello
    | HelloAck
    | Heartbeat
    | RequestPhase
    | Done
    | UploadBegin
    | UploadChunk
    | UploadSignature
    | UploadCommit
    | Cosign
    | EventRead
    | Granted
    | Refused
    | Status
    | CutWarning
    | UploadAccepted
    | UploadReady
    | Cosigned
    | Event
    | NoEvent
    | ErrorReply
)


U8: Final = UInt(1)
U16: Final = UInt(2)
U32: Final = UInt(4)
U64: Final = UInt(8)
HASH: Final = Octets(HASH_BYTES)
NONCE: Final = Octets(NONCE_BYTES)
FLAG: Final = Flag()
PHASE: Final = Code(Phase)
CAUSE: Final = Code(Cause)
MEDIUM: Final = Code(Medium)

TABLE: Final[Mapping[int, Record]] = MappingProxyType(
    {
        # From the controller.
        0x01: Record(Hello, (("nonce", NONCE),)),
        0x02: Record(Heartbeat, (("progress", U64), ("stamp_ms", U64))),
        0x03: Record(RequestPhase, (("phase", PHASE),)),
        0x04: Record(Done, (("phase", PHASE),)),
        0x05: Record(UploadBegin, (("kind", Code(UploadKind)), ("length", U32))),
        0x06: Record(UploadChunk, (("offset", U32), ("data", Blob(CHUNK_BYTES_MAX)))),
        0x07: Record(UploadSignature, (("signer", U8), ("signature", Octets(SIGNATURE_BYTES)))),
        0x08: Record(UploadCommit, ()),
        0x09: Record(Cosign, (("size", U64), ("leaf_hash", HASH))),
        0x0A: Record(EventRead, (("after", U32),)),
        # From the interlock.
        0x81: Record(
            HelloAck,
            (
                ("phase", PHASE),
                ("boot_medium", MEDIUM),
                ("policy_version", U32),
                ("policy_hash", HASH),
                ("log_size", U64),
                ("log_root", HASH),
                ("last_leaf_hash", HASH),
                ("time_s", U64),
                ("stamp_ms", U64),
                ("window_number", U32),
                ("session_nonce", NONCE),
            ),
        ),
        0x82: Record(
            Status,
            (
                ("phase", PHASE),
                ("target", PHASE),
                ("cause", CAUSE),
                ("fault", CAUSE),
                ("k1_conducting", FLAG),
                ("k2_conducting", FLAG),
                ("k3_on_link", FLAG),
                ("cut_pressed", FLAG),
                ("key_turned", FLAG),
                ("controller_supplied", FLAG),
                ("drives_live", U32),
                ("ordered_link", FLAG),
                ("ordered_drives", FLAG),
                ("ordered_k3_on_link", FLAG),
                ("ordered_mask", U32),
                ("boot_medium", MEDIUM),
                ("clock_valid", FLAG),
                ("secured", FLAG),
                ("recovery_latched", FLAG),
                ("time_s", U64),
                ("stamp_ms", U64),
                ("window_number", U32),
                ("window_begin_s", U64),
                ("window_end_s", U64),
                ("scrub_begin_s", U64),
                ("scrub_end_s", U64),
                ("window_left_s", U32),
                ("link_left_s", U32),
                ("drives_left_s", U32),
                ("gap_left_s", U32),
                ("exposure_used_s", U32),
                ("exposure_left_s", U32),
                ("tests_failed", U8),
                ("refused", U32),
                ("last_refused", CAUSE),
                ("wire_faults", U32),
                ("event_newest", U32),
                ("policy_version", U32),
                ("log_size", U64),
            ),
        ),
        0x83: Record(Granted, (("phase", PHASE),)),
        0x84: Record(Refused, (("request", U8), ("cause", CAUSE))),
        0x85: Record(CutWarning, (("phase", PHASE), ("left_s", U32))),
        0x86: Record(UploadAccepted, (("kind", Code(UploadKind)), ("digest", HASH))),
        0x87: Record(UploadReady, (("received", U32), ("signatures", U8))),
        0x88: Record(
            Cosigned, (("size", U64), ("time_s", U64), ("root", HASH), ("signature", Octets(SIGNATURE_BYTES)))
        ),
        0x89: Record(
            Event,
            (
                ("sequence", U32),
                ("time_s", U64),
                ("kind", Code(EventKind)),
                ("phase", PHASE),
                ("cause", CAUSE),
                ("count", U32),
            ),
        ),
        0x8A: Record(NoEvent, (("newest", U32),)),
        0x8F: Record(ErrorReply, (("cause", CAUSE), ("message_id", U8))),
    }
)

NUMBER: Final[Mapping[type[Any], int]] = MappingProxyType(
    {row.shape: number for number, row in TABLE.items()}
)


class UnknownMessageError(ValueError):
    """The first byte is no message number."""


def encode(message: Message) -> bytes:
    """Number and fields. Raises fields.MalformedError when a value does not fit its field."""
    number = NUMBER[type(message)]
    return bytes([number]) + fields.put(TABLE[number], message)


def decode(payload: bytes) -> Message:
    """The message. Raises UnknownMessageError or fields.MalformedError."""
    row = TABLE.get(payload[0]) if payload else None
    if row is None:
        raise UnknownMessageError("no such message number")
    message: Message = fields.whole(row, payload[1:])
    return message
