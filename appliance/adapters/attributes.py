"""Owner, mode, extended attributes and times of a restored object, put on and read back.

What cannot be had is named, never passed over: some systems refuse, others (a time beyond the file
system's range, an owner that means "no change") take the call and do something else, so the object is
looked at afterwards. Set-ID bits and file capabilities are privileges: left out unless asked for.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

from appliance.domain.file_entry import FileEntry, Kind

_XATTR = "extended attribute"
_SET_ID = stat.S_ISUID | stat.S_ISGID
_CAPABILITY = b"security.capability"  # as good as set-user-ID root
# The target is read-only, dying or gone: no object is to blame.
TARGET_LOST = frozenset({errno.EROFS, errno.EIO, errno.ENODEV, errno.ENXIO, errno.ESTALE})
ACLS = (b"system.posix_acl_access", b"system.posix_acl_default")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What of an entry is asked for. `owners` needs root; without it files belong to the caller,
    which the report says once."""

    owners: bool = False
    devices: bool = False
    set_id: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """An object by its descriptor, or by its name in the directory `parent`."""

    parent: int
    name: int | bytes

    def chown(self, uid: int, gid: int) -> None:
        if isinstance(self.name, int):
            os.chown(self.name, uid, gid)
        else:
            os.chown(self.name, uid, gid, dir_fd=self.parent, follow_symlinks=False)

    def chmod(self, mode: int) -> None:
        """Never of a symlink: Linux has no such call."""
        if isinstance(self.name, int):
            os.chmod(self.name, mode)
        else:
            os.chmod(self.name, mode, dir_fd=self.parent)

    def utime(self, mtime_ns: int) -> None:
        if isinstance(self.name, int):
            os.utime(self.name, ns=(mtime_ns, mtime_ns))
        else:
            os.utime(self.name, ns=(mtime_ns, mtime_ns), dir_fd=self.parent, follow_symlinks=False)

    def setxattr(self, key: bytes, value: bytes) -> None:
        if isinstance(self.name, int):
            os.setxattr(self.name, key, value)
        else:
            # There is no form with a directory's descriptor: its name in /proc stands in for the path.
            os.setxattr(b"/proc/self/fd/%d/%s" % (self.parent, self.name), key, value, follow_symlinks=False)

    def stat(self) -> os.stat_result:
        if isinstance(self.name, int):
            return os.stat(self.name)
        return os.stat(self.name, dir_fd=self.parent, follow_symlinks=False)


def put(place: Place, entry: FileEntry, wanted: Wanted) -> Iterator[str]:
    """Everything that is wanted, in the order in which nothing undoes the step before (a change of
    owner clears set-ID bits, all move the times). Gives a reason for each thing that is left out.
    OSError where the target itself is lost or full."""
    mode = entry.mode if wanted.set_id else entry.mode & ~_SET_ID
    refused = set()
    for what, act in _acts(place, entry, wanted, mode):
        reason = _refusal(what, act)
        if reason:
            refused.add(what)
            yield f"{what}: {reason}"
    if mode != entry.mode:
        yield "set-ID bit"
    if not wanted.set_id and any(key == _CAPABILITY for key, _value in entry.xattrs):
        yield "file capabilities"
    for what in _differences(place.stat(), entry, mode, owners=wanted.owners):
        if what not in refused:
            yield f"{what}: the file system keeps another value"


def without_acls(fd: int) -> None:
    """Take off what a directory inherited: its entries would inherit it in turn."""
    for name in ACLS:
        with suppress(OSError):  # there was none, or the file system has no such thing
            os.removexattr(fd, name)


def _acts(
    place: Place, entry: FileEntry, wanted: Wanted, mode: int
) -> Iterator[tuple[str, Callable[[], None]]]:
    if wanted.owners:
        yield "owner", partial(place.chown, entry.uid, entry.gid)
    for key, value in entry.xattrs:
        if key != _CAPABILITY or wanted.set_id:
            name = key.decode("utf-8", "backslashreplace")
            yield f"{_XATTR} {name}", partial(place.setxattr, key, value)
    if entry.kind is not Kind.SYMLINK:
        yield "mode", partial(place.chmod, mode)
    yield "modification time", partial(place.utime, entry.mtime_ns)


def _refusal(what: str, act: Callable[[], None]) -> str:
    """Why the system refused. An extended attribute has a room of its own, which can be full alone."""
    try:
        act()
    except OSError as error:
        full = error.errno == errno.ENOSPC and not what.startswith(_XATTR)
        if full or error.errno in TARGET_LOST:
            raise
        return error.strerror or str(error)
    except (OverflowError, ValueError):
        return "a value that this system cannot hold"
    return ""


def _differences(found: os.stat_result, entry: FileEntry, mode: int, *, owners: bool) -> Iterator[str]:
    if owners and (found.st_uid, found.st_gid) != (entry.uid, entry.gid):
        yield "owner"
    if entry.kind is not Kind.SYMLINK and stat.S_IMODE(found.st_mode) != mode:
        yield "mode"
    if found.st_mtime_ns != entry.mtime_ns:
        yield "modification time"
