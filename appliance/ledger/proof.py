"""Proof beside the data that an entry is in the ledger (C2SP tlog-proof).

One small text with the entry's index, its path in the tree and the checkpoint: whoever has it, the entry
and the two public keys needs nothing else. No extra data is written or taken. FORMAT 7.6.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from appliance.errors import LedgerMalformed, ProofRefused
from appliance.format import base64_text
from appliance.format.note import NOTE_BYTES_MAX
from appliance.ledger import checkpoint, tree
from appliance.ledger.checkpoint import Keys, Witnessed
from appliance.ledger.tree import Tree

HEADER = "c2sp.org/tlog-proof@v1"
SUFFIX = ".tlog-proof"
LINE_BYTES_MAX = 64  # bytes; a Base64 hash has 44
PROOF_BYTES_MAX = NOTE_BYTES_MAX + (tree.LEVELS_MAX + 3) * LINE_BYTES_MAX
_INDEX = re.compile(r"index (0|[1-9][0-9]{0,15})")


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """Entry `index`, its `path` from the sibling up, and the checkpoint note as it was found."""

    index: int
    path: tuple[bytes, ...]
    note: bytes


def make(index: int, whole: Tree, note: bytes, keys: Keys) -> bytes:
    """Proof text for an entry under a checkpoint. CheckpointRefused, or ProofRefused if the checkpoint
    is not of this tree or older than the entry."""
    said = checkpoint.verify(note, keys)
    if not index < said.size <= whole.size or whole.root(said.size) != said.root:
        raise ProofRefused(detail=f"the checkpoint of {said.size} entries does not cover entry {index}")
    return encode(Proof(index=index, path=whole.inclusion(index, said.size), note=note))


def verify(data: bytes, entry: bytes, keys: Keys) -> tuple[int, Witnessed]:
    """The entry's index and the checkpoint that covers it. LedgerMalformed, CheckpointRefused or
    ProofRefused if anything does not hold."""
    proof = decode(data)
    said = checkpoint.verify(proof.note, keys)
    leaf = tree.leaf_hash(entry)
    if not tree.verify_inclusion(
        leaf=leaf, index=proof.index, size=said.size, path=proof.path, root=said.root
    ):
        raise ProofRefused(detail=f"this is not entry {proof.index} of {said.size}")
    return proof.index, said


def encode(proof: Proof) -> bytes:
    """The proof's text."""
    lines = [HEADER, f"index {proof.index}", *(base64_text.encode(node) for node in proof.path), "", ""]
    return "\n".join(lines).encode("ascii") + proof.note


def decode(data: bytes) -> Proof:
    """Inverse of `encode`; nothing verified. LedgerMalformed for anything else."""
    head, separator, note = data.partition(b"\n\n")
    if len(data) > PROOF_BYTES_MAX or not separator:
        raise LedgerMalformed(detail="a proof is too long or holds no checkpoint")
    try:
        header, index, *path = head.decode("ascii").split("\n")
        nodes = tuple(base64_text.decode(line) for line in path)
    except ValueError:
        raise LedgerMalformed(detail="a proof's lines") from None
    found = _INDEX.fullmatch(index)
    if header != HEADER or not found or len(nodes) > tree.LEVELS_MAX:
        raise LedgerMalformed(detail="a proof's first lines or length")
    if any(len(node) != tree.HASH_BYTES for node in nodes):
        raise LedgerMalformed(detail="a proof's hash has not 32 bytes")
    return Proof(index=int(found[1]), path=nodes, note=note)
