"""`restore run` on the emulated board: order, votes, key switch, RECOVERY.

The holders sign while the box is ISOLATED; the interlock accepts the order; only then the sealing
medium boots into RECOVERY with the tokens (THREATS 3).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from appliance.adapters import restore_target
from appliance.compose import documents, key_rooms
from appliance.compose.emulated_board import EmulatedBoard, require_able
from appliance.compose.home import Home, keep_apart
from appliance.compose.job import Passphrases, RestoreJob
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
from appliance.ports import RestoreRequest, Watcher
from appliance.service import snapshots
from appliance.words import N_

# An order is valid for as long as the recovery may take: it is used at once here, and the interlock keeps
# the nonce of each until it has expired, 64 at the most.
ORDER_S = 600  # s; spin-up, the keys and a small restore, on a slow machine
RESTORE_BYTES_PER_S = 1_000_000  # bytes per second; a tenth of what a slow USB disk takes
RESTORE_FILES_PER_S = 100  # files per second; a tenth of what a slow card makes
REASON = "restore run on the emulated board"


@dataclass(frozen=True, slots=True)
class Recalling:
    """One recovery. `board` powers the box up."""

    home: Home
    texts: PolicyFiles
    board: Callable[[], EmulatedBoard]

    def run(self, request: RestoreRequest, watcher: Watcher) -> Mapping[str, Any]:
        """See ports.Appliance.restore."""
        target = Path(request.target)
        keep_apart(self.home.root, {"target": target})
        if target.exists() and not request.resume and not restore_target.is_vacant(target):
            raise TargetNotEmpty(path=target)
        board = self.board()
        require_able(board)
        interlock = board.interlock()
        self._require_whole(interlock.hello().log_size)
        order = self._order(request, board.unix_s)
        passphrases = key_rooms.ask_for(request.tokens, request.ask)
        votes = key_rooms.collect_votes(self.texts.text, order, list(request.tokens), passphrases)
        target.mkdir(parents=True, exist_ok=True)
        board.turn_key(turned=True)
        cause = interlock.upload_order(order, votes.votes)
        if cause:
            raise InterlockRefused(request="recovery order", cause=cause)
        interlock.heartbeat(0)
        board.hand_over(self._job(request, order, votes, passphrases))
        cause = interlock.request(Phase.RECOVERY)
        if cause:
            raise InterlockRefused(request=Phase.RECOVERY.value, cause=cause)
        log = board.run(watcher)
        log.totals = board.totals
        board.turn_key(turned=False)
        board.power_off()
        if log.error is not None:
            raise log.error
        return documents.restored(log, self._deeds(votes, log.reports.get("restored", {})))

    def _require_whole(self, known: int) -> None:
        """LedgerBehind where our own copy of the ledger lacks entries: `latest` could be another one."""
        held = LedgerRecord(self.home, self.texts).witnessed()
        if held < known:
            raise LedgerBehind(held=held, known=known)

    def _order(self, request: RestoreRequest, unix_s: int) -> bytes:
        snapshot = snapshots.meant(LedgerRecord(self.home, self.texts).snapshots(), request.snapshot)
        known = {part.name for part in snapshot.sources}
        work_s = sum(
            part.bytes // RESTORE_BYTES_PER_S + part.files // RESTORE_FILES_PER_S for part in snapshot.sources
        )
        for source in request.sources:
            if source not in known:
                raise SourceUnknown(source=source, snapshot=snapshot.snapshot)
        try:
            order = RecoveryOrder(
                vault_id=self.texts.policy.vault_id,
                policy=self.texts.hash,
                nonce=os.urandom(recovery_order.NONCE_BYTES),
                expires_s=unix_s + min(ORDER_S + work_s, recovery_order.VALID_S_MAX),
                snapshot=SnapshotId(snapshot.snapshot),
                sources=tuple(SourceName(source) for source in dict.fromkeys(request.sources)),
                path=request.subtree,
                reason=REASON,
                destination=os.fsencode(request.target),
            )
        except OrderInvalid as error:  # nobody signed anything: the words of the command made it so
            raise UsageError(detail=str(error.values["detail"])) from None
        return recovery_order.render(order)

    def _job(
        self, request: RestoreRequest, order: bytes, votes: Votes, passphrases: Passphrases
    ) -> RestoreJob:
        return RestoreJob(
            home=str(self.home.root),
            order=order,
            votes=votes.votes,
            tokens=list(request.tokens),
            passphrases=passphrases,
            target=request.target,
            resume=request.resume,
            devices=request.devices,
            set_id=request.set_id,
        )

    def _deeds(self, votes: Votes, report: Mapping[str, object]) -> dict[str, list[str]]:
        """What each holder did, as the signatures and the opened shares show it."""
        used = report.get("holders")
        deeds: dict[str, list[str]] = {}
        for holder in self.texts.policy.holders:
            did = []
            if holder.number in {number for number, _ in votes.votes}:
                did.append(N_("signed the recovery order"))
            if isinstance(used, list) and holder.number in used:
                did.append(N_("gave a share"))
            deeds[str(holder.number)] = did
        return deeds
