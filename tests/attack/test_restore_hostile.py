"""Attacks on restore: a manifest by someone who knew the public key, a prepared target, a full one.

The property throughout: nothing outside the target is made, changed or removed, and whatever was not
restored is named.
"""

import ctypes
import errno
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from appliance.adapters import background_sync, beneath
from appliance.adapters.attributes import Wanted
from appliance.adapters.restore_target import RestoreTarget
from appliance.adapters.target_files import TargetFiles
from appliance.domain.file_entry import ChunkRef, Extent, FileEntry, Kind
from appliance.domain.ids import PackId
from appliance.errors import ChunkDamaged, ManifestInvalid, PackLost, PackTableInvalid, TargetUnusable
from appliance.format import manifest_record
from appliance.service import restore_files
from tests.unit.restore_bench import ROOT, Vault, enter, entry, file, target
from tests.unit.test_restore_resume import facts

PLAIN = Wanted(devices=True, set_id=True)


class World:
    """A target among things that must stay as they are."""

    def __init__(self, place: Path) -> None:
        self.place = place
        (place / "outside" / "folder").mkdir(parents=True)
        (place / "outside" / "secret").write_bytes(b"as it was")
        self.out = place / "target"
        self.vault = Vault(place / "vault")
        self.before = self.around()

    def around(self) -> dict[str, tuple[object, ...]]:
        return facts(self.place / "outside")

    def names(self) -> set[str]:
        enter(self.out)
        found = {str(path.relative_to(self.out)) for path in self.out.rglob("*")}
        return found - {".iwato-restore"}


