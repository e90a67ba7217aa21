"""The directory that a restore writes into. Nothing is ever written outside it.

Purpose: make files, directories, links and special objects from manifest entries, private until they
are dressed. Devices are left out unless asked for. What could not be made is listed, never passed
over. Decides nothing about content.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from appliance.adapters import attributes, beneath, restore_journal
from appliance.adapters.attributes import Place, Wanted
from appliance.adapters.background_sync import BackgroundSync
from appliance.adapters.target_files import TargetFiles, guard
from appliance.domain.file_entry import FileEntry, Kind
from appliance.errors import TargetForeign, TargetNotEmpty, TargetTooSmall, TargetUnusable

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_PRIVATE_FILE, _PRIVATE_DIRECTORY = 0o600, 0o700
_SPECIAL = {
    Kind.FIFO: stat.S_IFIFO,
    Kind.CHARACTER_DEVICE: stat.S_IFCHR,
    Kind.BLOCK_DEVICE: stat.S_IFBLK,
}
_ALWAYS_THERE = frozenset({"lost+found"})  # a fresh file system is empty; no source can have this name

def is_vacant(root: Path) -> bool:
    """Nothing is there but what a fresh file system brings with it. OSError."""
    return not set(os.listdir(root)) - _ALWAYS_THERE


def free_bytes(root: Path) -> int | None:
    """Room where `root` is or would be made; None where the file system gives no size. TargetUnusable."""
    there = next(place for place in (root, *root.parents) if place.exists())
    try:
        return _free(os.statvfs(there))
    except OSError as error:
        raise TargetUnusable(path=root, reason=error.strerror or str(error)) from error


class RestoreTarget:
    """One target directory, for one thread at a time. `left_out` lists (path, reason) of everything
    that was not made. TargetNotEmpty, TargetForeign or TargetUnusable for a directory that will not do."""

    def __init__(self, root: Path, wanted: Wanted, *, resume: bool = False) -> None:
        self._root, self._wanted = root, wanted
        self._what = ""
        with self._opening():
            root.mkdir(parents=True, exist_ok=True)
            self._root_fd = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        self._sync = BackgroundSync(self._root_fd)
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

    def has_room(self, content_bytes: int) -> bool:
        """A file system that gives no size is taken for large enough."""
        free = self._free_bytes()
        return self._resume or free is None or content_bytes <= free

    def require_room(self, content_bytes: int) -> None:
        """TargetTooSmall, which says how much there is."""
        if not self.has_room(content_bytes):
            raise TargetTooSmall(path=self._root, free=self._free_bytes() or 0, needed=content_bytes)

    def _free_bytes(self) -> int | None:
        with guard(self._root):
            return _free(os.fstatvfs(self._root_fd))

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
        with guard(self._root):
            self._sync.finish()
            if whole:
                self._journal.add(self._root_fd, step, self.left_out[self._listed :])
        self._listed = len(self.left_out)

    def finish(self) -> None:
        """Everything that could be made is there and on the disk. The journal stays, so that asking
        again with `--resume` finds nothing to do, or what was missing."""
        with guard(self._root):
            self._sync.finish()
        self.close()

    def close(self) -> None:
        """Let all descriptors go; twice is harmless."""
        self._sync.close()
        self._parent.close()
        self._first_parent.close()
        if self._root_fd >= 0:
            os.close(self._root_fd)
            self._root_fd = -1

    # -- objects -------------------------------------------------------------------------------------

    def make_directory(self, path: bytes) -> None:
        """A private directory for now; its attributes come last (`dress`)."""
        with guard(self._root):
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

    def file_maker(self) -> TargetFiles:
        """Makes files of this target, for one more thread."""
        return TargetFiles(
            self._root,
            self._root_fd,
            self._wanted,
            sync=self._sync,
            discard=self._discard,
            left_out=self.left_out,
        )

    def make_symlink(self, path: bytes, target: bytes) -> None:
        """A symlink with exactly this text; it is not looked at again."""
        with guard(self._root):
            parent, name = self._parent.of(path)
            self._discard(parent, name)
            os.symlink(target, name, dir_fd=parent)

    def make_hard_link(self, path: bytes, first: bytes) -> None:
        """A further name of what this restore has made. FileNotFoundError if `first` is not there;
        then nothing was changed."""
        with guard(self._root):
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
        with guard(self._root):
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
        with guard(self._root), self._place(path, entry.kind) as place:
            self.left_out.extend((path, reason) for reason in attributes.put(place, entry, self._wanted))

    # -- descriptors ---------------------------------------------------------------------------------

    @contextmanager
    def _place(self, path: bytes, kind: Kind) -> Iterator[Place]:
        parent, name = self._parent.of(path)
        if kind is Kind.DIRECTORY:
            fd = os.open(name, _FOLDER, dir_fd=parent)
            try:
                yield Place(parent=parent, name=fd)
            finally:
                os.close(fd)
        else:
            yield Place(parent=parent, name=name)

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


def _free(facts: os.statvfs_result) -> int | None:
    blocks = facts.f_bavail if os.geteuid() else facts.f_bfree  # root may use what is held back
    return blocks * facts.f_frsize if facts.f_blocks else None
