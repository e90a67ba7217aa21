"""The memory that survives everything: monotone facts in two slots, sequence and CRC (PROTOCOL 8).

A record goes to the slot that its sequence number names, so the other slot always holds the record
before it: a power cut in the middle of a write costs the new record, never the old one.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field, replace

from firmware.model import fram_first, limits
from firmware.model.facts import Group, HolderKey, KeyKind, Policy, Slot, Span, Window
from firmware.wire.codes import Cause, EventKind, Phase
from firmware.wire.fields import (
    Blob,
    Code,
    Flag,
    MalformedError,
    Many,
    Octets,
    Record,
    SInt,
    UInt,
    longest,
    put,
    whole,
)
from firmware.wire.messages import Event

MAGIC = b"IWATOFR2"  # also the version of this layout
SLOTS = 2  # an old record and a new one
SEED_BYTES = 32  # bytes; Ed25519 seed
KEY_BYTES = 32  # bytes; pairing key
CRC_BYTES = 4  # bytes; CRC-32
# Faults of which nothing is written: what the memory holds is not ours to change.
UNWRITTEN = frozenset({Cause.MEMORY_LOST, Cause.FIRMWARE_OLD})
SLOT_BYTES = 16 * 1024  # bytes; half of a 32 KiB FRAM (FM24V02A class)


@dataclass(frozen=True, slots=True, kw_only=True)
class Factory:
    """Injected at commissioning; the chip has no entropy of its own."""

    pairing_key: bytes = field(repr=False)
    witness_seed: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Log:
    """The witness's view of the log: size, right edge, and the last answer's inputs."""

    size: int = 0
    edge: tuple[bytes, ...] = ()
    last_leaf: bytes = bytes(32)
    last_time_s: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Nonce:
    """An order's nonce that may not come again before its order has expired."""

    nonce: bytes
    expires_s: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """How often one cause was met, and when last."""

    cause: Cause
    count: int
    last_s: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Journal:
    """The interlock's own log: a ring of events with a monotone sequence, and coalesced counters."""

    newest: int = 0
    events: tuple[Event, ...] = ()
    refusals: tuple[Refusal, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class UsedWindow:
    """The window in which something was last energised. `number` counts such windows."""

    number: int = 0
    begin_s: int = 0
    tests_failed: int = 0
    drive_half: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Pending:
    """A policy that waits for `due_s`. `vetoes`: bit 0 for holder 1 of the policy in force; `overridden`: k
    others, who knew of just these vetoes, want it all the same."""

    policy: Policy
    due_s: int
    vetoes: int = 0
    overridden: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Fram:
    """Everything monotone. `policies` holds at most the one policy in force, `pendings` at most one,
    `dropped` the digests of texts that another pending one replaced. `firmware`: the newest that ran here.
    `orders_after_s`: an order that expires no later may be from before the clock was set back."""

    factory: Factory
    sequence: int = 0
    firmware: int = limits.FIRMWARE_VERSION
    policies: tuple[Policy, ...] = ()
    pendings: tuple[Pending, ...] = ()
    dropped: tuple[bytes, ...] = ()
    log: Log = field(default_factory=Log)
    exposure: tuple[Span, ...] = ()
    last_cut_s: int = 0
    time_floor_s: int = 0
    window: UsedWindow = field(default_factory=UsedWindow)
    nonces: tuple[Nonce, ...] = ()
    orders_after_s: int = 0
    fault: Cause = Cause.NONE
    secured: bool = False
    recovery_latched: bool = False
    journal: Journal = field(default_factory=Journal)

    @property
    def policy(self) -> Policy | None:
        """The policy in force, if any was ever accepted."""
        return self.policies[0] if self.policies else None

    @property
    def pending(self) -> Pending | None:
        """The policy that waits for its delay, if any."""
        return self.pendings[0] if self.pendings else None

    @property
    def slot(self) -> int:
        """0 or 1: where this record is written."""
        return self.sequence % SLOTS

    def encode(self) -> bytes:
        """The record as it lies in its slot."""
        body = MAGIC + put(FRAM, self)
        assert len(body) <= SLOT_BYTES - CRC_BYTES, "every field has a bound, so the whole has one"
        return body + zlib.crc32(body).to_bytes(CRC_BYTES, "big")


def decode(data: bytes) -> Fram | None:
    """The record, or None when it is torn, empty or foreign."""
    layout = _LAYOUTS.get(data[: len(MAGIC)])
    if layout is None:
        return None
    body, crc = data[:-CRC_BYTES], data[-CRC_BYTES:]
    if zlib.crc32(body).to_bytes(CRC_BYTES, "big") != crc:
        return None
    try:
        found = whole(layout, body[len(MAGIC) :])
    except MalformedError:
        return None
    if layout is not FRAM:
        found = replace(found, policies=tuple(one.today() for one in found.policies))
    record: Fram = found
    return record


def newest(slot_a: bytes, slot_b: bytes) -> Fram | None:
    """The newer of the sound records; None when both are lost."""
    sound = [record for record in (decode(slot_a), decode(slot_b)) if record is not None]
    return max(sound, key=lambda record: record.sequence, default=None)


def commission(*, pairing_key: bytes, witness_seed: bytes, time_s: int) -> tuple[bytes, bytes]:
    """Both slots of a factory-new interlock. `time_s`: the clock was set to this at the factory."""
    if time_s < limits.EPOCH_S:
        raise ValueError("the clock was never set")
    record = Fram(
        factory=Factory(pairing_key=pairing_key, witness_seed=witness_seed), sequence=2, time_floor_s=time_s
    )
    return record.encode(), b""


_U8, _U32, _U64, _HASH = UInt(1), UInt(4), UInt(8), Octets(32)
_SPAN = Record(Span, (("begin_s", _U64), ("end_s", _U64)))
_SLOT = Record(Slot, (("begin_s", _U32), ("end_s", _U32), ("offset_s", SInt(4))))
_WINDOW = Record(Window, (("slot", _SLOT), ("link_s", _U32)))
_GROUP = Record(Group, (("bays", _U8), ("sealed", Flag())))
_HOLDER = Record(HolderKey, (("kind", Code(KeyKind)), ("raw", Blob(65, least=32))))
_POLICY = Record(
    Policy,
    (
        ("version", _U32),
        ("digest", _HASH),
        ("vault_id", Octets(16)),
        ("quorum", _U8),
        ("holders", Many(_HOLDER, limits.HOLDERS_MAX)),
        ("log_key", _HASH),
        ("witness_key", _HASH),
        ("windows", Many(_WINDOW, limits.WINDOWS_MAX)),
        ("scrubs", Many(_SLOT, limits.SCRUBS_MAX)),
        ("groups", Many(_GROUP, limits.GROUPS_MAX)),
        ("generation", _U32),
        ("vault", _HASH),
        ("delay_s", _U32),
    ),
)
_PENDING = Record(
    Pending, (("policy", _POLICY), ("due_s", _U64), ("vetoes", UInt(2)), ("overridden", Flag()))
)
_LOG = Record(Log, (("size", _U64), ("edge", Many(_HASH, 63)), ("last_leaf", _HASH), ("last_time_s", _U64)))
_NONCE = Record(Nonce, (("nonce", Octets(16)), ("expires_s", _U64)))
_REFUSAL = Record(Refusal, (("cause", Code(Cause)), ("count", _U32), ("last_s", _U64)))
_EVENT = Record(
    Event,
    (
        ("sequence", _U32),
        ("time_s", _U64),
        ("kind", Code(EventKind)),
        ("phase", Code(Phase)),
        ("cause", Code(Cause)),
        ("count", _U32),
    ),
)
_JOURNAL = Record(
    Journal,
    (
        ("newest", _U32),
        ("events", Many(_EVENT, limits.EVENTS_MAX)),
        ("refusals", Many(_REFUSAL, len(Cause))),
    ),
)
_USED = Record(
    UsedWindow, (("number", _U32), ("begin_s", _U64), ("tests_failed", _U8), ("drive_half", Flag()))
)
_FACTORY = Record(Factory, (("pairing_key", Octets(KEY_BYTES)), ("witness_seed", Octets(SEED_BYTES))))
FRAM = Record(
    Fram,
    (
        ("factory", _FACTORY),
        ("sequence", _U32),
        ("firmware", _U32),
        ("policies", Many(_POLICY, 1)),
        ("pendings", Many(_PENDING, 1)),
        ("dropped", Many(_HASH, limits.DROPPED_MAX)),
        ("log", _LOG),
        ("exposure", Many(_SPAN, limits.LINKS_MAX)),
        ("last_cut_s", _U64),
        ("time_floor_s", _U64),
        ("window", _USED),
        ("nonces", Many(_NONCE, limits.NONCES_MAX)),
        ("orders_after_s", _U64),
        ("fault", Code(Cause)),
        ("secured", Flag()),
        ("recovery_latched", Flag()),
        ("journal", _JOURNAL),
    ),
)
_LAYOUTS = {MAGIC: FRAM, fram_first.MAGIC: fram_first.layout(FRAM, _POLICY)}
RECORD_BYTES_MAX = len(MAGIC) + longest(FRAM) + CRC_BYTES  # bytes; both slots lie in one chip
