"""The controller follows the interlock from one policy to the next.

A policy that was handed in waits in `DIR/pending` until the interlock has let it take effect; only then its
files go into `DIR/policy`, the text last. What the interlock enforces decides, never a clock of ours; and
it is judged once more before it is taken. THREATS 3.9.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from appliance.adapters.directory import Directory
from appliance.compose.emulated_board import EmulatedBoard
from appliance.compose.home import Home
from appliance.compose.pending_policies import Kept, PendingPolicies
from appliance.compose.policy_files import PolicyFiles
from appliance.custody import policy as policy_text
from appliance.custody import policy_files, policy_succession, votes
from appliance.custody.policy import Policy
from appliance.custody.policy_succession import ENTERING
from appliance.domain.phases import Phase
from appliance.errors import StateFailed, SuccessorRefused

RIPE_MS = 11_000  # ms; the interlock wants the due time shown for 10 s without a break, then a tick
RIPE_S = RIPE_MS // 1000 + 1  # s of its clock


class Said(Protocol):
    """What the interlock says of the policies. `vetoes`: bit 0 for holder 1 of the policy in force."""

    @property
    def policy_hash(self) -> bytes: ...

    @property
    def pending_version(self) -> int: ...

    @property
    def pending_hash(self) -> bytes: ...

    @property
    def pending_due_s(self) -> int: ...

    @property
    def vetoes(self) -> int: ...

    @property
    def overridden(self) -> bool: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """The pending policy as the interlock has it. Holders by their number in the policy in force. `text` is
    None, and nobody is known to have signed or to be removed, where the controller lost its copy."""

    version: int
    hash: bytes
    due_s: int
    vetoes: tuple[int, ...]
    overridden: bool
    text: bytes | None
    signers: tuple[int, ...]
    may_veto: tuple[int, ...]

    @property
    def is_stopped(self) -> bool:
        """A veto holds."""
        return bool(self.vetoes) and not self.overridden


@dataclass(frozen=True, slots=True)
class Follower:
    """Of one home. `board` powers the box up under the policy in force."""

    home: Home
    board: Callable[[], EmulatedBoard]

    @property
    def shelf(self) -> PendingPolicies:
        return PendingPolicies(self.home.pending)

    def is_expecting(self) -> bool:
        """Whether a policy was handed in that is not in force yet, as far as the controller knows."""
        version = PolicyFiles(self.home.policy).version
        return self.home.pending.is_dir() and bool(self.shelf.of_version(version + 1))

    def follow(self, until_s: int = 0) -> bool:
        """Let a pending policy take effect that is due, or will be by `until_s`: the clock is moved as far as
        that takes. Whether the policy in force is another one now."""
        if not self.is_expecting():
            return False
        texts = PolicyFiles(self.home.policy)
        board = self.board()
        if board.settle() is not Phase.ISOLATED:
            board.power_off()
            return False
        said = self._asked(board)
        waiting = waiting_of(said, texts, self.shelf)
        if waiting is not None and not waiting.is_stopped:
            if board.unix_s < waiting.due_s <= until_s - RIPE_S:
                board.jump(waiting.due_s)
            if waiting.due_s <= board.unix_s:
                board.rest(RIPE_MS)
                said = self._asked(board)
        board.power_off()
        return self.take_over(texts, said)

    def take_over(self, texts: PolicyFiles, said: Said) -> bool:
        """Have the policy's folder follow what the interlock enforces, where the text is known."""
        if said.policy_hash == texts.hash:
            return False
        kept = self.shelf.of_version(texts.policy.version + 1).get(said.policy_hash)
        if kept is None:
            return False  # `status` says so; holders have the text, and so may the drives
        try:
            _install(self.home, texts, kept)
        except SuccessorRefused:
            return False  # our copy lacks signatures: as good as none, and as easily put right
        return True

    def _asked(self, board: EmulatedBoard) -> Said:
        interlock = board.interlock()
        interlock.hello()
        return interlock.authority()


def waiting_of(said: Said, texts: PolicyFiles, shelf: PendingPolicies) -> Waiting | None:
    """The pending policy, with what the controller knows of it."""
    if not said.pending_version:
        return None
    old = texts.policy
    kept = shelf.of_version(said.pending_version).get(said.pending_hash)
    signers, leaving = ((), frozenset[int]()) if kept is None else _known(old, kept)
    numbers = [int(holder.number) for holder in old.holders]
    vetoes = tuple(number for number in numbers if said.vetoes >> number - 1 & 1)
    return Waiting(
        version=said.pending_version,
        hash=said.pending_hash,
        due_s=said.pending_due_s,
        vetoes=vetoes,
        overridden=said.overridden,
        text=kept.text if kept is not None else None,
        signers=signers,
        may_veto=tuple(number for number in numbers if number not in {*vetoes, *leaving}),
    )


def _known(old: Policy, kept: Kept) -> tuple[tuple[int, ...], frozenset[int]]:
    """Who signed and who would leave, by the numbers in force."""
    new = policy_text.parse(kept.text)
    given, _ = policy_succession.numbered(old, new, kept.text, kept.signatures)
    signers = tuple(number for number, _ in given if number < ENTERING)
    return signers, frozenset(int(one.number) for one in policy_succession.leaving(old, new))


def _install(home: Home, texts: PolicyFiles, kept: Kept) -> None:
    """SuccessorRefused where what the interlock enforces is no successor by our own judgement."""
    old = texts.policy
    new = policy_text.parse(kept.text)
    given, _ = policy_succession.numbered(old, new, kept.text, kept.signatures)
    policy_succession.require(old, texts.hash, kept.text, given)
    place = Directory(home.policy)
    try:
        for name, content in _files(old, new, kept.text, given).items():
            if not place.exists(name):
                place.put(name, content)
    except OSError as error:
        raise StateFailed(detail=f"{error.strerror}: {error.filename}") from error


def _files(old: Policy, new: Policy, text: bytes, given: list[tuple[int, bytes]]) -> dict[str, bytes]:
    """Name to content, the policy itself last: it makes the rest true."""
    numbers = {holder.ssh_key: holder.number for holder in new.holders}
    files = {}
    for signer, raw in given:
        holder = (new if signer & ENTERING else old).holder(signer & ~ENTERING)
        number = numbers.get(holder.ssh_key) if holder is not None else None
        if number is not None:
            vote = votes.Vote(holder=number, raw=raw)
            armored = votes.armor(new, votes.POLICY_NAMESPACE, text, [vote])[number]
            files[policy_files.signature_name(new.version, number)] = armored.encode()
    return files | {policy_files.policy_name(new.version): text}
