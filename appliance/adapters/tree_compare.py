"""Two directory trees compared: every byte, every attribute, every shared hard link.

Used by the demo to prove a restore against its source. Reads only. Owners are compared where the
caller asks for it (a restore without root cannot set them, and says so), set-ID bits and file capabilities
too (a restore leaves them out unless asked). A source lives on while it is compared: what differs and
changed since it was pulled, or may not be read by this user, is set aside. The change time tells, which no
program can set.
"""

from __future__ import annotations

import errno
import os
import stat
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

_STEP = 1 << 20  # bytes per read
_NO_MORE = sys.maxsize  # an offset behind every file
_NEVER = 1 << 70  # nanoseconds; later than any file's time
_SET_ID = stat.S_ISUID | stat.S_ISGID
_CAPABILITY = "security.capability"
_Inode: TypeAlias = tuple[int, int]


@dataclass(slots=True, kw_only=True)
class Comparison:
    """What was compared and every difference as (path, what differs). `set_aside` are the differences
    that prove nothing: (path, why)."""

    objects: int = 0
    content_bytes: int = 0
    differences: list[tuple[bytes, str]] = field(default_factory=list)
    set_aside: list[tuple[bytes, str]] = field(default_factory=list)


def compare(
    expected: Path,
    found: Path,
    *,
    owners: bool,
    set_id: bool = False,
    since_ns: int = _NEVER,
    progress: Callable[[int], None] = lambda _done: None,
) -> Comparison:
    """Compare `found` with `expected`, which was pulled at `since_ns` (Unix nanoseconds) or later. What
    cannot be read counts as different."""
    result = Comparison()
    left, right = os.fsencode(expected), os.fsencode(found)
    pair = _Pair(left, right, owners=owners, set_id=set_id)
    differences: list[tuple[bytes, str]] = []
    seen: set[bytes] = set()
    for path in _walk(left, differences):
        seen.add(path)
        result.objects += 1
        try:
            differences += [(path, what) for what in pair.differences(path)]
        except OSError as error:
            differences.append((path, f"cannot be compared: {error.strerror}"))
        result.content_bytes = pair.content_bytes
        progress(result.content_bytes)
    extra = (path for path in _walk(right, differences) if path not in seen)
    differences += [(path, "not in the source") for path in extra]
    for path, what in differences:
        reason = _proves_nothing(left, path, since_ns)
        if reason:
            result.set_aside.append((path, reason))
        else:
            result.differences.append((path, what))
    return result


def _proves_nothing(root: bytes, path: bytes, since_ns: int) -> str:
    """Why an object of the source is no witness, or empty. What goes or is renamed changes its folder."""
    place = os.path.join(root, path)
    try:
        here = os.lstat(place)
    except (FileNotFoundError, NotADirectoryError):
        return "it went after it was pulled" if _folder_changed(root, path, since_ns) else ""
    except OSError as error:
        return error.strerror or type(error).__name__
    if here.st_ctime_ns >= since_ns:
        return "it changed after it was pulled"
    needed = os.R_OK | os.X_OK if stat.S_ISDIR(here.st_mode) else os.R_OK
    has_content = stat.S_ISDIR(here.st_mode) or stat.S_ISREG(here.st_mode)
    return "this user may not read it" if has_content and not os.access(place, needed) else ""


def _folder_changed(root: bytes, path: bytes, since_ns: int) -> bool:
    """Whether the nearest folder of `path` that is still there has changed."""
    while path:
        path = os.path.dirname(path)
        try:
            return os.lstat(os.path.join(root, path)).st_ctime_ns >= since_ns
        except (FileNotFoundError, NotADirectoryError):
            continue
    return False


def _walk(root: bytes, broken: list[tuple[bytes, str]]) -> Iterator[bytes]:
    """Every path below `root`, b"" first, sockets left out: they cannot be backed up. A directory that
    cannot be listed is `broken`."""
    yield b""
    pending = [b""]
    while pending:
        directory = pending.pop()
        try:
            with os.scandir(os.path.join(root, directory)) as listing:
                items = sorted(listing, key=lambda item: item.name)
        except OSError as error:
            broken.append((directory, f"cannot be listed: {error.strerror}"))
            continue
        for item in items:
            path = os.path.join(directory, item.name)
            with suppress(OSError):  # gone since it was listed, or not to be looked at: compared all the same
                if stat.S_ISSOCK(item.stat(follow_symlinks=False).st_mode):
                    continue
            yield path
            if item.is_dir(follow_symlinks=False):
                pending.append(path)


