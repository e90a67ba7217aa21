"""The link half of a window: pull what changed, and leave it in staging as ciphertext.

One thread walks and reads, the crew hashes, compresses and seals. Ends early when told to, when the link
is lost or when staging is full; what was finished until then is named for sealing, and the next window
goes on from what the witness acknowledged. Opens no drive, holds no key that opens anything.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from appliance.domain.file_entry import Kind
from appliance.domain.ids import SourceName
from appliance.errors import BatchInvalid, IwatoError, NetworkLost, SourceMissing, StagingFailed, StagingFull
from appliance.format import age_selftest
from appliance.format.batch import StagedPack, StagedSegment
from appliance.pipeline import chunk, dedup, flow
from appliance.ports import DedupIndex, ScratchFiles, Source
from appliance.service import batch_log, buffers, receipts
from appliance.service.batch_log import BatchLog, Counts
from appliance.service.crew import Crew
from appliance.service.file_taking import FileTaker
from appliance.service.intake_given import IntakeSettings, VaultSide, Watch
from appliance.service.intake_report import IntakeProgress, IntakeReport
from appliance.service.manifest_queue import ManifestQueue
from appliance.service.pack_file import PackMaker, failing_as_staging
from appliance.service.reading import BUFFER_BYTES, Reader
from appliance.service.receipts import Told

FULL_EVERY_S = 30 * 24 * 3600  # seconds; 30-vault: bounds what a poisoned index can do
FREE_LOOK_BYTES = flow.PACK_BYTES  # bytes read between two looks at the room in staging
FILES_PER_TELLING = 64  # files that were not read, between two words on progress; every read is told of
_COUNTED = (Kind.FILE, Kind.HARD_LINK)


class Intake:
    """The intake of one window: one object, one `run`. `sources` in order, tier 0 first, names unique."""

    def __init__(
        self,
        *,
        sources: Sequence[Source],
        staging: ScratchFiles,
        index: DedupIndex,
        vault: VaultSide,
        watch: Watch,
        settings: IntakeSettings | None = None,
    ) -> None:
        self._sources = sources
        self._staging = staging
        self._index = index
        self._vault = vault
        self._watch = watch
        self._settings = settings if settings is not None else IntakeSettings()
        self._is_full = self._settings.full
        self._counts = Counts()
        self._missing: list[SourceMissing] = []
        self._unreadable: list[tuple[SourceName, bytes, str]] = []
        self._changed: list[tuple[SourceName, bytes]] = []
        self._makers: list[PackMaker] = []
        self._is_stopped = False
        self._cause: IwatoError | None = None
        self._look_at_bytes = 0

    def accept_receipts(self, verify: Callable[[bytes], Told], log_size: int) -> int:
        """Let what the witness acknowledged count from now on; returns how many packs that were.
        `verify` gives what a receipt says or raises; `log_size` is the interlock's (receipts.accept).
        StagingFailed, StagingFull as the disk says."""
        with failing_as_staging(self._staging):
            return receipts.accept(self._staging, self._index, self._watch.console, verify, log_size)

    def run(self, window: int, begin_s: int) -> IntakeReport:
        """Take the window `window`, whose snapshot begins at `begin_s` (unix seconds, the interlock's).
        PostQuantumMissing and EncoderBroken are raised: then nothing can be kept on this machine."""
        age_selftest.self_test()
        try:
            with failing_as_staging(self._staging):
                self._run(window, begin_s)
        except (StagingFull, StagingFailed) as failed:
            self._cause = failed
        return self._report(window)

    def _run(self, window: int, begin_s: int) -> None:
        self._staging.sweep()
        if batch_log.is_taken(self._staging, window):
            # A cut ended this window's link half. What it left is sealed; the next window goes on.
            self._watch.console.say("window-taken", window=window)
            return
        self._recycle_orphans()
        self._begin_period(begin_s)
        self._watch.console.say("intake-begins", window=window, full=self._is_full)
        self._take_all(window, begin_s)

    # Before the window ---------------------------------------------------------------------------------

    def _recycle_orphans(self) -> None:
        try:
            self._index.drop(batch_log.recycle_orphans(self._staging))
        except (BatchInvalid, ValueError) as error:
            self._watch.console.say("staging-odd", reason=str(error))

    def _begin_period(self, begin_s: int) -> None:
        """Every FULL_EVERY_S all is read and stored anew: that ends what a poisoned index could do. A
        full snapshot that needs several windows goes on with what it stored itself."""
        since_s = self._index.full_since_s
        self._is_full = self._is_full or since_s is None or not 0 <= begin_s - since_s < FULL_EVERY_S
        if self._is_full:
            self._index.forget(begin_s)

    # The window ----------------------------------------------------------------------------------------

    def _take_all(self, window: int, begin_s: int) -> None:
        self._batches = BatchLog(self._staging, window=window, begin_s=begin_s)
        self._queue = ManifestQueue(
            self._maker("manifest"),
            self._index,
            snapshot=(window, begin_s),
            wrote=self._segment_written,
            listed=self._source_listed,
            refused=self._refuse,
        )
        claims = dedup.Window(self._vault.dedup_key, self._index.find)
        self._crew = Crew(
            lambda number, filled: self._lane(claims, number, filled),
            lambda: buffers.aligned(BUFFER_BYTES),
            threads=self._settings.threads,
        )
        chunker = chunk.Chunker(chunk.seed_of(self._vault.dedup_key), self._settings.chunk_bytes)
        self._reader = Reader(self._crew, claims, chunker, self._took, self._counted)
        try:
            for source in self._sources:
                self._take_source(source)
            self._reader.flush()
            self._crew.finish()
            self._collect()
            self._queue.pump()
            self._queue.cut()
            self._batches.write(self._counts, final=True, complete=self._is_complete())
        except BaseException:
            self._crew.disband()
            for maker in self._makers:
                maker.abandon()
            raise

    def _maker(self, lane: str) -> PackMaker:
        vault, staging = self._vault, self._staging
        maker = PackMaker(staging, vault.recipient, vault.entropy, geometry=vault.geometry, lane=lane)
        self._makers.append(maker)
        return maker

    def _lane(
        self, claims: dedup.Window, number: int, filled: Callable[[flow.FilledPack], None]
    ) -> flow.Lane:
        maker = self._maker(f"lane-{number}")
        return flow.Lane(
            window=claims,
            level=self._settings.level,
            solid=buffers.aligned(chunk.SOLID_BYTES + chunk.SMALL_BYTES),
            open_pack=maker.open,
            close_pack=maker.close,
            filled=filled,
        )

    def _take_source(self, source: Source) -> None:
        name = SourceName(source.name)
        self._counts.begin(name)
        if self._must_stop():
            return
        self._queue.begin(name)
        reported = len(self._unreadable)
        complete = False
        try:
            complete = self._walk(source)
        except NetworkLost as lost:
            self._is_stopped = True
            self._cause = self._cause or lost
        except SourceMissing as missing:
            self._cause = self._cause or missing
            self._missing.append(missing)
        finally:
            source.close()
        self._unreadable[reported:reported] = [(name, path, reason) for path, reason in source.unreadable]
        self._counts.unreadable = len(self._unreadable)
        self._reader.flush()
        self._queue.end(complete=complete)

    def _walk(self, source: Source) -> bool:
        """Whether the walk came to its end."""
        refuse = partial(self._refuse, SourceName(source.name))
        taker = FileTaker(source, self._reader, self._queue, self._index, refuse)
        for entry, signature in source.walk():
            taken = taker.take(entry, signature)
            if taken is not None and taken.changed:
                self._changed.append((SourceName(source.name), taken.path))
            if taken is not None and taken.kind in _COUNTED:
                self._counts.took(taken.size)
                if self._counts.files % FILES_PER_TELLING == 0:
                    self._tell()
            self._collect()
            if self._must_stop():
                return False
        return True

    def _collect(self) -> None:
        """Take the packs that the crew has closed; name them with the files that are whole by now."""
        if not self._crew.has_filled:
            return
        self._take_filled()
        if self._batches.is_due:
            self._queue.pump()
            self._take_filled()  # the files just written may lie in packs that were closed meanwhile
            self._queue.cut()
            self._batches.write(self._counts)

    def _take_filled(self) -> None:
        for pack in self._crew.filled():
            self._index.add(pack.id, pack.chunks)
            self._batches.add_pack(StagedPack(id=pack.id, size=pack.size))
            self._counts.new += pack.raw_bytes
            self._counts.stored += pack.size

    # What the parts tell -------------------------------------------------------------------------------

    def _took(self, count: int) -> bool:
        """A step was read; whether to stop. An error of staging must not pass for one of the file."""
        self._counted(count)
        with failing_as_staging(self._staging):
            self._collect()
            return self._must_stop()

    def _counted(self, count: int) -> None:
        self._counts.read += count
        self._tell()

    def _must_stop(self) -> bool:
        if not self._is_stopped and self._watch.stop():
            self._is_stopped = True
        if not self._is_stopped and self._counts.read >= self._look_at_bytes:
            self._look_at_bytes = self._counts.read + FREE_LOOK_BYTES
            free = self._staging.free_bytes()
            if free < self._settings.reserve_bytes:
                self._is_stopped = True
                self._cause = StagingFull(free=free)
        return self._is_stopped

    def _tell(self) -> None:
        counts = self._counts
        assert counts.source is not None
        self._watch.progress(
            IntakeProgress(
                source=counts.source, files=counts.files, bytes_read=counts.read, bytes_new=counts.new
            )
        )

    def _refuse(self, source: SourceName, path: bytes, reason: str) -> None:
        self._unreadable.append((source, path, reason))
        self._counts.unreadable = len(self._unreadable)

    def _segment_written(self, segment: StagedSegment) -> None:
        self._batches.add_segment(segment)
        self._counts.stored += segment.size

    def _source_listed(self, name: SourceName) -> None:
        self._counts.listed.add(name)

    # The end -------------------------------------------------------------------------------------------

    def _is_complete(self) -> bool:
        sources = self._counts.sources
        return bool(sources) and all(source.complete for source in sources)

    def _report(self, window: int) -> IntakeReport:
        counts = self._counts
        return IntakeReport(
            window=window,
            complete=self._cause is None and self._is_complete(),
            full=self._is_full,
            bytes_read=counts.read,
            bytes_new=counts.new,
            bytes_stored=counts.stored,
            files=sum(source.files for source in counts.sources),
            sources=counts.sources,
            unreadable=tuple(self._unreadable),
            changed=tuple(self._changed),
            cause=self._cause,
            missing=tuple(self._missing),
        )
