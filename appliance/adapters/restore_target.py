"""The directory that a restore writes into. Nothing is ever written outside it.

Purpose: make files, directories, links and special objects from manifest entries, private until they
are dressed. Devices are left out unless asked for. What could not be made is listed, never passed
over. Decides nothing about content.
"""

from __future__ import annotations

import ctypes
import errno
import os
import stat
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from appliance.adapters import attributes, beneath, restore_journal
from appliance.adapters.attributes import Place, Wanted
from appliance.domain.file_entry import FileEntry, Kind
from appliance.errors import TargetForeign, TargetNotEmpty, TargetUnusable
from appliance.ports import Bytes

FILES_OPEN_MAX = 32  # descriptors; chunks of a few large files alternate, more is not needed
SYNC_BYTES = 128 << 20  # bytes written between two syncs; 13 s at 10 MB/s: one step of work for the keeper
_NEW_FILE = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_OLD_FILE = os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_PRIVATE_FILE, _PRIVATE_DIRECTORY = 0o600, 0o700
_SPECIAL = {
    Kind.FIFO: stat.S_IFIFO,
    Kind.CHARACTER_DEVICE: stat.S_IFCHR,
    Kind.BLOCK_DEVICE: stat.S_IFBLK,
}
# Errors of the whole target, not of one object: lost, or full.
_WHOLE_TARGET = attributes.TARGET_LOST | {errno.ENOSPC, errno.EDQUOT}
_ALWAYS_THERE = frozenset({"lost+found"})  # a fresh file system is empty; no source can have this name

_libc = ctypes.CDLL(None, use_errno=True)


def is_vacant(root: Path) -> bool:
    """Nothing is there but what a fresh file system brings with it. OSError."""
    return not set(os.listdir(root)) - _ALWAYS_THERE


