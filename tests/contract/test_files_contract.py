"""ports.Files and ports.ScratchFiles, as every adapter has to keep them."""

import errno
import mmap
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance.adapters.directory import Directory, ScratchDirectory
from tests.power_cut import Power, PowerCut

MEMORY = Path("/dev/shm")  # noqa: S108 - a fresh folder of our own in it


def page(length: int, fill: bytes) -> memoryview:
    view = memoryview(mmap.mmap(-1, length))
    view[:] = fill * length
    return view


@pytest.fixture(params=["disk", "memory"])
def root(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Path]:
    """A directory on a disk, which can go around the cache, and one in memory."""
    if request.param == "disk":
        yield tmp_path
        return
    place = MEMORY / f"iwato-{os.getpid()}-{tmp_path.name}"
    place.mkdir()
    yield place
    shutil.rmtree(place)


@pytest.fixture
def files(root: Path) -> ScratchDirectory:
    return ScratchDirectory(root)


def test_what_was_put_is_read_back(files: ScratchDirectory) -> None:
    files.put("a/b/file", b"content")
    assert files.read("a/b/file", 7) == b"content"
    assert files.exists("a/b/file")
    assert list(files.names("a/b")) == ["file"]


def test_a_longer_file_than_expected_is_refused(files: ScratchDirectory) -> None:
    files.put("file", b"12345678")
    with pytest.raises(ValueError, match="8 bytes"):
        files.read("file", 7)


def test_a_file_does_not_exist_before_it_is_placed(files: ScratchDirectory) -> None:
    placing = files.begin("packs/one")
    placing.pwrite(b"half", 0)
    assert not files.exists("packs/one")
    assert list(files.names("packs")) == []
    placing.place(4)
    assert files.read("packs/one", 4) == b"half"


def test_a_file_may_get_its_name_at_the_end(files: ScratchDirectory) -> None:
    placing = files.begin("packs/lane-0")
    placing.pwrite(b"sealed", 0)
    placing.place(6, "packs/abc")
    assert list(files.names("packs")) == ["abc"]


def test_an_abandoned_file_leaves_nothing(files: ScratchDirectory, root: Path) -> None:
    placing = files.begin("packs/one")
    placing.pwrite(b"half", 0)
    placing.abandon()
    assert os.listdir(root / "packs") == []


def test_a_placed_file_is_never_replaced(files: ScratchDirectory) -> None:
    files.put("file", b"first")
    with pytest.raises(FileExistsError):
        files.put("file", b"second")
    assert files.read("file", 10) == b"first"
    files.put("other", b"goes on")  # a taken name says nothing against the disk


def test_aligned_and_odd_pieces_make_one_file(files: ScratchDirectory) -> None:
    placing = files.begin("file")
    placing.pwrite(page(8192, b"a"), 0)
    placing.pwrite(b"tail", 8192)
    placing.pwrite(page(4096, b"b"), 4096)
    placing.place(8196)
    assert files.read("file", 8196) == b"a" * 4096 + b"b" * 4096 + b"tail"


def test_padding_behind_the_end_is_cut_off(files: ScratchDirectory) -> None:
    placing = files.begin("file")
    placing.pwrite(page(4096, b"x"), 0)
    placing.place(100)
    assert files.read("file", 4096) == b"x" * 100


@pytest.mark.parametrize("direct", [False, True])
def test_any_part_can_be_read(files: ScratchDirectory, *, direct: bool) -> None:
    content = bytes(range(256)) * 40
    files.put("file", content)
    readable = files.read_direct("file") if direct else files.open("file")
    assert readable.size == len(content)
    buffer = page(12288, b"-")
    assert readable.pread_into(buffer, 0) == len(content)
    assert bytes(buffer[: len(content)]) == content
    assert readable.pread_into(buffer[:4096], 4096) == 4096
    assert bytes(buffer[:4096]) == content[4096:8192]
    assert readable.pread_into(memoryview(bytearray(10)), len(content) - 3) == 3
    assert readable.pread_into(memoryview(bytearray(10)), len(content)) == 0
    readable.close()


def test_names_are_sorted_and_an_absent_folder_has_none(files: ScratchDirectory) -> None:
    for name in ("c", "a", "b"):
        files.put(f"folder/{name}", b"")
    assert list(files.names("folder")) == ["a", "b", "c"]
    assert list(files.names("nowhere")) == []
    assert not files.exists("nowhere/file")


@pytest.mark.parametrize("name", ["", "/abs", "a//b", "../out", "a/../b", "a/.", ".x.tmp", "a/b/", "n" * 251])
def test_a_name_that_could_lead_out_is_refused(files: ScratchDirectory, name: str) -> None:
    with pytest.raises(ValueError, match="not a"):
        files.put(name, b"")


