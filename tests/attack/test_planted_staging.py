"""What root in the link half plants in staging stops neither a drive half nor the windows after it."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from appliance.adapters import file_names
from appliance.adapters.dedup_index import SqliteIndex
from appliance.adapters.directory import ScratchDirectory
from appliance.format import batch, receipt
from appliance.service import staged_window

DEPTH = 1200  # folders; Python calls itself 1000 times at the most
FOLDERS = ("batches", "packs", "receipts")
HONEST = {
    "batches": "00000003-0000.batch",
    "packs": f"{'ab' * 32}.age",
    "receipts": "00000003-0000000000000007.receipt",
}
RULES = {"batches": batch.parse_name, "packs": batch.parse_pack_name, "receipts": receipt.parse_name}
Plant = Callable[[Path], None]


def fifo(place: Path) -> None:
    os.mkfifo(place)


def link_out(place: Path) -> None:
    place.symlink_to(place.parent.parent / "outside")


def file(place: Path) -> None:
    place.write_bytes(b"planted")


def folder(place: Path) -> None:
    (place / "inner").mkdir(parents=True)


@pytest.fixture
def staging(tmp_path: Path) -> Path:
    """Staging with a file in each folder, and beside it something that must stay as it is."""
    root = tmp_path / "staging"
    for name in FOLDERS:
        (root / name).mkdir(parents=True)
        (root / name / HONEST[name]).write_bytes(name.encode())
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside/old").write_bytes(b"an older generation")
    return root


def outside(staging: Path) -> list[tuple[str, bytes]]:
    return [(path.name, path.read_bytes()) for path in (staging.parent / "outside").iterdir()]


@pytest.mark.parametrize("plant", [fifo, link_out, file])
@pytest.mark.parametrize("name", FOLDERS)
def test_a_folder_that_was_replaced_is_set_aside_and_made_anew(
    staging: Path, plant: Plant, name: str
) -> None:
    (staging / name / HONEST[name]).unlink()
    (staging / name).rmdir()
    plant(staging / name)
    scratch = ScratchDirectory(staging)
    assert scratch.tidy(RULES) == [name]
    scratch.put(f"{name}/fresh", b"new")
    assert scratch.read(f"{name}/fresh", 10) == b"new"
    assert outside(staging) == [("old", b"an older generation")]


@pytest.mark.clause("THREATS 4.7")
@pytest.mark.parametrize("plant", [fifo, link_out, folder, file])
@pytest.mark.parametrize("name", FOLDERS)
def test_what_is_no_file_or_has_no_name_of_ours_inside_a_folder_is_set_aside(
    staging: Path, plant: Plant, name: str
) -> None:
    plant(staging / name / "odd")
    scratch = ScratchDirectory(staging)
    assert scratch.tidy(RULES) == [f"{name}/odd"]
    assert scratch.names(name) == [HONEST[name]]
    assert scratch.tidy(RULES) == []


def test_a_folder_under_a_temporary_name_no_longer_keeps_its_file_from_being_written(staging: Path) -> None:
    (staging / "receipts" / file_names.temporary("next")).mkdir()
    with pytest.raises(IsADirectoryError):
        ScratchDirectory(staging).put("receipts/next", b"")
    scratch = ScratchDirectory(staging)
    scratch.tidy(RULES)
    scratch.put("receipts/next", b"receipt")
    assert scratch.read("receipts/next", 10) == b"receipt"


def test_honest_staging_is_left_as_it_is(staging: Path) -> None:
    steps: list[str] = []
    assert ScratchDirectory(staging, steps=steps.append).tidy(RULES) == []
    assert steps == []


@pytest.fixture
def abyss(staging: Path) -> Iterator[Path]:
    """Folders in folders, deeper than a program may call itself; removed again from the inside."""
    here = os.open(staging / "packs", os.O_RDONLY)
    for _ in range(DEPTH):
        os.mkdir("d", dir_fd=here)
        inner = os.open("d", os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = inner
    yield staging
    for _ in range(DEPTH):
        outer = os.open("..", os.O_RDONLY, dir_fd=here)
        os.rmdir("d", dir_fd=outer)
        os.close(here)
        here = outer
    os.close(here)


def test_sweeping_looks_no_deeper_than_anything_of_ours_lies(abyss: Path) -> None:
    (abyss / "packs" / file_names.temporary("half")).write_bytes(b"half")
    ScratchDirectory(abyss).sweep()
    assert sorted(path.name for path in (abyss / "packs").iterdir()) == [HONEST["packs"], "d"]


def test_records_of_windows_that_have_not_been_are_named_for_removal(staging: Path) -> None:
    for number in (3, 4, 99_999_999):
        (staging / f"batches/{number:08d}-0000.batch").write_bytes(b"planted")
    (staging / "batches/00000004-0001.batch").write_bytes(b"planted")
    scratch = ScratchDirectory(staging)
    assert staged_window.unborn(scratch, 3) == [
        "batches/00000004-0000.batch",
        "batches/00000004-0001.batch",
        "batches/99999999-0000.batch",
    ]
    assert staged_window.names_of(scratch, 4) == [
        "batches/00000004-0001.batch",
        "batches/00000004-0000.batch",
    ]


@pytest.mark.planted
def test_planted_trust_in_the_numbers_would_hide_every_honest_window(staging: Path) -> None:
    for number in range(staged_window.WINDOWS_MAX):
        (staging / f"batches/{99_000_000 + number:08d}-0000.batch").write_bytes(b"planted")
    (staging / "batches/00000003-0000.batch").write_bytes(b"honest")
    seen = dict(staged_window.windows(ScratchDirectory(staging)))
    assert 3 not in seen


@pytest.mark.clause("THREATS 4.7")
@pytest.mark.parametrize("suffix", ["", "-wal", "-shm"])
@pytest.mark.parametrize("plant", [fifo, link_out, folder])
def test_a_planted_index_is_forgotten_and_made_anew(tmp_path: Path, plant: Plant, suffix: str) -> None:
    state = tmp_path / "intake-state"
    state.mkdir()
    (tmp_path / "outside").mkdir()
    plant(state / f"index.sqlite{suffix}")
    warned: list[str] = []
    index = SqliteIndex(state / "index.sqlite", bytes(32), warn=warned.append)
    index.close()
    assert bool(warned) or suffix
    assert (state / "index.sqlite").is_file()
    assert list((tmp_path / "outside").iterdir()) == []
