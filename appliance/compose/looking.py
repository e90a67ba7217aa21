"""Commands that only look: the drives stay dark, nothing is connected, nothing is written.

What the box is comes from the plant and the interlock; what happened, from the controller's own copy of
the ledger. The interlock says how much of the ledger there has to be.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from appliance.compose import (
    documents,
    ledger_papers,
    policy_documents,
    report_document,
    restore_plan,
    status_document,
)
from appliance.compose.emulated_board import EmulatedBoard
from appliance.compose.home import Home
from appliance.compose.ledger_record import LedgerRecord, known_to
from appliance.compose.pending_policies import PendingPolicies
from appliance.compose.policy_files import PolicyFiles
from appliance.compose.policy_follow import waiting_of
from appliance.domain.ledger_request import LedgerRequest
from appliance.domain.phases import Phase
from appliance.ports import ReportRequest
from appliance.service import snapshots


@dataclass(frozen=True, slots=True)
class Looking:
    """One look. `board` powers the box up."""

    home: Home
    texts: PolicyFiles
    board: Callable[[], EmulatedBoard]

    @property
    def _record(self) -> LedgerRecord:
        return LedgerRecord(self.home, self.texts)

    def status(self) -> Mapping[str, Any]:
        """See ports.Appliance."""
        board = self.board()
        board.settle()
        facts = status = waiting = None
        if board.reading().phase is Phase.ISOLATED:
            interlock = board.interlock()
            facts, status = interlock.hello(), interlock.heartbeat(0)
            waiting = waiting_of(interlock.authority(), self.texts, PendingPolicies(self.home.pending))
        desk = ledger_papers.desk(self.home, self.texts)
        document = status_document.status(self.home, self.texts, board.reading(), facts, status, desk=desk)
        board.power_off()
        return document | {"pending_policy": policy_documents.pending(waiting, self.texts.policy)}

    def copies(self) -> Mapping[str, Any]:
        """See ports.Appliance."""
        record, known = self._record, known_to(self.board())
        return documents.copies(snapshots.each(record.entries()), held=record.witnessed(), known=known)

    def consult_ledger(self, request: LedgerRequest) -> Mapping[str, Any]:
        """See ports.Appliance."""
        return ledger_papers.answer(self.home, self.texts, known_to(self.board()), request)

    def plan_restore(self, snapshot: str, sources: Sequence[str], into: str | None) -> Mapping[str, Any]:
        """See ports.Appliance."""
        known = known_to(self.board())
        return restore_plan.plan(self.home, self.texts, known, snapshot, sources, into)

    def report(self, request: ReportRequest) -> Mapping[str, Any]:
        """See ports.Appliance."""
        board = self.board()
        now_s, known = board.unix_s, known_to(board)
        return report_document.report(self.texts, self._record, known, now_s, request)
