"""`iwato rebuild` on the emulated board: what the controller lost, had again from drives and interlock.

Folders and keys first, then the policy, each only where it is missing or does not hold; the ledger comes
in the drive phase that follows (service/drive_jobs.rebuild). Needs no holder and gives nobody anything:
the interlock's policy hash and log head decide what is believed. THREATS 4.9, decision 0005.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from appliance.adapters import index_database
from appliance.compose import operational_keys
from appliance.compose.emulated_board import EmulatedBoard
from appliance.compose.home import PRIVATE_DIRECTORY, Home
from appliance.compose.intake_medium import INDEX
from appliance.compose.job import AnyJob, RecallPolicyJob
from appliance.compose.job_log import JobLog
from appliance.compose.policy_files import PolicyFiles
from appliance.errors import HomeMissing, InterlockUnborn, IwatoError, OwnFileMissing, StateFailed
from appliance.ports import Entropy

POLICY, DEDUP, PAIRING, FOLDERS = "policy", "dedup-key", "pairing-key", "folders"


@dataclass(frozen=True, slots=True)
class Rebuilding:
    """One rebuild. `board` powers the box up without a policy; `drive_job` runs a job in a scrub slot."""

    home: Home
    entropy: Entropy
    board: Callable[[], EmulatedBoard]
    drive_job: Callable[[EmulatedBoard, AnyJob, int], JobLog]

    def run(self) -> list[str]:
        """Make whole what can be made whole without the drives' ledger; what was made anew, in order.
        OwnFileMissing, before anything is changed, for a key that nothing here can make again."""
        self.home.require_bench()
        if not self.home.bay_count():
            raise HomeMissing(path=self.home.root)
        pairing = self._pairing_key()
        operational_keys.read(self.home.seal_state, operational_keys.LOG)
        try:
            made = [*self._folders(), *self._keys(pairing)]
        except OSError as error:
            raise StateFailed(detail=f"{error.strerror}: {error.filename}") from error
        return [*made, *self._policy()]

    def _pairing_key(self) -> bytes:
        """Both halves of the controller have the same one. OwnFileMissing where neither has it."""
        try:
            return operational_keys.read(self.home.seal_state, operational_keys.PAIRING)
        except OwnFileMissing:
            return operational_keys.read(self.home.intake_state, operational_keys.PAIRING)

    def _folders(self) -> list[str]:
        lacking = [
            place
            for place in (self.home.policy, self.home.staging, self.home.intake_state, self.home.tokens)
            if not place.is_dir()
        ]
        for place in lacking:
            place.mkdir(mode=PRIVATE_DIRECTORY)
        return [FOLDERS] if lacking else []

    def _keys(self, pairing: bytes) -> list[str]:
        halves = (self.home.seal_state, self.home.intake_state)
        made = [PAIRING for half in halves if self._place(half, operational_keys.PAIRING, lambda: pairing)]
        if self._place(self.home.intake_state, operational_keys.DEDUP, self._new_dedup_key):
            made.append(DEDUP)
        return made

    def _new_dedup_key(self) -> bytes:
        """Under another key every name in the index is another one: it is of no use any more."""
        index_database.remove(str(self.home.intake_state / INDEX))
        return self.entropy(operational_keys.KEY_BYTES)

    def _place(self, folder: Path, name: str, key: Callable[[], bytes]) -> bool:
        """Whether the key had to be placed. What lay there instead is set aside."""
        try:
            operational_keys.read(folder, name)
        except OwnFileMissing:
            _set_aside(folder / name)
            operational_keys.write(folder, name, key())
            return True
        return False

    def _policy(self) -> list[str]:
        """Have the policy from the drives unless the box's own is the one that the interlock enforces."""
        board = self.board()
        board.settle()
        enforced = board.interlock().hello()
        if not enforced.policy_version:
            board.power_off()
            raise InterlockUnborn
        if self._held_hash() == enforced.policy_hash:
            board.power_off()
            return []
        if any(self.home.policy.iterdir()):
            _set_aside(self.home.policy)
            self.home.policy.mkdir(mode=PRIVATE_DIRECTORY)
        job = RecallPolicyJob(home=str(self.home.root), bays=self.home.bay_count())
        self.drive_job(board, job, board.next_scrub_s)
        return [POLICY]

    def _held_hash(self) -> bytes:
        try:
            return PolicyFiles(self.home.policy).hash
        except (IwatoError, OSError):
            return b""


def _set_aside(path: Path) -> None:
    """Nothing is removed: a person may want to see what it was."""
    if os.path.lexists(path):
        path.rename(path.with_name(f"{path.name}-set-aside-{secrets.token_hex(4)}"))