@pytest.fixture(params=["openat2", "walk"])
def world(tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    if request.param == "walk":

        def absent(_root_fd: int, _path: bytes) -> int:
            raise OSError(errno.ENOSYS, "no such call")

        monkeypatch.setattr(beneath, "_openat2", absent)
    made = World(tmp_path)
    yield made
    assert made.around() == made.before
    assert {path.name for path in tmp_path.iterdir()} <= {"outside", "target", "vault"}


# Paths -----------------------------------------------------------------------------------------------

ESCAPES = [
    b"../outside/new",
    b"..",
    b"/etc/iwato",
    b"a/../../outside/new",
    b"a//b",
    b"./a",
    b"a/",
    b"x\0y",
    b"",
]


@pytest.mark.parametrize("path", ESCAPES)
def test_a_path_that_leads_out_is_refused_by_the_list_of_files(
    world: World, monkeypatch: pytest.MonkeyPatch, path: bytes
) -> None:
    with monkeypatch.context() as dishonest:
        dishonest.setattr(manifest_record, "check_entry", lambda _entry: None)
        world.vault.list_files([ROOT, file(b"before"), file(path)])
    report = world.vault.restore(target(world.out))
    assert [type(error) for _, error in report.failed] == [ManifestInvalid]
    assert world.names() == {"docs", "docs/before"}


@pytest.mark.parametrize("path", ESCAPES)
def test_a_path_that_leads_out_is_refused_by_the_target_as_well(world: World, path: bytes) -> None:
    made = target(world.out, PLAIN)
    made.begin("this restore")
    made.make_directory(b"a")
    files = made.file_maker()
    files.begin_file(b"a/first", 0)
    for act in (
        lambda: made.make_directory(path),
        lambda: files.begin_file(path, 1),
        lambda: made.make_symlink(path, b"x"),
        lambda: made.make_hard_link(path, b"a/first"),
        lambda: made.make_hard_link(b"a/second", path),
        lambda: made.make_special(path, entry(b"x", Kind.FIFO)),
        lambda: made.dress(path, entry(b"x", Kind.DIRECTORY)),
        lambda: files.dress(path, entry(b"x")),
        lambda: files.drop_file(path),
    ):
        with pytest.raises(OSError, match=r"leaves the target|No such file|Not a directory"):
            act()
    files.close()
    made.close()
    assert world.names() == {"a", "a/first"}


@pytest.mark.parametrize("text", [b"../../outside", b"/etc", b"/proc/self/root", b".", b"loop"])
def test_nothing_is_written_through_a_symlink_of_the_same_list(world: World, text: bytes) -> None:
    refs = world.vault.chunks(b"evil")
    world.vault.list_files([
        ROOT, entry(b"loop", Kind.SYMLINK, target=text), file(b"loop/secret", *refs), file(b"loop", *refs),
        entry(b"loop/folder", Kind.DIRECTORY), entry(b"loop", Kind.DIRECTORY),
        entry(b"loop/link", Kind.SYMLINK, target=b"x"), entry(b"loop/pipe", Kind.FIFO),
        file(b"safe", *refs), entry(b"hard", Kind.HARD_LINK, target=b"loop/secret"),
        entry(b"loop/hard", Kind.HARD_LINK, target=b"safe"),
    ])  # fmt: skip
    report = world.vault.restore(target(world.out))
    assert world.names() == {"docs", "docs/loop", "docs/safe"}
    assert os.readlink(world.out / "docs" / "loop") == os.fsdecode(text)
    assert {path for path, _ in report.failed} == {
        b"docs/loop", b"docs/loop/secret", b"docs/loop/folder", b"docs/loop/link", b"docs/loop/pipe",
        b"docs/hard", b"docs/loop/hard",
    }  # fmt: skip


def test_a_symlink_that_comes_after_the_file_does_not_redirect_its_content(world: World) -> None:
    refs = world.vault.chunks(b"one" * 100, b"two")
    other = world.vault.chunks(b"later")
    world.vault.list_files([
        ROOT, file(b"a", *refs, *other), entry(b"a", Kind.SYMLINK, target=b"../../outside/secret"),
        file(b"keep", *other),
    ])  # fmt: skip
    world.vault.restore(target(world.out))
    assert not (world.out / "docs" / "a").is_symlink()
    assert (world.out / "docs" / "a").read_bytes() == b"one" * 100 + b"twolater"


def test_resuming_does_not_write_through_what_was_planted_meanwhile(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    refs = world.vault.chunks(b"evil")
    world.vault.list_files(
        [ROOT, file(b"secret", *refs), entry(b"folder", Kind.DIRECTORY), file(b"folder/x", *refs)]
    )
    made = target(world.out)
    with monkeypatch.context() as patched:
        patched.setattr(TargetFiles, "begin_file", lambda *_given: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            world.vault.restore(made)
    made.close()
    docs = world.out / "docs"
    (docs / "secret").symlink_to("../../outside/secret")
    (docs / "folder").rmdir()
    (docs / "folder").symlink_to("../../outside/folder")
    report = world.vault.restore(target(world.out, resume=True))
    assert (docs / "secret").read_bytes() == b"evil"
    assert {path for path, _ in report.failed} == {b"docs/folder", b"docs/folder/x"}


# Kinds -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("first", [Kind.FILE, Kind.DIRECTORY, Kind.SYMLINK, Kind.FIFO, Kind.HARD_LINK])
@pytest.mark.parametrize("second", [Kind.FILE, Kind.DIRECTORY, Kind.SYMLINK, Kind.FIFO, Kind.HARD_LINK])
def test_a_name_given_twice_keeps_its_first_kind_and_is_named(
    world: World, first: Kind, second: Kind
) -> None:
    def make(kind: Kind, mode: int) -> FileEntry:
        text = {Kind.SYMLINK: b"../../outside", Kind.HARD_LINK: b"other"}.get(kind, b"")
        return entry(b"x", kind, target=text, mode=mode)

    world.vault.list_files([ROOT, file(b"other"), make(first, 0o700), make(second, 0o750)])
    report = world.vault.restore(target(world.out))
    assert world.names() == {"docs", "docs/x", "docs/other"}
    if first is second is Kind.DIRECTORY:
        assert not report.failed
    else:
        assert [path for path, _ in report.failed] == [b"docs/x"]


def test_a_hard_link_to_nothing_to_a_folder_or_to_another_link_is_named(world: World) -> None:
    world.vault.list_files([
        ROOT, entry(b"d", Kind.DIRECTORY), entry(b"1", Kind.HARD_LINK, target=b"gone"),
        entry(b"2", Kind.HARD_LINK, target=b"d"), entry(b"3", Kind.HARD_LINK, target=b"4"),
        entry(b"4", Kind.HARD_LINK, target=b"3"), entry(b"5", Kind.HARD_LINK, target=b"d/e"),
    ])  # fmt: skip
    report = world.vault.restore(target(world.out))
    assert {path for path, _ in report.failed} == {b"docs/" + name for name in (b"1", b"2", b"3", b"4", b"5")}
    assert world.names() == {"docs", "docs/d"}


@pytest.mark.parametrize("kind", [Kind.BLOCK_DEVICE, Kind.CHARACTER_DEVICE])
def test_a_device_is_not_made_unasked(world: World, kind: Kind) -> None:
    world.vault.list_files([ROOT, entry(b"disk", kind, device=(8, 0), mode=0o666),
                            entry(b"again", Kind.HARD_LINK, target=b"disk")])  # fmt: skip
    made = target(world.out, Wanted())
    world.vault.restore(made)
    assert world.names() == {"docs"}
    assert (b"docs/disk", "device") in made.left_out


@pytest.mark.needs("root")
def test_a_device_number_that_is_none_is_an_error_of_that_object(world: World) -> None:
    numbers = [(1 << 32) - 1, 4096]
    world.vault.list_files(
        [ROOT, *(entry(b"%d" % n, Kind.BLOCK_DEVICE, device=(n, n)) for n in numbers), file(b"z")]
    )
    report = world.vault.restore(target(world.out, PLAIN))
    assert {path for path, _ in report.failed} <= {b"docs/%d" % n for n in numbers}
    assert "docs/z" in world.names()


# Content ---------------------------------------------------------------------------------------------


def test_chunks_that_do_not_exist_fail_their_file_only(world: World) -> None:
    (ref,) = world.vault.chunks(b"four")
    beyond = replace(ref, slot=9)
    segment = PackId(bytes.fromhex(world.vault.list_files([ROOT], last=False)))
    world.vault.list_files([
        file(b"slot", beyond), file(b"pack", replace(ref, pack=PackId(bytes(32)))),
        file(b"not data", replace(ref, pack=segment)), file(b"long", replace(ref, length=5)),
        file(b"short", replace(ref, length=3)), file(b"good", ref),
        entry(b"partly", size=100, extents=tuple(
            Extent(offset=at, chunks=(chunk,)) for at, chunk in ((0, ref), (50, beyond))
        )),
    ], said=8)  # fmt: skip
    report = world.vault.restore(target(world.out))
    assert {path: type(error) for path, error in report.failed} == {
        b"docs/slot": PackTableInvalid, b"docs/pack": PackLost, b"docs/not data": PackTableInvalid,
        b"docs/long": ChunkDamaged, b"docs/short": ChunkDamaged, b"docs/partly": PackTableInvalid,
    }  # fmt: skip
    assert world.names() == {"docs", "docs/good"}


@pytest.mark.parametrize(
    "extents",
    [((0, 4), (2, 4)), ((4, 4), (0, 4)), ((0, 4), (4, 4)), ((8, 4),), ((1 << 63, 4),)],
    ids=["overlap", "backwards", "touch", "behind the end", "far behind the end"],
)
def test_runs_of_data_that_overlap_or_lie_outside_are_refused(
    world: World, monkeypatch: pytest.MonkeyPatch, extents: tuple[tuple[int, int], ...]
) -> None:
    (ref,) = world.vault.chunks(b"four")
    runs = tuple(Extent(offset=offset, chunks=(ref,)) for offset, _ in extents)
    with monkeypatch.context() as dishonest:
        dishonest.setattr(manifest_record, "check_entry", lambda _entry: None)
        world.vault.list_files([ROOT, entry(b"a", size=10, extents=runs)])
    report = world.vault.restore(target(world.out))
    assert [type(error) for _, error in report.failed] == [ManifestInvalid]
    assert world.names() == {"docs"}


@pytest.mark.parametrize("size", [1 << 44, (1 << 63) - 1, 1 << 63, (1 << 64) - 1])
def test_a_huge_size_costs_no_room(world: World, size: int) -> None:
    world.vault.list_files([ROOT, file(b"huge", size=size), file(b"next")])
    report = world.vault.restore(target(world.out))
    assert {path for path, _ in report.failed} <= {b"docs/huge"}
    assert "docs/next" in world.names()
    assert sum(path.lstat().st_blocks for path in world.out.rglob("*")) * 512 < 1 << 20


HOSTILE_NAMES = st.sampled_from([b"a", b"b", b"a/b", b"a/b/c", b"b/a", b"c", b"a/c"])
HOSTILE_TEXTS = st.sampled_from([b"..", b"../../outside", b"/", b"a", b"b", b"../../outside/secret", b"a/b"])


@st.composite
def hostile_entries(draw: st.DrawFn) -> FileEntry:
    kinds = [Kind.FILE, Kind.DIRECTORY, Kind.SYMLINK, Kind.FIFO, Kind.HARD_LINK]
    path, kind = draw(HOSTILE_NAMES), draw(st.sampled_from(kinds))
    text = b""
    if kind is Kind.SYMLINK:
        text = draw(HOSTILE_TEXTS)
    elif kind is Kind.HARD_LINK:
        text = draw(HOSTILE_NAMES.filter(lambda name: name != path))
    return entry(path, kind, target=text, mode=draw(st.sampled_from([0, 0o777, 0o4755, 0o1777])))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(entries=st.lists(hostile_entries(), max_size=9), resumed=st.booleans())
def test_no_list_of_files_reaches_outside_or_stops_the_restore(
    tmp_path_factory: pytest.TempPathFactory, entries: list[FileEntry], resumed: bool
) -> None:
    world = World(tmp_path_factory.mktemp("hostile"))
    refs = world.vault.chunks(b"evil")
    entries = [file(e.path, *refs, mode=e.mode) if e.kind is Kind.FILE else e for e in entries]
    world.vault.list_files([ROOT, *entries])
    made = target(world.out, PLAIN)
    with pytest.MonkeyPatch.context() as patched:
        # The disk's own flush is not what is looked at here.
        patched.setattr(background_sync, "_libc", SimpleNamespace(syncfs=lambda _fd: 0))
        report = world.vault.restore(made)
        if resumed:
            report = world.vault.restore(target(world.out, PLAIN, resume=True))
    assert world.around() == world.before
    there = {os.fsencode(name) for name in world.names()}
    named = {path for path, _ in report.failed} | {path for path, _ in made.left_out}
    assert {b"docs/" + item.path for item in entries} <= there | named


@pytest.mark.planted
def test_a_target_that_follows_symlinks_is_caught(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(tmp_path)
    refs = world.vault.chunks(b"evil")
    link = entry(b"loop", Kind.SYMLINK, target=b"../../outside")
    world.vault.list_files([ROOT, link, file(b"loop/new", *refs)])

    def careless(root_fd: int, path: bytes) -> int:
        return os.open(path or b".", os.O_RDONLY | os.O_DIRECTORY, dir_fd=root_fd)

    monkeypatch.setattr(beneath, "open_directory", careless)
    monkeypatch.setattr(RestoreTarget, "_make_new", lambda *_given: True)
    (world.out / "docs").mkdir(parents=True)
    made = target(world.out, resume=True)
    monkeypatch.setattr(made, "_resume", False)
    world.vault.restore(made)
    assert world.around() != world.before


@pytest.mark.planted
def test_content_that_is_not_as_long_as_the_list_says_is_caught(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = World(tmp_path)
    (ref,) = world.vault.chunks(b"four")
    world.vault.list_files([ROOT, file(b"long", replace(ref, length=9))])
    monkeypatch.setattr(restore_files, "_chunk", lambda reader, slot, length: reader.chunk(slot)[:length])
    assert not world.vault.restore(target(world.out)).failed
    assert (world.out / "docs" / "long").read_bytes() == b"four" + bytes(5)


# Targets ---------------------------------------------------------------------------------------------


@pytest.mark.needs("root")
def test_a_full_target_ends_with_a_code_and_goes_on_when_there_is_room(mounted: Path, tmp_path: Path) -> None:
    vault = Vault(tmp_path / "vault")
    content = [os.urandom(200_000) for _ in range(4)]
    vault.list_files([ROOT, *(file(b"%d" % i, *vault.chunks(each)) for i, each in enumerate(content))])
    subprocess.run(["mount", "-o", "remount,size=1m", str(mounted)], check=True)
    made = target(mounted / "out")

    def somebody_else(_done: int) -> None:
        (mounted / "ballast").write_bytes(bytes(600_000))

    with pytest.raises(TargetUnusable, match=r"IW-1008.*No space left"):
        vault.restore(made, progress=somebody_else)
    made.close()
    subprocess.run(["mount", "-o", "remount,size=4m", str(mounted)], check=True)
    made = target(mounted / "out", resume=True)
    report = vault.restore(made)
    assert not report.failed
    assert [(mounted / "out" / "docs" / str(i)).read_bytes() for i in range(4)] == content


@pytest.mark.needs("root")
def test_a_read_only_target_ends_with_a_code(mounted: Path, tmp_path: Path) -> None:
    vault = Vault(tmp_path / "vault")
    vault.list_files([ROOT, file(b"a")])
    subprocess.run(["mount", "-o", "remount,ro", str(mounted)], check=True)
    made = target(mounted)
    with pytest.raises(TargetUnusable, match=r"IW-1008.*Read-only"):
        vault.restore(made)
    made.close()
    with pytest.raises(TargetUnusable, match="IW-1008"):
        target(mounted / "below")


LIMITED = """
import os, resource, sys
from pathlib import Path
from tests.unit.restore_bench import ROOT, Vault, file, target
place = Path(sys.argv[1])
vault = Vault(place / "vault")
large, small = vault.chunks(os.urandom(900_000)), vault.chunks(b"s")
vault.list_files([ROOT, file(b"large", *large), file(b"small", *small)])
resource.setrlimit(resource.RLIMIT_FSIZE, (500_000, 500_000))
report = vault.restore(target(place / "out"))
print([(path.decode(), error.errno) for path, error in report.failed], os.listdir(place / "out" / "docs"))
"""

UNDUMPABLE = """
import ctypes, os, sys
from pathlib import Path
from appliance.adapters.attributes import Wanted
from appliance.domain.file_entry import Kind
from tests.unit.restore_bench import ROOT, Vault, enter, entry, file, target
os.chown(sys.argv[1], 65534, 65534)
os.setgid(65534); os.setuid(65534)
place = Path(sys.argv[1])
vault = Vault(place / "vault")
x = ((b"user.x", b"y"),)
vault.list_files([ROOT, entry(b"d", Kind.DIRECTORY, mode=0o555, xattrs=x), file(b"d/f", mode=0, xattrs=x)])
ctypes.CDLL(None).prctl(4, 0, 0, 0, 0)  # PR_SET_DUMPABLE
made = target(place / "out", Wanted())
print(vault.restore(made).failed, made.left_out)
"""


def run_apart(program: str, place: Path) -> str:
    done = subprocess.run(
        [sys.executable, "-c", program, str(place)], capture_output=True, text=True, check=False,
        cwd=Path(__file__).parents[2],
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_file_that_is_too_large_for_the_target_is_named_and_the_others_come(tmp_path: Path) -> None:
    assert run_apart(LIMITED, tmp_path) == f"[('docs/large', {errno.EFBIG})] ['small']\n"


@pytest.mark.needs("root")
def test_a_hardened_process_without_root_still_sets_attributes() -> None:
    """Such a process may not look into its own /proc/self/fd (40-custody: the key process)."""
    with tempfile.TemporaryDirectory() as place:
        assert run_apart(UNDUMPABLE, Path(place)) == "[] []\n"


def test_a_flush_that_fails_is_not_taken_for_a_restore(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    vault = Vault(tmp_path / "vault")
    vault.list_files([ROOT, file(b"a")])

    def lost(_fd: int) -> int:
        ctypes.set_errno(errno.EIO)
        return -1

    monkeypatch.setattr(background_sync, "_libc", SimpleNamespace(syncfs=lost))
    made = target(tmp_path / "out")
    with pytest.raises(TargetUnusable):
        vault.restore(made)
    made.close()
    again = target(tmp_path / "out", resume=True)
    assert not again.is_done(f"{vault.segments[0]}.0")
    again.close()


def test_many_references_are_held_in_bounds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What waits for a pack never grows beyond its limit, however long the list of files is."""
    monkeypatch.setattr(restore_files, "PLACES_MAX", 50)
    vault = Vault(tmp_path / "vault")
    (ref,) = vault.chunks(b"x")
    twin = ChunkRef(pack=ref.pack, slot=ref.slot, length=1)
    vault.list_files([ROOT, file(b"bomb", *[twin] * 2000), *(file(b"%d" % i, twin) for i in range(100))])
    seen = []
    flush = restore_files.FileRestore.flush

    def watched(self: restore_files.FileRestore) -> None:
        seen.append(self._waiting)
        flush(self)

    monkeypatch.setattr(restore_files.FileRestore, "flush", watched)
    assert not vault.restore(target(tmp_path / "out")).failed
    assert max(seen) == 50
    assert (tmp_path / "out" / "docs" / "bomb").read_bytes() == b"x" * 2000
