"""The jobs of a drive phase that need no key: first filling, sealing, scrub.

Each takes a DrivePhase that has begun, says what it did on the console as one report event, and
returns. Order and threads are those of the parts it calls.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import islice

from appliance.domain.ids import DriveIndex, PackId
from appliance.domain.phases import Phase
from appliance.errors import (
    CommitDegraded,
    DamageFound,
    DriveForgot,
    DrivesTooFew,
    SnapshotsDamaged,
    StateFailed,
)
from appliance.format.ledger_entry import Birth, Note, PolicyAccepted, Seal
from appliance.ports import Entropy, Files
from appliance.service import (
    drive_phase,
    drive_replacement,
    drive_set,
    interlock_log,
    losses,
    policy_copies,
    policy_record,
    seal_report,
)
from appliance.service import scrub as scrubbing
from appliance.service.drive_phase import DrivePhase, Workshop
from appliance.service.pack_catalogue import PackCatalogue
from appliance.service.policy_copies import PolicyDamage
from appliance.service.seal_entry import SealFacts
from appliance.service.seal_report import SealReport
from appliance.service.sealing import Sealing, Watch

DRIVE_RECORD = "drives.json"
SCRUB_RECORD = "scrub-next"  # the pack, in hex, at which a stopped scrub goes on; empty after a whole one
LOST_SAID = 20  # packs beyond repair that become warnings
# Packs beyond repair that the report names, and snapshots of each: at most 50,000 bytes of the console's
# line. The count is exact, and the ledger's entry names every shard.
LOST_LISTED, LOST_SNAPSHOTS = 256, 4
_PACK_HEX_BYTES = 64
_PACK_HEX = re.compile(rb"[0-9a-f]{64}")


def prepare(shop: Workshop, entropy: Entropy, files: Mapping[str, bytes]) -> None:
    """First filling: headers on blank drives, the policy's texts, the ledger's first two entries."""
    facts = drive_phase.boot(shop)
    with shop.pulse:
        try:
            for number, drive in enumerate(drive_phase.wait_for_drives(shop)):
                drive_set.prepare(
                    drive.files, shop.set_facts, DriveIndex(number), shop.keys.log, shop.sign, entropy
                )
            phase = drive_phase.begin(shop, facts)
            drive_set.put_missing(phase.drives, files)
            vault, policy_hash = shop.set_facts.vault.hex(), shop.policy_hash.hex()
            time, where = facts.unix_s, facts.phase
            phase.ledger.append(Birth(time=time, phase=where, vault=vault, policy_hash=policy_hash))
            version = facts.policy_version
            phase.ledger.append(PolicyAccepted(time=time, phase=where, version=version, hash=policy_hash))
            phase.shop.console.say("prepared", drives=len(phase.drives.writable))
            record_drives(phase)
        finally:
            shop.keeper.work_done()


def seal(phase: DrivePhase, recipient: bytes, files: Mapping[str, bytes]) -> None:
    """Take over the interlock's news, roll forward, seal what is staged."""
    shop = phase.shop
    policy_record.follow(phase)
    drive_set.put_missing(phase.drives, files)
    untaken = losses.tell(phase)
    link_s = take_over_events(phase)

    def progress(now: seal_report.Progress) -> None:
        shop.console.say("progress", stage="seal", done=now.done, total=now.total)

    work = Sealing(
        staging=shop.staging,
        drives=phase.drives,
        code=shop.code,
        ledger=phase.ledger,
        watch=Watch(
            stop=phase.stop,
            moved=phase.moved,
            progress=progress,
            committed=lambda so_far: shop.console.say("committed", **_committed(phase, so_far)),
        ),
    )
    report = work.run(SealFacts(boot=phase.facts, recipient=recipient, link_s=link_s))
    for refused in report.refused:
        drive_phase.warn(shop.console, refused)
    if report.staging_failed is not None:
        drive_phase.warn(shop.console, report.staging_failed)
    for index, count in sorted(report.healed.forgotten.items()):
        drive_phase.warn(shop.console, DriveForgot(drive=index + 1, count=count))
    sealed = [item.entry for item in report.sealed]
    for entry in sealed:
        _say_degraded(phase, entry)
    if sealed:
        _say_lost(phase, losses.doubtful(phase, untaken, report.healed.lost), sealed[-1].snapshot)
    shop.console.say(
        "sealed",
        **_committed(phase, report),
        healed=len(report.healed.shards),
        recycled=len(report.recycled),
        stopped=report.stopped,
    )
    record_drives(phase)


