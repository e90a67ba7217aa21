"""The right edge of the log's Merkle tree (RFC 6962 section 2.1, SHA-256), all a witness must keep.

`edge` holds one hash per one-bit of the size, largest subtree first: at most 63 hashes.
"""

from __future__ import annotations

import hashlib

Edge = tuple[bytes, ...]
NODE = b"\x01"
EMPTY_ROOT = hashlib.sha256(b"").digest()


def append(size: int, edge: Edge, leaf_hash: bytes) -> Edge:
    """The edge after `leaf_hash` became leaf number `size`."""
    node, rest = leaf_hash, list(edge)
    while size & 1:
        node = hashlib.sha256(NODE + rest.pop() + node).digest()
        size >>= 1
    return (*rest, node)


def root(edge: Edge) -> bytes:
    """The tree's root, 32 bytes."""
    if not edge:
        return EMPTY_ROOT
    node = edge[-1]
    for left in reversed(edge[:-1]):
        node = hashlib.sha256(NODE + left + node).digest()
    return node
