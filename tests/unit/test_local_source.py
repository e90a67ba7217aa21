"""The local source: everything in the tree, nothing outside it, and no blind trust in holes."""

import errno
import os
import socket
import stat
from pathlib import Path

import pytest

from appliance.adapters.local_file import LocalFile
from appliance.adapters.local_source import RACY_NS, LocalSource
from appliance.adapters.rate import Rate
from appliance.domain.file_entry import FileEntry, Kind
from appliance.domain.ids import SourceName
from appliance.errors import NetworkLost, SourceMissing
from tests.intake_bench import FAR_FUTURE_NS, Box, VirtualClock

MIB = 1 << 20


def source_of(tree: Path, **options: object) -> LocalSource:
    settings = {"carrier": lambda: True, "wall_ns": lambda: FAR_FUTURE_NS} | options
    return LocalSource(SourceName("docs"), tree, **settings)  # type: ignore[arg-type]


def walked(tree: Path, **options: object) -> dict[bytes, FileEntry]:
    return {entry.path: entry for entry, _ in source_of(tree, **options).walk()}


def test_directories_come_before_their_contents_and_files_of_one_folder_together(tmp_path: Path) -> None:
    for name in ("b/x/1", "b/2", "a/3", "c", "b/x/4"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"")
    assert list(walked(tmp_path)) == [b"", b"c", b"a", b"a/3", b"b", b"b/2", b"b/x", b"b/x/1", b"b/x/4"]


@pytest.mark.parametrize(
    "name",
    [
        b"\xff\xfe not text", b"line\nfeed", b"\x1b[31mred", b"n" * 255, "\u202eright to left".encode(),
        "nf\u00fc".encode(), "nfu\u0308".encode(), b" ", b"-rf", b"\\", b"*",
    ],
)  # fmt: skip
def test_every_name_comes_through_byte_for_byte(tmp_path: Path, name: bytes) -> None:
    box = Box(tmp_path)
    os.mkdir(os.fsencode(box.tree) + b"/" + name)
    with open(os.fsencode(box.tree) + b"/" + name + b"/" + name, "wb") as file:
        file.write(name)
    assert box.window().complete
    assert box.snapshot() == {name + b"/" + name: name}


def test_twin_names_that_only_differ_in_their_normal_form_stay_two(tmp_path: Path) -> None:
    for name in ("nf\u00fc", "nfu\u0308"):
        (tmp_path / name).write_text(name)
    assert len(walked(tmp_path)) == 3


def test_every_kind_of_object_is_described_and_only_files_are_opened(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"12345")
    os.chmod(tmp_path / "file", 0o4750)  # noqa: S103 - set-user-ID has to be kept
    os.utime(tmp_path / "file", ns=(1, -1_500_000_001))
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "away").symlink_to("/etc")
    os.mkfifo(tmp_path / "pipe", 0o600)
    found = walked(tmp_path)
    assert (found[b"file"].size, found[b"file"].mode, found[b"file"].mtime_ns) == (5, 0o4750, -1_500_000_001)
    assert found[b"loop"].target == b"loop"
    assert (found[b"away"].kind, found[b"away"].target) == (Kind.SYMLINK, b"/etc")
    assert found[b"pipe"].kind == Kind.FIFO
    with pytest.raises(OSError, match="no regular file"):
        source_walked(tmp_path).open(found[b"pipe"])


def source_walked(tree: Path) -> LocalSource:
    source = source_of(tree)
    list(source.walk())
    return source


@pytest.mark.needs("root")
def test_devices_are_described_by_their_numbers(tmp_path: Path) -> None:
    os.mknod(tmp_path / "null", 0o600 | stat.S_IFCHR, os.makedev(1, 3))
    os.mknod(tmp_path / "disk", 0o600 | stat.S_IFBLK, os.makedev(7, 200))
    found = walked(tmp_path)
    assert (found[b"null"].kind, found[b"null"].device) == (Kind.CHARACTER_DEVICE, (1, 3))
    assert (found[b"disk"].kind, found[b"disk"].device) == (Kind.BLOCK_DEVICE, (7, 200))


