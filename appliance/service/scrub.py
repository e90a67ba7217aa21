"""Scrub: read every shard of every pack around the cache, repair to new files, say it in the ledger.

Needs no key and no link. Works in slices, each of which ends with its own ledger entry, so that a scrub
that is stopped has said what it did and can go on at `next_pack`. Repairs are never in place: the shard
that was found damaged stays as it is and the new revision is recorded.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import islice

from appliance.domain.ids import DriveIndex, PackId, SnapshotId
from appliance.domain.phases import Phase
from appliance.errors import EXIT_FAILED, EXIT_OK, EXIT_WARNINGS, PackLost, VaultError
from appliance.format.ledger_entry import DrivePart, Loss, Placement, Scrub
from appliance.format.shard import PackFacts, ShardName
from appliance.pipeline.scatter import Code
from appliance.ports import Clock
from appliance.service import shard_repair, sound_shard, stripe_workers
from appliance.service.drive_set import DriveSet
from appliance.service.ledger_copies import LedgerCopies
from appliance.service.ledger_damage import CopyDamage
from appliance.service.pack_catalogue import PackCatalogue
from appliance.service.pack_shards import PackShards
from appliance.service.policy_copies import PolicyDamage
from appliance.service.sound_shard import DriveCount
from appliance.service.stripe_buffer import StripeBuffer

SLICE_PACKS = 4096  # packs per ledger entry; with 16 drives its lists stay within their 65,536


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """Pack bytes done and in all, and pack bytes per second since the scrub began."""

    done: int
    total: int
    rate: int


@dataclass(slots=True, kw_only=True)
class ScrubReport:
    """What was found. `repaired` are new placements, `unrepaired` shards that are still bad, `lost`
    packs of which too little is left, with the snapshots that need them, `failures` of drives that could
    not be written: they lack at least this scrub's ledger entry; `ledger_damage` what was wrong with copies
    of the ledger before this phase healed them, `policy_damage` with those of the policy. `next_pack` is
    where a stopped scrub goes on, None at the end."""

    drives: dict[DriveIndex, DriveCount] = field(default_factory=dict)
    repaired: list[ShardName] = field(default_factory=list)
    unrepaired: list[tuple[DriveIndex, PackId]] = field(default_factory=list)
    lost: dict[PackId, tuple[SnapshotId, ...]] = field(default_factory=dict)
    missing_drives: tuple[DriveIndex, ...] = ()
    ledger_damage: tuple[CopyDamage, ...] = ()
    policy_damage: tuple[PolicyDamage, ...] = ()
    findings: tuple[VaultError, ...] = ()
    failures: tuple[VaultError, ...] = ()
    packs: int = 0
    next_pack: PackId | None = None

    @property
    def outcome(self) -> str:
        """`clean`, `repaired` or `unrepaired`."""
        copies: list[CopyDamage | PolicyDamage] = [*self.ledger_damage, *self.policy_damage]
        bad = self.unrepaired or self.lost or self.missing_drives or self.findings or self.failures
        if bad or any(damage.left for damage in copies):
            return "unrepaired"
        return "repaired" if self.repaired or copies else "clean"

    @property
    def exit_status(self) -> int:
        """Of the command: 0 clean, 3 repaired, 1 unrepaired."""
        return {"clean": EXIT_OK, "repaired": EXIT_WARNINGS, "unrepaired": EXIT_FAILED}[self.outcome]


@dataclass(slots=True, kw_only=True)
class _PackResult:
    """What one pack's check gave."""

    facts: PackFacts
    counts: Mapping[DriveIndex, DriveCount] = field(default_factory=dict)
    repaired: Sequence[ShardName] = ()
    unrepaired: Sequence[DriveIndex] = ()
    lost: bool = False


