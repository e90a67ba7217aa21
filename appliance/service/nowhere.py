"""ports.RestoreTarget that keeps nothing: a restore into it proves a copy without writing a byte.

Every chunk is still read, decrypted, expanded and hashed on its way here.
"""

from __future__ import annotations

from appliance.domain.file_entry import FileEntry, Kind
from appliance.ports import Bytes


class Nowhere:
    """`remember` which files were made: needed where only a part of a source is asked for, so that a
    further name of a file outside that part has its content read (FORMAT 4.5)."""

    def __init__(self, *, remember: bool) -> None:
        self.left_out: list[tuple[bytes, str]] = []
        self._made: set[bytes] | None = set() if remember else None

    def begin(self, what: str) -> None:
        """Nothing is there that could be something else."""

    def has_room(self, _content_bytes: int) -> bool:
        """Nothing takes room here."""
        return True

    def require_room(self, content_bytes: int) -> None:
        """Nothing takes room here."""

    def is_done(self, _step: str) -> bool:
        """No step: nothing is kept between two runs."""
        return False

    def holds(self, _path: bytes, _entry: FileEntry) -> bool:
        return False

    def end_step(self, step: str, *, whole: bool) -> None:
        """Nothing waits for a disk."""

    def make_directory(self, path: bytes) -> None:
        """Nothing is made."""

    def file_maker(self) -> Nowhere:
        """Itself: it holds nothing that two threads could spoil."""
        return self

    def begin_file(self, path: bytes, _size: int) -> None:
        if self._made is not None:
            self._made.add(path)

    def write(self, path: bytes, offset: int, content: Bytes) -> None:
        """The content was proven before it came here."""

    def drop_file(self, path: bytes) -> None:
        """Nothing was made."""

    def make_symlink(self, path: bytes, target: bytes) -> None:
        """Nothing is made."""

    def make_hard_link(self, _path: bytes, first: bytes) -> None:
        """FileNotFoundError where the first name was not asked for."""
        if self._made is not None and first not in self._made:
            raise FileNotFoundError(first)

    def make_special(self, _path: bytes, entry: FileEntry) -> bool:
        return entry.kind is not Kind.FILE

    def dress(self, path: bytes, entry: FileEntry) -> None:
        """Nothing is made."""

    def finish(self) -> None:
        """Nothing waits."""

    def close(self) -> None:
        """Nothing is held."""