def _committed(phase: DrivePhase, report: SealReport) -> dict[str, object]:
    """What the witness has acknowledged by now; a phase that is cut later has said it."""
    return {
        "snapshots": [_snapshot(item.entry) for item in report.sealed],
        "bytes_stored": report.bytes_stored,
        "log_size": phase.ledger.history.size,
        "checkpoint": phase.ledger.note.decode("utf-8"),
    }


def scrub(phase: DrivePhase, files: Mapping[str, bytes]) -> None:
    """Read everything, repair what can be repaired. `files` are the policy's, as every drive has them."""
    shop = phase.shop
    take_over_events(phase)
    if policy_record.follow(phase):
        drive_set.put_missing(phase.drives, files)  # new, not damaged
    policy_damage = _mend_policy(phase, files)

    def progress(now: scrubbing.Progress) -> None:
        phase.moved()
        shop.console.say("progress", stage="scrub", done=now.done, total=now.total)

    scrubber = scrubbing.Scrubber(phase.drives, shop.code, phase.ledger, shop.clock, progress)
    report = scrubber.run(
        unix_s=phase.facts.unix_s, phase=phase.facts.phase, stop=phase.stop, begin=_scrub_begin(shop.state)
    )
    report.policy_damage = policy_damage
    losses.tell(phase)
    bad = sum(count.bad + count.missing for count in report.drives.values())
    left = len(report.unrepaired)
    if bad:
        drive_phase.warn(shop.console, DamageFound(bad=bad, repaired=len(report.repaired), unrepaired=left))
    _say_damaged(phase, islice(report.lost.items(), LOST_SAID))
    if len(phase.drives.readable) < phase.drives.geometry.data:
        _warn_too_few(phase)
    shop.console.say(
        "scrubbed",
        outcome=report.outcome,
        exit=report.exit_status,
        blocks=sum(count.blocks for count in report.drives.values()),
        drives=len(report.drives),
        packs=report.packs,
        bad=bad,
        repaired=len(report.repaired),
        unrepaired=left,
        lost={
            pack.hex(): list(snapshots[:LOST_SNAPSHOTS])
            for pack, snapshots in islice(report.lost.items(), LOST_LISTED)
        },
        lost_packs=len(report.lost),
        missing=[index + 1 for index in report.missing_drives],
        ledger_copies=len(report.ledger_damage),
        policy_copies=len(report.policy_damage),
        finished=report.next_pack is None,
        log_size=phase.ledger.history.size,
    )
    _record_next(shop, report.next_pack)
    record_drives(phase)


def repair(
    phase: DrivePhase, files: Mapping[str, bytes], policy: Mapping[str, bytes], entropy: Entropy
) -> None:
    """Let blank disks take the place of missing drives, then scrub: what a drive lacks is written anew.
    `files` are what every drive carries, `policy` those of them that scrub compares."""
    # A new drive lacks every pack, also those that a stopped scrub has done with.
    drive_replacement.adopt(phase, entropy, first=lambda: _record_next(phase.shop, None))
    drive_set.put_missing(phase.drives, files)  # also on a drive that joined just before a cut
    scrub(phase, policy)


def _record_next(shop: Workshop, pack: PackId | None) -> None:
    """Where the next scrub goes on. StateFailed as the disk says."""
    try:
        shop.state.replace(SCRUB_RECORD, pack.hex().encode() if pack else b"")
    except OSError as error:
        raise StateFailed(detail=f"{SCRUB_RECORD}: {error.strerror or error}") from error


