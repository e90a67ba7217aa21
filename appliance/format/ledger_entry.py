"""The ledger's entries: typed values and their one spelling as bytes.

An entry is a JSON object with sorted keys, no spaces and UTF-8 text; `decode` refuses every other
spelling, so that an entry's hash names its meaning. Every text, number and list has a limit. Holds no
name from inside a snapshot and no key. Does not judge whether an entry is true: the witness's head
does that (ledger/history.py). FORMAT 7.2.
"""

from __future__ import annotations

from typing import Annotated, TypeAlias

import msgspec

from appliance.domain.phases import Phase
from appliance.errors import LedgerMalformed

ENTRY_BYTES_MAX = 1 << 24  # bytes; a seal of PACKS_MAX packs and SEGMENTS_MAX manifests fits
PACKS_MAX = 1 << 16  # packs of one seal; 4 TiB of full packs, five times a 2 h link half at 112 MB/s
SEGMENTS_MAX = 1 << 14  # manifest packs of one snapshot; 1 TiB of manifest
SOURCES_MAX = 256  # sources of one snapshot; a policy of that many lines is beyond reading
DRIVES_MAX = 16  # drives of a set, as in domain/geometry.py
REPAIRS_MAX = 1 << 16  # repaired or lost placements of one scrub entry; a longer scrub writes two entries
COUNTS_MAX = 256  # coalesced events of one entry; the interlock has far fewer names
NUMBER_MAX = (1 << 53) - 1  # the largest whole number that every JSON reader keeps exactly

Number: TypeAlias = Annotated[int, msgspec.Meta(ge=0, le=NUMBER_MAX)]
Drive: TypeAlias = Annotated[int, msgspec.Meta(ge=0, lt=DRIVES_MAX)]
Hash: TypeAlias = Annotated[str, msgspec.Meta(pattern=r"\A[0-9a-f]{64}\Z")]
Vault: TypeAlias = Annotated[str, msgspec.Meta(pattern=r"\A[0-9a-f]{32}\Z")]
Nonce: TypeAlias = Annotated[str, msgspec.Meta(pattern=r"\A([0-9a-f]{2}){8,32}\Z")]
Snapshot: TypeAlias = Annotated[str, msgspec.Meta(pattern=r"\A[0-9]{8}T[0-9]{6}Z-[0-9a-f]{8}\Z")]
Source: TypeAlias = Annotated[str, msgspec.Meta(pattern=r"\A[a-z0-9_-]{1,32}\Z")]
Word: TypeAlias = Annotated[str, msgspec.Meta(pattern=r"\A[^\x00-\x1f\x7f-\x9f\u2028\u2029]{1,96}\Z")]
Text: TypeAlias = Annotated[str, msgspec.Meta(pattern=r"\A[^\x00-\x1f\x7f-\x9f\u2028\u2029]{0,1000}\Z")]