def test_a_planted_symlink_is_not_followed(
    files: ScratchDirectory, root: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    outside = tmp_path_factory.mktemp("outside")
    (outside / "secret").write_bytes(b"secret")
    (root / "folder").symlink_to(outside)
    (root / "file").symlink_to(outside / "secret")
    with pytest.raises(OSError, match=r".*"):
        files.read("file", 100)
    with pytest.raises(OSError, match=r".*"):
        files.read("folder/secret", 100)
    with pytest.raises(OSError, match=r".*"):
        files.put("folder/new", b"x")
    assert os.listdir(outside) == ["secret"]


def test_a_planted_fifo_is_refused_without_waiting(files: ScratchDirectory, root: Path) -> None:
    os.mkfifo(root / "pipe")
    with pytest.raises(OSError, match="not a regular file"):
        files.open("pipe")


def test_scratch_files_can_be_recycled_and_replaced(files: ScratchDirectory, root: Path) -> None:
    files.put("packs/one", b"1")
    files.recycle("packs/one")
    assert not files.exists("packs/one")
    files.replace("state", b"old")
    files.replace("state", b"new, longer")
    files.replace("state", b"short")
    assert files.read("state", 100) == b"short"
    with pytest.raises(FileNotFoundError):
        files.recycle("packs/one")


def test_a_sweep_removes_what_a_power_cut_left_and_nothing_else(files: ScratchDirectory, root: Path) -> None:
    files.put("packs/one", b"1")
    files.begin("packs/two").pwrite(b"2", 0)
    files.begin("three")
    again = ScratchDirectory(root)
    again.sweep()
    assert os.listdir(root / "packs") == ["one"]
    assert sorted(os.listdir(root)) == ["packs"]


def test_a_leftover_of_a_power_cut_is_no_obstacle(files: ScratchDirectory, root: Path) -> None:
    files.begin("packs/one").pwrite(b"torn", 0)
    again = ScratchDirectory(root)
    again.put("packs/one", b"whole")
    assert again.read("packs/one", 10) == b"whole"


def test_two_writers_of_one_name_do_not_meet(files: ScratchDirectory) -> None:
    files.begin("packs/one")
    with pytest.raises(FileExistsError):
        files.begin("packs/one")


def test_a_write_once_directory_has_no_way_to_remove() -> None:
    assert not {"recycle", "replace", "sweep"} & set(dir(Directory))


def test_the_first_failed_write_is_the_last_one(
    files: ScratchDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    placing = files.begin("one")

    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "pwrite", full)
        with pytest.raises(OSError, match="No space"):
            placing.pwrite(b"x", 0)
    with pytest.raises(OSError, match="earlier write failed") as later:
        files.put("two", b"x")
    assert later.value.errno == errno.ENOSPC
    with pytest.raises(OSError, match="earlier write failed"):
        placing.place(1)
    assert list(files.names("")) == []


def test_a_failed_fsync_is_never_tried_again(
    files: ScratchDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    placing = files.begin("one")
    placing.pwrite(b"x", 0)
    calls = []

    def failing(number: int) -> None:
        calls.append(number)
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(os, "fsync", failing)
    with pytest.raises(OSError, match="Input/output error"):
        placing.place(1)
    monkeypatch.undo()
    with pytest.raises(OSError, match="earlier write failed"):
        files.put("two", b"x")
    assert len(calls) == 1
    assert not files.exists("one")


def test_a_drive_that_is_gone_answers_nothing(root: Path) -> None:
    present = [True]
    files = Directory(root, alive=lambda: present[0])
    files.put("file", b"x")
    readable = files.open("file")
    present[0] = False
    attempts = (
        lambda: files.read("file", 9), lambda: files.put("new", b""), lambda: files.names(""),
        lambda: files.exists("file"), lambda: readable.pread_into(memoryview(bytearray(1)), 0),
        files.free_bytes,
    )  # fmt: skip
    for attempt in attempts:
        with pytest.raises(OSError, match="gone") as gone:
            attempt()
        assert gone.value.errno == errno.EIO
    readable.close()
    present[0] = True
    assert files.read("file", 9) == b"x"
    with pytest.raises(OSError, match="earlier write failed"):
        files.put("new", b"")  # it was gone while it was written to: not in this run again


def voyage(files: ScratchDirectory) -> None:
    files.put("a/one", b"1" * 5000)
    files.replace("state", b"1")
    files.replace("state", b"22")
    files.put("a/two", b"2")
    files.recycle("a/one")


def test_a_power_cut_at_any_step_leaves_whole_files_or_none(tmp_path: Path) -> None:
    counting = Power()
    voyage(ScratchDirectory(tmp_path / ".", steps=counting.step))
    assert len(counting.labels) > 15
    for cut_at in range(1, len(counting.labels) + 1):
        root = tmp_path / f"cut-{cut_at}"
        root.mkdir()
        power = Power(cut_at)
        with pytest.raises(PowerCut):
            voyage(ScratchDirectory(root, steps=power.step, alive=power.alive))
        assert len(power.labels) == cut_at
        again = ScratchDirectory(root)
        again.sweep()
        assert {again.read(f"a/{name}", 9999) for name in again.names("a")} <= {b"1" * 5000, b"2"}
        if again.exists("state"):
            assert again.read("state", 9) in (b"1", b"22")


@pytest.mark.planted
def test_the_power_cut_catches_a_writer_without_a_temporary_name(tmp_path: Path) -> None:
    """Control: a writer that writes under the final name is seen to leave half a file."""
    power = Power(1)

    def careless() -> None:
        for half in (b"1" * 2500, b"1" * 2500):
            with open(tmp_path / "one", "ab") as file:
                file.write(half)
            power.step("write one")

    with pytest.raises(PowerCut):
        careless()
    assert (tmp_path / "one").read_bytes() not in (b"", b"1" * 5000)
