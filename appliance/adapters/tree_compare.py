"""Two directory trees compared: every byte, every attribute, every shared hard link.

Used by the demo to prove a restore against its source. Reads only. Owners are compared where the
caller asks for it (a restore without root cannot set them, and says so).
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

_STEP = 1 << 20  # bytes per read
_SET_ID = stat.S_ISUID | stat.S_ISGID


@dataclass(slots=True, kw_only=True)
class Comparison:
    """What was compared and every difference as (path, what differs)."""

    objects: int = 0
    content_bytes: int = 0
    differences: list[tuple[bytes, str]] = field(default_factory=list)


def compare(
    expected: Path,
    found: Path,
    *,
    owners: bool,
    skip: frozenset[bytes] = frozenset(),
    progress: Callable[[int], None] = lambda _done: None,
) -> Comparison:
    """Compare `found` with `expected`. `skip` are relative paths that were never pulled."""
    result = Comparison()
    left, right = os.fsencode(expected), os.fsencode(found)
    first_names: dict[tuple[int, int], bytes] = {}
    seen: set[bytes] = set()
    for path in _walk(left, skip):
        seen.add(path)
        result.objects += 1
        for what in _differences(left, right, path, owners=owners, first_names=first_names, result=result):
            result.differences.append((path, what))
        progress(result.content_bytes)
    extra = (path for path in _walk(right, frozenset()) if path not in seen)
    result.differences += [(path, "not in the source") for path in extra]
    return result


def _walk(root: bytes, skip: frozenset[bytes]) -> Iterator[bytes]:
    """Every path below `root`, b"" first, sockets left out: they cannot be backed up."""
    if b"" in skip:
        return
    yield b""
    pending = [b""]
    while pending:
        directory = pending.pop()
        with os.scandir(os.path.join(root, directory)) as listing:
            for item in sorted(listing, key=lambda item: item.name):
                path = os.path.join(directory, item.name)
                if path in skip or stat.S_ISSOCK(item.stat(follow_symlinks=False).st_mode):
                    continue
                yield path
                if item.is_dir(follow_symlinks=False):
                    pending.append(path)


def _differences(
    left: bytes,
    right: bytes,
    path: bytes,
    *,
    owners: bool,
    first_names: dict[tuple[int, int], bytes],
    result: Comparison,
) -> Iterator[str]:
    mine, theirs = os.path.join(left, path), os.path.join(right, path)
    here = os.lstat(mine)
    try:
        there = os.lstat(theirs)
    except FileNotFoundError:
        yield "missing"
        return
    if stat.S_IFMT(here.st_mode) != stat.S_IFMT(there.st_mode):
        yield "another kind of object"
        return
    yield from _attributes(here, there, owners=owners)
    if not _same_xattrs(mine, theirs):
        yield "extended attributes"
    if stat.S_ISLNK(here.st_mode) and os.readlink(mine) != os.readlink(theirs):
        yield "symlink target"
    if stat.S_ISREG(here.st_mode):
        result.content_bytes += here.st_size
        yield from _same_file(left, right, path, here, first_names)


def _attributes(here: os.stat_result, there: os.stat_result, *, owners: bool) -> Iterator[str]:
    if (here.st_mode ^ there.st_mode) & ~_SET_ID and not stat.S_ISLNK(here.st_mode):
        yield "mode"
    if owners and (here.st_uid, here.st_gid) != (there.st_uid, there.st_gid):
        yield "owner"
    if here.st_mtime_ns != there.st_mtime_ns:
        yield "modification time"
    if here.st_rdev != there.st_rdev:
        yield "device number"
    if stat.S_ISREG(here.st_mode) and here.st_size != there.st_size:
        yield "size"


def _same_xattrs(mine: bytes, theirs: bytes) -> bool:
    return _xattrs(mine) == _xattrs(theirs)


def _xattrs(path: bytes) -> dict[str, bytes]:
    try:
        names = os.listxattr(path, follow_symlinks=False)
        return {name: os.getxattr(path, name, follow_symlinks=False) for name in names}
    except OSError:  # a file system without them has none
        return {}


def _same_file(
    left: bytes, right: bytes, path: bytes, here: os.stat_result, first_names: dict[tuple[int, int], bytes]
) -> Iterator[str]:
    if here.st_nlink > 1:
        first = first_names.setdefault((here.st_dev, here.st_ino), path)
        if first != path:
            if not os.path.samefile(os.path.join(right, first), os.path.join(right, path)):
                yield "hard link"
            return
    with open(os.path.join(left, path), "rb") as mine, open(os.path.join(right, path), "rb") as theirs:
        while True:
            block = mine.read(_STEP)
            if block != theirs.read(_STEP):
                yield "content"
                return
            if not block:
                return
