"""The demo's data: a real tree found on the machine, and a working copy of a slice of it to change.

The user's own tree is only read. Everything that the demo changes is a copy in a directory that the
caller names and removes.
"""

from __future__ import annotations

import os
import shutil
import stat
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

TREE_BYTES_MIN = 200_000_000  # bytes; enough to see a rate, small enough for a coffee
TREE_BYTES_MAX = 900_000_000  # bytes; a tree found by ourselves should not fill somebody's disk
SLICE_BYTES = 40_000_000  # bytes copied to be changed between the two windows
_CANDIDATES = ("/usr/share", "/usr/lib", "/usr", "/opt", "/var/lib", "/usr/local", "/home")


@dataclass(frozen=True, slots=True, kw_only=True)
class TreeSize:
    """Regular files and their bytes; `more` says that counting stopped at the limit."""

    files: int
    content_bytes: int
    more: bool = False


def measure(root: Path, limit: int | None = None) -> TreeSize:
    """Count what is below `root`, without following links; stop beyond `limit` bytes."""
    files = total = 0
    for _path, found in _files(root):
        files, total = files + 1, total + found.st_size
        if limit is not None and total > limit:
            return TreeSize(files=files, content_bytes=total, more=True)
    return TreeSize(files=files, content_bytes=total)


def find_tree() -> Path | None:
    """The first real tree of a fitting size: a well-known place or one of its folders; on a bare system
    the environment that this very program is installed in."""
    for name in (*_CANDIDATES, sys.prefix):
        place = Path(name)
        for root in (place, *_folders(place)):
            if _fits(root):
                return root
    return None


def _fits(root: Path) -> bool:
    if not root.is_dir() or root.is_symlink() or not os.access(root, os.R_OK | os.X_OK):
        return False
    size = measure(root, TREE_BYTES_MAX)
    return size.content_bytes >= TREE_BYTES_MIN and not size.more


def _folders(place: Path) -> list[Path]:
    try:
        return sorted(item for item in place.iterdir() if item.is_dir() and not item.is_symlink())
    except OSError:
        return []


def copy_slice(tree: Path, target: Path) -> TreeSize:
    """Copy regular files of `tree` into `target`, in walking order, up to SLICE_BYTES."""
    files = total = 0
    for path, found in _files(tree):
        if total + found.st_size > SLICE_BYTES or not os.access(path, os.R_OK):
            continue
        copy = target / path.relative_to(tree)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(path, copy)
        files, total = files + 1, total + found.st_size
    return TreeSize(files=files, content_bytes=total)


def change_some(work: Path) -> dict[str, int]:
    """What a working day does to a tree: some files edited, one new, one renamed, one gone. Returns
    how many of each, and the bytes of the files whose content is another."""
    paths = sorted(path for path, found in _files(work) if found.st_size)
    edited = paths[:: max(1, len(paths) // 20)][:20]
    for path in edited:
        path.chmod(path.stat().st_mode | stat.S_IWUSR)
        with path.open("ab") as file:
            file.write(b"\nchanged between two windows\n")
    rest = [path for path in paths if path not in edited]
    if rest:
        rest[0].rename(rest[0].with_name(rest[0].name + ".renamed"))
    if len(rest) > 1:
        rest[1].unlink()
    new = work / "new-today.txt"
    new.write_text("made between two windows\n" * 1000, encoding="ascii")
    content_bytes = sum(path.stat().st_size for path in (*edited, new))
    return {
        "edited": len(edited),
        "new": 1,
        "renamed": min(1, len(rest)),
        "gone": int(len(rest) > 1),
        "bytes": content_bytes,
    }


def _files(root: Path) -> Iterator[tuple[Path, os.stat_result]]:
    """Regular files below `root` in a fixed order; what cannot be listed is passed over."""
    for folder, names, files in os.walk(root):
        names.sort()
        for name in sorted(files):
            path = Path(folder, name)
            try:
                found = path.lstat()
            except OSError:
                continue
            if stat.S_ISREG(found.st_mode):
                yield path, found
