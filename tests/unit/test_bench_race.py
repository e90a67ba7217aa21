"""The benchmark's race: fair, honest about failures, and gone without a trace."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.bench import __main__ as program
from tests.bench import contestants, data_set, race, same_tree, table
from tests.bench.data_set import MIB, DataSet, data_sets
from tests.bench.figures import STEPS, Figures, Sample
from tests.bench.timing import Failed, Order, run
from tests.depth import many

HONEST = "cp -a {repository}/. {target}"


class Copier:
    """A tool that copies. `restore` is what it does to bring back: the place for a planted bug."""

    def __init__(self, place: Path, restore: str = HONEST, backup: str = "true") -> None:
        self.name = place.name
        self._repository = place / "repository"
        self._restore = restore
        self._backup = backup
        self._source = place

    def _order(self, text: str) -> Order:
        return Order(words=["sh", "-ec", text], cwd=self._source)

    def prepare(self, source: Path) -> list[Order]:
        self._source = source
        return [self._order(f"mkdir {self._repository}")]

    def backup(self, step: str) -> Order:
        return self._order(f"{self._backup}; cp -a . {self._repository}")

    def restore(self, target: Path) -> Order:
        return self._order(self._restore.format(repository=self._repository, target=target))

    def restored(self, target: Path) -> Path:
        return target

    def verify(self) -> Order:
        return self._order("true")

    def halves(self, out: str) -> tuple[float, float] | None:
        return None


def _build(place: Path) -> None:
    (place / "folder").mkdir()
    (place / "folder" / "text").write_bytes(b"0123456789" * 100)
    (place / "link").symlink_to("folder/text")


def _change(place: Path, seed: int) -> None:
    with (place / "folder" / "text").open("ab") as file:
        file.write(b"%d" % seed)


TINY = DataSet(name="tiny", title="two names", bytes_about=4096, build=_build, change=_change)


Tools = dict[str, Callable[[Path], Copier]]


def raced(
    place: Path, *, seed: int = 1, repetitions: int = 1, tools: Tools | None = None
) -> list[Sample]:
    rules = race.Rules(
        tools=tools or {"one": Copier, "two": Copier},
        repetitions=repetitions,
        seed=seed,
        say=lambda _: None,
    )
    return list(race.run([TINY], rules, place))


# The race ---------------------------------------------------------------------------------------------


def test_every_tool_does_every_step_and_nothing_is_left(tmp_path: Path) -> None:
    samples = raced(tmp_path, repetitions=2)
    assert [sample.failure for sample in samples] == [""] * (2 * 2 * len(STEPS))
    assert {(s.step, s.tool) for s in samples} == {(step, tool) for step in STEPS for tool in ("one", "two")}
    assert all(sample.wall_s > 0 and sample.rss_mib > 0 for sample in samples)
    assert not list(tmp_path.iterdir())


def test_the_order_is_drawn_from_the_seed(tmp_path: Path) -> None:
    turns = [[s.tool for s in raced(tmp_path, seed=seed, repetitions=2)] for seed in (1, 1, 2)]
    assert turns[0] == turns[1] != turns[2]
    assert turns[0][0::2] != ["one"] * (2 * len(STEPS))


def test_the_time_of_children_is_counted(tmp_path: Path) -> None:
    """A process that only waits has no CPU of its own; one whose child works has the child's."""
    burn = "import time\nwhile time.process_time() < 0.2: pass"
    words = ["sh", "-c", '"$0" -c "$1"; true', sys.executable, burn]
    used = run(Order(words=words, cwd=tmp_path), tmp_path / "log")
    assert used.cpu_s >= 0.2


def test_a_tool_that_ends_badly_is_out_with_what_it_said(tmp_path: Path) -> None:
    def broken(place: Path) -> Copier:
        return Copier(place, backup="echo no disk >&2; exit 3")

    samples = raced(tmp_path, tools={"one": Copier, "broken": broken})
    failed = {s.step: s.failure for s in samples if s.tool == "broken"}
    assert failed == dict.fromkeys(STEPS, "sh ended with 3: no disk")
    assert not any(s.failure for s in samples if s.tool == "one")


