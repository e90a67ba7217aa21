"""The comparison that proves a restore: it finds every difference, and no other."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from appliance.adapters import demo_tree, tree_compare
from tests.unit.restore_bench import ACCESS_ACL, AS_ROOT, make_tree


@pytest.fixture
def pair(tmp_path: Path) -> tuple[Path, Path]:
    return make_tree(tmp_path / "one"), make_tree(tmp_path / "two")


def level_folders(pair: tuple[Path, Path]) -> None:
    """The times of the folders, which making entries moved, are the same again."""
    for folder, _, _ in os.walk(pair[0]):
        path = Path(folder)
        twin = pair[1] / path.relative_to(pair[0])
        if twin.is_dir():
            os.utime(twin, ns=(0, path.stat().st_mtime_ns))


def level(pair: tuple[Path, Path]) -> list[tuple[bytes, str]]:
    """What differs besides the times of the folders."""
    level_folders(pair)
    return tree_compare.compare(*pair, owners=AS_ROOT).differences


def settle(pair: tuple[Path, Path]) -> None:
    """The same times for everything."""
    for folder, folders, files in os.walk(pair[0]):
        for name in [*folders, *files]:
            path = os.path.relpath(os.path.join(folder, name), pair[0])
            at = os.lstat(pair[0] / path).st_mtime_ns
            os.utime(pair[1] / path, ns=(0, at), follow_symlinks=False)


def test_equal_trees_are_equal(pair: tuple[Path, Path]) -> None:
    settle(pair)
    assert level(pair) == []


def longer(tree: Path) -> None:
    with (tree / "large").open("ab") as stream:
        stream.write(b"x")


def flipped(tree: Path) -> None:
    with (tree / "large").open("r+b") as stream:
        stream.seek(2_000_000)
        byte = stream.read(1)
        stream.seek(2_000_000)
        stream.write(bytes([byte[0] ^ 1]))


def in_a_hole(tree: Path) -> None:
    with (tree / "all-hole").open("r+b") as stream:
        os.pwrite(stream.fileno(), b"x", 1 << 39)


def unlinked(tree: Path) -> None:
    content = (tree / "z-third").read_bytes()
    (tree / "z-third").unlink()
    (tree / "z-third").write_bytes(content)
    os.chmod(tree / "z-third", 0o1604)


def linked(tree: Path) -> None:
    (tree / "all-hole").unlink()
    os.truncate(tree / "sparse", 1 << 40)
    os.link(tree / "sparse", tree / "all-hole")


def replaced(tree: Path) -> None:
    shutil.rmtree(tree / "a")
    (tree / "a").touch()


CHANGES: dict[str, tuple[Callable[[Path], object], bytes, str]] = {
    "longer": (longer, b"large", "size"),
    "one bit": (flipped, b"large", "content"),
    "in a hole": (in_a_hole, b"all-hole", "content"),
    "mode": (lambda tree: os.chmod(tree / "empty", 0o644), b"empty", "mode"),
    "one nanosecond": (lambda tree: os.utime(tree / "pipe", ns=(0, 4)), b"pipe", "modification time"),
    "attribute": (
        lambda tree: os.setxattr(tree / "empty", "user.note", b"x"),
        b"empty",
        "extended attributes",
    ),
    "list": (
        lambda tree: os.setxattr(tree / "sparse", "system.posix_acl_access", ACCESS_ACL),
        b"sparse",
        "extended attributes",
    ),
    "a name less": (lambda tree: (tree / "set-id").unlink(), b"set-id", "missing"),
    "a name more": (lambda tree: (tree / "new").touch(), b"new", "not in the source"),
    "no longer linked": (unlinked, b"a/b/deep", "hard link"),
    "linked": (linked, b"sparse", "hard link"),
    "another kind": (replaced, b"a", "another kind of object"),
}


@pytest.mark.planted
@pytest.mark.parametrize("name", CHANGES)
def test_every_change_is_found(pair: tuple[Path, Path], name: str) -> None:
    settle(pair)
    change, path, what = CHANGES[name]
    change(pair[1])
    assert (path, what) in level(pair)


@pytest.mark.planted
@pytest.mark.needs("root")
@pytest.mark.parametrize("path", ["empty", "dangling", "a/b"])
def test_another_owner_is_found(pair: tuple[Path, Path], path: str) -> None:
    settle(pair)
    os.chown(pair[1] / path, 4, 5, follow_symlinks=False)
    assert level(pair) == [(os.fsencode(path), "owner")]


def now_ns(probe: Path) -> int:
    """Later than every change so far and not later than the next one: file times move in steps."""
    probe.touch()
    first = probe.stat().st_ctime_ns
    while probe.stat().st_ctime_ns == first:
        probe.touch()
    return probe.stat().st_ctime_ns


@pytest.mark.parametrize("name", [*CHANGES])
def test_a_source_that_went_on_after_it_was_pulled_is_set_aside_and_nothing_else(
    pair: tuple[Path, Path], name: str
) -> None:
    settle(pair)
    level_folders(pair)
    since_ns = now_ns(pair[0].parent / "probe")
    CHANGES[name][0](pair[0])
    found = tree_compare.compare(*pair, owners=AS_ROOT, since_ns=since_ns)
    assert found.differences == []
    assert found.set_aside


@pytest.mark.parametrize("name", [*CHANGES])
def test_a_restore_that_differs_is_never_set_aside(pair: tuple[Path, Path], name: str) -> None:
    settle(pair)
    level_folders(pair)
    since_ns = now_ns(pair[0].parent / "probe")
    CHANGES[name][0](pair[1])
    assert tree_compare.compare(*pair, owners=AS_ROOT, since_ns=since_ns).differences


def test_set_id_bits_and_capabilities_count_when_they_were_asked_for(pair: tuple[Path, Path]) -> None:
    settle(pair)
    level_folders(pair)
    (pair[1] / "set-id").chmod(0o755)
    assert tree_compare.compare(*pair, owners=AS_ROOT).differences == []
    assert tree_compare.compare(*pair, owners=AS_ROOT, set_id=True).differences == [(b"set-id", "mode")]


def test_a_tree_that_is_not_there_differs(pair: tuple[Path, Path], tmp_path: Path) -> None:
    found = tree_compare.compare(pair[0], tmp_path / "nothing", owners=False)
    assert (b"", "missing") in found.differences
    assert found.objects > 20


# The demo's tree -------------------------------------------------------------------------------------


def test_a_slice_is_changed_and_its_tree_is_not(tmp_path: Path) -> None:
    tree, work = tmp_path / "tree", tmp_path / "work"
    (tree / "deep").mkdir(parents=True)
    for number in range(60):
        (tree / ("deep" if number % 2 else ".") / f"f{number:02d}").write_bytes(b"%d" % number * 100)
    (tree / "out").symlink_to("/etc/passwd")
    before = {path: path.read_bytes() for path in tree.rglob("f*")}
    copied = demo_tree.copy_slice(tree, work)
    assert (copied.files, copied.content_bytes) == (60, sum(map(len, before.values())))
    assert tree_compare.compare(tree, work, owners=False).differences
    done = demo_tree.change_some(work)
    size = done.pop("bytes")
    assert done == {"edited": 20, "new": 1, "renamed": 1, "gone": 1}
    assert {path: path.read_bytes() for path in tree.rglob("f*")} == before
    changed = [
        path for path in work.rglob("f*") if before.get(tree / path.relative_to(work)) != path.read_bytes()
    ]
    assert len(changed) == 21
    renamed = [path for path in changed if path.name.endswith(".renamed")]
    new = work / "new-today.txt"
    assert size == sum(path.stat().st_size for path in {*changed, new} - {*renamed})


def test_an_empty_slice_can_have_a_day_too(tmp_path: Path) -> None:
    done = demo_tree.change_some(tmp_path)
    assert done.pop("bytes") == (tmp_path / "new-today.txt").stat().st_size
    assert done == {"edited": 0, "new": 1, "renamed": 0, "gone": 0}


def test_counting_stops_at_the_limit(tmp_path: Path) -> None:
    for number in range(5):
        (tmp_path / str(number)).write_bytes(bytes(100))
    assert demo_tree.measure(tmp_path, 250).more
    assert demo_tree.measure(tmp_path).content_bytes == 500
