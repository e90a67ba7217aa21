"""An interrupted restore goes on: from every moment, to the same tree, reading no finished batch again."""

import errno
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from appliance.adapters import (
    attributes,
    background_sync,
    beneath,
    restore_journal,
    restore_target,
    target_files,
)
from appliance.adapters.attributes import Wanted
from appliance.adapters.target_files import TargetFiles
from appliance.domain.file_entry import Kind
from appliance.errors import IwatoError, TargetForeign, TargetNotEmpty, TargetUnusable
from appliance.service import restore as restore_module
from appliance.service.selection import Selection
from tests import depth
from tests.unit.restore_bench import AS_ROOT, ROOT, Vault, acl, entry, file, remove, target

MODULES = (restore_target, target_files, attributes, beneath, restore_journal)
CALLS = frozenset({
    "mkdir", "open", "ftruncate", "pwrite", "write", "unlink", "symlink", "link", "mknod", "chmod", "fchmod",
    "chown", "utime", "setxattr", "removexattr", "fsync", "stat", "listdir",
})  # fmt: skip


class Killed(BaseException):
    """The process is gone between two system calls."""


class System:
    """`os`, counting the calls that change or look at the target; call number `last` never happens."""

    def __init__(self, last: int | None = None) -> None:
        self.calls, self.last = 0, last

    def __getattr__(self, name: str) -> Any:
        act = getattr(os, name)
        return self._counted(act) if name in CALLS else act

    def _counted(self, act: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **keywords: Any) -> Any:
            if self.last is not None and self.calls >= self.last:
                raise Killed
            self.calls += 1
            return act(*arguments, **keywords)

        return call


@pytest.fixture
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Vault:
    """A small snapshot with an object of every kind, in batches of three."""
    monkeypatch.setattr(restore_module, "BATCH_OBJECTS", 3)
    # Everything is in the page cache of this machine; a test of resume is not one of the disk.
    monkeypatch.setattr(background_sync, "_libc", SimpleNamespace(syncfs=lambda _fd: 0))
    vault = Vault(tmp_path / "vault")
    one, two = vault.chunks(b"one" * 100, b"two"), vault.chunks(b"three")
    nobody = 0xFFFFFFFF
    inherited = acl((1, 7, nobody), (2, 6, 4321), (4, 0, nobody), (0x10, 6, nobody), (0x20, 0, nobody))
    folder = entry(
        b"d", Kind.DIRECTORY, mode=0o555, mtime_ns=-9, xattrs=((b"system.posix_acl_default", inherited),)
    )
    vault.list_files([
        ROOT, file(b"a", *one), entry(b"l", Kind.SYMLINK, target=b"../.."), entry(b"p", Kind.FIFO),
        entry(b"b", Kind.HARD_LINK, target=b"a"), folder,
        file(b"d/c", one[1], two[0], changed=True, xattrs=((b"user.x", b"y"),)),
        entry(b"d/e", Kind.HARD_LINK, target=b"a"), file(b"s", mode=0o4755), file(b"d/z", *two),
    ])  # fmt: skip
    return vault


def test_no_sync_has_more_to_write_than_the_keeper_waits_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    unsynced = [0]
    monkeypatch.setattr(background_sync, "PORTION_BYTES", 10)

    def syncfs(_fd: int) -> int:
        unsynced.append(0)
        return 0

    monkeypatch.setattr(background_sync, "_libc", SimpleNamespace(syncfs=syncfs))
    target = restore_target.RestoreTarget(tmp_path / "out", Wanted())
    target.begin("all")
    target.make_directory(b"d")
    files = target.file_maker()
    files.begin_file(b"d/f", 100)
    for offset in range(0, 100, 4):
        files.write(b"d/f", offset, b"four")
        unsynced[-1] += 4
    files.close()
    target.close()
    assert max(unsynced) <= 24  # a portion that is being written, and one that grows
    assert len(unsynced) > 8


def facts(root: Path) -> dict[str, tuple[object, ...]]:
    """Everything of a tree except inode numbers, which are compared as who shares with whom."""
    found: dict[str, tuple[object, ...]] = {}
    names: dict[int, Path] = {}
    for path in sorted([root, *root.rglob("*")]):
        here = path.lstat()
        first = names.setdefault(here.st_ino, path)
        content = path.read_bytes() if path.is_file() and not path.is_symlink() else b""
        links = os.listxattr(path, follow_symlinks=False)
        xattrs = tuple((name, os.getxattr(path, name, follow_symlinks=False)) for name in sorted(links))
        found[str(path.relative_to(root))] = (
            here.st_mode, here.st_uid, here.st_gid, here.st_mtime_ns, here.st_size if content else 0,
            content, xattrs, str(first.relative_to(root)), path.is_symlink() and os.readlink(path),
        )  # fmt: skip
    return found


