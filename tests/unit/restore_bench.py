"""A vault on six real directories for the tests of restore: packs, manifests, and trees of every kind.

Packs are made by the real lane and placed by the real shard writer; nothing stands in for a part of the
product. Manifests may be dishonest: whoever knows the public key can write any of them.
"""

import hashlib
import os
import shutil
import stat
import struct
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from appliance.adapters import reed_solomon
from appliance.adapters.attributes import Wanted
from appliance.adapters.directory import Directory
from appliance.adapters.local_source import LocalSource
from appliance.adapters.restore_target import RestoreTarget
from appliance.domain.file_entry import ChunkRef, Extent, FileEntry, Kind
from appliance.domain.geometry import Geometry
from appliance.domain.ids import Bay, DriveIndex, PackId, SourceName, VaultId
from appliance.domain.phases import Phase
from appliance.format import age_file, manifest
from appliance.format.age_recipient import Identity
from appliance.format.drive_header import DriveHeader, DriveSetFacts
from appliance.format.ledger_entry import NUMBER_MAX, Seal, SourcePart
from appliance.format.manifest_record import End, Head
from appliance.format.pack_id import PackIdHasher
from appliance.format.shard import PackFacts, ShardName
from appliance.pipeline import chunk, dedup, flow, place, seal
from appliance.pipeline.scatter import Code
from appliance.ports import RestoreTarget as TargetPort
from appliance.service.drive_set import Drive, DriveSet
from appliance.service.gather import GatheredPack, Gatherer
from appliance.service.restore import Restore
from appliance.service.restore_files import RestoreReport
from appliance.service.selection import Selection
from appliance.service.shard_writer import ShardWriter
from appliance.service.stripe_buffer import StripeBuffer

GEOMETRY = Geometry(data=4, parity=2, write_quorum=5)
IDENTITY = Identity.from_seed(hashlib.sha256(b"restore bench").digest())
DOCS = SourceName("docs")
AS_ROOT = os.geteuid() == 0
EVERYTHING = Wanted(owners=AS_ROOT, devices=AS_ROOT, set_id=True)
NOTHING_LEFT = Selection()
COMBINE = reed_solomon.choose()


def entry(path: bytes, kind: Kind = Kind.FILE, **facts: Any) -> FileEntry:
    """An entry with the facts that do not matter."""
    mode = 0o700 if kind is Kind.DIRECTORY else 0o640
    plain = FileEntry(path=path, kind=kind, mode=mode, mtime_ns=1, uid=os.geteuid(), gid=os.getegid())
    return replace(plain, **facts)


ROOT = entry(b"", Kind.DIRECTORY)


def file(path: bytes, *refs: ChunkRef, **facts: Any) -> FileEntry:
    """A file that is one run of these chunks."""
    extents = (Extent(offset=0, chunks=refs),) if refs else ()
    facts.setdefault("size", sum(ref.length for ref in refs))
    return entry(path, extents=extents, **facts)


