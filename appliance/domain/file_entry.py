"""One file-system object of a snapshot, as the manifest names it. Byte-exact names; no file access."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from appliance.domain.ids import PackId


class Kind(IntEnum):
    """What the object is. Numbers are FORMAT 4's."""

    FILE = 0
    DIRECTORY = 1
    SYMLINK = 2
    FIFO = 3
    CHARACTER_DEVICE = 4
    BLOCK_DEVICE = 5
    HARD_LINK = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class ChunkRef:
    """Where a run of a file's bytes lies: slot `slot` of pack `pack`; `length` plain bytes."""

    pack: PackId
    slot: int
    length: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Extent:
    """A run of data that begins at `offset` in the file. What no extent covers is a hole."""

    offset: int
    chunks: tuple[ChunkRef, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class FileEntry:
    """`path` is relative to the source's root, without leading or trailing slash; b"" is the root
    itself. `target` is the symlink's text, or for HARD_LINK the path of the first name. `mtime_ns`
    in nanoseconds since 1970, may be negative. `device` is (major, minor). `changed` says that the
    file changed while it was read, twice, and may be inconsistent."""

    path: bytes
    kind: Kind
    mode: int
    uid: int
    gid: int
    mtime_ns: int
    size: int = 0
    target: bytes = b""
    device: tuple[int, int] = (0, 0)
    xattrs: tuple[tuple[bytes, bytes], ...] = ()
    extents: tuple[Extent, ...] = ()
    changed: bool = False

    @property
    def content_bytes(self) -> int:
        """Bytes that are no hole."""
        return sum(ref.length for extent in self.extents for ref in extent.chunks)

    def with_extents(self, extents: tuple[Extent, ...]) -> FileEntry:
        """The same object with its bytes found there. `dataclasses.replace` takes three times as long,
        and this is done for every file of a source."""
        return FileEntry(
            path=self.path,
            kind=self.kind,
            mode=self.mode,
            uid=self.uid,
            gid=self.gid,
            mtime_ns=self.mtime_ns,
            size=self.size,
            target=self.target,
            device=self.device,
            xattrs=self.xattrs,
            extents=extents,
            changed=self.changed,
        )