class Scrubber:
    """One scrub of a drive set. `progress` is called after every pack."""

    def __init__(
        self,
        drives: DriveSet,
        code: Code,
        ledger: LedgerCopies,
        clock: Clock,
        progress: Callable[[Progress], None],
    ) -> None:
        self._drives, self._code, self._ledger = drives, code, ledger
        self._clock, self._progress = clock, progress
        self._catalogue = PackCatalogue(ledger.history.entries())

    def run(
        self,
        *,
        unix_s: int,
        phase: Phase = Phase.SCRUB,
        stop: Callable[[], bool] = stripe_workers.never,
        begin: PackId | None = None,
    ) -> ScrubReport:
        """Check every pack, from `begin` on; all of them where the ledger does not name it. `unix_s` is
        the interlock's time, for the ledger."""
        report = ScrubReport(
            drives={drive.index: DriveCount() for drive in self._drives.readable},
            missing_drives=self._drives.missing,
            ledger_damage=self._ledger.damage,
            findings=self._drives.findings,
        )
        packs = self._from(begin)
        waiting = iter(packs)
        began_ms, done, total = self._clock.monotonic_ms(), 0, sum(facts.size for facts in packs)
        ended = False
        while not ended:
            part = list(islice(waiting, SLICE_PACKS))
            ended = len(part) < SLICE_PACKS
            slice_results: list[_PackResult] = []
            for facts, result in stripe_workers.run(self._drives.geometry, part, self._check, stop):
                slice_results.append(result)
                done += facts.size
                elapsed_ms = max(1, self._clock.monotonic_ms() - began_ms)
                self._progress(Progress(done=done, total=total, rate=done * 1000 // elapsed_ms))
            self._take(report, slice_results)
            if part or not report.packs:
                self._ledger.append(_entry(slice_results, self._drives, unix_s, phase))
            if len(slice_results) < len(part):
                report.next_pack = part[len(slice_results)].pack
                break
        report.failures = tuple(self._drives.failures.values())
        return report

    def _from(self, begin: PackId | None) -> Sequence[PackFacts]:
        order = list(self._catalogue.facts)
        first = order.index(begin) if begin in self._catalogue.facts else 0
        return [self._catalogue.facts[pack] for pack in order[first:]]

    def _take(self, report: ScrubReport, results: Sequence[_PackResult]) -> None:
        for result in results:
            report.packs += 1
            for index, count in result.counts.items():
                total = report.drives[index]
                total.blocks += count.blocks
                total.bad += count.bad
                total.missing += count.missing
            report.repaired += result.repaired
            report.unrepaired += [(index, result.facts.pack) for index in result.unrepaired]
            if result.lost:
                report.lost[result.facts.pack] = self._catalogue.snapshots(result.facts.pack)

    # One pack ------------------------------------------------------------------------------------------

    def _check(self, facts: PackFacts, buffer: StripeBuffer) -> _PackResult:
        try:
            shards = PackShards(self._drives, self._code, facts)
        except PackLost:
            everyone = [drive.index for drive in self._drives.readable]
            counts = {index: DriveCount(missing=1) for index in everyone}
            return _PackResult(facts=facts, counts=counts, unrepaired=everyone, lost=True)
        try:
            return self._check_shards(facts, shards, buffer)
        finally:
            shards.close()

    def _check_shards(self, facts: PackFacts, shards: PackShards, buffer: StripeBuffer) -> _PackResult:
        counts: dict[DriveIndex, DriveCount] = {}
        lacking: set[DriveIndex] = set()
        adopted: list[ShardName] = []
        for drive in self._drives.readable:
            counts[drive.index] = DriveCount()
            recorded = self._catalogue.revision(facts.pack, drive.index)
            sound = sound_shard.find(drive, shards, recorded, counts[drive.index], buffer)
            if sound is None:
                lacking.add(drive.index)
            elif sound.revision != recorded:
                adopted.append(sound)  # written by a repair that was cut before it was recorded
        repaired, lost = adopted, False
        if lacking:
            try:
                revision = partial(self._catalogue.revision, facts.pack)
                anew = shard_repair.rebuild(self._drives, shards, lacking, buffer, revision)
                repaired = [*adopted, *anew]
            except PackLost:
                lost = True
        left = lacking - {name.index for name in repaired}
        return _PackResult(facts=facts, counts=counts, repaired=repaired, unrepaired=sorted(left), lost=lost)


def _entry(results: Sequence[_PackResult], drives: DriveSet, unix_s: int, phase: Phase) -> Scrub:
    """The ledger entry of one slice."""
    blocks: Counter[int] = Counter()
    bad: Counter[int] = Counter()
    missing: Counter[int] = Counter()
    for result in results:
        for index, count in result.counts.items():
            blocks[index] += count.blocks
            bad[index] += count.bad
            missing[index] += count.missing
    return Scrub(
        time=unix_s,
        phase=phase,
        drives=tuple(
            DrivePart(drive=d.index, blocks=blocks[d.index], bad=bad[d.index], missing=missing[d.index])
            for d in drives.readable
        ),
        repaired=tuple(
            Placement(drive=name.index, pack=name.pack.hex(), revision=name.revision)
            for result in results
            for name in result.repaired
        ),
        unrepaired=tuple(
            Loss(drive=index, pack=result.facts.pack.hex())
            for result in results
            for index in result.unrepaired
        ),
    )
