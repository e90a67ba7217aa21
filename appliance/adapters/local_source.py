"""ports.Source over a directory of this machine (the embedded default, and mounted shares).

Walks by folder descriptors and follows no symlink, so nothing outside the tree can be reached by what
is planted in it. Reads only. Opens nothing but directories and regular files: a FIFO or device is
described, never read. What cannot be read is reported and left out.
"""

from __future__ import annotations

import errno
import os
import stat
import time
from collections.abc import Callable, Iterator, Sequence

from appliance.adapters.local_file import LocalFile, signature
from appliance.adapters.rate import Rate
from appliance.domain.file_entry import FileEntry, Kind
from appliance.domain.ids import SourceName
from appliance.errors import NetworkLost, SourceMissing

# nanoseconds; twice the coarsest timestamp tick of Linux (HZ=100), in five: a file that was written this
# recently could change again without its times showing it
RACY_NS = 100_000_000
_FOLDER_FLAGS = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE_FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_NO_XATTRS = (errno.ENOTSUP, errno.EOPNOTSUPP)
_KINDS = {
    stat.S_IFREG: Kind.FILE,
    stat.S_IFDIR: Kind.DIRECTORY,
    stat.S_IFLNK: Kind.SYMLINK,
    stat.S_IFIFO: Kind.FIFO,
    stat.S_IFCHR: Kind.CHARACTER_DEVICE,
    stat.S_IFBLK: Kind.BLOCK_DEVICE,
}


def _now_ns() -> int:
    return time.time_ns()


