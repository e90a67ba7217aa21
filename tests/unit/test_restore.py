"""Restore: what comes back is what was pulled, or is named."""

import errno
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance.adapters import tree_compare
from appliance.adapters.attributes import Wanted
from appliance.adapters.target_files import TargetFiles
from appliance.domain.file_entry import Extent, FileEntry, Kind
from appliance.domain.ids import PackId, SourceName
from appliance.errors import ManifestInvalid, NotInSnapshot, PackLost
from appliance.service import restore as restore_module
from appliance.service import restore_files
from appliance.service.selection import Selection
from tests.unit.restore_bench import (
    AS_ROOT,
    DOCS,
    ODD_NAMES,
    ROOT,
    Vault,
    data_runs,
    entry,
    file,
    make_tree,
    target,
)

MAIL = SourceName("mail")


@pytest.fixture(scope="module")
def pulled(tmp_path_factory: pytest.TempPathFactory) -> tuple[Vault, Path]:
    """A vault with one snapshot of a tree of every kind. Not to be damaged."""
    place = tmp_path_factory.mktemp("restore")
    vault, tree = Vault(place / "vault"), make_tree(place / "tree")
    vault.pull(tree)
    return vault, tree


@pytest.fixture
def vault(tmp_path: Path) -> Vault:
    return Vault(tmp_path / "vault")


def differences(tree: Path, out: Path) -> list[tuple[bytes, str]]:
    return tree_compare.compare(tree, out, owners=AS_ROOT).differences


# The whole tree --------------------------------------------------------------------------------------


def test_every_kind_and_every_attribute_comes_back(pulled: tuple[Vault, Path], tmp_path: Path) -> None:
    vault, tree = pulled
    made = target(tmp_path / "out")
    report = vault.restore(made)
    assert not report.failed
    assert not made.left_out
    assert differences(tree, tmp_path / "out" / "docs") == []
    count = sum(len(folders) + len(files) for _, folders, files in os.walk(tree)) + 1
    assert report.objects == count
    assert set(ODD_NAMES) <= set(os.listdir(os.fsencode(tmp_path / "out" / "docs")))


def test_set_id_bits_come_back_when_asked_for(pulled: tuple[Vault, Path], tmp_path: Path) -> None:
    vault, _ = pulled
    vault.restore(target(tmp_path / "out"))
    assert (tmp_path / "out" / "docs" / "set-id").stat().st_mode & 0o7777 == 0o6755


def test_set_id_bits_capabilities_and_devices_are_left_out_and_listed(
    pulled: tuple[Vault, Path], tmp_path: Path
) -> None:
    vault, tree = pulled
    made = target(tmp_path / "out", Wanted(owners=AS_ROOT))
    report = vault.restore(made)
    assert not report.failed
    expected = {(b"docs/set-id", "set-ID bit"), (b"docs/empty-folder", "set-ID bit")}
    if AS_ROOT:
        expected |= {(b"docs/disk", "device"), (b"docs/null", "device")}
    assert set(made.left_out) == expected
    assert (tmp_path / "out" / "docs" / "set-id").stat().st_mode & 0o7777 == 0o755
    lacking = [(path, what) for path, what in differences(tree, tmp_path / "out" / "docs")]
    assert lacking == ([(b"disk", "missing"), (b"null", "missing")] if AS_ROOT else [])


@pytest.mark.needs("root")
def test_file_capabilities_count_as_set_id_bits(vault: Vault, tmp_path: Path) -> None:
    capability = bytes.fromhex("0100000280000000" + "00" * 12)  # cap_setuid+ep, as the kernel stores it
    vault.list_files([ROOT, file(b"tool", xattrs=((b"security.capability", capability),))])
    made = target(tmp_path / "out", Wanted())
    vault.restore(made)
    assert made.left_out == [(b"docs/tool", "file capabilities")]
    assert os.listxattr(tmp_path / "out" / "docs" / "tool") == []
    vault.restore(target(tmp_path / "again", Wanted(set_id=True)))
    assert os.getxattr(tmp_path / "again" / "docs" / "tool", "security.capability") == capability


