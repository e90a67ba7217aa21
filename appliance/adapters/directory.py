"""ports.Files over a directory of the local file system: a drive, or staging.

A file exists under its name only when it is whole and durable: temporary name, fsync, rename that
never replaces, fsync of the folder. Follows no symlink inside its root: every folder is entered by
descriptor with O_NOFOLLOW. Knows nothing of what the files hold.
"""

from __future__ import annotations

import errno
import os
import secrets
import stat
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

from appliance.adapters import file_names
from appliance.adapters.direct import Descriptor
from appliance.adapters.placing_file import PlacingFile
from appliance.adapters.readable_file import ReadableFile
from appliance.ports import Bytes

FOLDER_MODE = 0o700
FILE_MODE = 0o600
_FOLDER_FLAGS = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
# O_NONBLOCK: a planted FIFO must be refused, not waited for.
_READ_FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_CREATE_FLAGS = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


def _no_step(_label: str, /) -> None:
    """Outside tests nobody counts the durable steps."""


def _always() -> bool:
    return True


class Directory:
    """`steps` is called after every durable step with its label ("write NAME", "fsync NAME",
    "rename NAME", "fsync-folder FOLDER", "mkdir FOLDER", "unlink NAME"); what it raises is raised
    again by every later durable operation. `alive` false: the drive is gone, every operation is EIO.
    Safe to use from several threads."""

    def __init__(
        self,
        root: str | os.PathLike[str],
        *,
        steps: Callable[[str], None] = _no_step,
        alive: Callable[[], bool] = _always,
    ) -> None:
        self._root = os.fspath(root)
        self._steps = steps
        self._alive = alive
        self._failure: BaseException | None = None
        self._in_work: set[str] = set()

    def begin(self, name: str) -> PlacingFile:
        folder, leaf = file_names.split(name)
        with self._writing():
            if name in self._in_work:
                raise FileExistsError(errno.EEXIST, "this file is being written", name)
            folder_fd = self._enter(folder, create=True)
            try:
                number = self._create(folder_fd, file_names.temporary(leaf))
            except BaseException:
                os.close(folder_fd)
                raise
        self._in_work.add(name)
        return PlacingFile(self, folder_fd, Descriptor(number, want_direct=True), folder, leaf)

    def put(self, name: str, content: Bytes) -> None:
        placing = self.begin(name)
        try:
            placing.pwrite(content, 0)
            placing.place(memoryview(content).nbytes)
        except BaseException:
            placing.close()
            raise

    def read(self, name: str, limit: int) -> bytes:
        readable = self.open(name)
        try:
            if readable.size > limit:
                raise ValueError(f"{name} has {readable.size} bytes; at most {limit} are read")
            content = bytearray(readable.size)
            return bytes(content[: readable.pread_into(memoryview(content), 0)])
        finally:
            readable.close()

    def open(self, name: str) -> ReadableFile:
        return ReadableFile(self.check_alive, self._open(name), want_direct=False)

    def read_direct(self, name: str) -> ReadableFile:
        return ReadableFile(self.check_alive, self._open(name), want_direct=True)

    def exists(self, name: str) -> bool:
        folder, leaf = file_names.split(name)
        try:
            with self._folder(folder) as folder_fd:
                os.stat(leaf, dir_fd=folder_fd, follow_symlinks=False)
        except (FileNotFoundError, NotADirectoryError):
            return False
        return True

    def names(self, folder: str) -> Sequence[str]:
        try:
            with self._folder(folder) as folder_fd:
                return sorted(name for name in os.listdir(folder_fd) if not file_names.is_temporary(name))
        except FileNotFoundError:
            return []

    def free_bytes(self) -> int:
        self.check_alive()
        facts = os.statvfs(self._root)
        return facts.f_bavail * facts.f_frsize

    # What PlacingFile and ReadableFile need of their directory ----------------------------------------

    def check_alive(self) -> None:
        """EIO when the drive is gone."""
        if not self._alive():
            raise OSError(errno.EIO, "the drive is gone", self._root)

    @contextmanager
    def durably(self, label: str) -> Iterator[None]:
        """One durable step: counted when it succeeded, and the last one ever when it failed."""
        with self._writing():
            yield
            self._steps(label)

    @contextmanager
    def _writing(self) -> Iterator[None]:
        if isinstance(self._failure, OSError):
            reason = f"an earlier write failed: {self._failure.strerror}"
            raise OSError(self._failure.errno, reason, self._root)
        if self._failure is not None:
            raise self._failure
        try:
            self.check_alive()
            yield
        except FileExistsError:
            raise  # says something about the name, nothing about the disk
        except BaseException as error:
            self._failure = error
            raise

    def ended(self, name: str) -> None:
        """The file `name` is no longer being written."""
        self._in_work.discard(name)

    def sync_folder(self, folder_fd: int, folder: str) -> None:
        with self.durably(f"fsync-folder {folder or '.'}"):
            os.fsync(folder_fd)

    # ---------------------------------------------------------------------------------------------------

    def _create(self, folder_fd: int, leaf: str) -> int:
        try:
            return os.open(leaf, _CREATE_FLAGS, FILE_MODE, dir_fd=folder_fd)
        except FileExistsError:
            # Left by a power cut under a temporary name: it was never placed.
            os.unlink(leaf, dir_fd=folder_fd)
            return os.open(leaf, _CREATE_FLAGS, FILE_MODE, dir_fd=folder_fd)

    def _open(self, name: str) -> int:
        folder, leaf = file_names.split(name)
        with self._folder(folder) as folder_fd:
            number = os.open(leaf, _READ_FLAGS, dir_fd=folder_fd)
        if not stat.S_ISREG(os.fstat(number).st_mode):
            os.close(number)
            raise OSError(errno.EINVAL, "not a regular file", name)
        return number

    @contextmanager
    def _folder(self, folder: str) -> Iterator[int]:
        self.check_alive()
        folder_fd = self._enter(folder, create=False)
        try:
            yield folder_fd
        finally:
            os.close(folder_fd)

    def _enter(self, folder: str, *, create: bool) -> int:
        """Descriptor of `folder`, entered component by component. Only the root may be a symlink."""
        here = os.open(self._root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        path = ""
        try:
            for part in file_names.parts(folder):
                path = f"{path}/{part}" if path else part
                if create:
                    self._make_folder(here, part, path)
                inner = os.open(part, _FOLDER_FLAGS, dir_fd=here)
                os.close(here)
                here = inner
        except BaseException:
            os.close(here)
            raise
        return here

    def _make_folder(self, parent_fd: int, leaf: str, path: str) -> None:
        try:
            os.mkdir(leaf, FOLDER_MODE, dir_fd=parent_fd)
        except FileExistsError:
            return
        self._steps(f"mkdir {path}")
        self.sync_folder(parent_fd, os.path.dirname(path))


class ScratchDirectory(Directory):
    """ports.ScratchFiles: staging and state, whose files may be recycled and replaced."""

    def recycle(self, name: str) -> None:
        folder, leaf = file_names.split(name)
        with self._folder(folder) as folder_fd:
            with self.durably(f"unlink {name}"):
                os.unlink(leaf, dir_fd=folder_fd)
            self.sync_folder(folder_fd, folder)

    def replace(self, name: str, content: Bytes) -> None:
        placing = self.begin(name)
        try:
            placing.pwrite(content, 0)
            placing.replace()
        except BaseException:
            placing.close()
            raise

    def sweep(self) -> None:
        self._sweep("")
        for folder in self._folders():
            self._sweep(folder)

    def tidy(self, folders: Mapping[str, Callable[[str], object]]) -> Sequence[str]:
        """Set aside what was planted: whatever bears the name of one of `folders` (of the root) and is no
        folder that can be entered, and whatever lies in one and is no regular file or has a name that the
        folder's rule answers with None. It is moved to a new name of the root, never followed, opened or
        removed. Returns the old names."""
        strange: list[str] = []
        with self._folder("") as root_fd:
            for folder, meaning in folders.items():
                try:
                    folder_fd = os.open(folder, _FOLDER_FLAGS, dir_fd=root_fd)
                except FileNotFoundError:
                    continue
                except OSError:
                    self._set_aside(root_fd, root_fd, folder)
                    strange.append(folder)
                    continue
                try:
                    for leaf in sorted(os.listdir(folder_fd)):
                        known = file_names.is_temporary(leaf) or meaning(leaf) is not None
                        if not (known and _is_file(folder_fd, leaf)):
                            self._set_aside(root_fd, folder_fd, leaf)
                            strange.append(file_names.join(folder, leaf))
                finally:
                    os.close(folder_fd)
        return strange

    def _set_aside(self, root_fd: int, folder_fd: int, leaf: str) -> None:
        # A name by chance: one that could be known before could have been taken before.
        aside = f"strange-{secrets.token_hex(8)}"
        with self.durably(f"rename {aside}"):
            os.rename(leaf, aside, src_dir_fd=folder_fd, dst_dir_fd=root_fd)

    def _folders(self) -> list[str]:
        """Folders of the root. Nothing of ours lies deeper; what does was planted, as deep as it likes."""
        with self._folder("") as root_fd:
            return [leaf for leaf in sorted(os.listdir(root_fd)) if _is_folder(root_fd, leaf)]

    def _sweep(self, folder: str) -> None:
        with self._folder(folder) as folder_fd:
            leaves = [leaf for leaf in sorted(os.listdir(folder_fd)) if file_names.is_temporary(leaf)]
            stale = [leaf for leaf in leaves if not _is_folder(folder_fd, leaf)]
            for leaf in stale:
                with self.durably(f"unlink {file_names.join(folder, leaf)}"):
                    os.unlink(leaf, dir_fd=folder_fd)
            if stale:
                self.sync_folder(folder_fd, folder)


def _is_folder(folder_fd: int, leaf: str) -> bool:
    return stat.S_ISDIR(os.stat(leaf, dir_fd=folder_fd, follow_symlinks=False).st_mode)


def _is_file(folder_fd: int, leaf: str) -> bool:
    return stat.S_ISREG(os.stat(leaf, dir_fd=folder_fd, follow_symlinks=False).st_mode)
