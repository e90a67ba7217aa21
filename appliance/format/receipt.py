"""The receipt: what sealing leaves in staging so that intake learns which packs were witnessed.

A ledger entry and the proof that the witness covers it; intake verifies the proof before it believes the
entry. Two lengths frame the two parts. Verifies nothing itself (ledger/proof.py does). FORMAT 6.8.
"""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass

from appliance.errors import LedgerMalformed
from appliance.format.ledger_entry import ENTRY_BYTES_MAX

FOLDER = "receipts"
MAGIC = b"iwato-receipt v1\n"
PROOF_BYTES_MAX = 1 << 17  # bytes; a note of 64 KiB and a path of 64 hashes
RECEIPT_BYTES_MAX = ENTRY_BYTES_MAX + PROOF_BYTES_MAX + 64

_LENGTHS = struct.Struct(">II")
_NAME = re.compile(r"([0-9]{8})-([0-9]{16})\.receipt")


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """`entry` is the ledger entry's bytes, `proof` the text of its C2SP tlog-proof."""

    entry: bytes
    proof: bytes


def name(window: int, index: int) -> str:
    """`receipts/<window, 8 digits>-<index of the ledger entry, 16 digits>.receipt`."""
    return f"{FOLDER}/{window:08d}-{index:016d}.receipt"


def parse_name(leaf: str) -> tuple[int, int] | None:
    """(window, index of the ledger entry) of a receipt's name without its folder; else None."""
    match = _NAME.fullmatch(leaf)
    return (int(match[1]), int(match[2])) if match else None


def encode(receipt: Receipt) -> bytes:
    """The file's bytes."""
    assert len(receipt.entry) <= ENTRY_BYTES_MAX
    assert len(receipt.proof) <= PROOF_BYTES_MAX
    lengths = _LENGTHS.pack(len(receipt.entry), len(receipt.proof))
    return MAGIC + lengths + receipt.entry + receipt.proof


def decode(content: bytes) -> Receipt:
    """Inverse of `encode`; LedgerMalformed for anything else."""
    start = len(MAGIC) + _LENGTHS.size
    if not content.startswith(MAGIC) or len(content) < start:
        raise LedgerMalformed(detail="not a receipt")
    entry, proof = _LENGTHS.unpack_from(content, len(MAGIC))
    if entry > ENTRY_BYTES_MAX or proof > PROOF_BYTES_MAX or len(content) != start + entry + proof:
        raise LedgerMalformed(detail="a receipt's lengths")
    return Receipt(entry=content[start : start + entry], proof=content[start + entry :])