def test_holes_are_holes(pulled: tuple[Vault, Path], tmp_path: Path) -> None:
    vault, tree = pulled
    vault.restore(target(tmp_path / "out"))
    for name in ("sparse", "all-hole"):
        with (tree / name).open("rb") as mine, (tmp_path / "out" / "docs" / name).open("rb") as theirs:
            size = os.fstat(mine.fileno()).st_size
            assert list(data_runs(theirs.fileno(), size)) == list(data_runs(mine.fileno(), size))
    assert (tmp_path / "out" / "docs" / "all-hole").stat().st_blocks == 0


def test_an_acl_survives_the_mode_and_the_mode_survives_the_acl(
    pulled: tuple[Vault, Path], tmp_path: Path
) -> None:
    vault, tree = pulled
    vault.restore(target(tmp_path / "out"))
    name = "system.posix_acl_access"
    restored = tmp_path / "out" / "docs" / "large"
    assert os.getxattr(restored, name) == os.getxattr(tree / "large", name)
    assert restored.stat().st_mode & 0o777 == 0o650


def test_a_targets_own_default_acl_is_not_inherited(pulled: tuple[Vault, Path], tmp_path: Path) -> None:
    vault, tree = pulled
    (tmp_path / "out").mkdir()
    os.setxattr(
        tmp_path / "out", "system.posix_acl_default", os.getxattr(tree / "a", "system.posix_acl_default")
    )
    vault.restore(target(tmp_path / "out"))
    assert differences(tree, tmp_path / "out" / "docs") == []


def test_changed_files_are_restored_and_named(vault: Vault, tmp_path: Path) -> None:
    refs = vault.chunks(b"a state that never was")
    vault.list_files([ROOT, file(b"live", *refs, changed=True), file(b"still", *refs)])
    report = vault.restore(target(tmp_path / "out"))
    assert report.changed == [b"docs/live"]
    assert (tmp_path / "out" / "docs" / "live").read_bytes() == b"a state that never was"


def test_a_file_may_be_listed_before_its_directory(vault: Vault, tmp_path: Path) -> None:
    refs = vault.chunks(b"content")
    folder = entry(b"a", Kind.DIRECTORY, mode=0o555, mtime_ns=42)
    vault.list_files([file(b"a/b/c", *refs), entry(b"a/b", Kind.DIRECTORY, mtime_ns=-3), folder, ROOT])
    report = vault.restore(target(tmp_path / "out"))
    assert not report.failed
    assert (tmp_path / "out" / "docs" / "a" / "b" / "c").read_bytes() == b"content"
    found = (tmp_path / "out" / "docs" / "a").stat()
    assert (found.st_mode & 0o777, found.st_mtime_ns) == (0o555, 42)
    assert (tmp_path / "out" / "docs" / "a" / "b").stat().st_mtime_ns == -3


