"""The Merkle tree over the ledger's entries: RFC 6962 section 2.1 with SHA-256.

`Frontier` is the right edge alone: it appends and gives roots, which is all that a writer or a witness
needs. `Tree` also keeps the inner hashes and makes proofs. The two `verify_*` functions need neither.
Reads no entry and knows no signature. FORMAT 7.1.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

HASH_BYTES = 32  # bytes; SHA-256
LEVELS_MAX = 64  # levels; an index is below 10^16 < 2^64 (FORMAT 7.5), so no honest path is longer
EMPTY_ROOT = hashlib.sha256(b"").digest()
LEAF = b"\x00"
NODE = b"\x01"


def leaf_hash(entry: bytes) -> bytes:
    """Hash of one entry's bytes."""
    return hashlib.sha256(LEAF + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Hash of an inner node."""
    return hashlib.sha256(NODE + left + right).digest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Frontier:
    """A tree of `size` leaves as its perfect subtrees: one hash per set bit of `size`, largest first."""

    size: int = 0
    nodes: tuple[bytes, ...] = ()

    def __post_init__(self) -> None:
        if self.size.bit_count() != len(self.nodes):
            raise ValueError(f"a frontier of {self.size} leaves has {self.size.bit_count()} nodes")

    def extended(self, leaves: Iterable[bytes]) -> Frontier:
        """The same tree with more leaf hashes at its end. O(log n) for one, amortised O(1) for many."""
        nodes, size = list(self.nodes), self.size
        sha256 = hashlib.sha256  # a local name: this loop is the cost of verifying 10^7 entries
        for leaf in leaves:
            carry, bits = leaf, size
            while bits & 1:
                carry = sha256(NODE + nodes.pop() + carry).digest()
                bits >>= 1
            nodes.append(carry)
            size += 1
        return Frontier(size=size, nodes=tuple(nodes))

    def root(self) -> bytes:
        """The tree's root hash; EMPTY_ROOT for no leaves."""
        if not self.nodes:
            return EMPTY_ROOT
        root = self.nodes[-1]
        for node in reversed(self.nodes[:-1]):
            root = node_hash(node, root)
        return root


def root_of(leaves: Iterable[bytes]) -> bytes:
    """Root over leaf hashes."""
    return Frontier().extended(leaves).root()


class Tree:
    """All perfect subtrees over leaf hashes, level by level; twice the leaves in memory."""

    def __init__(self, leaves: Iterable[bytes] = ()) -> None:
        self._levels: list[list[bytes]] = [[]]
        for leaf in leaves:
            self.append(leaf)

    @property
    def size(self) -> int:
        """Number of leaves."""
        return len(self._levels[0])

    def append(self, leaf: bytes) -> None:
        """Add one leaf hash at the end."""
        level = 0
        self._levels[0].append(leaf)
        while len(self._levels[level]) % 2 == 0:
            if level + 1 == len(self._levels):
                self._levels.append([])
            left, right = self._levels[level][-2:]
            self._levels[level + 1].append(node_hash(left, right))
            level += 1

    def root(self, size: int | None = None) -> bytes:
        """Root of the first `size` leaves (all of them when absent)."""
        end = self.size if size is None else size
        self._check(0, end)
        return self._hash(0, end) if end else EMPTY_ROOT

    def inclusion(self, index: int, size: int | None = None) -> tuple[bytes, ...]:
        """Path from the leaf's sibling up to the root's child, in the tree of `size` leaves."""
        end = self.size if size is None else size
        self._check(index + 1, end)
        path: list[bytes] = []
        begin = 0
        while end - begin > 1:
            middle = begin + _split(end - begin)
            if index < middle:
                path.append(self._hash(middle, end))
                end = middle
            else:
                path.append(self._hash(begin, middle))
                begin = middle
        return tuple(reversed(path))

    def consistency(self, old: int, size: int | None = None) -> tuple[bytes, ...]:
        """Proof that the first `old` >= 1 leaves are a prefix of the first `size`."""
        end = self.size if size is None else size
        self._check(old, end)
        if old < 1:
            raise ValueError("the empty tree is consistent with every tree and needs no proof")
        path: list[bytes] = []
        begin, whole = 0, True  # `whole`: the range begins where the old tree does, so its root is known
        while old != end:
            middle = begin + _split(end - begin)
            if old <= middle:
                path.append(self._hash(middle, end))
                end = middle
            else:
                path.append(self._hash(begin, middle))
                begin, whole = middle, False
        if not whole:
            path.append(self._hash(begin, end))
        return tuple(reversed(path))

    def _check(self, low: int, size: int) -> None:
        if not 0 <= low <= size <= self.size:
            raise ValueError(f"{low} <= {size} <= {self.size} does not hold")

    def _hash(self, begin: int, end: int) -> bytes:
        """Hash of leaves[begin:end]; `begin` is a multiple of the range's largest perfect subtree."""
        count = end - begin
        if count & (count - 1) == 0:
            level = count.bit_length() - 1
            return self._levels[level][begin >> level]
        middle = begin + _split(count)
        return node_hash(self._hash(begin, middle), self._hash(middle, end))


def _split(count: int) -> int:
    """The largest power of two below `count` >= 2: where RFC 6962 divides a range."""
    return 1 << ((count - 1).bit_length() - 1)


def verify_inclusion(*, leaf: bytes, index: int, size: int, path: Sequence[bytes], root: bytes) -> bool:
    """Whether `path` proves that `leaf` is entry `index` of the tree (`size`, `root`)."""
    if not 0 <= index < size or len(path) > LEVELS_MAX:
        return False
    computed, position, last = leaf, index, size - 1
    for sibling in path:
        if last == 0:
            return False
        if position & 1 or position == last:
            computed = node_hash(sibling, computed)
            while not position & 1 and position:  # the right edge skips the levels that it lacks
                position, last = position >> 1, last >> 1
        else:
            computed = node_hash(computed, sibling)
        position, last = position >> 1, last >> 1
    return last == 0 and computed == root


def verify_consistency(
    *, old: int, old_root: bytes, size: int, root: bytes, path: Sequence[bytes]
) -> bool:
    """Whether `path` proves that the tree (`old`, `old_root`) is a prefix of the tree (`size`, `root`)."""
    if not 0 <= old <= size or len(path) > LEVELS_MAX + 1:
        return False
    if old in {0, size}:
        return not path and old_root == (EMPTY_ROOT if old == 0 else root)
    nodes = [old_root, *path] if old & (old - 1) == 0 else list(path)
    return bool(nodes) and _walk(old - 1, size - 1, nodes) == (old_root, root)


def _walk(position: int, last: int, nodes: Sequence[bytes]) -> tuple[bytes, bytes] | None:
    """The two roots that a consistency path leads to; nothing if its length is wrong."""
    while position & 1:
        position, last = position >> 1, last >> 1
    older = newer = nodes[0]
    for node in nodes[1:]:
        if last == 0:
            return None
        if position & 1 or position == last:
            older, newer = node_hash(node, older), node_hash(node, newer)
            while not position & 1 and position:
                position, last = position >> 1, last >> 1
        else:
            newer = node_hash(newer, node)
        position, last = position >> 1, last >> 1
    return (older, newer) if last == 0 else None