def interrupt(
    vault: Vault, out: Path, last: int | None, monkeypatch: pytest.MonkeyPatch, selection: Selection
) -> int:
    """Restore until call number `last`; the calls that were made."""
    system = System(last)
    with monkeypatch.context() as patched:
        for module in MODULES:
            patched.setattr(module, "os", system)
        made = None
        try:
            made = target(out, Wanted(owners=AS_ROOT), resume=out.exists())
            vault.restore(made, selection)
        except Killed:
            pass
        finally:
            if made is not None:
                made.close()
    return system.calls


def resume(vault: Vault, out: Path, selection: Selection) -> tuple[object, ...]:
    made = target(out, Wanted(owners=AS_ROOT), resume=True)
    report = vault.restore(made, selection)
    return report.objects, report.content_bytes, report.failed, report.changed, sorted(made.left_out)


SELECTIONS = {"all": Selection(), "subtree": Selection(subtree=b"d"), "one file": Selection(subtree=b"d/c")}


@pytest.mark.parametrize("selection", SELECTIONS.values(), ids=SELECTIONS)
def test_a_restore_killed_between_any_two_system_calls_ends_in_the_same_tree(
    small: Vault, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, selection: Selection
) -> None:
    whole = tmp_path / "whole"
    count = interrupt(small, whole, None, monkeypatch, selection)
    expected, said = facts(whole / "docs"), resume(small, whole, selection)
    assert count > 30
    assert facts(whole / "docs") == expected
    for last in range(count):
        out = tmp_path / "out"
        assert interrupt(small, out, last, monkeypatch, selection) == last
        assert resume(small, out, selection) == said, last
        assert facts(out / "docs") == expected, last
        remove(out)