def test_small_batches_and_few_places_make_the_same_tree(
    pulled: tuple[Vault, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(restore_module, "BATCH_OBJECTS", 2)
    monkeypatch.setattr(restore_files, "PLACES_MAX", 1)
    vault, tree = pulled
    assert not vault.restore(target(tmp_path / "out")).failed
    assert differences(tree, tmp_path / "out" / "docs") == []


def test_chunks_that_alternate_between_many_files_need_no_descriptor_each(
    vault: Vault, tmp_path: Path
) -> None:
    refs = vault.chunks(*(b"%d" % i * 300_000 for i in range(8)))
    names = [b"f%03d" % i for i in range(100)]
    vault.list_files([ROOT, *(file(name, *refs) for name in names)])
    assert not vault.restore(target(tmp_path / "out")).failed
    expected = b"".join(b"%d" % i * 300_000 for i in range(8))
    assert all((tmp_path / "out" / "docs" / os.fsdecode(name)).read_bytes() == expected for name in names)
    assert len(vault.opened) == 2  # the manifest and one pack, once each


# Subsets ---------------------------------------------------------------------------------------------


def names_below(root: Path) -> set[str]:
    return {str(path.relative_to(root)) for path in root.rglob("*")} - {".iwato-restore"}


def test_one_source_is_restored_alone(vault: Vault, tmp_path: Path) -> None:
    mine, other = vault.chunks(b"docs"), vault.chunks(b"mail")
    vault.list_files([ROOT, file(b"a", *mine)])
    vault.list_files([ROOT, file(b"b", *other)], source=MAIL)
    vault.restore(
        target(tmp_path / "out"), Selection(sources=frozenset({"mail"})), snapshot=vault.snapshot(DOCS, MAIL)
    )
    assert names_below(tmp_path / "out") == {"mail", "mail/b"}
    assert mine[0].pack not in vault.opened


def test_a_subtree_is_restored_with_the_directories_that_lead_to_it(
    pulled: tuple[Vault, Path], tmp_path: Path
) -> None:
    vault, tree = pulled
    report = vault.restore(target(tmp_path / "out"), Selection(subtree=b"a/b"))
    assert not report.failed
    assert names_below(tmp_path / "out") == {
        "docs", "docs/a", "docs/a/b", "docs/a/b/c", "docs/a/b/deep", "docs/a/b/c/second",
    }  # fmt: skip
    assert differences(tree / "a" / "b", tmp_path / "out" / "docs" / "a" / "b") == []
    for path in ("", "a"):
        mine, theirs = (tree / path).stat(), (tmp_path / "out" / "docs" / path).stat()
        assert (theirs.st_mode, theirs.st_mtime_ns) == (mine.st_mode, mine.st_mtime_ns)


def test_a_single_file_is_restored_without_reading_other_packs(
    pulled: tuple[Vault, Path], tmp_path: Path
) -> None:
    vault, tree = pulled
    vault.restore(target(tmp_path / "out"), Selection(subtree=b"large"))
    assert names_below(tmp_path / "out") == {"docs", "docs/large"}
    assert (tmp_path / "out" / "docs" / "large").read_bytes() == (tree / "large").read_bytes()
    assert len(set(vault.opened)) <= 2


def test_a_name_that_only_begins_alike_is_not_in_the_subtree(vault: Vault, tmp_path: Path) -> None:
    vault.list_files([ROOT, file(b"a"), file(b"ab"), file(b"a b")])
    vault.restore(target(tmp_path / "out"), Selection(subtree=b"a"))
    assert names_below(tmp_path / "out") == {"docs", "docs/a"}


@pytest.mark.parametrize(("path", "first"), [(b"a/b/c", b"a/b/c/second"), (b"z-third", b"z-third")])
def test_a_hard_link_whose_first_name_is_outside_brings_its_content(
    pulled: tuple[Vault, Path], tmp_path: Path, path: bytes, first: bytes
) -> None:
    vault, tree = pulled
    assert not vault.restore(target(tmp_path / "out"), Selection(subtree=path)).failed
    restored = tmp_path / "out" / "docs" / os.fsdecode(first)
    assert restored.read_bytes() == b"deep"
    assert restored.stat().st_mode == (tree / os.fsdecode(first)).stat().st_mode
    assert restored.stat().st_mtime_ns == (tree / os.fsdecode(first)).stat().st_mtime_ns


def test_further_names_without_their_first_are_still_one_file(vault: Vault, tmp_path: Path) -> None:
    refs = vault.chunks(b"shared")
    links = [entry(b"sub/" + name, Kind.HARD_LINK, target=b"first") for name in (b"1", b"2", b"3")]
    vault.list_files([ROOT, file(b"first", *refs), entry(b"sub", Kind.DIRECTORY), *links])
    assert not vault.restore(target(tmp_path / "out"), Selection(subtree=b"sub")).failed
    assert {path.stat().st_ino for path in (tmp_path / "out" / "docs" / "sub").iterdir()} == {
        (tmp_path / "out" / "docs" / "sub" / "1").stat().st_ino
    }
    assert (tmp_path / "out" / "docs" / "sub" / "3").read_bytes() == b"shared"


def test_a_further_name_of_a_symlink_stays_a_symlink(pulled: tuple[Vault, Path], tmp_path: Path) -> None:
    vault, _ = pulled
    assert not vault.restore(target(tmp_path / "out"), Selection(subtree=b"link-again")).failed
    assert os.readlink(tmp_path / "out" / "docs" / "link-again") == "a/b/deep"


@pytest.mark.parametrize(
    "selection",
    [Selection(subtree=b"a/../b"), Selection(subtree=b"gone"), Selection(sources=frozenset({"x"}))],
)
def test_what_the_snapshot_does_not_have_is_refused_and_leaves_the_target_empty(
    pulled: tuple[Vault, Path], tmp_path: Path, selection: Selection
) -> None:
    with pytest.raises(NotInSnapshot, match="IW-1012"):
        pulled[0].restore(target(tmp_path / "out"), selection)
    assert os.listdir(tmp_path / "out") == []


# Losses ----------------------------------------------------------------------------------------------


def two_packs(vault: Vault) -> tuple[list[FileEntry], FileEntry]:
    """Files of a pack that will be lost, and one of another."""
    lost, kept = vault.chunks(b"lost" * 1000, b"also lost"), vault.chunks(b"kept")
    mixed = file(b"mixed", kept[0], lost[1])
    entries = [file(b"gone", lost[0]), mixed], file(b"stays", *kept)
    vault.list_files([ROOT, *entries[0], entries[1]])
    vault.lose(lost[0].pack)
    return entries


def test_a_lost_pack_costs_exactly_the_files_that_need_it(vault: Vault, tmp_path: Path) -> None:
    two_packs(vault)
    report = vault.restore(target(tmp_path / "out"))
    assert {path for path, _ in report.failed} == {b"docs/gone", b"docs/mixed"}
    assert {type(error) for _, error in report.failed} == {PackLost}
    assert names_below(tmp_path / "out") == {"docs", "docs/stays"}
    assert report.objects == 2


def test_a_further_name_of_a_lost_file_is_named_with_the_reason(vault: Vault, tmp_path: Path) -> None:
    lost = vault.chunks(b"lost")
    vault.list_files([ROOT, file(b"1", *lost), entry(b"2", Kind.HARD_LINK, target=b"1"),
                      entry(b"3", Kind.HARD_LINK, target=b"1")])  # fmt: skip
    vault.lose(lost[0].pack)
    report = vault.restore(target(tmp_path / "out"))
    assert {(path, type(error)) for path, error in report.failed} == {
        (b"docs/1", PackLost), (b"docs/2", PackLost), (b"docs/3", PackLost),
    }  # fmt: skip


def test_a_lost_list_of_files_is_named_and_the_others_are_restored(vault: Vault, tmp_path: Path) -> None:
    segment = vault.list_files([ROOT, file(b"a")], last=False)
    vault.list_files([file(b"b")], said=3)
    vault.lose(vault_pack(segment))
    report = vault.restore(target(tmp_path / "out"))
    assert [path for path, _ in report.failed] == [b"manifest " + segment.encode()]
    assert names_below(tmp_path / "out") == {"docs", "docs/b"}


def vault_pack(segment: str) -> PackId:
    return PackId(bytes.fromhex(segment))


@pytest.mark.parametrize("missing", [(), (0,), (0, 1), (4, 5), (1, 4)])
def test_damage_within_the_parity_is_invisible(
    vault: Vault, tmp_path: Path, missing: tuple[int, ...]
) -> None:
    refs = vault.chunks(os.urandom(300_000), b"small")
    vault.list_files([ROOT, file(b"a", *refs)])
    if not missing:
        for index in (2, 3):
            for shard in vault.drive(index).rglob("*shard*"):
                if shard.is_file():
                    flip(shard)
    report = vault.restore(target(tmp_path / "out"), without=missing)
    assert not report.failed
    assert (tmp_path / "out" / "docs" / "a").stat().st_size == 300_005


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[100] ^= 1
    path.write_bytes(content)


def test_a_list_that_lacks_entries_is_noticed(vault: Vault, tmp_path: Path) -> None:
    vault.list_files([ROOT, file(b"a")], said=3)
    report = vault.restore(target(tmp_path / "out"))
    assert [(path, type(error)) for path, error in report.failed] == [(b"docs", ManifestInvalid)]


def test_a_source_that_was_cut_short_is_not_called_damaged(vault: Vault, tmp_path: Path) -> None:
    vault.list_files([ROOT, file(b"a")], last=False)
    assert not vault.restore(target(tmp_path / "out"), snapshot=vault.snapshot(complete=False)).failed


def test_progress_reaches_the_bytes_that_were_restored(pulled: tuple[Vault, Path], tmp_path: Path) -> None:
    told: list[int] = []
    report = pulled[0].restore(target(tmp_path / "out"), progress=told.append)
    assert told == sorted(told)
    assert told[-1] == report.content_bytes


def test_a_restore_of_no_bytes_tells_that_it_moves_as_well(vault: Vault, tmp_path: Path) -> None:
    vault.list_files([ROOT, file(b"a"), file(b"b")])
    told: list[int] = []
    vault.restore(target(tmp_path / "out"), progress=told.append)
    assert told == [0, 0, 0, 0]  # three entries, and the directory that is dressed


def test_what_a_file_system_changes_silently_is_listed(vault: Vault, tmp_path: Path) -> None:
    # ext4, XFS and tmpfs end between the years 2446 and 2^63 s: this is beyond all of them.
    times = [(1 << 62) * 1_000_000_000, -(1 << 62) * 1_000_000_000, (1 << 63) * 1_000_000_000 - 1]
    vault.list_files([ROOT, *(file(b"%d" % i, mtime_ns=at) for i, at in enumerate(times))])
    made = target(tmp_path / "out")
    report = vault.restore(made)
    assert not report.failed
    listed = {path for path, why in made.left_out if why.startswith("modification time")}
    kept = {
        b"docs/%d" % i
        for i, at in enumerate(times)
        if (tmp_path / "out" / "docs" / str(i)).stat().st_mtime_ns == at
    }
    assert listed | kept == {b"docs/0", b"docs/1", b"docs/2"}
    assert b"docs/2" in listed


@pytest.mark.needs("root")
def test_an_owner_that_means_no_change_is_listed(vault: Vault, tmp_path: Path) -> None:
    vault.list_files([ROOT, file(b"a", uid=0xFFFFFFFF)])
    made = target(tmp_path / "out")
    vault.restore(made)
    assert [path for path, why in made.left_out if why.startswith("owner")] == [b"docs/a"]


# Negative controls -----------------------------------------------------------------------------------


def reorder(acts: Iterator[tuple[str, object]]) -> list[tuple[str, object]]:
    return sorted(acts, key=lambda act: act[0] != "mode")


@pytest.mark.planted
@pytest.mark.needs("root")
def test_an_owner_that_is_set_after_the_mode_is_caught(
    pulled: tuple[Vault, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from appliance.adapters import attributes

    acts = attributes._acts
    monkeypatch.setattr(attributes, "_acts", lambda *given: reorder(acts(*given)))
    made = target(tmp_path / "out")
    pulled[0].restore(made)
    assert (b"docs/set-id", "mode: the file system keeps another value") in made.left_out


@pytest.mark.planted
def test_a_restore_that_writes_the_holes_is_caught(
    pulled: tuple[Vault, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    vault, _ = pulled
    made = target(tmp_path / "out")
    begin = TargetFiles.begin_file

    def dense(self: TargetFiles, path: bytes, size: int) -> None:
        begin(self, path, size)
        self.write(path, 0, bytes(min(size, 1 << 20)))

    monkeypatch.setattr(TargetFiles, "begin_file", dense)
    vault.restore(made)
    with (tmp_path / "out" / "docs" / "sparse").open("rb") as stream:
        assert list(data_runs(stream.fileno(), 9 << 20)) != [(4 << 20, (4 << 20) + 8192)]


@pytest.mark.planted
def test_a_chunk_that_is_shorter_than_the_list_says_is_caught(vault: Vault, tmp_path: Path) -> None:
    (ref,) = vault.chunks(b"four")
    longer = type(ref)(pack=ref.pack, slot=ref.slot, length=9)
    vault.list_files([ROOT, entry(b"a", size=9, extents=(Extent(offset=0, chunks=(longer,)),))])
    report = vault.restore(target(tmp_path / "out"))
    assert [path for path, _ in report.failed] == [b"docs/a"]
    assert names_below(tmp_path / "out") == {"docs"}


def test_errors_of_the_system_keep_their_number(vault: Vault, tmp_path: Path) -> None:
    vault.list_files([ROOT, file(b"huge", size=(1 << 64) - 1), file(b"fits")])
    report = vault.restore(target(tmp_path / "out"))
    ((path, error),) = report.failed
    assert path == b"docs/huge"
    assert isinstance(error, OSError)
    assert error.errno in (errno.EOVERFLOW, errno.EFBIG)
    assert names_below(tmp_path / "out") == {"docs", "docs/fits"}