def test_a_socket_is_left_out_and_reported(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(os.fspath(tmp_path / "s"))
        source = source_of(tmp_path)
        assert [entry.path for entry, _ in source.walk()] == [b""]
    assert [path for path, _ in source.unreadable] == [b"s"]


def test_further_names_refer_to_the_first(tmp_path: Path) -> None:
    (tmp_path / "b").write_bytes(b"x")
    for name in ("a", "c"):
        os.link(tmp_path / "b", tmp_path / name)
    found = walked(tmp_path)
    assert [found[name].kind for name in (b"a", b"b", b"c")] == [Kind.FILE, Kind.HARD_LINK, Kind.HARD_LINK]
    assert found[b"b"].target == found[b"c"].target == b"a"


ACL = (
    b"\x02\0\0\0" b"\x01\0\x06\0\xff\xff\xff\xff" b"\x02\0\x04\0\x01\0\0\0" b"\x04\0\x04\0\xff\xff\xff\xff"
    b"\x10\0\x06\0\xff\xff\xff\xff" b"\x20\0\x04\0\xff\xff\xff\xff"
)  # fmt: skip


def test_extended_attributes_and_access_lists_are_kept_and_sorted(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    os.setxattr(tmp_path / "file", "user.z", b"\0binary\xff")
    os.setxattr(tmp_path / "file", "user.a", b"")
    os.setxattr(tmp_path / "file", "system.posix_acl_access", ACL)
    os.setxattr(tmp_path, "user.root", b"r")
    found = walked(tmp_path)
    names = [name for name, _ in found[b"file"].xattrs]
    assert names == [b"system.posix_acl_access", b"user.a", b"user.z"]
    assert dict(found[b"file"].xattrs)[b"system.posix_acl_access"] == ACL
    assert found[b""].xattrs == ((b"user.root", b"r"),)


def test_the_excluded_home_is_left_out_wherever_it_is_met(tmp_path: Path) -> None:
    home = tmp_path / "in" / "home"
    home.mkdir(parents=True)
    (home / "key").write_bytes(b"k")
    assert list(walked(tmp_path, exclude=home)) == [b"", b"in"]
    assert b"in/home/key" in walked(tmp_path)


@pytest.mark.parametrize("place", ["home", "home/tokens"])
def test_a_root_that_leads_into_the_excluded_home_is_a_missing_source(tmp_path: Path, place: str) -> None:
    home = tmp_path / "home"
    (home / "tokens").mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / place)
    with pytest.raises(SourceMissing, match="home"):
        walked(tmp_path / "link", exclude=home)


def test_a_folder_that_becomes_a_symlink_is_not_followed(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    tree = tmp_path / "tree"
    for folder in (outside, tree / "a", tree / "b"):
        folder.mkdir(parents=True)
    (outside / "secret").write_bytes(b"s")
    source = source_of(tree)
    seen = []
    for entry, _ in source.walk():
        seen.append(entry.path)
        if entry.path == b"a":
            (tree / "b").rmdir()
            (tree / "b").symlink_to(outside)
    assert seen == [b"", b"a"]
    assert [path for path, _ in source.unreadable] == [b"b"]
    with pytest.raises(OSError, match=r".+"):
        source.open(FileEntry(path=b"b/secret", kind=Kind.FILE, mode=0, uid=0, gid=0, mtime_ns=0))


def test_what_cannot_be_read_is_reported_and_the_rest_is_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    box = Box(tmp_path)
    for name in ("closed/inner", "open/inner", "file", "other"):
        (box.tree / name).parent.mkdir(exist_ok=True)
        (box.tree / name).write_bytes(name.encode())
    real = os.open

    def guarded(path: object, *how: object, **where: object) -> int:
        if path in (b"closed", b"file"):  # root may read everything, so the kernel's answer is given here
            raise PermissionError(errno.EACCES, "Permission denied")
        return real(path, *how, **where)  # type: ignore[arg-type]

    monkeypatch.setattr(os, "open", guarded)
    report = box.window()
    monkeypatch.undo()
    assert report.complete
    assert sorted(path for _, path, _ in report.unreadable) == [b"closed", b"file"]
    assert box.snapshot() == {b"open/inner": b"open/inner", b"other": b"other"}
    assert box.listed()[b"closed"].kind == Kind.DIRECTORY


def test_a_tree_that_is_not_there_is_a_missing_source(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    for place in (tmp_path / "nowhere", tmp_path / "file"):
        with pytest.raises(SourceMissing):
            list(source_of(place).walk())


def test_a_link_that_does_not_carry_is_a_network_error_at_every_access(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"12345")
    carries = [True]
    source = source_of(tmp_path, carrier=lambda: carries[0])
    entry = next(entry for entry, _ in source.walk() if entry.path == b"file")
    file = source.open(entry)
    carries[0] = False
    for act in (
        lambda: list(source.walk()),
        lambda: source.open(entry),
        lambda: source.look(b"file"),
        lambda: file.pread_into(memoryview(bytearray(5)), 0),
    ):
        with pytest.raises(NetworkLost):
            act()
    file.close()


# Holes -------------------------------------------------------------------------------------------------


def sparse(path: Path) -> bytes:
    with path.open("wb") as file:
        file.truncate(64 * MIB)
        for offset in (0, 10 * MIB + 5, 63 * MIB):
            file.seek(offset)
            file.write(b"data at %d" % offset)
    return path.read_bytes()


def test_a_sparse_file_is_read_where_data_is_and_comes_back_with_its_holes(tmp_path: Path) -> None:
    box = Box(tmp_path)
    content = sparse(box.tree / "image")
    with (box.tree / "nothing").open("wb") as file:
        file.truncate(1 << 40)
    report = box.window()
    assert report.bytes_read < MIB
    listed = box.listed()
    assert len(listed[b"image"].extents) == 3
    assert box.content(listed[b"image"]) == content
    assert (listed[b"nothing"].size, listed[b"nothing"].extents) == (1 << 40, ())
    box.acknowledge()
    assert box.window().bytes_read == 0
    assert box.content(box.listed()[b"image"]) == content


@pytest.mark.planted
def test_a_file_system_that_lies_about_holes_is_not_believed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """60-reliability 7: data was reported as a hole. And the control: without the account of blocks,
    the lie comes through."""
    box = Box(tmp_path)
    path = box.tree / "file"
    with path.open("wb") as file:
        file.truncate(8 * MIB)
        file.seek(4 * MIB)
        file.write(b"x" * 2 * MIB)
    os.sync()
    real = os.lseek

    def lying(descriptor: int, offset: int, how: int) -> int:
        if how == os.SEEK_DATA:
            raise OSError(errno.ENXIO, "No such device or address")
        return real(descriptor, offset, how)

    monkeypatch.setattr(os, "lseek", lying)
    assert box.window().complete
    with monkeypatch.context() as careless:
        careless.setattr(LocalFile, "_accounts_for_all", lambda *_: True)
        box.window()
    monkeypatch.undo()
    assert box.snapshot(1) == box.truth()
    assert box.snapshot(2) != box.truth()


# States -------------------------------------------------------------------------------------------------


def test_a_file_that_was_written_a_moment_ago_is_not_recognised_by_its_times(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"x")
    newest = (tmp_path / "file").stat().st_ctime_ns
    for age_ns, known in ((0, False), (RACY_NS - 1, False), (RACY_NS, True)):
        source = source_of(tmp_path, wall_ns=lambda age_ns=age_ns: newest + age_ns)
        assert dict((e.path, bool(s)) for e, s in source.walk())[b"file"] is known  # noqa: C402


def test_every_change_of_a_file_changes_its_state(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"x")
    states = set()

    def state() -> bytes:
        return next(s for e, s in source_of(tmp_path).walk() if e.path == b"file")

    states.add(state())
    path.write_bytes(b"yy")
    states.add(state())
    os.utime(path, ns=(5, 5))
    states.add(state())
    (tmp_path / "new").write_bytes(b"yy")
    os.utime(tmp_path / "new", ns=(5, 5))
    os.replace(tmp_path / "new", path)
    states.add(state())
    assert len(states) == 4


def test_a_slow_link_is_slow_on_the_clock_that_it_is_given() -> None:
    clock = VirtualClock()
    rate = Rate(1000, clock)
    for _ in range(10):
        rate.took(500)
    assert clock.now_ms == 5000
    clock.sleep_ms(60_000)  # a pause is not saved up
    rate.took(1000)
    assert clock.now_ms == 66_000
    with pytest.raises(ValueError, match="rate"):
        Rate(0, clock)
