"""The tree against RFC 6962's own recursive definitions, written here a second time and naively."""

import hashlib
import random
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.ledger import tree
from firmware.model import frontier as witness
from tests import depth

SMALL = 64  # leaves; every pair m < n up to here is tried
ENTRIES = [b"entry %d" % number for number in range(SMALL)]
LEAVES = [tree.leaf_hash(entry) for entry in ENTRIES]


def naive_root(entries: Sequence[bytes]) -> bytes:
    if not entries:
        return hashlib.sha256(b"").digest()
    if len(entries) == 1:
        return hashlib.sha256(b"\0" + entries[0]).digest()
    k = max(1 << e for e in range(60) if 1 << e < len(entries))
    return hashlib.sha256(b"\1" + naive_root(entries[:k]) + naive_root(entries[k:])).digest()


def naive_path(m: int, entries: Sequence[bytes]) -> list[bytes]:
    if len(entries) == 1:
        return []
    k = max(1 << e for e in range(60) if 1 << e < len(entries))
    if m < k:
        return [*naive_path(m, entries[:k]), naive_root(entries[k:])]
    return [*naive_path(m - k, entries[k:]), naive_root(entries[:k])]


def naive_subproof(m: int, entries: Sequence[bytes], whole: bool) -> list[bytes]:
    if m == len(entries):
        return [] if whole else [naive_root(entries)]
    k = max(1 << e for e in range(60) if 1 << e < len(entries))
    if m <= k:
        return [*naive_subproof(m, entries[:k], whole), naive_root(entries[k:])]
    return [*naive_subproof(m - k, entries[k:], False), naive_root(entries[:k])]


def damaged_paths(path: Sequence[bytes]) -> list[Sequence[bytes]]:
    """Every path that is one bit or one length away."""
    paths: list[Sequence[bytes]] = [(*path, LEAVES[0])]
    for level in range(len(path)):
        paths += [path[:level], (*path[:level], flipped(path[level]), *path[level + 1 :])]
    return paths


def flipped(data: bytes) -> bytes:
    return bytes([data[0] ^ 1]) + data[1:]


@pytest.mark.clause("FORMAT 7.1")
def test_roots_are_those_of_the_definition_for_every_size() -> None:
    frontier, grown = tree.Frontier(), tree.Tree()
    for size in range(SMALL + 1):
        expected = naive_root(ENTRIES[:size])
        assert frontier.root() == expected == grown.root() == tree.root_of(LEAVES[:size])
        assert len(frontier.nodes) <= size.bit_length()
        if size < SMALL:
            frontier = frontier.extended([LEAVES[size]])
            grown.append(LEAVES[size])
    assert [tree.Tree(LEAVES).root(size) for size in range(SMALL + 1)] == [
        naive_root(ENTRIES[:size]) for size in range(SMALL + 1)
    ]


def test_every_inclusion_proof_up_to_64_leaves_is_the_definition_s_and_verifies() -> None:
    whole = tree.Tree(LEAVES)
    for size in range(1, SMALL + 1):
        root = whole.root(size)
        for index in range(size):
            path = whole.inclusion(index, size)
            assert list(path) == naive_path(index, ENTRIES[:size])
            assert tree.verify_inclusion(leaf=LEAVES[index], index=index, size=size, path=path, root=root)


def test_every_consistency_proof_up_to_64_leaves_is_the_definition_s_and_verifies() -> None:
    whole = tree.Tree(LEAVES)
    for size in range(1, SMALL + 1):
        for old in range(1, size + 1):
            path = whole.consistency(old, size)
            assert list(path) == naive_subproof(old, ENTRIES[:size], True)
            assert tree.verify_consistency(
                old=old, old_root=whole.root(old), size=size, root=whole.root(size), path=path
            )


def test_no_inclusion_proof_holds_for_another_index_size_leaf_root_or_path() -> None:
    whole = tree.Tree(LEAVES)
    for size in range(1, 34):
        root = whole.root(size)
        for index in range(size):
            path = whole.inclusion(index, size)
            leaf = LEAVES[index]
            wrong = [
                (flipped(leaf), index, size, path, root),
                (leaf, index, size, path, flipped(root)),
                *((leaf, index, size, damaged, root) for damaged in damaged_paths(path)),
                (leaf, -1, size, path, root),
                *((leaf, other, size, path, root) for other in range(size + 2) if other != index),
            ]
            for a_leaf, an_index, a_size, a_path, a_root in wrong:
                assert not tree.verify_inclusion(
                    leaf=a_leaf, index=an_index, size=a_size, path=a_path, root=a_root
                )


