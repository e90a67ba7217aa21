"""Whether what a tool restored is what it was given: names, kinds, bytes, permissions, times.

Owners are left out, since only root can restore them. Written for the benchmark and used for every tool
alike; shares nothing with the product's own comparison.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path

BLOCK_BYTES = 1 << 20  # bytes compared at a time
DIFFERENCES_MAX = 3  # said; one is enough to lose


def _names(root: Path) -> set[str]:
    found: set[str] = set()
    for folder, folders, names in os.walk(root):
        found.update(os.path.relpath(os.path.join(folder, name), root) for name in (*folders, *names))
    return found


def differences(source: Path, restored: Path) -> list[str]:
    """What differs, at most DIFFERENCES_MAX; empty where the two are the same."""
    if not restored.is_dir():
        return ["nothing was restored"]
    here, there = _names(source), _names(restored)
    found = [f"{name} is missing" for name in sorted(here - there)[:DIFFERENCES_MAX]]
    found += [f"{name} is too many" for name in sorted(there - here)[:DIFFERENCES_MAX]]
    for name in sorted(here & there):
        if len(found) >= DIFFERENCES_MAX:
            break
        what = _difference(source / name, restored / name)
        found += [f"{name}: {what}"] if what else []
    return found[:DIFFERENCES_MAX]


def _same_bytes(a: Path, b: Path) -> bool:
    """Read every time: `filecmp` remembers, and the next tool restores to the same path."""
    with a.open("rb") as first, b.open("rb") as second:
        while block := first.read(BLOCK_BYTES):
            if block != second.read(BLOCK_BYTES):
                return False
        return not second.read(1)


def _difference(a: Path, b: Path) -> str:
    first, second = a.lstat(), b.lstat()
    if stat.S_IFMT(first.st_mode) != stat.S_IFMT(second.st_mode):
        return "another kind"
    if stat.S_ISLNK(first.st_mode):
        return "" if a.readlink() == b.readlink() else "another target"
    if stat.S_IMODE(first.st_mode) & 0o777 != stat.S_IMODE(second.st_mode) & 0o777:
        return "other permissions"
    if not stat.S_ISREG(first.st_mode):
        return ""
    if first.st_mtime_ns != second.st_mtime_ns:
        return "another time"
    return "" if first.st_size == second.st_size and _same_bytes(a, b) else "other bytes"
