"""Every message, and the one literal table that gives each its number and its fields (PROTOCOL 3).

`encode` and `decode` are exact inverses inside strict bounds. What a message *does* is the model's
business; who may send it is the session's.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from firmware.wire import fields
from firmware.wire.codes import Cause, EventKind, Medium, Phase, UploadKind
from firmware.wire.fields import Blob, Code, Flag, Octets, Record, UInt
from firmware.wire.replies import (
    Authority,
    Challenge,
    Cosigned,
    CutWarning,
    ErrorReply,
    Event,
    Granted,
    HelloAck,
    NoEvent,
    Refused,
    Status,
    UploadAccepted,
    UploadReady,
)
from firmware.wire.requests import (
    CHUNK_BYTES_MAX,
    NONCE_BYTES,
    AuthorityRead,
    ChallengeRead,
    Cosign,
    Done,
    EventRead,
    Heartbeat,
    Hello,
    RequestPhase,
    UploadBegin,
    UploadChunk,
    UploadCommit,
    UploadSignature,
)

__all__ = [
    "CHUNK_BYTES_MAX",
    "HASH_BYTES",
    "NONCE_BYTES",
    "NUMBER",
    "SIGNATURE_BYTES",
    "TABLE",
    "Authority",
    "AuthorityRead",
    "Challenge",
    "ChallengeRead",
    "Cosign",
    "Cosigned",
    "CutWarning",
    "Done",
    "ErrorReply",
    "Event",
    "EventRead",
    "Granted",
    "Heartbeat",
    "Hello",
    "HelloAck",
    "Message",
    "NoEvent",
    "Refused",
    "RequestPhase",
    "Status",
    "UnknownMessageError",
    "UploadAccepted",
    "UploadBegin",
    "UploadChunk",
    "UploadCommit",
    "UploadReady",
    "UploadSignature",
    "decode",
    "encode",
]

HASH_BYTES = 32  # bytes; SHA-256
CHALLENGE_BYTES = 16  # bytes; as an order's nonce, whose place it takes
SIGNATURE_BYTES = 64  # bytes; Ed25519 R||S, or P-256 r||s, both big and fixed


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
    | ChallengeRead
    | AuthorityRead
    | Granted
    | Refused
    | Status
    | CutWarning
    | UploadAccepted
    | UploadReady
    | Cosigned
    | Event
    | NoEvent
    | Challenge
    | Authority
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
        0x0B: Record(ChallengeRead, ()),
        0x0C: Record(AuthorityRead, ()),
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
        0x8B: Record(Challenge, (("challenge", Octets(CHALLENGE_BYTES)), ("age_s", U32))),
        0x8C: Record(
            Authority,
            (
                ("policy_version", U32),
                ("policy_hash", HASH),
                ("generation", U32),
                ("firmware", U32),
                ("pending_version", U32),
                ("pending_hash", HASH),
                ("pending_due_s", U64),
                ("vetoes", U16),
                ("overridden", FLAG),
                ("group", U8),
                ("unsealed", U8),
                ("orders", U8),
            ),
        ),
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
