"""The seal half of a window: staged packs onto the drives, then into the ledger, then acknowledged.

Order (30-vault, 05-settled 8): shards read back on the write quorum → ledger entry → cosignature →
checkpoint → receipt; staging is recycled only when every drive of the set holds the packs. First of all
it rolls forward what a cut left: receipts that were not written, windows that not every drive holds.
Uses no key but the log's. What it reads from staging is hostile; LedgerCopies.start came before.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import islice

from appliance.domain.ids import DriveIndex, PackId
from appliance.domain.phases import BootFacts
from appliance.errors import StagedBatchRefused, StagingFailed
from appliance.format import batch, receipt
from appliance.format.batch import StagedFile, StagedPack
from appliance.format.ledger_entry import Seal
from appliance.format.ledger_segment import Gap
from appliance.format.receipt import Receipt
from appliance.pipeline.scatter import Code
from appliance.ports import ScratchFiles
from appliance.service import seal_entry, shard_healing, staged_window, stripe_workers
from appliance.service.drive_set import DriveSet
from appliance.service.ledger_copies import LedgerCopies
from appliance.service.pack_catalogue import PackCatalogue
from appliance.service.pack_placing import PackPlacer, PlacedPack
from appliance.service.seal_entry import SealFacts
from appliance.service.seal_report import Progress, Sealed, SealReport
from appliance.service.staged_window import StagedWindow
from appliance.service.stripe_buffer import StripeBuffer

PACKS_PER_ENTRY = 1 << 14  # packs; 1 TiB of full packs, so one entry stays below 3 MB of JSON


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """Who looks on. `stop`: the dwell is over; `moved`: a pack or a shard is done, whatever it was done
    for; `progress` is told after every pack of a window, `committed` after every ledger entry."""

    stop: Callable[[], bool] = stripe_workers.never
    moved: Callable[[], None] = lambda: None
    progress: Callable[[Progress], None] = lambda _: None
    committed: Callable[[SealReport], None] = lambda _: None


class Sealing:
    """One drive half: one object, one `run`."""

    def __init__(
        self,
        *,
        staging: ScratchFiles,
        drives: DriveSet,
        code: Code,
        ledger: LedgerCopies,
        watch: Watch,
    ) -> None:
        self._staging, self._drives, self._ledger = staging, drives, ledger
        self._code, self._watch = code, watch
        self._placer = PackPlacer(staging, drives, code)
        self._catalogue = PackCatalogue(ledger.history.entries())
        self._report = SealReport()

    def run(self, facts: SealFacts) -> SealReport:
        """Roll forward, seal what is staged, recycle, heal. DrivesTooFew when fewer drives than the
        write quorum are left, at whatever point: what was witnessed until then stays so."""
        self._clear_unborn(facts.boot.window_number)
        staged = dict(staged_window.windows(self._staging))
        self._roll_forward(staged)
        self._drives.require(self._drives.geometry.write_quorum)
        for number, window in staged.items():
            if isinstance(window, StagedBatchRefused):
                self._report.refused.append(window)
                self._give_back(number, ())
            elif self._is_closed(window):
                if not self._is_known(window):
                    self._give_back(number, window.files)  # an intake has added to it since
            elif number < self._newest_sealed():
                self._give_back(number, window.files)  # a newer one was sealed without it
            else:
                self._seal_or_refuse(window, facts)
        self._roll_forward(staged)
        self._report.healed = shard_healing.heal(
            self._drives, self._code, self._catalogue, self._watch.stop, self._watch.moved
        )
        self._report.stopped = self._report.stopped or self._watch.stop()
        return self._report

    def _clear_unborn(self, newest: int) -> None:
        planted = staged_window.unborn(self._staging, newest)
        if planted:
            detail = f"{len(planted)} records of windows that have not been yet were removed"
            self._report.refused.append(StagedBatchRefused(detail=detail))
            self._recycle(planted)

    def _recycle(self, names: Iterable[str]) -> None:
        """Records that are no window: what they name is pulled anew."""
        with self._staging_may_fail():
            for name in names:
                self._staging.recycle(name)

    # Sealing -------------------------------------------------------------------------------------------

    def _newest_sealed(self) -> int:
        return max((seal.window for seal in self._catalogue.seals.values()), default=-1)

    def _is_closed(self, window: StagedWindow) -> bool:
        """The window has its last entry: the one that names the manifest. Nothing is added to it later,
        whatever a later intake writes into its records."""
        return self._is_sealed(window) or any(
            seal.window == window.number and (seal.segments or seal.complete)
            for seal in self._catalogue.seals.values()
        )

    def _is_sealed(self, window: StagedWindow) -> bool:
        """The ledger has an entry for the whole window and knows all its packs."""
        ids = [part.hex() for part in window.segments]
        named = any(
            seal.window == window.number and list(seal.segments) == ids and seal.complete == window.complete
            for seal in self._catalogue.seals.values()
        )
        return named and self._is_known(window)

    def _is_known(self, window: StagedWindow) -> bool:
        """The ledger knows all its packs."""
        return all(file.id in self._catalogue.facts for file in window.files)

    def _seal_or_refuse(self, window: StagedWindow, facts: SealFacts) -> None:
        try:
            self._check_times(window, facts.boot)
            self._seal(window, facts)
        except StagedBatchRefused as refused:
            self._report.refused.append(refused)
            self._give_back(window.number, window.files)

    def _check_times(self, window: StagedWindow, boot: BootFacts) -> None:
        """Intake may lie about its window; it cannot date a snapshot before others or into the future."""
        if window.number > boot.window_number:
            raise StagedBatchRefused(detail=f"window {window.number} has not been yet")
        earlier = [seal.begin for seal in self._catalogue.seals.values() if seal.window < window.number]
        if not max(earlier, default=0) <= window.begin_s <= boot.unix_s:
            raise StagedBatchRefused(detail=f"window {window.number} gives a wrong time")

    def _seal(self, window: StagedWindow, facts: SealFacts) -> None:
        """Place and commit the window's packs, in entries of at most PACKS_PER_ENTRY. The last entry
        names the segments; if the time ends first, what was placed is committed without them."""
        waiting = iter([file for file in window.files if file.id not in self._catalogue.facts])
        total = sum(file.size for file in window.files if file.id not in self._catalogue.facts)
        done = 0
        while True:
            part = list(islice(waiting, PACKS_PER_ENTRY))
            placed: list[PlacedPack] = []
            for _, one in self._placed(part):
                placed.append(one)
                done += one.facts.size
                self._watch.moved()
                self._watch.progress(Progress(window=window.number, done=done, total=total))
                self._drives.require(self._drives.geometry.write_quorum)
            cut_short = len(placed) < len(part)
            whole = not cut_short and len(part) < PACKS_PER_ENTRY
            self._report.stopped = self._report.stopped or cut_short
            if placed or whole:
                self._commit(window, placed, facts, whole=whole)
            if cut_short or whole:
                return

    def _placed(self, files: Sequence[StagedFile]) -> Iterable[tuple[StagedFile, PlacedPack]]:
        everyone = [drive.index for drive in self._drives.writable]

        def one(file: StagedFile, buffer: StripeBuffer) -> PlacedPack:
            return self._placer.place(file.id, file.size, everyone, buffer)

        return stripe_workers.run(self._drives.geometry, files, one, self._watch.stop)

    def _commit(
        self, window: StagedWindow, placed: Sequence[PlacedPack], facts: SealFacts, *, whole: bool
    ) -> None:
        """Ledger entry, cosignature, checkpoint, receipt."""
        quorum = self._drives.geometry.write_quorum
        holders = frozenset(drive.index for drive in self._drives.writable)
        holders = holders.intersection(*(one.holders for one in placed))
        for drive in self._drives.writable:
            if drive.index not in holders:
                self._drives.fail(drive.index, OSError("it does not hold every pack"))
        self._drives.require(quorum)
        total = self._drives.geometry.drives
        entry = seal_entry.entry(window, placed, facts, sorted(holders), total, whole=whole)
        self._ledger.append(entry, copies_min=quorum)
        index = self._ledger.history.size - 1
        self._catalogue = PackCatalogue(self._ledger.history.entries())
        self._report.sealed.append(Sealed(index=index, entry=entry))
        self._watch.committed(self._report)  # the phase may be cut in all that follows
        self._put_receipt(index, entry)

    # After the commit ----------------------------------------------------------------------------------

    def _roll_forward(self, staged: dict[int, StagedWindow | StagedBatchRefused]) -> None:
        """Acknowledge every sealed window that is still staged, and recycle it when all drives hold it."""
        for number, window in staged.items():
            if number in self._report.recycled or isinstance(window, StagedBatchRefused):
                continue
            if self._is_closed(window) and self._is_known(window):
                self._acknowledge(window)
                self._give_back(number, window.files)

    def _acknowledge(self, window: StagedWindow) -> None:
        """Write the receipts that a cut kept from being written."""
        for index, entry in self._seals_of(window):
            self._put_receipt(index, entry)

    def _put_receipt(self, index: int, entry: Seal) -> None:
        record = self._ledger.history.records[index]
        assert not isinstance(record, Gap)
        name = receipt.name(entry.window, index)
        with self._staging_may_fail(), suppress(FileExistsError):
            if not self._staging.exists(name):
                content = receipt.encode(Receipt(entry=record, proof=self._ledger.proof(index)))
                self._staging.put(name, content)

    def _give_back(self, number: int, files: Iterable[StagedFile]) -> None:
        """Recycle the window's records, newest first, and before them what the witness acknowledged of it
        or of `files`: that is a copy until every drive of the set holds it, and until then all stays.
        What remains of a window that is not sealed, intake takes as orphans and pulls anew."""
        known = {file.id: file for file in files if file.id in self._catalogue.facts}
        for seal in self._catalogue.seals.values():
            if seal.window == number:
                parts = [StagedPack(id=PackId(bytes.fromhex(part.id)), size=part.size) for part in seal.packs]
                known |= {part.id: part for part in parts}
        if not self._held_by_all(list(known.values())):
            return
        with self._staging_may_fail():
            for name in map(batch.pack_name, known):
                if self._staging.exists(name):
                    self._staging.recycle(name)
            for name in staged_window.names_of(self._staging, number):
                self._staging.recycle(name)
            self._report.recycled.append(number)

    @contextmanager
    def _staging_may_fail(self) -> Iterator[None]:
        """What is committed stays so when staging refuses a write: say it, and make up for it later."""
        try:
            yield
        except OSError as error:
            self._report.staging_failed = StagingFailed(detail=error.strerror or str(error))

    def _held_by_all(self, acknowledged: Sequence[StagedFile]) -> bool:
        """Whether the drives that lacked any of these files at the commit hold them all now, each made
        up for from staging and read back."""
        seals = [self._catalogue.seals[self._catalogue.sealed_by[file.id]] for file in acknowledged]
        everyone = frozenset(map(DriveIndex, range(self._drives.geometry.drives)))
        lacking = everyone - everyone.intersection(*(seal.drives for seal in seals))
        files = [file for file in acknowledged if self._staging.exists(batch.pack_name(file.id))]
        if not lacking:
            return True
        if not lacking <= {drive.index for drive in self._drives.writable}:
            return False

        def one(file: StagedFile, buffer: StripeBuffer) -> bool:
            try:
                return lacking <= self._placer.place(file.id, file.size, lacking, buffer).holders
            except StagedBatchRefused:
                return False  # the staged copy is bad; the drives' copies heal the others later

        results = []
        for _, held in stripe_workers.run(self._drives.geometry, files, one, self._watch.stop):
            results.append(held)
            self._watch.moved()
        return len(results) == len(files) and all(results)

    def _seals_of(self, window: StagedWindow) -> list[tuple[int, Seal]]:
        """The ledger's entries of this window or of packs that it names."""
        indices = {self._catalogue.sealed_by[file.id] for file in window.files}
        seals = self._catalogue.seals
        indices |= {index for index, seal in seals.items() if seal.window == window.number}
        return [(index, seals[index]) for index in sorted(indices)]
