"""`restore run`, `copies verify` with tokens and `copies diff` on the emulated board: order, votes, key
switch, RECOVERY.

The holders sign while the box is ISOLATED; the interlock accepts the order; only then the sealing
medium boots into RECOVERY with the tokens (THREATS 3).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from appliance.adapters import restore_target
from appliance.compose import documents, key_rooms, ledger_papers
from appliance.compose.emulated_board import EmulatedBoard, require_able
from appliance.compose.home import Home, keep_apart
from appliance.compose.job import AnyJob, Passphrases, ProveJob, RestoreJob
from appliance.compose.job_log import JobLog
from appliance.compose.key_rooms import Votes
from appliance.compose.ledger_record import LedgerRecord
from appliance.compose.policy_files import PolicyFiles
from appliance.custody import order as recovery_order
from appliance.custody.order import RecoveryOrder
from appliance.domain.ids import SnapshotId, SourceName
from appliance.domain.phases import Phase
from appliance.errors import (
    InterlockRefused,
    LedgerBehind,
    OrderInvalid,
    SourceUnknown,
    TargetNotEmpty,
    UsageError,
)
from appliance.ports import CopyRequest, RestoreRequest, Watcher
from appliance.service import snapshots
from appliance.words import N_

# An order is valid for as long as the recovery may take: it is used at once here, and the interlock keeps
# the nonce of each until it has expired, 64 at the most.
ORDER_S = 600  # s; spin-up, the keys and a small restore, on a slow machine
RESTORE_BYTES_PER_S = 1_000_000  # bytes per second; a tenth of what a slow USB disk takes
RESTORE_FILES_PER_S = 100  # files per second; a tenth of what a slow card makes
REASON = "restore run on the emulated board"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wanted:
    """What an order is to say: of which copy, where to, why, and beside which other snapshot."""

    copy: CopyRequest
    destination: bytes
    reason: str
    against: str = ""


MakeJob = Callable[[bytes, Votes, Passphrases], AnyJob]
"""The job that the recovery phase does, from the order, the votes on it and the passphrases."""


@dataclass(frozen=True, slots=True)
class Recalling:
    """One recovery. `board` powers the box up."""

    home: Home
    texts: PolicyFiles
    board: Callable[[], EmulatedBoard]

    def restore(self, request: RestoreRequest, watcher: Watcher) -> Mapping[str, Any]:
        """See ports.Appliance.restore."""
        target = Path(request.target)
        keep_apart(self.home.root, {"target": target})
        if target.exists() and not request.resume and not restore_target.is_vacant(target):
            raise TargetNotEmpty(path=target)

        def job(order: bytes, votes: Votes, passphrases: Passphrases) -> RestoreJob:
            target.mkdir(parents=True, exist_ok=True)
            return RestoreJob(
                home=str(self.home.root),
                order=order,
                votes=votes.votes,
                tokens=list(request.copy.tokens),
                passphrases=passphrases,
                target=request.target,
                resume=request.resume,
                devices=request.devices,
                set_id=request.set_id,
            )

        wanted = _Wanted(copy=request.copy, destination=os.fsencode(request.target), reason=REASON)
        log, votes = self._recover(wanted, job, watcher)
        return documents.restored(log, self._deeds(votes, log.reports.get("restored", {})))

    def prove(self, request: CopyRequest, watcher: Watcher) -> Mapping[str, Any]:
        """See ports.Appliance.verify_copy. Nothing is written anywhere."""
        wanted = _Wanted(copy=request, destination=recovery_order.NOWHERE, reason="copies verify")
        log, votes = self._recover(wanted, self._prove_job(request), watcher)
        return documents.proven(log, self._deeds(votes, log.reports.get("proven", {})))

    def compare(self, request: CopyRequest, against: str, watcher: Watcher) -> Mapping[str, Any]:
        """See ports.Appliance.diff_copies."""
        wanted = _Wanted(
            copy=request, destination=recovery_order.NOWHERE, reason="copies diff", against=against
        )
        log, votes = self._recover(wanted, self._prove_job(request), watcher)
        return documents.compared(log, self._deeds(votes, log.reports.get("compared", {})))

    def _prove_job(self, request: CopyRequest) -> MakeJob:
        def job(order: bytes, votes: Votes, passphrases: Passphrases) -> ProveJob:
            return ProveJob(
                home=str(self.home.root),
                order=order,
                votes=votes.votes,
                tokens=list(request.tokens),
                passphrases=passphrases,
            )

        return job

    def _recover(self, wanted: _Wanted, make_job: MakeJob, watcher: Watcher) -> tuple[JobLog, Votes]:
        """Order, votes, key switch, RECOVERY; the job's error is raised."""
        tokens = list(wanted.copy.tokens)
        board = self.board()
        require_able(board)
        interlock = board.interlock()
        self._require_whole(interlock.hello().log_size)
        order = self._order(wanted, board.unix_s)
        passphrases = key_rooms.ask_for(tokens, wanted.copy.ask)
        shown = ledger_papers.newest(self.home, self.texts)
        votes = key_rooms.collect_votes(
            self.texts.text, tokens, passphrases, order=order, checkpoint=shown
        )
        with suppress(OSError):  # a full disk is no reason to leave people without their data
            ledger_papers.countersign(self.home, self.texts, shown, votes.countersigned)
        job = make_job(order, votes, passphrases)
        board.turn_key(turned=True)
        cause = interlock.upload_order(order, votes.votes)
        if cause:
            raise InterlockRefused(request="recovery order", cause=cause)
        interlock.heartbeat(0)
        board.hand_over(job)
        cause = interlock.request(Phase.RECOVERY)
        if cause:
            raise InterlockRefused(request=Phase.RECOVERY.value, cause=cause)
        log = board.run(watcher)
        log.totals = board.totals
        board.turn_key(turned=False)
        board.power_off()
        if log.error is not None:
            raise log.error
        return log, votes

    def _require_whole(self, known: int) -> None:
        """LedgerBehind where our own copy of the ledger lacks entries: `latest` could be another one."""
        held = LedgerRecord(self.home, self.texts).witnessed()
        if held < known:
            raise LedgerBehind(held=held, known=known)

    def _order(self, wanted: _Wanted, unix_s: int) -> bytes:
        copy, known = wanted.copy, LedgerRecord(self.home, self.texts).snapshots()
        snapshot = snapshots.meant(known, copy.snapshot)
        against = snapshots.meant(known, wanted.against) if wanted.against else None
        parts = [part for found in (snapshot, against) if found is not None for part in found.sources]
        work_s = sum(part.bytes // RESTORE_BYTES_PER_S + part.files // RESTORE_FILES_PER_S for part in parts)
        for source in copy.sources:
            if source not in {part.name for part in parts}:
                raise SourceUnknown(source=source, snapshot=snapshot.snapshot)
        try:
            order = RecoveryOrder(
                vault_id=self.texts.policy.vault_id,
                policy=self.texts.hash,
                nonce=os.urandom(recovery_order.NONCE_BYTES),
                expires_s=unix_s + min(ORDER_S + work_s, recovery_order.VALID_S_MAX),
                snapshot=SnapshotId(snapshot.snapshot),
                against=SnapshotId(against.snapshot) if against is not None else None,
                sources=tuple(SourceName(source) for source in dict.fromkeys(copy.sources)),
                path=copy.subtree,
                reason=wanted.reason,
                destination=wanted.destination,
            )
        except OrderInvalid as error:  # nobody signed anything: the words of the command made it so
            raise UsageError(detail=str(error.values["detail"])) from None
        return recovery_order.render(order)

    def _deeds(self, votes: Votes, report: Mapping[str, object]) -> dict[str, list[str]]:
        """What each holder did, as the signatures and the opened shares show it."""
        used = report.get("holders")
        deeds: dict[str, list[str]] = {}
        for holder in self.texts.policy.holders:
            did = []
            if holder.number in {number for number, _ in votes.votes}:
                did.append(N_("signed the recovery order"))
            if holder.number in {number for number, _ in votes.countersigned}:
                did.append(N_("countersigned the newest checkpoint"))
            if isinstance(used, list) and holder.number in used:
                did.append(N_("gave a share"))
            deeds[str(holder.number)] = did
        return deeds
