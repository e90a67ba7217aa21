"""The path jail: by openat2 and by walking, nothing outside the root can be reached."""

import errno
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.adapters import beneath

REFUSED = (errno.EXDEV, errno.ELOOP, errno.ENOTDIR, errno.ENOENT)


@pytest.fixture(params=["openat2", "walk"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Both ways: as the kernel has it, and as an older kernel or a sandbox answers."""
    if request.param == "walk":

        def absent(_root_fd: int, _path: bytes) -> int:
            raise OSError(errno.ENOSYS, "no such call")

        monkeypatch.setattr(beneath, "_openat2", absent)
    return str(request.param)


@pytest.fixture
def root(tmp_path: Path) -> int:
    inside = tmp_path / "root"
    (inside / "a" / "b").mkdir(parents=True)
    (tmp_path / "outside").mkdir()
    (inside / "out").symlink_to(tmp_path / "outside")
    (inside / "a" / "up").symlink_to("..")
    (inside / "self").symlink_to("a")
    (inside / "magic").symlink_to("/proc/self/root")
    (inside / "file").touch()
    return os.open(inside, os.O_RDONLY | os.O_DIRECTORY)


def refusal(root: int, path: bytes) -> int:
    """The number of the error, or 0 where a directory was entered."""
    try:
        os.close(beneath.open_directory(root, path))
    except OSError as error:
        return error.errno or -1
    return 0


def identity(fd: int) -> tuple[int, int]:
    found = os.fstat(fd)
    os.close(fd)
    return found.st_dev, found.st_ino


@pytest.mark.usefixtures("way")
@pytest.mark.parametrize("path", [b"", b"a", b"a/b"])
def test_a_directory_beneath_is_found(root: int, tmp_path: Path, path: bytes) -> None:
    expected = (tmp_path / "root" / os.fsdecode(path)).stat()
    assert identity(beneath.open_directory(root, path)) == (expected.st_dev, expected.st_ino)


@pytest.mark.usefixtures("way")
@pytest.mark.parametrize(
    "path",
    [
        b"..", b"../outside", b"a/../..", b"a/..", b"/", b"/etc", b"a//b", b"a/", b"./a", b".", b"a\0/b",
        b"out", b"out/x", b"a/up", b"a/up/a", b"self", b"self/b", b"magic", b"magic/etc", b"file", b"file/x",
    ],
)  # fmt: skip
def test_every_other_way_is_refused(root: int, path: bytes) -> None:
    assert refusal(root, path) in REFUSED


@given(
    parts=st.lists(
        st.sampled_from([b"a", b"b", b"..", b".", b"", b"up", b"out", b"self", b"magic"]), max_size=6
    )
)
def test_no_path_of_any_shape_leaves_the_root(
    tmp_path_factory: pytest.TempPathFactory, parts: list[bytes]
) -> None:
    place = tmp_path_factory.getbasetemp() / "jail"
    if not place.exists():
        (place / "root" / "a" / "b").mkdir(parents=True)
        (place / "root" / "out").symlink_to("..")
        (place / "root" / "a" / "up").symlink_to("../..")
        (place / "root" / "self").symlink_to("a")
        (place / "root" / "magic").symlink_to("/proc/self/cwd")
    inodes = {
        path.stat().st_ino for path in (place / "root", place / "root" / "a", place / "root" / "a" / "b")
    }
    fd = os.open(place / "root", os.O_RDONLY)
    path = b"/".join(parts)
    try:
        number = refusal(fd, path)
        assert number in REFUSED or (not number and identity(beneath.open_directory(fd, path))[1] in inodes)
    finally:
        os.close(fd)


@pytest.mark.parametrize("path", [b"..", b".", b"", b"a/", b"a/..", b"a/.", b"x\0y"])
def test_a_last_component_that_is_no_name_is_refused(root: int, path: bytes) -> None:
    with pytest.raises(OSError, match="leaves the target"):
        beneath.Parent(root).of(path)


def test_a_path_longer_than_the_kernel_takes_in_one_piece_is_walked(root: int) -> None:
    name, fd = b"n" * 200, os.dup(root)
    for _ in range(30):
        os.mkdir(name, dir_fd=fd)
        below = os.open(name, os.O_RDONLY, dir_fd=fd)
        os.close(fd)
        fd = below
    expected = identity(fd)
    assert identity(beneath.open_directory(root, b"/".join([name] * 30))) == expected


@pytest.mark.usefixtures("way")
def test_no_descriptor_is_left_behind(root: int) -> None:
    before = len(os.listdir("/proc/self/fd"))
    parent = beneath.Parent(root)
    for path in (b"a/x", b"a/b/y", b"z", b"out/x", b"gone/x"):
        try:
            parent.of(path)
        except OSError:
            continue
    parent.close()
    assert len(os.listdir("/proc/self/fd")) == before


@pytest.mark.planted
def test_a_jail_that_follows_symlinks_is_caught(root: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(beneath, "_openat2", lambda fd, path: os.open(path, os.O_RDONLY, dir_fd=fd))
    assert refusal(root, b"out") == 0