def _scrub_begin(state: Files) -> PackId | None:
    """Where the last scrub was stopped; None for the front, also where that cannot be read."""
    try:
        text = state.read(SCRUB_RECORD, _PACK_HEX_BYTES)
    except (OSError, ValueError):
        return None
    return PackId(bytes.fromhex(text.decode())) if _PACK_HEX.fullmatch(text) else None


def _mend_policy(phase: DrivePhase, files: Mapping[str, bytes]) -> tuple[PolicyDamage, ...]:
    """Say what is wrong with the drives' copies of the policy, here and in the ledger."""
    damages = policy_copies.mend(phase.drives, files)
    for damage in damages:
        drive_phase.warn(phase.shop.console, damage.warning())
    if damages:
        text = policy_copies.entry_text(damages)
        phase.ledger.append(Note(time=phase.facts.unix_s, phase=phase.facts.phase, text=text))
    return damages


def _warn_too_few(phase: DrivePhase) -> None:
    geometry, present = phase.drives.geometry, len(phase.drives.readable)
    drive_phase.warn(
        phase.shop.console, DrivesTooFew(present=present, needed=geometry.data, total=geometry.drives)
    )


def take_over_events(phase: DrivePhase) -> int:
    """Append what the interlock refused or faulted on; returns the last link half's seconds."""
    entries = list(phase.ledger.history.entries())
    after = interlock_log.read_up_to(entries)
    every = phase.shop.interlock.events(0)
    fresh = [event for event in every if event[0] > after]
    for entry in interlock_log.news(fresh, entries, phase.facts.phase, phase.facts.unix_s):
        phase.ledger.append(entry)
    return interlock_log.link_seconds(every) if phase.facts.phase is Phase.SEAL else 0


def record_drives(phase: DrivePhase) -> None:
    """What `status` shows of the drives while they are dark: what this phase saw last. It is only shown, so
    that it cannot be written is a warning."""
    seen = {}
    for drive in phase.drives.readable:
        state = "failed" if drive.index in phase.drives.failures else "good"
        seen[str(drive.bay)] = {"id": drive.header.drive.hex(), "number": drive.index + 1, "state": state}
    shop = phase.shop
    try:
        shop.state.replace(DRIVE_RECORD, json.dumps({"time": phase.facts.unix_s, "bays": seen}).encode())
    except OSError as error:
        detail = f"{DRIVE_RECORD}: {error.strerror or error}"
        drive_phase.warn(shop.console, StateFailed(detail=detail))


def _say_lost(phase: DrivePhase, lost: Sequence[PackId], newest: str) -> None:
    """The newest snapshot is named too: its intake may have referred to the pack, and only the vault's key
    could tell."""
    catalogue = PackCatalogue(phase.ledger.history.entries())
    needing = ((pack, [*dict.fromkeys([*catalogue.snapshots(pack), newest])]) for pack in lost[:LOST_SAID])
    _say_damaged(phase, needing)


def _say_damaged(phase: DrivePhase, lost: Iterable[tuple[PackId, Sequence[str]]]) -> None:
    """Each pack that is lost, with the snapshots that need it and their sources."""
    catalogue = PackCatalogue(phase.ledger.history.entries())
    for pack, snapshots in lost:
        drive_phase.warn(
            phase.shop.console,
            SnapshotsDamaged(
                pack=pack.hex(),
                snapshots=", ".join(snapshots) or "-",
                sources=", ".join(catalogue.sources(snapshots)) or "-",
            ),
        )


def _say_degraded(phase: DrivePhase, entry: Seal) -> None:
    if entry.degraded:
        total = phase.drives.geometry.drives
        drives = drive_phase.numbers(entry.drives)
        drive_phase.warn(
            phase.shop.console, CommitDegraded(drives=drives, total=total, snapshot=entry.snapshot)
        )


def _snapshot(entry: Seal) -> dict[str, object]:
    return {
        "snapshot": entry.snapshot,
        "window": entry.window,
        "complete": entry.complete,
        "manifest": bool(entry.segments),
        "bytes_read": entry.bytes_read,
        "bytes_new": entry.bytes_new,
        "bytes_stored": entry.bytes_stored,
    }