class RestoreTarget:
    """One target directory, for one thread at a time. `left_out` lists (path, reason) of everything
    that was not made. TargetNotEmpty, TargetForeign or TargetUnusable for a directory that will not do."""

    def __init__(self, root: Path, wanted: Wanted, *, resume: bool = False) -> None:
        self._root, self._wanted = root, wanted
        self._what, self._unsynced = "", 0
        self._files: OrderedDict[bytes, int] = OrderedDict()
        with self._opening():
            root.mkdir(parents=True, exist_ok=True)
            self._root_fd = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        self._parent = beneath.Parent(self._root_fd)
        self._first_parent = beneath.Parent(self._root_fd)
        try:
            with self._opening():
                there = set(os.listdir(self._root_fd)) - _ALWAYS_THERE
                self._journal = restore_journal.read(self._root_fd)
            if there and not resume:
                raise TargetNotEmpty(path=root)
            self._resume = bool(there - {os.fsdecode(restore_journal.NAME)})
        except BaseException:
            self.close()
            raise
        self.left_out = list(self._journal.left_out)
        self._listed = len(self.left_out)

    # -- steps ---------------------------------------------------------------------------------------

    def begin(self, what: str) -> None:
        """Name what is restored, in the same words for the same restore. TargetForeign if the target
        holds something else: it would be mixed with it, or overwritten."""
        self._what = f"{what} devices={self._wanted.devices} set-id={self._wanted.set_id}"
        if self._journal.what not in {None, self._what}:
            raise TargetForeign(path=self._root, detail="another snapshot, selection or set of options")
        if self._resume and self._journal.what is None:
            raise TargetForeign(path=self._root, detail="files that no restore made")

    def is_done(self, step: str) -> bool:
        """An earlier, interrupted run has finished this step."""
        return step in self._journal.steps

    def holds(self, path: bytes, entry: FileEntry) -> bool:
        """Whether what a finished step made is still there, by kind and length: somebody may have tidied up
        between two runs. Special objects are not looked for: they may have been left out."""
        kind = {Kind.FILE: stat.S_IFREG, Kind.SYMLINK: stat.S_IFLNK}.get(entry.kind)
        if kind is None:
            return True
        try:
            parent, name = self._parent.of(path)
            facts = os.stat(name, dir_fd=parent, follow_symlinks=False)
        except (FileNotFoundError, NotADirectoryError):
            return False
        is_whole = entry.kind is Kind.SYMLINK or facts.st_size == entry.size
        return stat.S_IFMT(facts.st_mode) == kind and is_whole

    def end_step(self, step: str, *, whole: bool) -> None:
        """Bring everything so far to the disk, then journal the step; one that is not `whole` is left
        for `--resume`, which may find more drives."""
        with self._guard():
            self._close_files()
            self._sync()
            if whole:
                self._journal.add(self._root_fd, step, self.left_out[self._listed :])
        self._listed = len(self.left_out)

    def finish(self) -> None:
        """Everything that could be made is there and on the disk. The journal stays, so that asking
        again with `--resume` finds nothing to do, or what was missing."""
        with self._guard():
            self._close_files()
            self._sync()
        self.close()

    def close(self) -> None:
        """Let all descriptors go; twice is harmless."""
        self._close_files()
        self._parent.close()
        self._first_parent.close()
        if self._root_fd >= 0:
            os.close(self._root_fd)
            self._root_fd = -1

    # -- objects -------------------------------------------------------------------------------------

    def make_directory(self, path: bytes) -> None:
        """A private directory for now; its attributes come last (`dress`)."""
        with self._guard():
            if self._journal.what is None:
                self._journal.begin(self._root_fd, self._what)
            parent, name = self._parent.of(path)
            if self._make_new(parent, name) and b"/" in path:
                return
            # At the top the target's own default ACL was inherited; an older one was dressed before.
            fd = os.open(name, _FOLDER, dir_fd=parent)
            try:
                attributes.without_acls(fd)
                os.fchmod(fd, _PRIVATE_DIRECTORY)
            finally:
                os.close(fd)

    def begin_file(self, path: bytes, size: int) -> None:
        """A private file of `size` bytes, all hole."""
        with self._guard():
            parent, name = self._parent.of(path)
            self._discard(parent, name)
            self._keep_open(path, os.open(name, _NEW_FILE, _PRIVATE_FILE, dir_fd=parent))
            try:
                os.ftruncate(self._files[path], size)
            except BaseException:
                self.drop_file(path)
                raise

    def write(self, path: bytes, offset: int, content: Bytes) -> None:
        """Bytes of a file that was begun."""
        with self._guard():
            fd, rest, at = self._file(path), memoryview(content), offset
            while rest:
                written = os.pwrite(fd, rest, at)
                rest, at = rest[written:], at + written
            self._unsynced += memoryview(content).nbytes
            if self._unsynced >= SYNC_BYTES:
                self._sync()

    def drop_file(self, path: bytes) -> None:
        """Remove a file that this restore began and cannot finish."""
        with self._guard():
            self._close_file(path)
            parent, name = self._parent.of(path)
            with suppress(FileNotFoundError):
                os.unlink(name, dir_fd=parent)

    def make_symlink(self, path: bytes, target: bytes) -> None:
        """A symlink with exactly this text; it is not looked at again."""
        with self._guard():
            parent, name = self._parent.of(path)
            self._discard(parent, name)
            os.symlink(target, name, dir_fd=parent)

    def make_hard_link(self, path: bytes, first: bytes) -> None:
        """A further name of what this restore has made. FileNotFoundError if `first` is not there;
        then nothing was changed."""
        with self._guard():
            first_parent, first_name = self._first_parent.of(first)
            os.stat(first_name, dir_fd=first_parent, follow_symlinks=False)
            parent, name = self._parent.of(path)
            self._discard(parent, name)
            os.link(first_name, name, src_dir_fd=first_parent, dst_dir_fd=parent, follow_symlinks=False)

    def make_special(self, path: bytes, entry: FileEntry) -> bool:
        """A FIFO, or a device where that was asked for; False (and listed) where it was not made."""
        if entry.kind is not Kind.FIFO and not self._wanted.devices:
            self.left_out.append((path, "device"))
            return False
        with self._guard():
            parent, name = self._parent.of(path)
            self._discard(parent, name)
            try:
                os.mknod(name, _SPECIAL[entry.kind] | _PRIVATE_FILE, os.makedev(*entry.device), dir_fd=parent)
            except PermissionError:
                self.left_out.append((path, "device: not permitted"))
                return False
        return True

    def dress(self, path: bytes, entry: FileEntry) -> None:
        """Owner, mode, extended attributes and times; what cannot be had is listed."""
        with self._guard(), self._place(path, entry.kind) as place:
            self.left_out += [(path, reason) for reason in attributes.put(place, entry, self._wanted)]

    # -- descriptors ---------------------------------------------------------------------------------

    @contextmanager
    def _place(self, path: bytes, kind: Kind) -> Iterator[Place]:
        parent, name = self._parent.of(path)
        if kind is Kind.FILE:
            yield Place(parent=parent, name=self._file(path))
            self._close_file(path)
        elif kind is Kind.DIRECTORY:
            fd = os.open(name, _FOLDER, dir_fd=parent)
            try:
                yield Place(parent=parent, name=fd)
            finally:
                os.close(fd)
        else:
            yield Place(parent=parent, name=name)

    def _file(self, path: bytes) -> int:
        """The descriptor of a file that was begun; opened again where it had to make room."""
        if path not in self._files:
            parent, name = self._parent.of(path)
            self._keep_open(path, os.open(name, _OLD_FILE, dir_fd=parent))
        self._files.move_to_end(path)
        return self._files[path]

    def _keep_open(self, path: bytes, fd: int) -> None:
        if len(self._files) >= FILES_OPEN_MAX:
            os.close(self._files.popitem(last=False)[1])
        self._files[path] = fd

    def _close_file(self, path: bytes) -> None:
        fd = self._files.pop(path, -1)
        if fd >= 0:
            os.close(fd)

    def _close_files(self) -> None:
        while self._files:
            os.close(self._files.popitem()[1])

    def _sync(self) -> None:
        """Bring this file system, no other, to the disk: so often that no sync takes long."""
        self._unsynced = 0
        if _libc.syncfs(self._root_fd) != 0:
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number))

    def _make_new(self, parent: int, name: bytes) -> bool:
        """False where the directory was there already; it can then be entered again."""
        try:
            os.mkdir(name, _PRIVATE_DIRECTORY, dir_fd=parent)
        except FileExistsError:
            if not stat.S_ISDIR(os.stat(name, dir_fd=parent, follow_symlinks=False).st_mode):
                raise
            os.chmod(name, _PRIVATE_DIRECTORY, dir_fd=parent)
            return False
        return True

    def _discard(self, parent: int, name: bytes) -> None:
        """What an interrupted run left under this name; a fresh target has nothing."""
        if self._resume:
            with suppress(FileNotFoundError):
                os.unlink(name, dir_fd=parent)

    @contextmanager
    def _opening(self) -> Iterator[None]:
        """Whatever goes wrong before the first object is the operator's to mend."""
        try:
            yield
        except OSError as error:
            raise TargetUnusable(path=self._root, reason=error.strerror or str(error)) from error

    @contextmanager
    def _guard(self) -> Iterator[None]:
        """A full or failing target ends the restore. A number that no system call takes is this
        object's error like any other."""
        try:
            yield
        except OSError as error:
            if error.errno in _WHOLE_TARGET:
                raise TargetUnusable(path=self._root, reason=os.strerror(error.errno)) from error
            raise
        except OverflowError as error:
            raise OSError(errno.EOVERFLOW, os.strerror(errno.EOVERFLOW)) from error
