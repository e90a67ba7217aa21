"""What differs between two snapshots, against a comparison that holds both lists in memory."""

from __future__ import annotations

import os
import random
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.adapters.local_source import LocalSource
from appliance.domain.file_entry import ChunkRef, Extent, FileEntry, Kind
from appliance.domain.ids import SourceName
from appliance.errors import ManifestInvalid, VaultError
from appliance.format.ledger_entry import Seal
from appliance.service import copy_diff, copy_order
from appliance.service.copy_diff import Change, Differ
from appliance.service.selection import Selection
from tests.unit.restore_bench import DOCS, IDENTITY, ROOT, Vault, entry, file

Found = list[tuple[str, bytes, Change, int, int]]


@pytest.fixture
def vault(tmp_path: Path) -> Vault:
    return Vault(tmp_path / "vault")


def snapshot(vault: Vault, *lists: tuple[SourceName, Sequence[FileEntry]]) -> Seal:
    """One snapshot of these lists, by source."""
    vault.segments.clear()
    for source, entries in lists:
        vault.list_files(entries, source=source)
    return vault.snapshot(*(source for source, _ in lists))


def differences(vault: Vault, before: Seal, after: Seal, selection: Selection | None = None) -> Found:
    with closing(Differ(vault.gatherer(), IDENTITY, selection or Selection(), lambda _done: None)) as differ:
        return [
            (item.source, item.path, item.change, item.size_before, item.size_after)
            for item in differ.run(before, after)
        ]


def walked(*entries: FileEntry) -> list[FileEntry]:
    return sorted([ROOT, *entries], key=copy_order.key)


NAMES = st.sampled_from([b"a", b"b", b"a.b", b"a-b", b"\xff", b"Z"])
TREES = st.recursive(st.just(None), lambda inner: st.dictionaries(NAMES, inner, max_size=4), max_leaves=12)


@given(tree=TREES)
def test_the_key_ascends_along_every_walk(tmp_path_factory: pytest.TempPathFactory, tree: object) -> None:
    root = tmp_path_factory.mktemp("walk")

    def plant(place: bytes, inner: object) -> None:
        if isinstance(inner, dict):
            os.makedirs(place, exist_ok=True)
            for name, below in inner.items():
                plant(place + b"/" + name, below)
        else:
            with open(place, "wb"):
                pass

    if isinstance(tree, dict):
        plant(os.fsencode(root), tree)
    with closing(LocalSource(DOCS, root, carrier=lambda: True)) as source:
        keys = [copy_order.key(found) for found, _ in source.walk()]
    assert keys == sorted(set(keys))


def test_each_kind_of_change_is_told_apart_and_nothing_else_is_told(vault: Vault) -> None:
    one, two, three = vault.chunks(b"one", b"two", b"three")
    before = snapshot(
        vault,
        (DOCS, walked(
            file(b"same", one), file(b"content", one), file(b"mode", two), file(b"gone", three),
            entry(b"link", Kind.SYMLINK, target=b"x"), entry(b"turns", Kind.FIFO),
            entry(b"folder", Kind.DIRECTORY), file(b"folder/in", one),
        )),
    )  # fmt: skip
    after = snapshot(
        vault,
        (DOCS, walked(
            file(b"same", one), file(b"content", two), file(b"mode", two, mode=0o600),
            entry(b"link", Kind.SYMLINK, target=b"y"), entry(b"turns", Kind.SYMLINK, target=b"z"),
            entry(b"folder", Kind.DIRECTORY), file(b"folder/in", one), file(b"folder/new", three),
        )),
    )  # fmt: skip
    assert differences(vault, before, after) == [
        ("docs", b"content", Change.CONTENT, 3, 3),
        ("docs", b"gone", Change.REMOVED, 5, 0),
        ("docs", b"link", Change.CONTENT, 0, 0),
        ("docs", b"mode", Change.METADATA, 3, 3),
        ("docs", b"turns", Change.KIND, 0, 0),
        ("docs", b"folder/new", Change.ADDED, 0, 5),
    ]
    assert differences(vault, before, before) == []


def test_a_source_that_is_in_one_of_them_only_is_added_or_removed_whole(vault: Vault) -> None:
    (one,) = vault.chunks(b"one")
    mail = SourceName("mail")
    before = snapshot(vault, (DOCS, walked(file(b"a", one))))
    after = snapshot(vault, (mail, walked(file(b"a", one))))
    found = differences(vault, before, after)
    assert [(source, path, change) for source, path, change, *_ in found] == [
        ("docs", b"", Change.REMOVED), ("docs", b"a", Change.REMOVED),
        ("mail", b"", Change.ADDED), ("mail", b"a", Change.ADDED),
    ]  # fmt: skip
    only = Selection(sources=frozenset({"mail"}), subtree=b"a")
    assert [path for _, path, *_ in differences(vault, before, after, only)] == [b"a"]


