"""A ledger as one file, for whoever checks it without the box. FORMAT 7.7.

Encodes only: its reader is appliance/rosetta/iwato_ledger.py, which shares no line with this.
"""

from __future__ import annotations

import struct

HEADER = b"iwato-ledger-export v1\n"
SUFFIX = ".iwato-ledger"
END, ENTRY, LEAF, NOTE, KEY, SIGNATURE = range(6)
_HEAD = struct.Struct(">BI")  # kind and length


def record(kind: int, payload: bytes) -> bytes:
    """One record."""
    return _HEAD.pack(kind, len(payload)) + payload


def signature(holder: int, raw: bytes) -> bytes:
    """A holder's countersignature on the checkpoint before it."""
    return record(SIGNATURE, bytes([holder]) + raw)


def end(count: int, digest: bytes) -> bytes:
    """The last record: how many entries, and the SHA-256 of everything before it."""
    return record(END, struct.pack(">Q", count) + digest)