def test_a_set_that_cannot_be_built_is_not_measured_and_the_next_one_is(tmp_path: Path) -> None:
    def cannot(place: Path) -> None:
        raise data_set.CannotBuild("no program")

    rules = race.Rules(tools={"one": Copier}, repetitions=1, seed=1, say=lambda _: None)
    odd = DataSet(name="odd", title="odd", bytes_about=1, build=cannot, change=_change)
    samples = list(race.run([odd, TINY], rules, tmp_path))
    assert {s.failure for s in samples if s.data == "odd"} == {"not measured: no program"}
    assert {s.failure for s in samples if s.data == "tiny"} == {""}


WRONG = {
    "other bytes": f"{HONEST}; printf X | dd of={{target}}/folder/text conv=notrunc status=none; "
    "touch -r {repository}/folder/text {target}/folder/text",
    "is missing": f"{HONEST}; rm {{target}}/link",
    "is too many": f"{HONEST}; touch {{target}}/more",
    "another time": f"{HONEST}; touch {{target}}/folder/text",
    "other permissions": f"{HONEST}; chmod 700 {{target}}/folder/text",
    "another target": f"{HONEST}; ln -sf nowhere {{target}}/link",
    "another kind": f"{HONEST}; rm {{target}}/link; cp {{target}}/folder/text {{target}}/link",
    "nothing was restored": "rm -r {target}; true",
}


@pytest.mark.planted
@pytest.mark.parametrize("what", WRONG)
def test_a_tool_that_restores_something_else_has_failed_and_has_no_time(tmp_path: Path, what: str) -> None:
    source, target, repository = (tmp_path / name for name in ("source", "target", "repository"))
    source.mkdir()
    target.mkdir()
    _build(source)
    tool = Copier(tmp_path, WRONG[what])
    for order in (*tool.prepare(source), tool.backup("first"), tool.restore(target)):
        run(order, tmp_path / "log")
    assert repository.is_dir()
    assert what in same_tree.differences(source, target)[0]


@pytest.mark.planted
@pytest.mark.parametrize("seed", range(4))  # whichever of the two restores first
def test_the_race_gives_no_time_to_wrong_bytes(tmp_path: Path, seed: int) -> None:
    def lossy(place: Path) -> Copier:
        return Copier(place, WRONG["other bytes"])

    figures = Figures(raced(tmp_path, seed=seed, tools={"Iwato": Copier, "borg": lossy}))
    assert figures.of("tiny", "restore", "borg").failure == "restored wrongly: folder/text: other bytes"
    assert figures.of("tiny", "verify", "borg").failure  # what is wrong is not worth verifying
    assert figures.of("tiny", "restore", "Iwato").runs == 1
    facts = table.Circumstances(
        machine="", versions=[], date="", seed=1, repetitions=1, sets=[("tiny", "tiny")]
    )
    row = next(r for r in table.markdown(figures, facts).splitlines() if r.startswith("| restore |"))
    assert row.endswith("| restored wrongly: folder/text: other bytes | - | - |")


def test_too_little_room_is_said_before_anything_is_made(tmp_path: Path) -> None:
    huge = DataSet(name="huge", title="", bytes_about=1 << 60, build=_build, change=_change)
    with pytest.raises(race.NoRoom, match=r"needs about \d+\.\d GiB in .* TMPDIR="):
        race.check_room(tmp_path, [TINY, huge])
    race.check_room(tmp_path, [TINY])
    assert not list(tmp_path.iterdir())


# The data ---------------------------------------------------------------------------------------------


def test_random_bytes_are_the_same_everywhere_and_one_percent_changes(tmp_path: Path) -> None:
    made = data_sets(4 / data_set.INCOMPRESSIBLE_MIB)[0]
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        made.build(tmp_path / name)
    first = (tmp_path / "one" / "random.bin").read_bytes()
    assert len(first) == 4 * MIB
    assert (tmp_path / "two" / "random.bin").read_bytes() == first
    made.change(tmp_path / "one", 5)
    changed = (tmp_path / "one" / "random.bin").read_bytes()
    pages = range(0, len(first), 4096)
    different = sum(first[n : n + 4096] != changed[n : n + 4096] for n in pages)
    assert len(changed) == len(first)
    assert 0.005 * len(pages) <= different <= 0.015 * len(pages)
    made.change(tmp_path / "two", 6)
    assert (tmp_path / "two" / "random.bin").read_bytes() != changed