@dataclass
class Vault:
    """The drives of a set, six unless another geometry is given, and what the ledger would say of them."""

    root: Path
    geometry: Geometry = GEOMETRY
    folder: Callable[[Path], Directory] = Directory
    facts: dict[PackId, PackFacts] = field(default_factory=dict)
    opened: list[PackId] = field(default_factory=list)
    segments: list[str] = field(default_factory=list)
    sizes: Counter[SourceName] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.code = Code(self.geometry, COMBINE)
        for index in range(self.geometry.drives):
            self.drive(index).mkdir(parents=True)
        self.forget()

    def forget(self) -> None:
        """From now on all chunks are stored anew, as in a full snapshot."""
        self._window = dedup.Window(bytes(32), lambda _name: None)

    def drive(self, index: int) -> Path:
        return self.root / f"drive-{index}"

    def drives(self, without: Sequence[int] = ()) -> DriveSet:
        facts = DriveSetFacts(vault=VaultId(bytes(16)), number=1, geometry=self.geometry, generation=1)
        return DriveSet(
            facts,
            [
                Drive(
                    header=DriveHeader(set=facts, index=DriveIndex(index), drive=bytes(16)),
                    bay=Bay(index + 1),
                    files=self.folder(self.drive(index)),
                )
                for index in range(self.geometry.drives)
                if index not in without
            ],
        )

    # -- writing -------------------------------------------------------------------------------------

    def place(self, content: bytes) -> PackId:
        """Scatter an age file over the drives."""
        hasher = PackIdHasher(self.geometry.data)
        placement = place.Placement(self.geometry, len(content))
        for stripe in self.geometry.stripes(len(content)):
            columns = self.geometry.data * stripe.column
            padded = content[stripe.offset : stripe.offset + stripe.length].ljust(columns, b"\0")
            hasher.add(memoryview(padded), stripe.column)
        pack = hasher.id()
        indices = map(DriveIndex, range(self.geometry.drives))
        names = {index: ShardName(pack=pack, index=index, revision=0) for index in indices}
        writer = ShardWriter(self.drives(), names)
        for stripe in self.geometry.stripes(len(content)):
            buffer = StripeBuffer(self.geometry)
            buffer.data(stripe)[:] = content[stripe.offset : stripe.offset + stripe.length]
            self.code.scatter(buffer.columns(stripe))
            placement.record(stripe, buffer.columns(stripe))
            writer.write(stripe, buffer.columns(stripe))
        assert len(writer.place(placement.hashes())) == self.geometry.drives
        self.facts[pack] = placement.hashes().facts()
        return pack

    def chunks(self, *contents: bytes) -> list[ChunkRef]:
        """Store chunks in one pack of their own; equal ones once."""
        made: list[tuple[int, memoryview]] = []

        def close(sealer: seal.PackSealer) -> seal.SealedPack:
            sealed = sealer.finish()
            content = bytearray(sealed.size + seal.SLACK_BYTES)
            for offset, piece in made:
                content[offset : offset + len(piece)] = piece
            assert self.place(bytes(content[: sealed.size])) == sealed.id
            return sealed

        def begin() -> seal.PackSealer:
            made.clear()
            return seal.PackSealer(
                sealer=age_file.sealer(IDENTITY.recipient, os.urandom),
                window=memoryview(bytearray(seal.window_bytes(self.geometry.data))),
                data=self.geometry.data,
                emit=lambda piece, offset: made.append((offset, memoryview(bytes(piece)))),
            )

        lane = flow.Lane(
            window=self._window,
            solid=memoryview(bytearray(chunk.SOLID_BYTES + chunk.SMALL_BYTES)),
            open_pack=begin,
            close_pack=close,
            filled=lambda _pack: None,
        )
        where = [lane.take(memoryview(content)) for content in contents]
        lane.flush()
        refs = [item.ref() if isinstance(item, dedup.Placement) else item for item in where]
        return [ref for ref in refs if ref is not None]

    def list_files(
        self,
        entries: Iterable[FileEntry],
        *,
        source: SourceName = DOCS,
        last: bool = True,
        said: int | None = None,
    ) -> str:
        """A manifest segment with exactly these entries; honest unless `said` is another count."""
        plain = bytearray()
        writer = manifest.Writer(Head(window=1, begin_s=0, segment=0, source=source), plain.extend)
        count = 0
        for item in entries:
            writer.add(item)
            self.sizes[source] += item.size
            count += 1
        writer.end(End(last=True, entries=count if said is None else said) if last else End())
        segment = self.place(age_file.encrypt(bytes(plain), IDENTITY.recipient, os.urandom)).hex()
        self.segments.append(segment)
        return segment

    def pull(self, tree: Path, source: SourceName = DOCS) -> str:
        """A whole tree: every chunk of a file in one pack, holes left out."""
        entries = []
        with closing(LocalSource(source, tree, carrier=lambda: True, wall_ns=lambda: 1 << 62)) as local:
            for found, _signature in local.walk():
                entries.append(self._with_content(found, tree) if found.kind is Kind.FILE else found)
            assert not local.unreadable, local.unreadable
        return self.list_files(entries, source=source)

    def _with_content(self, found: FileEntry, tree: Path) -> FileEntry:
        runs = []
        with open(os.path.join(os.fsencode(tree), found.path), "rb") as stream:
            for begin, end in data_runs(stream.fileno(), found.size):
                pieces = [
                    os.pread(stream.fileno(), min(chunk.MAX_BYTES, end - at), at)
                    for at in range(begin, end, chunk.MAX_BYTES)
                ]
                runs.append(Extent(offset=begin, chunks=tuple(self.chunks(*pieces))))
        return replace(found, extents=tuple(runs))

    # -- reading -------------------------------------------------------------------------------------

    def snapshot(self, *sources: SourceName, complete: bool = True) -> Seal:
        """What the ledger would say."""
        names = sorted(sources or (DOCS,))
        sizes = {name: min(self.sizes[name], NUMBER_MAX) for name in names}
        parts = tuple(SourcePart(name=name, complete=complete, files=0, bytes=sizes[name]) for name in names)
        return Seal(
            time=1,
            phase=Phase.SEAL,
            window=1,
            snapshot="20260101T000000Z-00000000",
            complete=complete,
            begin=1,
            sources=parts,
            packs=(),
            segments=tuple(self.segments),
            recipient="0" * 64,
            policy=1,
            bytes_read=0,
            bytes_new=0,
            bytes_stored=0,
            unreadable=0,
            link_s=0,
            drives=(),
            degraded=False,
        )

    def gatherer(self, without: Sequence[int] = ()) -> Gatherer:
        vault = self

        class Watched(Gatherer):
            """Notes which packs were opened."""

            def open(self, pack: PackId) -> GatheredPack:
                vault.opened.append(pack)
                return super().open(pack)

        return Watched(self.drives(without), self.code, self.facts)

    def restore(
        self,
        target: TargetPort,
        selection: Selection = NOTHING_LEFT,
        *,
        snapshot: Seal | None = None,
        without: Sequence[int] = (),
        progress: Callable[[int], None] = lambda _done: None,
    ) -> RestoreReport:
        self.opened.clear()
        run = Restore(self.gatherer(without), IDENTITY, target, progress)
        return run.run(snapshot or self.snapshot(), selection)

    def lose(self, pack: PackId, count: int = 3) -> None:
        """Remove this many shards of a pack; with three of six it is lost."""
        for index in range(count):
            for shard in self.drive(index).rglob(f"*{pack.hex()}*"):
                shard.unlink()


