"""The data that is backed up in a benchmark: built once, changed by 1 % before every second backup.

A set is a folder. Random bytes come from a seed and are the same everywhere; real files come from this
machine in sorted order, so they are the same in every run on one machine. Writes below its folder only.
"""

from __future__ import annotations

import os
import random
import shutil
import stat
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

MIB = 1 << 20
INCOMPRESSIBLE_MIB = 1024
IMAGE_MIB = 1536
TREE_FILES = 50_000
SMALL_FILE_BYTES_MAX = 64 << 10  # bytes; above it a file is no small file
IMAGE_FILE_BYTES_MAX = 4 * MIB  # bytes; what an installed system mostly holds
IMAGE_FILLED = 0.6  # of the image; the rest is the free space that every real disk has
CHANGED_RUN_BYTES = 256 << 10  # bytes that change together: an image changes by files, not by sectors
STAMP_PAUSE_S = 0.05  # s; the clock of a file system moves every 4 to 10 ms
REAL_FILES = Path("/usr")
CHANGED_EVERY = 100  # 1 % of the files of a tree


class CannotBuild(Exception):
    """The set cannot be made here; the text says what is missing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DataSet:
    """`build` fills an empty folder; `change` alters 1 % of it, otherwise for every seed."""

    name: str
    title: str
    bytes_about: int
    build: Callable[[Path], None]
    change: Callable[[Path, int], None]


def data_sets(scale: float, real_files: Path = REAL_FILES) -> Sequence[DataSet]:
    """The three sets at a scale; 1.0 is the size that the targets speak of."""
    random_mib = max(1, round(INCOMPRESSIBLE_MIB * scale))
    image_mib = max(8, round(IMAGE_MIB * scale))
    count = max(100, round(TREE_FILES * scale))
    return (
        DataSet(
            name="incompressible",
            title=f"one incompressible file, {random_mib} MiB",
            bytes_about=random_mib * MIB,
            build=lambda place: _random_file(place / "random.bin", random_mib),
            change=lambda place, seed: _change_runs(place / "random.bin", seed),
        ),
        DataSet(
            name="image",
            title=f"ext4 image with real files, {image_mib} MiB",
            bytes_about=2 * image_mib * MIB,  # the files that it is made of lie beside it for a while
            build=lambda place: _image(place / "disk.img", image_mib, real_files),
            change=lambda place, seed: _change_runs(place / "disk.img", seed),
        ),
        DataSet(
            name="tree",
            title=f"{count:,} small real files",
            bytes_about=count * 16 << 10,
            build=lambda place: _tree(place, count, real_files),
            change=_change_files,
        ),
    )


def _random_file(path: Path, mib: int) -> None:
    draw = random.Random("iwato-bench")
    with path.open("wb") as file:
        for _ in range(mib):
            file.write(draw.randbytes(MIB))
    _stamp(path)


def _stamp(path: Path) -> None:
    """A small neighbour that is newer. A backup tool may rightly distrust the newest file's time and read
    it again; among real data that is never the one large file of a set."""
    time.sleep(STAMP_PAUSE_S)
    path.with_name("newest").write_text(f"{path.stat().st_mtime_ns}\n")


def _change_runs(path: Path, seed: int) -> None:
    """1 % of the file in whole runs at random places, never the same for two seeds."""
    size = path.stat().st_size
    run = max(4096, min(CHANGED_RUN_BYTES, size // 100))
    draw = random.Random(seed)
    with path.open("r+b") as file:
        for slot in sorted(draw.sample(range(size // run), max(1, size // 100 // run))):
            file.seek(slot * run)
            file.write(draw.randbytes(run))
    _stamp(path)


def _real(root: Path, bytes_max: int) -> Iterator[Path]:
    """Readable regular files below `root` in sorted order."""
    for folder, folders, names in os.walk(root):
        folders.sort()
        for name in sorted(names):
            path = Path(folder, name)
            try:
                facts = path.lstat()
            except OSError:
                continue
            if stat.S_ISREG(facts.st_mode) and facts.st_size <= bytes_max and os.access(path, os.R_OK):
                yield path


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)
    os.utime(target, ns=(source.stat().st_mtime_ns,) * 2)


def _tree(place: Path, count: int, root: Path) -> None:
    """Copies of real files. Where the machine has fewer, further rounds end in a line of their own, so
    that no round is a duplicate of the first."""
    made, turn = 0, 0
    while made < count:
        found = 0
        for path in islice(_real(root, SMALL_FILE_BYTES_MAX), count - made):
            target = place / f"round-{turn}" / path.relative_to(root)
            _copy(path, target)
            if turn:
                with target.open("ab") as file:
                    file.write(b"\n# round %d\n" % turn)
            found += 1
        if not found:
            raise CannotBuild(f"no readable small files in {root}")
        made, turn = made + found, turn + 1


def _change_files(place: Path, seed: int) -> None:
    """Every hundredth file gets one more line."""
    files = sorted(path for path in place.rglob("*") if path.is_file())
    for path in files[seed % CHANGED_EVERY :: CHANGED_EVERY] or files[:1]:
        with path.open("ab") as file:
            file.write(b"\n# changed %d\n" % seed)


def mke2fs() -> str | None:
    """The program, which lies outside the PATH of most users."""
    return shutil.which("mke2fs") or shutil.which("mke2fs", path="/usr/sbin:/sbin")


def _image(path: Path, mib: int, root: Path) -> None:
    program = mke2fs()
    if program is None:
        raise CannotBuild("mke2fs is absent (Debian package e2fsprogs)")
    staged, filled = path.parent / "files", 0
    staged.mkdir()
    try:
        for found in _real(root, min(IMAGE_FILE_BYTES_MAX, mib * MIB // 16)):
            filled += -(-found.stat().st_size // 4096) * 4096 + 512
            if filled > mib * MIB * IMAGE_FILLED:
                break
            _copy(found, staged / found.relative_to(root))
        fixed = "6f0c1d6e-5a54-4b0e-9a3e-2f1d55aa0001"
        words = [program, "-q", "-F", "-t", "ext4", "-i", "4096", "-m", "0", "-U", fixed]
        words += ["-E", f"hash_seed={fixed}", "-d", str(staged), str(path), f"{mib}M"]
        done = subprocess.run(words, capture_output=True, text=True, check=False)
    finally:
        shutil.rmtree(staged)
    if done.returncode:
        raise CannotBuild(f"mke2fs failed: {done.stderr.strip()[-200:]}")
    _stamp(path)