class LocalSource:
    """`carrier` false: the link does not carry, every access is NetworkLost. `exclude` is a directory
    that is left out wherever it is met (the appliance's own home). `wall_ns` is the clock of the file
    times. For one thread."""

    def __init__(
        self,
        name: SourceName,
        root: str | os.PathLike[str],
        *,
        carrier: Callable[[], bool],
        exclude: str | os.PathLike[str] | None = None,
        rate: Rate | None = None,
        wall_ns: Callable[[], int] = _now_ns,
    ) -> None:
        self.name: str = name
        self._root = os.fspath(root)
        self._carrier = carrier
        self._exclude = exclude
        self._rate = rate
        self._wall_ns = wall_ns
        self._unreadable: list[tuple[bytes, str]] = []
        self._first_names: dict[tuple[int, int], bytes] = {}
        self._root_fd = -1
        self._folder: tuple[bytes, int] | None = None

    @property
    def unreadable(self) -> Sequence[tuple[bytes, str]]:
        return tuple(self._unreadable)

    def walk(self) -> Iterator[tuple[FileEntry, bytes]]:
        self._ask()
        self.close()
        self._unreadable.clear()
        self._first_names.clear()
        try:
            self._root_fd = os.open(self._root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except OSError as error:
            raise SourceMissing(source=self.name, reason=error.strerror) from error
        self._require_outside()
        excluded = self._identity_of_excluded()
        folders = [b""]
        while folders:
            path = folders.pop()
            inner: list[bytes] = []
            yield from self._walk_folder(path, inner, excluded)
            folders += reversed(inner)
        self._require_still_there()

    def look(self, path: bytes) -> tuple[FileEntry, bytes]:
        self._ask()
        folder_fd, leaf = self._parent(path)
        facts = os.stat(leaf, dir_fd=folder_fd, follow_symlinks=False)
        entry = self._entry(path, leaf, folder_fd, facts)
        if entry is None:
            raise OSError(errno.EINVAL, "it is of a kind that is not kept")
        return entry, self._signature(facts)

    def open(self, entry: FileEntry) -> LocalFile:
        self._ask()
        folder_fd, leaf = self._parent(entry.path)
        file = LocalFile(os.open(leaf, _FILE_FLAGS, dir_fd=folder_fd), entry, self._ask, self._rate)
        if not file.is_regular:
            file.close()
            raise OSError(errno.EINVAL, "it is no regular file any more")
        return file

    def close(self) -> None:
        """Give the descriptors back; twice is harmless."""
        if self._folder is not None:
            os.close(self._folder[1])
            self._folder = None
        if self._root_fd >= 0:
            os.close(self._root_fd)
            self._root_fd = -1

    # ---------------------------------------------------------------------------------------------------

    def _require_outside(self) -> None:
        """A root that is a link by now may lead into what is left out: SourceMissing."""
        if self._exclude is None:
            return
        place, excluded = os.readlink(f"/proc/self/fd/{self._root_fd}"), os.path.realpath(self._exclude)
        if os.path.commonpath((place, excluded)) == excluded:
            raise SourceMissing(source=self.name, reason="it leads into the appliance's own home")

    def _require_still_there(self) -> None:
        """A tree that was taken away while it was read looks like files that vanished one by one; it
        must not count as read to its end. SourceMissing."""
        try:
            is_same = os.path.samestat(os.stat(self._root), os.fstat(self._root_fd))
        except OSError as error:
            raise SourceMissing(source=self.name, reason=error.strerror) from error
        if not is_same:
            raise SourceMissing(source=self.name, reason="another directory took its place")

    def _ask(self) -> None:
        if not self._carrier():
            raise NetworkLost(source=self.name)

    def _walk_folder(
        self, path: bytes, inner: list[bytes], excluded: tuple[int, int] | None
    ) -> Iterator[tuple[FileEntry, bytes]]:
        """The folder itself, then what lies in it except folders, whose paths are added to `inner`."""
        self._ask()
        try:
            folder_fd = self._enter(path)
        except OSError as error:
            yield from self._shut_folder(path, error)
            return
        facts = os.fstat(folder_fd)
        if (facts.st_dev, facts.st_ino) == excluded:
            return
        yield self._folder_entry(path, folder_fd, facts), b""
        try:
            leaves = sorted(os.fsencode(leaf) for leaf in os.listdir(folder_fd))
        except OSError as error:
            if not path:  # nothing of the source is there: an empty snapshot must not be called complete
                raise SourceMissing(source=self.name, reason=error.strerror) from error
            self._report(path, error)
            return
        for leaf in leaves:
            below = path + b"/" + leaf if path else leaf
            found = self._describe(below, leaf, path)
            if found is None:
                continue
            if found[0].kind == Kind.DIRECTORY:
                inner.append(below)
            else:
                yield found

    def _describe(self, path: bytes, leaf: bytes, folder: bytes) -> tuple[FileEntry, bytes] | None:
        try:
            folder_fd = self._enter(folder)
            facts = os.stat(leaf, dir_fd=folder_fd, follow_symlinks=False)
            if stat.S_ISDIR(facts.st_mode):
                return _bare(path, Kind.DIRECTORY, facts), b""
            entry = self._entry(path, leaf, folder_fd, facts)
        except OSError as error:
            self._report(path, error)
            return None
        if entry is None:
            self._unreadable.append((path, "a socket or an unknown kind of object is not kept"))
            return None
        if facts.st_nlink > 1:
            entry = self._further_name(entry, facts)
        return entry, self._signature(facts)

    def _shut_folder(self, path: bytes, error: OSError) -> Iterator[tuple[FileEntry, bytes]]:
        """A folder that cannot be entered is kept as itself, when it can at least be seen."""
        self._report(path, error)
        try:
            folder_fd, leaf = self._parent(path)
            facts = os.stat(leaf, dir_fd=folder_fd, follow_symlinks=False)
        except OSError:
            return
        if stat.S_ISDIR(facts.st_mode):
            yield _bare(path, Kind.DIRECTORY, facts), b""

    def _folder_entry(self, path: bytes, folder_fd: int, facts: os.stat_result) -> FileEntry:
        return _bare(path, Kind.DIRECTORY, facts, xattrs=self._xattrs(path, folder_fd))

    def _entry(self, path: bytes, leaf: bytes, folder_fd: int, facts: os.stat_result) -> FileEntry | None:
        kind = _KINDS.get(stat.S_IFMT(facts.st_mode))
        if kind is None:
            return None
        target = os.readlink(leaf, dir_fd=folder_fd) if kind == Kind.SYMLINK else b""
        xattrs = self._xattrs(path, b"/proc/self/fd/%d/%s" % (folder_fd, leaf))
        return _bare(path, kind, facts, target=target, xattrs=xattrs)

    def _further_name(self, entry: FileEntry, facts: os.stat_result) -> FileEntry:
        first = self._first_names.setdefault((facts.st_dev, facts.st_ino), entry.path)
        if first == entry.path:
            return entry
        return _bare(entry.path, Kind.HARD_LINK, facts, target=first)

    def _xattrs(self, path: bytes, where: int | bytes) -> tuple[tuple[bytes, bytes], ...]:
        """Extended attributes, POSIX ACLs among them. `where`: a folder's descriptor, or a path through
        a folder's descriptor, because there is no call that takes both."""
        follow = isinstance(where, int)
        try:
            names = os.listxattr(where, follow_symlinks=follow)
        except OSError as error:
            if error.errno not in _NO_XATTRS:
                self._unreadable.append((path, f"its extended attributes: {error.strerror}"))
            return ()
        values = []
        for name in names:
            try:
                values.append((os.fsencode(name), os.getxattr(where, name, follow_symlinks=follow)))
            except OSError as error:
                if error.errno != errno.ENODATA:
                    self._unreadable.append((path, f"an extended attribute: {error.strerror}"))
        return tuple(sorted(values))

    def _signature(self, facts: os.stat_result) -> bytes:
        newest = max(facts.st_ctime_ns, facts.st_mtime_ns)
        return b"" if abs(self._wall_ns() - newest) < RACY_NS else signature(facts)

    def _parent(self, path: bytes) -> tuple[int, bytes]:
        folder, _, leaf = path.rpartition(b"/")
        return self._enter(folder), leaf or b"."

    def _enter(self, path: bytes) -> int:
        """Descriptor of a folder, entered component by component from the root. The last one is kept."""
        if self._folder is not None:
            if self._folder[0] == path:
                return self._folder[1]
            os.close(self._folder[1])
            self._folder = None
        here = os.dup(self._root_fd)
        try:
            for part in path.split(b"/") if path else ():
                inner = os.open(part, _FOLDER_FLAGS, dir_fd=here)
                os.close(here)
                here = inner
        except BaseException:
            os.close(here)
            raise
        self._folder = (path, here)
        return here

    def _identity_of_excluded(self) -> tuple[int, int] | None:
        if self._exclude is None:
            return None
        try:
            facts = os.stat(self._exclude)
        except OSError:
            return None
        return facts.st_dev, facts.st_ino

    def _report(self, path: bytes, error: OSError) -> None:
        self._unreadable.append((path, error.strerror or type(error).__name__))


def _bare(
    path: bytes,
    kind: Kind,
    facts: os.stat_result,
    *,
    target: bytes = b"",
    xattrs: tuple[tuple[bytes, bytes], ...] = (),
) -> FileEntry:
    is_device = kind in (Kind.CHARACTER_DEVICE, Kind.BLOCK_DEVICE)
    return FileEntry(
        path=path,
        kind=kind,
        mode=stat.S_IMODE(facts.st_mode),
        uid=facts.st_uid,
        gid=facts.st_gid,
        mtime_ns=facts.st_mtime_ns,
        size=facts.st_size if kind == Kind.FILE else 0,
        target=target,
        device=(os.major(facts.st_rdev), os.minor(facts.st_rdev)) if is_device else (0, 0),
        xattrs=xattrs,
    )
