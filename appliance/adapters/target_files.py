"""ports.FileMaker: regular files of a restore's target, for one thread; a target has several of these.

Private until they are dressed. Knows no step and no journal; nothing is made outside the root.
"""

from __future__ import annotations

import errno
import os
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path

from appliance.adapters import attributes, beneath
from appliance.adapters.attributes import Place, Wanted
from appliance.adapters.background_sync import BackgroundSync
from appliance.domain.file_entry import FileEntry
from appliance.errors import TargetUnusable
from appliance.ports import Bytes

FILES_OPEN_MAX = 32  # descriptors; chunks of a few large files alternate, more is not needed
_NEW_FILE = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_OLD_FILE = os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC
_PRIVATE = 0o600
# Errors of the whole target, not of one object: lost, or full.
_WHOLE_TARGET = attributes.TARGET_LOST | {errno.ENOSPC, errno.EDQUOT}

Guard = Callable[[], AbstractContextManager[None]]


@contextmanager
def guard(root: Path) -> Iterator[None]:
    """A full or failing target ends the restore. A number that no system call takes is this object's
    error like any other."""
    try:
        yield
    except OSError as error:
        if error.errno in _WHOLE_TARGET:
            raise TargetUnusable(path=root, reason=os.strerror(error.errno)) from error
        raise
    except OverflowError as error:
        raise OSError(errno.EOVERFLOW, os.strerror(errno.EOVERFLOW)) from error


class TargetFiles:
    """`discard` takes away what an interrupted run left under a name: (directory, name)."""

    def __init__(
        self,
        root: Path,
        root_fd: int,
        wanted: Wanted,
        *,
        sync: BackgroundSync,
        discard: Callable[[int, bytes], None],
        left_out: list[tuple[bytes, str]],
    ) -> None:
        self._root, self._wanted = root, wanted
        self._parent = beneath.Parent(root_fd)
        self._sync, self._discard, self._left_out = sync, discard, left_out
        self._files: OrderedDict[bytes, int] = OrderedDict()

    def begin_file(self, path: bytes, size: int) -> None:
        """A private file of `size` bytes, all hole."""
        with guard(self._root):
            parent, name = self._parent.of(path)
            self._discard(parent, name)
            self._keep_open(path, os.open(name, _NEW_FILE, _PRIVATE, dir_fd=parent))
            try:
                os.ftruncate(self._files[path], size)
            except BaseException:
                self.drop_file(path)
                raise

    def write(self, path: bytes, offset: int, content: Bytes) -> None:
        """Bytes of a file that was begun, by this or another of the target's."""
        with guard(self._root):
            fd, rest, at = self._file(path), memoryview(content), offset
            while rest:
                written = os.pwrite(fd, rest, at)
                rest, at = rest[written:], at + written
            self._sync.wrote(memoryview(content).nbytes)

    def drop_file(self, path: bytes) -> None:
        """Remove a file that this restore began and cannot finish."""
        with guard(self._root):
            self._close_file(path)
            parent, name = self._parent.of(path)
            with suppress(FileNotFoundError):
                os.unlink(name, dir_fd=parent)

    def dress(self, path: bytes, entry: FileEntry) -> None:
        """Owner, mode, extended attributes and times of a file, which is then done with."""
        with guard(self._root):
            parent, _name = self._parent.of(path)
            place = Place(parent=parent, name=self._file(path))
            self._left_out.extend((path, reason) for reason in attributes.put(place, entry, self._wanted))
            self._close_file(path)

    def close(self) -> None:
        """Let all descriptors go; twice is harmless."""
        while self._files:
            os.close(self._files.popitem()[1])
        self._parent.close()

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
