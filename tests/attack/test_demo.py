"""`iwato demo` as a person runs it: it ends with 0 only where every act really happened."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance import errors
from appliance.cli.demo import LOST_BAYS, LOST_HOLDERS
from tests.attack import command_line
from tests.attack.command_line import Ended, faults, iwato
from tests.depth import many

OLDER_KERNELS = (2, 0)  # Landlock of Debian 12, and none
# A demo whose world meddles: `{bug}` stands in a process of its own, before the command runs.
PLANT = """
import sys
from pathlib import Path
from appliance.compose.demo_world import TemporaryWorld as World
{bug}
from appliance.__main__ import main
sys.exit(main())
"""
ONE_DRIVE_MORE = """
smash = World.destroy
World.destroy = lambda self, scene, bays, holders: smash(self, scene, (*bays, 6), holders)
"""
ONE_TOKEN_MORE = """
smash = World.destroy
World.destroy = lambda self, scene, bays, holders: smash(self, scene, bays, (*holders, 2))
"""
ONE_BYTE_ELSE = """
compare = World.compare
def meddled(self, scene, watcher, left_out):
    path = Path(scene.target, "data", "plain")
    content = bytearray(path.read_bytes())
    content[0] ^= 1
    path.write_bytes(content)
    return compare(self, scene, watcher, left_out)
World.compare = meddled
"""
BUSY_SOURCE = """
work = World.work_one_day
def busy(self, scene):
    done = work(self, scene)
    path = Path(scene.tree, "plain")
    path.write_bytes(b"first") # pulled so
    return done
compare = World.compare
def later(self, scene, watcher, left_out):
    Path(scene.tree, "plain").write_bytes(b"later") # not pulled any more
    return compare(self, scene, watcher, left_out)
World.work_one_day, World.compare = busy, later
"""


@pytest.fixture
def tree(tmp_path: Path) -> Iterator[Path]:
    """A small tree of a user, with what a restore leaves out unless it is asked."""
    tree = tmp_path / "tree"
    (tree / "inner").mkdir(parents=True)
    for number in range(60):
        (tree / "inner" / f"f{number}").write_bytes(os.urandom(3_000))
    (tree / "plain").write_bytes(b"plain" * 1000)
    (tree / "set-id").write_bytes(b"program")
    (tree / "set-id").chmod(0o6755)
    (tree / "link").symlink_to("plain")
    os.mkfifo(tree / "fifo")
    before = listing(tree)
    yield tree
    assert listing(tree).keys() == before.keys()  # the demo only reads the user's tree


def listing(tree: Path) -> dict[str, int]:
    return {str(path): path.lstat().st_ctime_ns for path in tree.rglob("*")}


def room(tmp_path: Path) -> dict[str, str]:
    (tmp_path / "room").mkdir(exist_ok=True)
    return {"TMPDIR": str(tmp_path / "room")}


def planted(bug: str, tree: Path, tmp_path: Path) -> Ended:
    words = ("demo", "--source", str(tree))
    ended = command_line.run_program("-c", PLANT.format(bug=bug), *words, env=room(tmp_path))
    return Ended(words=words, status=ended.status, out=ended.out, err=ended.err)


def rooms_are_empty(tmp_path: Path) -> bool:
    return not list((tmp_path / "room").iterdir())


@pytest.mark.needs("landlock")
@pytest.mark.parametrize("language", ["en", "ja"][: many(1, 2)])
def test_all_seven_acts_happen_on_a_tree_of_ones_own(tree: Path, tmp_path: Path, language: str) -> None:
    before = listing(tree)
    ended = iwato("--lang", language, "demo", "--source", str(tree), env=room(tmp_path))
    assert ended.status == errors.EXIT_OK, ended.err
    assert all(f"[{act}/7]" in ended.err for act in range(1, 8))
    lost = "トークン喪失" if language == "ja" else "the token is lost"
    assert ended.out.count(lost) == len(LOST_HOLDERS)
    assert listing(tree) == before
    assert rooms_are_empty(tmp_path)


@pytest.mark.needs("landlock")
def test_as_a_document_it_is_one_and_keeps_what_was_measured(tree: Path, tmp_path: Path) -> None:
    ended = iwato("demo", "--source", str(tree), "--json", env=room(tmp_path))
    document = ended.document
    assert (ended.status, ended.err, document["warnings"]) == (errors.EXIT_OK, "", [])
    assert [window["both_ms"] for window in document["windows"]] == [0, 0, 0]
    assert document["compared"]["objects"] > 120
    assert document["restored"]["left_out"] == []
    assert len(LOST_BAYS) == 2


@pytest.mark.needs("landlock")
@pytest.mark.parametrize("abi", OLDER_KERNELS[: many(1, 2)])
def test_on_an_older_kernel_it_shows_what_that_one_can_confine(tree: Path, tmp_path: Path, abi: int) -> None:
    """Without Landlock the rootkit is not planted at all: nothing would hold it."""
    older = (sys.executable, "-m", "tests.old_kernel", str(abi))
    ended = iwato("demo", "--source", str(tree), env=room(tmp_path), before=older)
    if abi:
        assert (ended.status, "refused 3 requests" in ended.err) == (errors.EXIT_OK, True)
        assert "none is left, no drive was reached" in ended.err
    else:
        assert (ended.status, errors.RootkitNotPlanted.code in ended.codes) == (errors.EXIT_WARNINGS, True)
        assert "none is left" not in ended.err


@pytest.mark.needs("landlock")
def test_confinement_holds_with_the_landlock_of_debian_12() -> None:
    suites = ("tests/attack/test_rootkit.py", "tests/attack/test_airlock_escape.py")
    words = ("-m", "tests.old_kernel", "2", sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider")
    ended = command_line.run_program(*words, *suites, "tests/unit/test_twin_process.py")
    assert (ended.status, "0 skipped" in ended.out) == (0, True), ended.out


@pytest.mark.needs("root", "setpriv")
def test_what_the_user_may_not_read_is_named_and_no_failure(tree: Path, tmp_path: Path) -> None:
    (tree / "plain").chmod(0)
    bounded = ("setpriv", "--bounding-set=-dac_override,-dac_read_search")
    ended = iwato("demo", "--source", str(tree), env=room(tmp_path), before=bounded)
    assert (ended.status, errors.DemoSetAside.code in ended.codes) == (errors.EXIT_WARNINGS, True)
    assert errors.FilesUnreadable.code in ended.codes


# Negative controls ------------------------------------------------------------------------------------


@pytest.mark.planted
@pytest.mark.parametrize(
    ("bug", "code"),
    [(ONE_BYTE_ELSE, "IW-1009"), (ONE_DRIVE_MORE, "IW-3001"), (ONE_TOKEN_MORE, "IW-5")][: many(1, 3)],
    ids=["one byte else", "one drive more", "one token more"][: many(1, 3)],
)
def test_a_demo_that_did_not_happen_does_not_end_well(
    tree: Path, tmp_path: Path, bug: str, code: str
) -> None:
    ended = planted(bug, tree, tmp_path)
    assert ended.status in {errors.EXIT_FAILED, errors.EXIT_QUORUM}
    assert any(said.startswith(code) for said in ended.codes), ended.err
    assert not faults(ended)
    assert rooms_are_empty(tmp_path)


def test_a_source_that_goes_on_meanwhile_is_set_aside_by_name(tree: Path, tmp_path: Path) -> None:
    ended = planted(BUSY_SOURCE, tree, tmp_path)
    assert (ended.status, errors.DemoSetAside.code in ended.codes) == (errors.EXIT_WARNINGS, True)
    assert "data/plain: it changed after it was pulled" in ended.out
