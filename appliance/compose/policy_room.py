"""The policies of one emulated box: `custody.policy_port.Policies`.

Each method is one command under the home's lock. Who may what is judged twice: here, before anything is
handed over, and by the interlock. Signing happens in a process of its own (policy_rooms.py). THREATS 3.9.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from appliance.compose import capture_document, key_rooms, policy_documents, policy_follow, policy_rooms
from appliance.compose.emulated_board import EmulatedBoard, require_able
from appliance.compose.home import Home, keep_apart
from appliance.compose.policy_documents import Papers
from appliance.compose.policy_files import PolicyFiles
from appliance.compose.policy_follow import Follower, Said, Waiting
from appliance.compose.policy_rooms import Ballot, OverrideRequest, PolicyRequest, VetoRequest
from appliance.custody import objection, policy_draft, policy_succession
from appliance.custody.policy import Policy
from appliance.custody.policy_port import AskPassphrase
from appliance.domain.phases import Phase
from appliance.errors import CeremonyNeeded, InterlockRefused, NothingPending, UsageError


@dataclass(frozen=True, slots=True)
class PolicyRoom:
    """`held` takes the home's lock and lets policies take effect that are due."""

    home: Home
    held: Callable[[], AbstractContextManager[None]]
    board: Callable[[], EmulatedBoard]

    @property
    def _texts(self) -> PolicyFiles:
        return PolicyFiles(self.home.policy)

    @property
    def _follower(self) -> Follower:
        return Follower(self.home, self.board)

    def in_force(self) -> Mapping[str, Any]:
        """See custody.policy_port."""
        with self.held():
            texts, board = self._texts, self.board()
            waiting = None
            if board.settle() is Phase.ISOLATED:
                waiting = self._waiting(texts, _asked(board))
            board.power_off()
            return policy_documents.in_force(texts, waiting)

    def compared(self, draft: bytes) -> Mapping[str, Any]:
        """See custody.policy_port."""
        with self.held():
            texts = self._texts
            new, findings = policy_draft.canonical(draft, texts.policy, texts.hash)
            if new is not None:
                self._require_apart(new)
            return policy_documents.compared(texts, new, findings)

    def signed(self, text: bytes, tokens: Sequence[str], ask: AskPassphrase | None) -> Mapping[str, Any]:
        """See custody.policy_port."""
        with self.held():
            texts = self._texts
            new = self._next(texts, text)
            request = PolicyRequest(
                policy=texts.text,
                tokens=list(tokens),
                passphrases=key_rooms.ask_for(tokens, ask),
                text=text,
            )
            return policy_documents.signed(texts.policy, new, text, policy_rooms.collect(request))

    def submitted(self, text: bytes, signatures: Mapping[str, str]) -> Mapping[str, Any]:
        """See custody.policy_port."""
        with self.held():
            texts = self._texts
            if text == texts.text:
                return {**policy_documents.submitted(texts, None, ()), "replaced": None}
            new = self._next(texts, text)
            given, refused = policy_succession.numbered(texts.policy, new, text, signatures)
            policy_succession.require(texts.policy, texts.hash, text, given)
            armored = Papers(texts.policy, new, text).armored(given)
            self._follower.shelf.keep(new.version, text, armored)  # before anybody acts on it
            before, said = self._hand_in("POLICY", f"policy {new.version}", text, given)
            self._follower.take_over(texts, said)
            document = policy_documents.submitted(self._texts, self._waiting(texts, said), refused)
            is_other = before.pending_version and before.pending_hash != said.pending_hash
            return {**document, "replaced": before.pending_hash.hex() if is_other else None}

    def objected(
        self, tokens: Sequence[str], ask: AskPassphrase | None, why: str, *, override: bool
    ) -> Mapping[str, Any]:
        """See custody.policy_port."""
        if not objection.fits(why):
            raise UsageError(detail=f"--why has to have 1 to {objection.WHY_CHARS_MAX} characters")
        with self.held():
            texts, board = self._texts, self.board()
            board.settle()  # a veto is taken in SECURED and FAULT too
            waiting = self._waiting(texts, _asked(board))
            board.power_off()
            if waiting is None:
                raise NothingPending(detail="no policy waits")
            if override and not waiting.vetoes:
                raise NothingPending(detail="no veto stands against the policy that waits")
            ballot = self._ballot(texts, waiting, tokens, ask, why, override=override)
            kind = "OVERRIDE" if override else "VETO"
            _, said = self._hand_in(kind, kind.lower(), ballot.text, ballot.votes)
            return policy_documents.objected(texts, self._waiting(texts, said), ballot)

    def verified(self, text: bytes | None, place: str, signatures: Mapping[str, str]) -> Mapping[str, Any]:
        """See custody.policy_port."""
        with self.held():
            texts = self._texts
            if text is None:
                return policy_documents.verified(texts)
            new = policy_succession.require_next(texts.policy, texts.hash, text)
            given, refused = policy_succession.numbered(texts.policy, new, text, signatures)
            judged = Papers(texts.policy, new, text)
            return policy_documents.examined(texts, judged, given, refused, place, signatures)

    def capture_sets(self, draft: bytes | None, board: str = "") -> Mapping[str, Any]:
        """See custody.policy_port."""
        with self.held():
            texts = self._texts
            if draft is None:
                return capture_document.shown(texts.policy, None, board)
            new, findings = policy_draft.canonical(draft, texts.policy, texts.hash)
            if findings:
                return policy_documents.compared(texts, None, findings)
            return capture_document.shown(texts.policy, new, board)

    def _next(self, texts: PolicyFiles, text: bytes) -> Policy:
        """The policy after the one in force, if texts alone can bring it. SuccessorRefused, CeremonyNeeded,
        PathUnsafe."""
        new = policy_succession.require_next(texts.policy, texts.hash, text)
        beyond = policy_succession.beyond_a_text(texts.policy, new)
        if beyond:
            raise CeremonyNeeded(what=", ".join(beyond))
        self._require_apart(new)
        return new

    def _require_apart(self, new: Policy) -> None:
        keep_apart(self.home.root, {one.name: Path(os.fsdecode(one.path)) for one in new.sources})

    def _waiting(self, texts: PolicyFiles, said: Said) -> Waiting | None:
        return policy_follow.waiting_of(said, texts, self._follower.shelf)

    def _ballot(
        self,
        texts: PolicyFiles,
        waiting: Waiting,
        tokens: Sequence[str],
        ask: AskPassphrase | None,
        why: str,
        *,
        override: bool,
    ) -> Ballot:
        passphrases = key_rooms.ask_for(tokens, ask)
        if override:
            return policy_rooms.collect(
                OverrideRequest(
                    policy=texts.text,
                    tokens=list(tokens),
                    passphrases=passphrases,
                    pending=waiting.hash,
                    vetoed_by=list(waiting.vetoes),
                    why=why,
                )
            )
        return policy_rooms.collect(
            VetoRequest(
                policy=texts.text, tokens=list(tokens), passphrases=passphrases, pending=waiting.hash, why=why
            )
        )

    def _hand_in(
        self, kind: str, name: str, text: bytes, given: Sequence[tuple[int, bytes]]
    ) -> tuple[Said, Said]:
        """Upload, and what the interlock said before and says then. InterlockRefused with its cause."""
        board = self.board()
        board.settle()
        if kind != "VETO":
            require_able(board)
        interlock = board.interlock()
        interlock.hello()
        before = interlock.authority()
        cause = interlock.submit(kind, text, given)
        said = interlock.authority()
        board.power_off()
        if cause:
            raise InterlockRefused(request=name, cause=cause)
        return before, said


def _asked(board: EmulatedBoard) -> Said:
    interlock = board.interlock()
    interlock.hello()
    return interlock.authority()