def stored_twice(vault: Vault, *contents: bytes) -> list[list[ChunkRef]]:
    """The same chunks in two packs, as before and after a full snapshot."""
    first = vault.chunks(*contents)
    vault.forget()
    return [first, vault.chunks(*contents)]


def test_content_that_was_stored_anew_is_the_same(vault: Vault) -> None:
    first, again = stored_twice(vault, b"one" * 1000, b"two" * 1000)
    before = snapshot(vault, (DOCS, walked(file(b"a", *first))))
    after = snapshot(vault, (DOCS, walked(file(b"a", *again))))
    assert first != again
    assert differences(vault, before, after) == []


def test_content_that_was_cut_elsewhere_is_compared_by_its_bytes(vault: Vault) -> None:
    parts = vault.chunks(b"abc", b"defg", b"abcd", b"efg", b"efG")
    before = snapshot(vault, (DOCS, walked(file(b"same", *parts[:2]), file(b"other", *parts[:2]))))
    after = snapshot(
        vault, (DOCS, walked(file(b"same", *parts[2:4]), file(b"other", parts[2], parts[4])))
    )
    assert [path for _, path, *_ in differences(vault, before, after)] == [b"other"]


def test_a_hole_is_the_zeros_that_it_reads_as(vault: Vault) -> None:
    zeros, end = vault.chunks(bytes(5000), b"end")
    hole = replace(file(b"a"), size=5003, extents=(Extent(offset=5000, chunks=(end,)),))
    before = snapshot(vault, (DOCS, walked(hole)))
    after = snapshot(vault, (DOCS, walked(file(b"a", zeros, end))))
    assert differences(vault, before, after) == []
    longer = replace(hole, size=5004)
    assert len(differences(vault, before, snapshot(vault, (DOCS, walked(longer))))) == 1


@given(seed=st.integers(0, 1 << 30))
def test_it_finds_what_a_comparison_in_memory_finds(
    tmp_path_factory: pytest.TempPathFactory, seed: int
) -> None:
    vault, draw = Vault(tmp_path_factory.mktemp("vault")), random.Random(seed)
    refs = vault.chunks(*(b"%d" % number * 50 for number in range(4)))
    paths = [b"a", b"a.b", b"c", b"d", b"e\n", b"\xff"]
    lists = [
        {
            path: file(path, draw.choice(refs), mode=draw.choice([0o600, 0o640]))
            for path in paths
            if draw.random() < 0.7
        }
        for _ in range(2)
    ]
    before, after = (snapshot(vault, (DOCS, walked(*found.values()))) for found in lists)
    expected = {}
    for path in paths:
        old, new = lists[0].get(path), lists[1].get(path)
        if old is None or new is None:
            change = Change.ADDED if old is None else Change.REMOVED
            expected[path] = change if old is not new else None
        elif old != new:
            expected[path] = Change.CONTENT if old.extents != new.extents else Change.METADATA
    found = {path: change for _, path, change, *_ in differences(vault, before, after)}
    assert found == {path: change for path, change in expected.items() if change}


def test_a_list_that_is_in_no_order_gives_no_answer(vault: Vault) -> None:
    (one,) = vault.chunks(b"one")
    good = snapshot(vault, (DOCS, walked(file(b"a", one))))
    bent = snapshot(vault, (DOCS, [ROOT, file(b"b", one), file(b"a", one)]))
    for pair in ((good, bent), (bent, good)):
        with pytest.raises(ManifestInvalid):
            differences(vault, *pair)


def test_a_pack_that_is_lost_gives_no_answer(vault: Vault) -> None:
    first, again = stored_twice(vault, b"one" * 1000)
    before = snapshot(vault, (DOCS, walked(file(b"a", *first))))
    after = snapshot(vault, (DOCS, walked(file(b"a", *again))))
    vault.lose(again[0].pack)
    with pytest.raises(VaultError):
        differences(vault, before, after)


def test_few_packs_are_open_at_once(vault: Vault, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(copy_diff, "PACKS_OPEN", 2)
    contents = [b"%d" % number * 100 for number in range(6)]
    old = [file(b"%d" % number, *vault.chunks(text)) for number, text in enumerate(contents)]
    vault.forget()
    new = [file(b"%d" % number, *vault.chunks(text)) for number, text in enumerate(contents)]
    before, after = snapshot(vault, (DOCS, walked(*old))), snapshot(vault, (DOCS, walked(*new)))
    differ = Differ(vault.gatherer(), IDENTITY, Selection(), lambda _done: None)
    held = [len(differ._packs) for _ in differ.run(before, after)]
    assert held == []
    assert len(differ._packs) == 2
    differ.close()


@pytest.mark.planted
def test_a_comparison_by_place_alone_is_caught(vault: Vault, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Differ, "_is_same_content", lambda _self, old, new: old.extents == new.extents)
    first, again = stored_twice(vault, b"one" * 1000)
    before = snapshot(vault, (DOCS, walked(file(b"a", *first))))
    after = snapshot(vault, (DOCS, walked(file(b"a", *again))))
    assert differences(vault, before, after) != []
