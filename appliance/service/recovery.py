"""Recovery in the RECOVERY phase: order into the ledger, then the key, then the data.

Runs in a hardened process that ends with the key, while the interlock keeps the link impossible. No key
exists before the order is witnessed. THREATS 2, 3.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from appliance.custody import order as recovery_order
from appliance.custody import votes
from appliance.custody.order import RecoveryOrder
from appliance.custody.policy_files import SignedPolicy
from appliance.custody.recovery import Recovered
from appliance.custody.votes import Vote
from appliance.domain.phases import Phase
from appliance.errors import (
    AttributesLeftOut,
    DrivesTooFew,
    FilesChanged,
    InterlockRefused,
    IwatoError,
    OrderInvalid,
    RestoreIncomplete,
    SnapshotLacks,
    SnapshotPartial,
)
from appliance.format.ledger_entry import Recovery, Seal
from appliance.ports import RestoreTarget, Token
from appliance.service import drive_phase, snapshots, vault_opening
from appliance.service.drive_phase import DrivePhase
from appliance.service.gather import Gatherer
from appliance.service.pack_catalogue import PackCatalogue
from appliance.service.restore import Restore
from appliance.service.restore_files import RestoreReport
from appliance.service.selection import Selection

PROGRESS_BYTES = 4 << 20  # bytes between two progress events; a screen shows no finer
NOT_NOW = "NOT_NOW"  # the interlock's word for a thing of another phase
LISTED_MAX = 1000  # objects named in the report; the counts are exact


@dataclass(frozen=True, slots=True, kw_only=True)
class Recall:
    """What the recovery phase was given: the order and the holders' votes for it, the policy that it
    was made under, and the holders' tokens."""

    order: bytes
    votes: Sequence[Vote]
    signed: SignedPolicy
    tokens: Sequence[Token]


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """What k holders allowed: the order, its snapshot, the vault's key, the packs, and whose shares were
    used. It lives and dies with the process."""

    order: RecoveryOrder
    snapshot: Seal
    vault: Recovered
    gatherer: Gatherer

    @property
    def selection(self) -> Selection:
        """What of the snapshot the order names."""
        return Selection(sources=frozenset(self.order.sources), subtree=self.order.path)


def open_order(phase: DrivePhase, recall: Recall, *, nowhere: bool) -> Opened:
    """Check the order, have it witnessed, then open the vault's key. OrderInvalid for one that lets
    something be written where `nowhere` is meant, and the other way round."""
    if phase.facts.phase is not Phase.RECOVERY:  # only there the interlock keeps the link impossible
        raise InterlockRefused(request=Phase.RECOVERY.value, cause=NOT_NOW)
    policy = recall.signed.policy
    _require_drives(phase)
    armored = votes.armor(policy, votes.ORDER_NAMESPACE, recall.order, recall.votes)
    votes.require(policy, votes.ORDER_NAMESPACE, recall.order, armored)
    order = recovery_order.parse(recall.order)
    if (order.destination == recovery_order.NOWHERE) is not nowhere:
        raise OrderInvalid(detail="it was signed for something else")
    recovery_order.check(order, policy.vault_id, recall.signed.digest, phase.facts.unix_s)
    snapshot = snapshots.meant(snapshots.listed(phase.ledger.history.entries()), order.snapshot)
    phase.ledger.append(_entry(order, recall.order, phase))
    vault = vault_opening.open_vault(policy, policy.generation.number, recall.tokens)
    for wrong in vault.wrong:
        drive_phase.warn(phase.shop.console, wrong)
    catalogue = PackCatalogue(phase.ledger.history.entries())
    gatherer = Gatherer(phase.drives, phase.shop.code, catalogue.facts)
    return Opened(order=order, snapshot=snapshot, vault=vault, gatherer=gatherer)


def recover(phase: DrivePhase, recall: Recall, target: RestoreTarget) -> None:
    """Restore what the order says into `target`. Says `restored` on the console."""
    opened = open_order(phase, recall, nowhere=False)
    report = restore_to(phase, opened, target, "restore")
    say(phase, "restored", opened, report, target)


def restore_to(phase: DrivePhase, opened: Opened, target: RestoreTarget, stage: str) -> RestoreReport:
    """Restore what the order names; what the snapshot itself lacks is a warning. `stage` names the work."""
    snapshot = opened.snapshot
    steps = Steps(phase, stage, opened.selection.announced(snapshot))
    restore = Restore(opened.gatherer, opened.vault.identity, target, steps.at)
    report = restore.run(snapshot, opened.selection)
    if not snapshot.complete:
        drive_phase.warn(phase.shop.console, SnapshotPartial(snapshot=snapshot.snapshot))
    if snapshot.unreadable:
        lacking = SnapshotLacks(snapshot=snapshot.snapshot, count=snapshot.unreadable)
        drive_phase.warn(phase.shop.console, lacking)
    return report


def _require_drives(phase: DrivePhase) -> None:
    """With fewer than k drives nothing can be restored, and no key need ever exist."""
    needed, present = phase.drives.geometry.data, len(phase.drives.readable)
    if present < needed:
        raise DrivesTooFew(present=present, needed=needed, total=phase.drives.geometry.drives)


class Steps:
    """Progress on the console, not more often than a screen can show. `total` bytes, 0: not known."""

    def __init__(self, phase: DrivePhase, stage: str, total: int = 0) -> None:
        self._phase, self._stage, self._total, self._said = phase, stage, total, 0

    def at(self, done: int) -> None:
        self._phase.moved()
        if done - self._said >= PROGRESS_BYTES:
            self._said = done
            self._phase.shop.console.say("progress", stage=self._stage, done=done, total=self._total)


def _entry(order: RecoveryOrder, text: bytes, phase: DrivePhase) -> Recovery:
    return Recovery(
        time=phase.facts.unix_s,
        phase=phase.facts.phase,
        order=hashlib.sha256(text).hexdigest(),
        nonce=order.nonce.hex(),
        snapshot=order.snapshot,
        sources=order.sources,
        why=order.reason,
        destination=order.destination.decode("utf-8", "backslashreplace"),
    )


def say(
    phase: DrivePhase, event: str, opened: Opened, report: RestoreReport, target: RestoreTarget
) -> None:
    """The report of a restore, into a directory or into nowhere."""
    console = phase.shop.console
    failed = [(_text(path), _reason(error)) for path, error in report.failed]
    left_out = [(_text(path), reason) for path, reason in target.left_out]
    if failed:
        path, reason = failed[0]
        drive_phase.warn(console, RestoreIncomplete(count=len(failed), path=path, reason=reason))
    if left_out:
        path, reason = left_out[0]
        drive_phase.warn(console, AttributesLeftOut(count=len(left_out), path=path, reason=reason))
    if report.changed:
        drive_phase.warn(console, FilesChanged(count=len(report.changed), path=_text(report.changed[0])))
    console.say(
        event,
        snapshot=opened.snapshot.snapshot,
        objects=report.objects,
        bytes=report.content_bytes,
        not_restored=failed[:LISTED_MAX],
        left_out=left_out[:LISTED_MAX],
        holders=list(opened.vault.used),
        damaged_blocks=len(opened.gatherer.damages),
        log_size=phase.ledger.history.size,
    )


def _text(path: bytes) -> str:
    return path.decode("utf-8", "backslashreplace")


def _reason(error: IwatoError | OSError) -> str:
    if isinstance(error, IwatoError):
        return f"{error.code} {error.what.format(**error.values)}"
    return error.strerror or str(error)