class Part(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A record inside an entry."""


class SourcePart(Part, frozen=True, kw_only=True):
    """What one source gave: regular files and their bytes in the snapshot; `complete` if all of it."""

    name: Source
    complete: bool
    files: Number
    bytes: Number


class PackPart(Part, frozen=True, kw_only=True):
    """A committed pack: its id, its size in bytes, and the hash over its parity blocks (FORMAT 3)."""

    id: Hash
    size: Number
    parity: Hash


class DrivePart(Part, frozen=True, kw_only=True):
    """What a scrub saw on one drive: shard blocks read, blocks bad, shards missing."""

    drive: Drive
    blocks: Number
    bad: Number
    missing: Number


class Placement(Part, frozen=True, kw_only=True):
    """A shard that was written anew: revision 1 is the first repair of that shard (FORMAT 6)."""

    drive: Drive
    pack: Hash
    revision: Number


class Loss(Part, frozen=True, kw_only=True):
    """A shard that could not be repaired."""

    drive: Drive
    pack: Hash


class EventCount(Part, frozen=True, kw_only=True):
    """`count` events of one name since the entry before; `time` of the newest, by the interlock."""

    name: Word
    count: Number
    time: Number


class Entry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind"):
    """What every entry says: interlock unix seconds and the phase in which it was written."""

    time: Number
    phase: Phase


class Birth(Entry, tag="birth", frozen=True, kw_only=True):
    """The vault began: entry 0 of every ledger. SHA-256 of the text of policy 1."""

    vault: Vault
    policy_hash: Hash


class PolicyAccepted(Entry, tag="policy", frozen=True, kw_only=True):
    """The interlock took a policy: its version and the SHA-256 of its text."""

    version: Number
    hash: Hash


class Seal(Entry, tag="seal", frozen=True, kw_only=True):
    """The packs of one window are on the drives; the snapshot counts when `complete`.

    `segments` are the manifest's packs in reading order. `drives` hold every pack of this entry;
    `degraded` if that is not the whole set. `link_s` as the interlock measured it. `unreadable` files or
    attributes could not be read at the sources and are not in it.
    """

    window: Number
    snapshot: Snapshot
    complete: bool
    begin: Number
    sources: Annotated[tuple[SourcePart, ...], msgspec.Meta(max_length=SOURCES_MAX)]
    packs: Annotated[tuple[PackPart, ...], msgspec.Meta(max_length=PACKS_MAX)]
    segments: Annotated[tuple[Hash, ...], msgspec.Meta(max_length=SEGMENTS_MAX)]
    recipient: Hash
    policy: Number
    bytes_read: Number
    bytes_new: Number
    bytes_stored: Number
    unreadable: Number
    link_s: Number
    drives: Annotated[tuple[Drive, ...], msgspec.Meta(max_length=DRIVES_MAX)]
    degraded: bool

    def __post_init__(self) -> None:
        _distinct("drives", self.drives)
        _distinct("sources", [part.name for part in self.sources])
        _distinct("packs", [part.id for part in self.packs], ordered=False)


class Scrub(Entry, tag="scrub", frozen=True, kw_only=True):
    """What a scrub found, repaired and could not repair."""

    drives: Annotated[tuple[DrivePart, ...], msgspec.Meta(max_length=DRIVES_MAX)]
    repaired: Annotated[tuple[Placement, ...], msgspec.Meta(max_length=REPAIRS_MAX)]
    unrepaired: Annotated[tuple[Loss, ...], msgspec.Meta(max_length=REPAIRS_MAX)]

    def __post_init__(self) -> None:
        _distinct("drives", [part.drive for part in self.drives])


class Recovery(Entry, tag="recovery", frozen=True, kw_only=True):
    """A recovery order was accepted. `order` is the SHA-256 of its text. What is restored is named by
    snapshot and sources (none named: all), so that no file name can reach the ledger."""

    order: Hash
    nonce: Nonce
    snapshot: Snapshot
    sources: Annotated[tuple[Source, ...], msgspec.Meta(max_length=SOURCES_MAX)]
    why: Text
    destination: Text

    def __post_init__(self) -> None:
        _distinct("sources", self.sources)


class Fault(Entry, tag="fault", frozen=True, kw_only=True):
    """The interlock latched a fault: its first cause and the events up to its sequence number `upto`."""

    cause: Word
    upto: Number
    counts: Annotated[tuple[EventCount, ...], msgspec.Meta(max_length=COUNTS_MAX)]

    def __post_init__(self) -> None:
        _distinct("counts", [part.name for part in self.counts])


class Refused(Entry, tag="refused", frozen=True, kw_only=True):
    """The interlock refused requests: coalesced counters of its event log up to sequence number `upto`."""

    upto: Number
    counts: Annotated[tuple[EventCount, ...], msgspec.Meta(max_length=COUNTS_MAX)]

    def __post_init__(self) -> None:
        _distinct("counts", [part.name for part in self.counts])


class Gap(Entry, tag="gap", frozen=True, kw_only=True):
    """Says openly that of entry `index` only the leaf hash is known any more."""

    index: Number
    leaf: Hash


class Note(Entry, tag="note", frozen=True, kw_only=True):
    """Something for a person to read."""

    text: Text


AnyEntry: TypeAlias = Birth | PolicyAccepted | Seal | Scrub | Recovery | Fault | Refused | Gap | Note

_encoder = msgspec.json.Encoder(order="sorted")
_decoder: msgspec.json.Decoder[AnyEntry] = msgspec.json.Decoder(AnyEntry)


def encode(entry: AnyEntry) -> bytes:
    """The entry's bytes: the leaf of the ledger's tree. LedgerMalformed if a limit is passed."""
    try:
        data = _encoder.encode(entry)
    except (ValueError, TypeError, OverflowError, msgspec.MsgspecError) as error:
        raise LedgerMalformed(detail=f"an entry cannot be written: {error}") from None
    if decode(data) != entry:
        raise LedgerMalformed(detail="an entry does not read back as it was written")
    return data


def decode(data: bytes) -> AnyEntry:
    """Inverse of `encode`. LedgerMalformed for anything that `encode` would not write."""
    if len(data) > ENTRY_BYTES_MAX:
        raise LedgerMalformed(detail=f"an entry of {len(data)} bytes; the limit is {ENTRY_BYTES_MAX}")
    try:
        entry = _decoder.decode(data)
        canonical = _encoder.encode(entry)
    except (ValueError, RecursionError, msgspec.MsgspecError) as error:
        raise LedgerMalformed(detail=f"an entry cannot be read: {error}") from None
    if canonical != data:
        raise LedgerMalformed(detail="an entry is not written in its one spelling")
    return entry


def _distinct(name: str, values: list[str] | list[int] | tuple[str, ...] | tuple[int, ...], *,
              ordered: bool = True) -> None:
    """Lists that are sets have one order, so that they have one spelling; packs keep theirs."""
    if len(set(values)) != len(values):
        raise ValueError(f"{name} named twice")
    if ordered and list(values) != sorted(values):
        raise ValueError(f"{name} out of order")
