"""The directory that a restore writes into. Nothing is ever written outside it.

Purpose: make files, directories, links and their attributes from manifest entries; keep the journal
of finished steps that `--resume` reads. Set-user-ID bits and devices are left out unless asked
for. What could not be made is listed, never passed over. Decides nothing about content.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from appliance.adapters import beneath
from appliance.domain.file_entry import FileEntry, Kind
from appliance.errors import TargetNotEmpty, TargetUnusable
from appliance.ports import Bytes

JOURNAL = b".iwato-restore"
_SET_ID = stat.S_ISUID | stat.S_ISGID
_FILE = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
_PRIVATE_FILE, _PRIVATE_DIRECTORY = 0o600, 0o700
_SPECIAL = {
    Kind.FIFO: stat.S_IFIFO,
    Kind.CHARACTER_DEVICE: stat.S_IFCHR,
    Kind.BLOCK_DEVICE: stat.S_IFBLK,
}
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS})


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What of an entry is asked for. `owners` needs root; without it files belong to the caller,
    which the report says once."""

    owners: bool = False
    devices: bool = False
    set_id: bool = False


class RestoreTarget:
    """One target directory. `left_out` lists (path, reason) of everything that was not made."""

    def __init__(self, root: Path, wanted: Wanted, *, resume: bool = False) -> None:
        root.mkdir(parents=True, exist_ok=True)
        if os.listdir(root) and not resume:
            raise TargetNotEmpty(path=root)
        self._root, self._wanted, self._resume = root, wanted, resume
        self.left_out: list[tuple[bytes, str]] = []
        self._root_fd = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        self._parent = beneath.Parent(self._root_fd)
        self._writing: tuple[bytes, int] = (b"", -1)
        self._done = self._read_journal()

    # -- the journal ---------------------------------------------------------------------------------

    def _read_journal(self) -> set[str]:
        try:
            fd = os.open(JOURNAL, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=self._root_fd)
        except FileNotFoundError:
            return set()
        with os.fdopen(fd, "rb") as journal:
            lines = journal.read().split(b"\n")
        return {line.decode("ascii", "replace") for line in lines[:-1]}

    def is_done(self, step: str) -> bool:
        """An earlier, interrupted run has finished this step."""
        return step in self._done

    def mark_done(self, step: str) -> None:
        """Flush everything so far; only then is the step journalled."""
        self._close_file()
        os.sync()
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC
        fd = os.open(JOURNAL, flags, _PRIVATE_FILE, dir_fd=self._root_fd)
        try:
            os.write(fd, step.encode("ascii") + b"\n")
            os.fsync(fd)
        finally:
            os.close(fd)

    def finish(self) -> None:
        """The restore is complete: the journal goes, the disk is flushed."""
        self._close_file()
        self._parent.close()
        if self._read_journal():
            os.unlink(JOURNAL, dir_fd=self._root_fd)
        os.sync()
        os.close(self._root_fd)

    # -- objects -------------------------------------------------------------------------------------

    def make_directory(self, path: bytes) -> None:
        """A private directory for now; its attributes come last (`dress`)."""
        parent, name = self._parent.of(path)
        try:
            os.mkdir(name, _PRIVATE_DIRECTORY, dir_fd=parent)
        except FileExistsError:
            found = os.stat(name, dir_fd=parent, follow_symlinks=False)
            if not stat.S_ISDIR(found.st_mode):
                raise
            os.chmod(name, _PRIVATE_DIRECTORY, dir_fd=parent)

    def begin_file(self, path: bytes, size: int) -> None:
        """An empty or re-used private file of `size` bytes, all hole."""
        parent, name = self._parent.of(path)
        self._discard(parent, name)
        fd = os.open(name, _FILE | os.O_EXCL, _PRIVATE_FILE, dir_fd=parent)
        self._close_file()
        self._writing = (path, fd)
        with self._guard():
            os.ftruncate(fd, size)

    def write(self, path: bytes, offset: int, content: Bytes) -> None:
        """Bytes of a file that was begun."""
        fd, view, at = self._open_again(path), memoryview(content), offset
        with self._guard():
            while view:
                written = os.pwrite(fd, view, at)
                view, at = view[written:], at + written

    def drop_file(self, path: bytes) -> None:
        """Remove a file that this restore began and cannot finish."""
        self._close_file()
        parent, name = self._parent.of(path)
        os.unlink(name, dir_fd=parent)

    def make_symlink(self, path: bytes, target: bytes) -> None:
        """A symlink with exactly this text; it is not looked at again."""
        parent, name = self._parent.of(path)
        self._discard(parent, name)
        os.symlink(target, name, dir_fd=parent)

    def make_hard_link(self, path: bytes, first: bytes) -> None:
        """A further name of a file that this restore has made."""
        self._close_file()
        directory, _, first_name = first.rpartition(b"/")
        source = beneath.open_directory(self._root_fd, directory)
        try:
            parent, name = self._parent.of(path)
            self._discard(parent, name)
            os.link(first_name, name, src_dir_fd=source, dst_dir_fd=parent, follow_symlinks=False)
        finally:
            os.close(source)

    def make_special(self, path: bytes, entry: FileEntry) -> bool:
        """A FIFO, or a device where that was asked for; False (and listed) where it was not made."""
        parent, name = self._parent.of(path)
        if entry.kind is not Kind.FIFO and not self._wanted.devices:
            self.left_out.append((path, "device"))
            return False
        self._discard(parent, name)
        try:
            os.mknod(name, _SPECIAL[entry.kind] | _PRIVATE_FILE, os.makedev(*entry.device), dir_fd=parent)
        except PermissionError:
            self.left_out.append((path, "device: not permitted"))
            return False
        return True

    def dress(self, path: bytes, entry: FileEntry) -> None:
        """Owner, mode, extended attributes and times, in the order in which they do not undo each
        other (a change of owner clears set-ID bits, everything moves the times)."""
        if self._writing[0] == path:
            self._close_file()
        parent, name = self._parent.of(path)
        if self._wanted.owners:
            os.chown(name, entry.uid, entry.gid, dir_fd=parent, follow_symlinks=False)
        self._dress_xattrs(parent, name, path, entry)
        if entry.kind is not Kind.SYMLINK:
            mode = entry.mode if self._wanted.set_id else entry.mode & ~_SET_ID
            if mode != entry.mode:
                self.left_out.append((path, "set-ID bit"))
            os.chmod(name, mode, dir_fd=parent)
        os.utime(name, ns=(entry.mtime_ns, entry.mtime_ns), dir_fd=parent, follow_symlinks=False)

    def _dress_xattrs(self, parent: int, name: bytes, path: bytes, entry: FileEntry) -> None:
        # setxattr has no *at form: the parent's descriptor in /proc stands in for its path.
        at = b"/proc/self/fd/%d/%s" % (parent, name)
        for key, value in entry.xattrs:
            try:
                os.setxattr(at, key, value, follow_symlinks=False)
            except OSError as error:
                reason = "extended attribute " + key.decode("utf-8", "backslashreplace")
                self.left_out.append((path, f"{reason}: {os.strerror(error.errno or 0)}"))

    # -- descriptors ---------------------------------------------------------------------------------

    def _open_again(self, path: bytes) -> int:
        if self._writing[0] != path or self._writing[1] < 0:
            self._close_file()
            parent, name = self._parent.of(path)
            self._writing = (path, os.open(name, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=parent))
        return self._writing[1]

    def _close_file(self) -> None:
        if self._writing[1] >= 0:
            os.close(self._writing[1])
        self._writing = (b"", -1)

    def _discard(self, parent: int, name: bytes) -> None:
        """What an interrupted run left under this name; a fresh target has nothing."""
        if not self._resume:
            return
        try:
            os.unlink(name, dir_fd=parent)
        except FileNotFoundError:
            return

    @contextmanager
    def _guard(self) -> Iterator[None]:
        """A full or read-only target is the operator's to mend; everything else stays as it is."""
        try:
            yield
        except OSError as error:
            if error.errno in _FULL:
                raise TargetUnusable(path=self._root, reason=os.strerror(error.errno)) from error
            raise