def target(place: Path, wanted: Wanted = EVERYTHING, *, resume: bool = False) -> RestoreTarget:
    return RestoreTarget(place, wanted, resume=resume)


def data_runs(fd: int, size: int) -> Iterator[tuple[int, int]]:
    """(begin, end) of every run of data, as the file system says."""
    at = 0
    while at < size:
        try:
            begin = os.lseek(fd, at, os.SEEK_DATA)
        except OSError:
            return
        at = os.lseek(fd, begin, os.SEEK_HOLE)
        yield begin, at


def acl(*entries: tuple[int, int, int]) -> bytes:
    """A POSIX ACL as the kernel takes it: (tag, permissions, id)."""
    return struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *item) for item in entries)


NOBODY_ID = 0xFFFFFFFF
ACCESS_ACL = acl(
    (1, 6, NOBODY_ID), (2, 7, 4321), (4, 4, NOBODY_ID), (0x10, 5, NOBODY_ID), (0x20, 0, NOBODY_ID)
)
ODD_NAMES = [
    b"not-utf8-\xff\xfe",
    b"new\nline",
    b"esc\x1b[31m",
    "右から\u202e".encode(),
    b"n" * 255,
    b" -rf",
    b"\\",
    unicodedata.normalize("NFC", "がé").encode(),
    unicodedata.normalize("NFD", "がé").encode(),
]
DEEP = [b"d" * 200] * 12  # components; with their tree a path that is still below the kernel's 4096


def enter(root: Path) -> None:
    """Let a user who is not root into every folder below `root`, whatever mode it was restored with."""
    for path, folders, _ in os.walk(root):
        for name in folders:
            folder = os.path.join(path, name)
            if not os.path.islink(folder):
                os.chmod(folder, 0o700)