def test_a_resumed_restore_may_be_interrupted_again(
    small: Vault, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, out = tmp_path / "whole", tmp_path / "out"
    count = interrupt(small, whole, None, monkeypatch, Selection())
    for last in range(5, count, 7):
        interrupt(small, out, last, monkeypatch, Selection())
    resume(small, out, Selection())
    assert facts(out / "docs") == facts(whole / "docs")


def test_a_finished_batch_is_not_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(restore_module, "BATCH_OBJECTS", 1)
    vault = Vault(tmp_path / "vault")
    packs = [vault.chunks(b"%d" % number)[0] for number in range(4)]
    vault.list_files([ROOT, *(file(b"%d" % number, ref) for number, ref in enumerate(packs))])
    made = target(tmp_path / "out")
    begun: list[bytes] = []
    begin = TargetFiles.begin_file

    def until_third(self: TargetFiles, path: bytes, size: int) -> None:
        if len(begun) == 2:
            raise Killed
        begun.append(path)
        begin(self, path, size)

    with monkeypatch.context() as patched:
        patched.setattr(TargetFiles, "begin_file", until_third)
        with pytest.raises(Killed):
            vault.restore(made)
    inodes = [(tmp_path / "out" / "docs" / name).stat().st_ino for name in "01"]
    report = vault.restore(target(tmp_path / "out", resume=True))
    assert (report.objects, report.content_bytes, report.failed) == (5, 4, [])
    assert [ref.pack in vault.opened for ref in packs] == [False, False, True, True]
    assert inodes == [(tmp_path / "out" / "docs" / name).stat().st_ino for name in "01"]


@pytest.mark.parametrize("selection", SELECTIONS.values(), ids=SELECTIONS)
def test_a_finished_restore_that_is_resumed_changes_nothing(
    small: Vault, tmp_path: Path, selection: Selection
) -> None:
    small.restore(target(tmp_path / "out"), selection)
    before = facts(tmp_path / "out" / "docs")
    report = small.restore(target(tmp_path / "out", resume=True), selection)
    assert not report.failed
    assert facts(tmp_path / "out" / "docs") == before
    adopted = selection == SELECTIONS["subtree"]  # content of a name outside belongs to no finished step
    assert len(small.opened) == (3 if adopted else 1)  # the list of files


@pytest.mark.parametrize("harm", ["gone", "cut off", "another kind", "folder gone"])
def test_what_was_removed_from_a_finished_restore_is_made_again(
    small: Vault, tmp_path: Path, harm: str
) -> None:
    small.restore(target(tmp_path / "out"))
    expected = facts(tmp_path / "out" / "docs")
    victim = tmp_path / "out" / "docs" / "d" / "z"
    victim.parent.chmod(0o755)
    if harm == "folder gone":
        shutil.rmtree(victim.parent)
    elif harm == "cut off":
        os.truncate(victim, 2)
    else:
        victim.unlink()
    if harm == "another kind":
        victim.symlink_to("a")
    assert not small.restore(target(tmp_path / "out", resume=True)).failed
    assert facts(tmp_path / "out" / "docs") == expected


def test_what_was_lost_is_tried_again_with_more_drives(tmp_path: Path) -> None:
    vault = Vault(tmp_path / "vault")
    vault.list_files([ROOT, file(b"a", *vault.chunks(b"a")), file(b"b", *vault.chunks(b"b"))])
    hidden = tmp_path / "hidden"
    lost = vault.chunks(b"b")[0].pack
    shards = [s for index in range(3) for s in vault.drive(index).rglob(f"*{lost.hex()}*")]
    moved = {shard: hidden / str(number) for number, shard in enumerate(shards)}
    hidden.mkdir()
    for shard, away in moved.items():
        shard.rename(away)
    assert [path for path, _ in vault.restore(target(tmp_path / "out")).failed] == [b"docs/b"]
    for shard, away in moved.items():
        away.rename(shard)
    assert not vault.restore(target(tmp_path / "out", resume=True)).failed
    assert (tmp_path / "out" / "docs" / "b").read_bytes() == b"b"


# The target ------------------------------------------------------------------------------------------


def opened(place: Path, *, resume: bool = False) -> None:
    made = target(place, resume=resume)
    try:
        made.begin("this restore")
        made.make_directory(b"docs")
    finally:
        made.close()


def test_a_target_that_holds_something_is_refused(tmp_path: Path) -> None:
    (tmp_path / "mine").touch()
    with pytest.raises(TargetNotEmpty, match="IW-1005"):
        opened(tmp_path)
    assert os.listdir(tmp_path) == ["mine"]


def test_a_fresh_file_system_counts_as_empty(tmp_path: Path) -> None:
    (tmp_path / "lost+found").mkdir()
    opened(tmp_path)
    assert (tmp_path / "docs").is_dir()


def test_resuming_into_somebodys_files_is_refused(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "thesis").write_bytes(b"the only copy")
    with pytest.raises(TargetForeign, match="IW-1011"):
        opened(tmp_path, resume=True)
    assert (tmp_path / "docs" / "thesis").read_bytes() == b"the only copy"


@pytest.mark.parametrize("what", ["another snapshot", "another selection", "other options"])
def test_resuming_another_restore_is_refused(small: Vault, tmp_path: Path, what: str) -> None:
    small.restore(target(tmp_path / "out"))
    seal = small.snapshot()
    wanted = Wanted(owners=AS_ROOT, devices=AS_ROOT, set_id=what != "other options")
    selection = Selection(subtree=b"d" if what == "another selection" else b"")
    if what == "another snapshot":
        from msgspec.structs import replace

        seal = replace(seal, snapshot="20270101T000000Z-11111111")
    with pytest.raises(TargetForeign):
        small.restore(target(tmp_path / "out", wanted, resume=True), selection, snapshot=seal)


@pytest.mark.parametrize("torn", [b"", b'{"iwato', b'{"iwato-restore": 1}\n', b"\xff\x00\n\n[]\n3\n"])
def test_a_torn_journal_begins_anew(tmp_path: Path, torn: bytes) -> None:
    (tmp_path / ".iwato-restore").write_bytes(torn)
    opened(tmp_path, resume=True)
    made = target(tmp_path, resume=True)
    made.begin("this restore")
    made.end_step("a step", whole=True)
    made.close()
    again = target(tmp_path, resume=True)
    again.begin("this restore")
    assert again.is_done("a step")
    assert not again.is_done("another")
    again.close()


@pytest.mark.parametrize("cut", range(1, 40, 6))
def test_a_step_whose_line_was_torn_is_done_again(tmp_path: Path, cut: int) -> None:
    opened(tmp_path)
    for step in ("first", "second"):
        made = target(tmp_path, resume=True)
        made.begin("this restore")
        made.left_out.append((b"docs/\xff\n", "device"))
        made.end_step(step, whole=True)
        made.close()
    journal = tmp_path / ".iwato-restore"
    journal.write_bytes(journal.read_bytes()[:-cut])
    made = target(tmp_path, resume=True)
    made.begin("this restore")
    assert made.is_done("first")
    assert not made.is_done("second")
    assert made.left_out == [(b"docs/\xff\n", "device")]
    made.end_step("third", whole=True)
    made.close()
    again = target(tmp_path, resume=True)
    assert [again.is_done(step) for step in ("first", "second", "third")] == [True, False, True]
    again.close()


def test_no_source_can_have_the_journals_name() -> None:
    from appliance.format import manifest_record

    assert not manifest_record.is_source_name(os.fsdecode(restore_journal.NAME))
    assert manifest_record.is_source_name("iwato-restore")


def test_a_file_of_the_journals_name_inside_a_source_is_a_file(tmp_path: Path) -> None:
    vault = Vault(tmp_path / "vault")
    vault.list_files([ROOT, file(b".iwato-restore", *vault.chunks(b"mine"))])
    vault.restore(target(tmp_path / "out"))
    assert (tmp_path / "out" / "docs" / ".iwato-restore").read_bytes() == b"mine"
    assert b'"what"' in (tmp_path / "out" / ".iwato-restore").read_bytes()


def test_a_target_that_is_a_file_is_refused_with_a_code(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for place in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(TargetUnusable, match="IW-1008"):
            target(place)


@pytest.mark.parametrize("kind", ["symlink", "fifo", "folder"])
def test_something_else_under_the_journals_name_is_refused(tmp_path: Path, kind: str) -> None:
    place = tmp_path / "out" / ".iwato-restore"
    place.parent.mkdir()
    victim = tmp_path / "victim"
    victim.write_bytes(b'{"what": "x"}\n')
    if kind == "symlink":
        place.symlink_to(victim)
    elif kind == "fifo":
        os.mkfifo(place)
    else:
        place.mkdir()
    with pytest.raises(TargetUnusable):
        target(tmp_path / "out", resume=True)
    assert victim.read_bytes() == b'{"what": "x"}\n'


class Failing(System):
    """From call number `last` on, every write fails as a bad disk does; once a disk fails it stays so."""

    def __init__(self, last: int, number: int) -> None:
        super().__init__(last)
        self.number = number

    def _counted(self, act: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **keywords: Any) -> Any:
            self.calls += 1
            if self.last is not None and self.calls > self.last and act not in (os.open, os.stat, os.listdir):
                raise OSError(self.number, os.strerror(self.number))
            return act(*arguments, **keywords)

        return call


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS, errno.EIO])
def test_a_target_that_fails_at_any_call_ends_with_a_code_and_can_be_resumed(
    small: Vault, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    count = interrupt(small, tmp_path / "whole", None, monkeypatch, Selection())
    expected, out = facts(tmp_path / "whole" / "docs"), tmp_path / "out"
    ended = 0
    for last in range(4, count, depth.many(9, 1)):
        with monkeypatch.context() as patched:
            disk = Failing(last, number)
            for module in MODULES:
                patched.setattr(module, "os", disk)
            made = target(out, Wanted(owners=AS_ROOT))
            try:
                report = small.restore(made)
                # Only what can fail alone failed: the list of an inherited ACL, an attribute without room.
                assert made.left_out or report.failed
            except TargetUnusable:
                ended += 1
            made.close()
        resume(small, out, Selection())
        assert facts(out / "docs") == expected, last
        remove(out)
    assert ended


@pytest.mark.planted
def test_a_journal_that_is_written_before_the_content_is_caught(
    small: Vault, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Mark every step as done when it begins: some interruption then loses a file."""
    whole = tmp_path / "whole"
    count = interrupt(small, whole, None, monkeypatch, Selection())
    expected = facts(whole / "docs")
    begin = restore_module.Restore._begin

    def early(self: Any, segment: str, number: int) -> Any:
        batch = begin(self, segment, number)
        if not batch.done and self._made:
            self._target.end_step(batch.step, whole=True)
        return batch

    monkeypatch.setattr(restore_module.Restore, "_begin", early)
    monkeypatch.setattr(
        restore_target.RestoreTarget, "is_done", lambda self, step: step in self._journal.steps
    )
    wrong = 0
    for last in range(0, count, 3):
        out = tmp_path / "out"
        interrupt(small, out, last, monkeypatch, Selection())
        try:
            resume(small, out, Selection())
            wrong += facts(out / "docs") != expected
        except (IwatoError, OSError):
            wrong += 1
        remove(out)
    assert wrong


@pytest.mark.planted
def test_a_tree_with_less_content_is_caught(small: Vault, tmp_path: Path) -> None:
    small.restore(target(tmp_path / "one"))
    expected = facts(tmp_path / "one" / "docs")
    os.truncate(tmp_path / "one" / "docs" / "a", 10)
    assert facts(tmp_path / "one" / "docs") != expected


@pytest.mark.parametrize("size", [restore_journal.JOURNAL_BYTES_MAX + 1, 1 << 42])
def test_a_journal_that_is_longer_than_any_restores_is_refused_unread(tmp_path: Path, size: int) -> None:
    (tmp_path / ".iwato-restore").touch()
    os.truncate(tmp_path / ".iwato-restore", size)
    with pytest.raises(TargetUnusable, match="IW-1008"):
        target(tmp_path, resume=True)


def test_a_line_without_an_end_takes_no_more_memory_than_a_line_may(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(restore_journal, "LINE_BYTES_MAX", 4096)
    opened(tmp_path)
    with (tmp_path / ".iwato-restore").open("ab") as journal:
        journal.write(b"x" * 10_000 + b"\n")
    made = target(tmp_path, resume=True)
    made.begin("this restore")
    made.end_step("a step", whole=True)
    made.close()
    again = target(tmp_path, resume=True)
    assert again.is_done("a step")
    again.close()
