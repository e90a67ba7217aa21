"""What k holders do at the interlock itself: release what is latched, set its clock (PROTOCOL 13.2, 13.4).

Needs the key switch turned: somebody stands at the box. The interlock judges; signing happens in a process of
its own (policy_rooms.py). Nothing is connected by it, and no drive gets power.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

from appliance.compose import documents, key_rooms, policy_rooms
from appliance.compose.board_reading import fault_of
from appliance.compose.emulated_board import EmulatedBoard
from appliance.compose.home import Home
from appliance.compose.policy_files import PolicyFiles
from appliance.compose.policy_rooms import Ballot, ClockRequest, ReleaseRequest
from appliance.custody import interlock_order
from appliance.custody.policy_port import AskPassphrase
from appliance.errors import EXIT_OK, EXIT_WARNINGS, InterlockRefused, NothingLatched, UsageError, by_code

ORDER_S = 600  # s; signed and used at once here, so that a copy of the order is soon worth nothing


@dataclass(frozen=True, slots=True)
class QuorumActs:
    """`held` takes the home's lock for one act, `board` powers the box up."""

    home: Home
    held: Callable[[], AbstractContextManager[None]]
    board: Callable[[], EmulatedBoard]

    @property
    def _policy(self) -> bytes:
        return PolicyFiles(self.home.policy).text

    def release(self, tokens: Sequence[str], ask: AskPassphrase | None, why: str) -> Mapping[str, Any]:
        """See ports.Quorum. NothingLatched where there is nothing to forgive."""
        _require_reason(why)
        with self.held():
            return self._release(tokens, ask, why)

    def set_clock(
        self, time_s: int, tokens: Sequence[str], ask: AskPassphrase | None, why: str
    ) -> Mapping[str, Any]:
        """See ports.Quorum."""
        _require_reason(why)
        with self.held():
            return self._set_clock(time_s, tokens, ask, why)

    def _release(self, tokens: Sequence[str], ask: AskPassphrase | None, why: str) -> Mapping[str, Any]:
        board = self.board()
        board.settle()
        seen = board.reading()
        if fault_of(seen) is None:
            board.power_off()
            raise NothingLatched(phase=seen.phase.value)
        request = ReleaseRequest(
            policy=self._policy,
            tokens=list(tokens),
            passphrases=key_rooms.ask_for(tokens, ask),
            nonce=os.urandom(interlock_order.NONCE_BYTES),
            expires_s=board.unix_s + ORDER_S,
            why=why,
            secured=seen.secured,
            fault=seen.fault or interlock_order.NO_FAULT,
        )
        ballot = policy_rooms.collect(request)
        self._hand_in(board, "RELEASE_ORDER", ballot)
        return self._document(board, ballot, released={"secured": seen.secured, "fault": seen.fault})

    def _set_clock(
        self, time_s: int, tokens: Sequence[str], ask: AskPassphrase | None, why: str
    ) -> Mapping[str, Any]:
        board = self.board()
        board.settle()
        interlock = board.interlock()
        interlock.hello()
        challenge, age_s = interlock.challenge()
        request = ClockRequest(
            policy=self._policy,
            tokens=list(tokens),
            passphrases=key_rooms.ask_for(tokens, ask),
            nonce=challenge,
            expires_s=time_s + ORDER_S,
            why=why,
            time_s=time_s - age_s,
        )
        ballot = policy_rooms.collect(request)
        self._hand_in(board, "TIME_ORDER", ballot)
        return self._document(board, ballot, time=documents.utc(board.unix_s))

    def _hand_in(self, board: EmulatedBoard, kind: str, ballot: Ballot) -> None:
        """InterlockRefused with its cause; the key is turned back either way."""
        board.turn_key(turned=True)
        try:
            interlock = board.interlock()
            interlock.hello()
            cause = interlock.submit(kind, ballot.text, ballot.votes)
        finally:
            board.turn_key(turned=False)
        if cause:
            board.power_off()
            raise InterlockRefused(request=kind.lower().replace("_", " "), cause=cause)

    def _document(self, board: EmulatedBoard, ballot: Ballot, **done: object) -> Mapping[str, Any]:
        """The box proves itself dark once more; what it is then, and who signed."""
        board.settle()
        phase = board.reading().phase.value
        board.power_off()
        warnings = [documents.warning_of(by_code()[code](**values)) for code, values in ballot.wrong]
        return {
            "schema": documents.SCHEMA,
            "phase": phase,
            **done,
            "signed": sorted(number for number, _ in ballot.votes),
            "order": ballot.text.decode("utf-8"),
            "warnings": warnings,
            "exit": EXIT_WARNINGS if warnings else EXIT_OK,
        }


def _require_reason(why: str) -> None:
    if not interlock_order.fits(why):
        raise UsageError(detail=f"--why has to have 1 to {interlock_order.WHY_CHARS_MAX} characters")