def remove(root: Path) -> None:
    """Remove a tree with what a restore made in it."""
    enter(root)
    shutil.rmtree(root)


def make_tree(root: Path) -> Path:
    """Every kind of object and attribute that this machine lets us make."""
    root.mkdir()
    _make_objects(root)
    _set_attributes(root)
    return root


def _make_objects(root: Path) -> None:
    raw = os.fsencode(root)
    for number, name in enumerate(ODD_NAMES):
        with open(os.path.join(raw, name), "wb") as stream:
            stream.write(name * (number + 1))
    (root / "empty").touch()
    (root / "large").write_bytes(b"".join(hashlib.sha256(b"%d" % i).digest() for i in range(80_000)))
    with (root / "sparse").open("wb") as stream:
        stream.truncate(9 << 20)
        os.pwrite(stream.fileno(), b"x" * 8192, 4 << 20)
    with (root / "ends-in-a-hole").open("wb") as stream:
        stream.write(b"y" * 4096)
        stream.truncate(5 << 20)
    (root / "all-hole").touch()
    os.truncate(root / "all-hole", 1 << 40)
    (root / "a" / "b" / "c").mkdir(parents=True)
    (root / "a" / "b" / "deep").write_bytes(b"deep")
    os.link(root / "a" / "b" / "deep", root / "a" / "b" / "c" / "second")
    os.link(root / "a" / "b" / "deep", root / "z-third")
    os.symlink(b"nowhere/\xff at all", os.path.join(raw, b"dangling"))
    os.symlink("a/b/deep", root / "link")
    os.link(root / "link", root / "link-again", follow_symlinks=False)
    os.symlink("/etc", root / "a" / "outward")
    os.symlink("loop-b", root / "loop-a")
    os.symlink("loop-a", root / "loop-b")
    os.symlink("itself", root / "itself")
    (root / "empty-folder").mkdir()
    os.makedirs(os.path.join(raw, *DEEP))
    Path(os.fsdecode(os.path.join(raw, *DEEP, b"leaf"))).write_bytes(b"deep down")
    os.mkfifo(root / "pipe", 0o640)
    os.link(root / "pipe", root / "pipe-again")
    (root / "sealed").mkdir()
    (root / "sealed" / "inside").write_bytes(b"in a folder that takes no entries")
    (root / "set-id").write_bytes(b"#!")


def _set_attributes(root: Path) -> None:
    os.setxattr(root / "empty", "user.note", b"\x00\xff")
    os.setxattr(root / "a", "user.of a folder", b"")
    os.setxattr(root / "large", "user.long", b"v" * 2048)
    os.setxattr(root / "large", "system.posix_acl_access", ACCESS_ACL)
    os.setxattr(root / "a", "system.posix_acl_default", ACCESS_ACL)
    if AS_ROOT:
        os.mknod(root / "disk", stat.S_IFBLK | 0o660, os.makedev(7, 200))
        os.mknod(root / "null", stat.S_IFCHR | 0o666, os.makedev(1, 3))
        os.chown(root / "empty", 1234, 5678)
        os.lchown(root / "dangling", 77, 78)
        os.chown(root / "a" / "b", 99, 98)
        os.setxattr(root / "link", "trusted.of-a-link", b"t", follow_symlinks=False)
    for path, mode in (
        ("empty", 0o000 if AS_ROOT else 0o600),  # nobody else could read it, or give it an attribute
        ("large", 0o650),
        ("a/b/deep", 0o1604),
        ("a", 0o1777),
        ("set-id", 0o6755),
        ("empty-folder", 0o2750),
        ("sealed", 0o555),
    ):
        os.chmod(root / path, mode)
    for path, mtime_ns in (
        ("large", -5_000_000_001),
        ("sealed/inside", 1_234_567_890_123_456_789),
        ("a/b", 999_999_999),
        ("dangling", -1),
        ("pipe", 3),
        ("a", 7),
        ("sealed", -7),
        ("empty-folder", 9_999_999_999_123_456_789),
    ):
        os.utime(root / path, ns=(5, mtime_ns), follow_symlinks=False)
    os.utime(root, ns=(5, 1_000_000_000_000_000_003))