def test_a_tree_has_its_number_of_files_however_few_the_machine_has(tmp_path: Path) -> None:
    real, place = tmp_path / "real", tmp_path / "place"
    real.mkdir()
    place.mkdir()
    for number in range(30):
        (real / f"{number}").write_bytes(b"file %d\n" % number)
    made = data_sets(100 / data_set.TREE_FILES, real)[2]
    made.build(place)
    files = [path for path in place.rglob("*") if path.is_file()]
    assert len(files) == 100
    before = {path: path.read_bytes() for path in files}
    assert len(set(before.values())) == 100
    made.change(place, 3)
    assert sum(before[path] != path.read_bytes() for path in files) == 1


@pytest.mark.needs("mke2fs")
def test_an_image_is_a_file_system_that_holds_the_real_files(tmp_path: Path) -> None:
    real, place = tmp_path / "real", tmp_path / "place"
    real.mkdir()
    place.mkdir()
    (real / "inside").write_bytes(b"what the image holds " * 400)
    data_sets(8 / data_set.IMAGE_MIB, real)[1].build(place)
    image = (place / "disk.img").read_bytes()
    assert {path.name for path in place.iterdir()} == {"disk.img", "newest"}
    assert image[1080:1082] == b"\x53\xef"  # the magic number of an ext4 superblock
    assert (real / "inside").read_bytes() in image


def test_without_mke2fs_the_image_says_what_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(data_set, "mke2fs", lambda: None)
    with pytest.raises(data_set.CannotBuild, match="e2fsprogs"):
        data_sets(0.01)[1].build(tmp_path)


# The program ------------------------------------------------------------------------------------------


def test_the_real_command_line_runs_and_absent_peers_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(contestants, "absent", lambda name: name != "Iwato")
    page = tmp_path / "page.md"
    page.write_text(f"{table.BEGIN}\n{table.END}\n")
    words = ["--small", "--sets=tree", "--tools=Iwato,restic,borg", "--steps=first,restore"]
    words = words[: many(4, 3)]  # every step at full depth
    assert program.main([*words, "--out", str(tmp_path / "out"), "--page", str(page)]) == 0
    section = (tmp_path / "out" / "table.md").read_text()
    assert section in capsys.readouterr().out
    assert section.strip() in page.read_text()
    assert "restic not measured" in section
    row = next(line for line in section.splitlines() if line.startswith("| restore |"))
    assert row.endswith("| - | not measured | not measured | - | - |")
    assert "not measured" not in row.split("|")[2]
    assert (tmp_path / "out" / "chart.svg").is_file()


def test_an_interrupted_run_leaves_nothing_behind(tmp_path: Path) -> None:
    place, out = tmp_path / "temporary", tmp_path / "out"
    place.mkdir()
    words = ["--small", "--sets", "tree", "--tools", "Iwato", "--out", str(out)]
    process = subprocess.Popen(
        [sys.executable, "-u", "-m", "tests.bench", *words],
        cwd=contestants.PROJECT,
        env={**os.environ, "TMPDIR": str(place)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith("building"):
            break
    assert list(place.iterdir())
    process.send_signal(signal.SIGTERM)
    _, said = process.communicate()
    assert process.returncode == program.EXIT_INTERRUPTED
    assert "interrupted" in said
    assert not list(place.iterdir())
    assert not out.exists()


def test_a_tool_that_is_waited_for_ends_with_the_benchmark(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[int] = []

    def interrupted(pid: int, _flags: int) -> tuple[int, int, object]:
        started.append(pid)
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "wait4", interrupted)
    with pytest.raises(KeyboardInterrupt):
        run(Order(words=["sleep", "600"], cwd=tmp_path), tmp_path / "log")
    with pytest.raises(ProcessLookupError):
        os.kill(started[0], 0)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--out=x", "--sets=everything"], "not known: everything"),
        (["--out=x", "--scale=0"], "above 0"),
        (["--out=x", f"--page={contestants.PROJECT / 'pyproject.toml'}"], "needs one <!-- bench:begin -->"),
        ([], "--out FOLDER"),
    ],
)
def test_what_cannot_be_meant_is_refused_before_the_run(
    words: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        program.main(words)
    assert said in capsys.readouterr().err


def test_a_failed_command_is_no_time(tmp_path: Path) -> None:
    with pytest.raises(Failed, match="false ended with 1"):
        run(Order(words=["false"], cwd=tmp_path), tmp_path / "log")