class _Pair:
    """Two trees while they are compared. Hard links are looked at in both directions: names that share
    a file here share one there, and no others do."""

    def __init__(self, left: bytes, right: bytes, *, owners: bool, set_id: bool) -> None:
        self._left, self._right = left, right
        self._owners, self._set_id = owners, set_id
        self._shared: dict[_Inode, _Inode] = {}
        self._shared_back: dict[_Inode, _Inode] = {}
        self.content_bytes = 0

    def differences(self, path: bytes) -> Iterator[str]:
        mine, theirs = os.path.join(self._left, path), os.path.join(self._right, path)
        here = os.lstat(mine)
        try:
            there = os.lstat(theirs)
        except (FileNotFoundError, NotADirectoryError):
            yield "missing"
            return
        if stat.S_IFMT(here.st_mode) != stat.S_IFMT(there.st_mode):
            yield "another kind of object"
            return
        ignored = 0 if self._set_id else _SET_ID
        yield from _attributes(here, there, ignored, owners=self._owners)
        without = set() if self._set_id else {_CAPABILITY}
        if _xattrs(mine, without) != _xattrs(theirs, without):
            yield "extended attributes"
        if stat.S_ISLNK(here.st_mode) and os.readlink(mine) != os.readlink(theirs):
            yield "symlink target"
        if not stat.S_ISDIR(here.st_mode) and self._linked_otherwise(here, there):
            yield "hard link"
        if stat.S_ISREG(here.st_mode):
            self.content_bytes += here.st_size
            yield from _content(mine, theirs)

    def _linked_otherwise(self, here: os.stat_result, there: os.stat_result) -> bool:
        if here.st_nlink == there.st_nlink == 1:
            return False
        mine, theirs = (here.st_dev, here.st_ino), (there.st_dev, there.st_ino)
        same = self._shared.setdefault(mine, theirs) == theirs
        return not (same and self._shared_back.setdefault(theirs, mine) == mine)


def _attributes(
    here: os.stat_result, there: os.stat_result, ignored: int, *, owners: bool
) -> Iterator[str]:
    if (here.st_mode ^ there.st_mode) & ~ignored and not stat.S_ISLNK(here.st_mode):
        yield "mode"
    if owners and (here.st_uid, here.st_gid) != (there.st_uid, there.st_gid):
        yield "owner"
    if here.st_mtime_ns != there.st_mtime_ns:
        yield "modification time"
    if here.st_rdev != there.st_rdev:
        yield "device number"
    if stat.S_ISREG(here.st_mode) and here.st_size != there.st_size:
        yield "size"


def _xattrs(path: bytes, without: set[str]) -> dict[str, bytes]:
    try:
        names = set(os.listxattr(path, follow_symlinks=False)) - without
        return {name: os.getxattr(path, name, follow_symlinks=False) for name in names}
    except OSError as error:
        if error.errno in (errno.ENOTSUP, errno.EPERM):  # a file system or an object without them has none
            return {}
        raise


def _content(mine: bytes, theirs: bytes) -> Iterator[str]:
    """Every byte that either of the two holds; where both have a hole there is nothing to read."""
    with open(mine, "rb", buffering=0) as left, open(theirs, "rb", buffering=0) as right:
        at = 0
        while (at := min(_next_data(left.fileno(), at), _next_data(right.fileno(), at))) < _NO_MORE:
            block = os.pread(left.fileno(), _STEP, at)
            if block != os.pread(right.fileno(), _STEP, at):
                yield "content"
                return
            at += len(block)


def _next_data(fd: int, at: int) -> int:
    try:
        return os.lseek(fd, at, os.SEEK_DATA)
    except OSError as error:
        if error.errno == errno.ENXIO:
            return _NO_MORE
        raise
