"""A box's intake on a bench: a source, staging, index, and a reader that opens what was staged.

`Box.window()` is one intake; `Box.acknowledge()` is what sealing and the witness would do. The reader is
for tests only: restore is service/restore.py.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from appliance.adapters.dedup_index import SqliteIndex
from appliance.adapters.directory import ScratchDirectory
from appliance.adapters.local_source import LocalSource
from appliance.adapters.rate import Rate
from appliance.domain.file_entry import FileEntry, Kind
from appliance.domain.geometry import Geometry
from appliance.domain.ids import PackId, SourceName
from appliance.format import batch, manifest
from appliance.format.age_recipient import Identity
from appliance.format.batch import Batch
from appliance.format.manifest_record import End, Head
from appliance.pipeline import flow, seal
from appliance.ports import Source
from appliance.service.intake import Intake
from appliance.service.intake_given import IntakeSettings, VaultSide, Watch
from appliance.service.intake_report import IntakeReport
from tests.power_cut import Power

IDENTITY = Identity.from_seed(b"the vault of the intake's tests.")
DEDUP_KEY = b"the dedup key of a generation..."
DAY_S = 86_400
BIRTH_S = 1_700_000_000
FAR_FUTURE_NS = 1 << 62  # a wall clock for which no file is fresh


class Log:
    """ports.Console that remembers."""

    def __init__(self) -> None:
        self.events: list[tuple[str, dict[str, object]]] = []

    def say(self, event: str, **fields: object) -> None:
        self.events.append((event, fields))

    @property
    def names(self) -> list[str]:
        return [name for name, _ in self.events]


class VirtualClock:
    """ports.Clock that moves when somebody sleeps."""

    def __init__(self) -> None:
        self.now_ms = 0

    def monotonic_ms(self) -> int:
        return self.now_ms

    def sleep_ms(self, duration_ms: int) -> None:
        self.now_ms += duration_ms


class Counted:
    """Fresh bytes that are the same in every run."""

    def __init__(self) -> None:
        self.drawn = 0

    def __call__(self, length: int, /) -> bytes:
        self.drawn += 1
        return hashlib.shake_256(b"%d" % self.drawn).digest(length)


@dataclass
class Box:
    """`home` holds source/, staging/ and state/. Everything else may be exchanged between windows."""

    home: Path
    power: Power = field(default_factory=Power)
    data: int = 2
    threads: int = 0
    carrier: Callable[[], bool] = lambda: True
    stop: Callable[[], bool] = lambda: False
    rate: Rate | None = None
    full: bool = False
    reserve_bytes: int = 0
    window_number: int = 0
    log: Log = field(default_factory=Log)
    warnings: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        for name in ("source", "staging", "state"):
            (self.home / name).mkdir(exist_ok=True)

    @property
    def tree(self) -> Path:
        return self.home / "source"

    @property
    def staging(self) -> ScratchDirectory:
        return ScratchDirectory(self.home / "staging", steps=self.power.step, alive=self.power.alive)

    def index(self) -> SqliteIndex:
        path = self.home / "state" / "index.sqlite"
        return SqliteIndex(path, DEDUP_KEY, warn=self.warnings.append, steps=self.power.step)

    def source(self, name: str = "docs", root: Path | None = None) -> LocalSource:
        return LocalSource(
            SourceName(name),
            root if root is not None else self.tree,
            carrier=self.carrier,
            rate=self.rate,
            wall_ns=lambda: FAR_FUTURE_NS,
        )

    def window(self, *sources: Source, number: int | None = None, begin_s: int | None = None) -> IntakeReport:
        """One intake; the window's number rises by itself, a day apart."""
        self.window_number = self.window_number + 1 if number is None else number
        index = self.index()
        intake = Intake(
            sources=sources or (self.source(),),
            staging=self.staging,
            index=index,
            vault=VaultSide(
                recipient=IDENTITY.recipient,
                geometry=Geometry(data=self.data, parity=1, write_quorum=self.data),
                dedup_key=DEDUP_KEY,
                entropy=Counted(),
            ),
            watch=Watch(console=self.log, stop=self.stop),
            settings=IntakeSettings(
                threads=self.threads, full=self.full, reserve_bytes=self.reserve_bytes
            ),
        )
        try:
            return intake.run(self.window_number, begin_s or BIRTH_S + self.window_number * DAY_S)
        finally:
            index.close()

    def acknowledge(self) -> None:
        """The witness acknowledged everything that is named in staging."""
        index = self.index()
        named = [b for number in self.windows() for b in self.batches(number)]
        index.commit([file.id for record in named for file in record.files])
        index.close()

    # What lies in staging ------------------------------------------------------------------------------

    def windows(self) -> list[int]:
        parsed = [batch.parse_name(leaf) for leaf in self.staging.names(batch.FOLDER)]
        return sorted({name[0] for name in parsed if name is not None})

    def batches(self, number: int) -> list[Batch]:
        files = ScratchDirectory(self.home / "staging")
        leaves = [leaf for leaf in files.names(batch.FOLDER) if leaf.startswith(f"{number:08d}-")]
        return [batch.decode(files.read(f"batches/{leaf}", batch.BATCH_BYTES_MAX)) for leaf in leaves]

    def pack_bytes(self) -> int:
        return sum(path.stat().st_size for path in (self.home / "staging" / "packs").iterdir())

    def plaintext(self, pack_id: PackId) -> seal.Plaintext:
        content = (self.home / "staging" / batch.pack_name(pack_id)).read_bytes()

        def pread(buffer: memoryview, offset: int) -> int:
            piece = content[offset : offset + len(buffer)]
            buffer[: len(piece)] = piece
            return len(piece)

        return seal.Plaintext(IDENTITY, pread, len(content))

    def segments(self, number: int | None = None) -> Iterator[tuple[Head, list[FileEntry], End]]:
        for record in self.batches(self.window_number if number is None else number):
            for segment in record.segments:
                plain = self.plaintext(segment.id)
                reader = manifest.Reader([plain.read(0, plain.length)])
                assert reader.head.source == segment.source
                entries = list(reader)
                assert reader.end is not None
                yield reader.head, entries, reader.end

    def listed(self, source: str = "docs", number: int | None = None) -> dict[bytes, FileEntry]:
        """The source's manifest of one window. Nothing is listed twice."""
        found: dict[bytes, FileEntry] = {}
        for head, entries, _ in self.segments(number):
            if head.source == source:
                assert not found.keys() & {entry.path for entry in entries}
                found.update((entry.path, entry) for entry in entries)
        return found

    def content(self, entry: FileEntry) -> bytes:
        """A file as restore would make it."""
        made = bytearray(entry.size)
        for extent in entry.extents:
            offset = extent.offset
            for ref in extent.chunks:
                raw = flow.PackReader(self.plaintext(ref.pack)).chunk(ref.slot)
                assert len(raw) == ref.length
                made[offset : offset + ref.length] = raw
                offset += ref.length
        return bytes(made)

    def snapshot(self, number: int | None = None) -> dict[bytes, bytes]:
        """Path to content of every regular file that a window lists, further names included."""
        listed = self.listed(number=number)
        found = {path: self.content(entry) for path, entry in listed.items() if entry.kind == Kind.FILE}
        links = {path: entry.target for path, entry in listed.items() if entry.kind == Kind.HARD_LINK}
        return found | {path: found[first] for path, first in links.items()}

    def truth(self) -> dict[bytes, bytes]:
        """Path to content of every regular file in the tree."""
        root = os.fsencode(self.tree)
        found = {}
        for folder, _, names in os.walk(root):
            for name in names:
                path = folder + b"/" + name
                if os.path.isfile(path) and not os.path.islink(path):
                    with open(path, "rb") as file:
                        found[path[len(root) + 1 :]] = file.read()
        return found