def test_no_consistency_proof_holds_for_other_roots_or_another_path() -> None:
    whole = tree.Tree(LEAVES)
    for size in range(1, 34):
        for old in range(1, size + 1):
            path = whole.consistency(old, size)
            old_root, root = whole.root(old), whole.root(size)
            wrong: list[tuple[bytes, bytes, Sequence[bytes]]] = [
                (flipped(old_root), root, path),
                (old_root, flipped(root), path),
                *((old_root, root, damaged) for damaged in damaged_paths(path)),
            ]
            for an_old_root, a_root, a_path in wrong:
                assert not tree.verify_consistency(
                    old=old, old_root=an_old_root, size=size, root=a_root, path=a_path
                )


def test_the_empty_tree_is_a_prefix_of_every_tree_only_by_its_own_root() -> None:
    whole = tree.Tree(LEAVES)
    assert tree.verify_consistency(old=0, old_root=tree.EMPTY_ROOT, size=5, root=whole.root(5), path=())
    assert not tree.verify_consistency(old=0, old_root=LEAVES[0], size=5, root=whole.root(5), path=())
    assert not tree.verify_consistency(old=6, old_root=whole.root(6), size=5, root=whole.root(5), path=())


@settings(max_examples=depth.many(40, 1000), deadline=None)
@given(size=st.integers(65, 3000), seed=st.integers(0, 2**32))
def test_beyond_64_leaves_batches_single_appends_and_proofs_agree(size: int, seed: int) -> None:
    chance = random.Random(seed)
    leaves = [number.to_bytes(32, "big") for number in range(size)]
    whole = tree.Tree(leaves)
    cut, index = chance.randrange(1, size), chance.randrange(size)
    assert tree.Frontier().extended(leaves[:cut]).extended(leaves[cut:]).root() == whole.root()
    assert tree.verify_inclusion(
        leaf=leaves[index], index=index, size=size, path=whole.inclusion(index), root=whole.root()
    )
    old = whole.root(cut)
    path = whole.consistency(cut)
    assert tree.verify_consistency(old=cut, old_root=old, size=size, root=whole.root(), path=path)
    leaves[chance.randrange(cut)] = b"x" * 32
    assert not tree.verify_consistency(old=cut, old_root=old, size=size, root=tree.root_of(leaves), path=path)


def test_the_witness_and_the_controller_keep_the_same_right_edge() -> None:
    mine = tree.Frontier()
    theirs: witness.Edge = ()
    for size, leaf in enumerate(LEAVES):
        mine, theirs = mine.extended([leaf]), witness.append(size, theirs, leaf)
        assert (mine.nodes, mine.root()) == (theirs, witness.root(theirs))


@pytest.mark.planted
def test_a_tree_without_domain_separation_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tree, "NODE", b"")
    assert tree.root_of(LEAVES[:2]) != naive_root(ENTRIES[:2])


@pytest.mark.planted
def test_a_verifier_that_ignores_the_length_of_the_path_is_caught() -> None:
    """The same walk without its last line (`last == 0`) takes a node for a leaf."""
    whole = tree.Tree(LEAVES[:8])
    short = whole.inclusion(2, 8)[1:]
    node = tree.node_hash(LEAVES[2], LEAVES[3])
    lax = node
    for level, sibling in enumerate(short):
        lax = tree.node_hash(sibling, lax) if (2 >> (level + 1)) & 1 else tree.node_hash(lax, sibling)
    assert lax == whole.root(8)
    assert not tree.verify_inclusion(leaf=node, index=2, size=8, path=short, root=whole.root(8))


def test_a_frontier_of_the_wrong_shape_is_refused() -> None:
    with pytest.raises(ValueError, match="frontier"):
        tree.Frontier(size=3, nodes=(b"x" * 32,))


@pytest.mark.parametrize(("old", "size"), [(0, 4), (5, 4), (1, 99)])
def test_no_proof_is_made_outside_the_tree(old: int, size: int) -> None:
    with pytest.raises(ValueError, match=r"."):
        tree.Tree(LEAVES[:8]).consistency(old, size)
