"""The signed texts in `DIR/policy`, read and checked before anything relies on them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from appliance.custody import policy as policy_text
from appliance.custody import vault_key, votes
from appliance.custody.policy import Policy
from appliance.domain.ids import HolderNumber
from appliance.errors import HomeMissing, VaultKeyUnknown
from appliance.format.age_recipient import Recipient
from appliance.format.drive_header import DriveSetFacts
from appliance.ledger import checkpoint
from appliance.ledger.checkpoint import Keys

SET_NUMBER = 1  # one drive set per home; rotation of sets comes with drive groups
VERSION = 1
_FILE_BYTES_MAX = 64 * 1024  # bytes; the largest, the policy, has at most 16 KiB


@dataclass(frozen=True)
class PolicyFiles:
    """Policy, signatures and vault recipient. PolicyUnsigned, PolicyInvalid, VaultKeyUnknown."""

    folder: Path

    @cached_property
    def text(self) -> bytes:
        return self._read(f"policy-{VERSION}.txt")

    @cached_property
    def policy(self) -> Policy:
        """The policy, with k valid signatures."""
        parsed = policy_text.parse(self.text)
        votes.require(parsed, votes.POLICY_NAMESPACE, self.text, self.signatures(parsed))
        return parsed

    def signatures(self, policy: Policy) -> dict[HolderNumber, str]:
        """Armored signatures by holder, as far as they are there."""
        found = {}
        for holder in policy.holders:
            path = self.folder / signature_name(holder.number)
            if path.is_file():
                found[holder.number] = self._read(path.name).decode("ascii", "replace")
        return found

    @property
    def hash(self) -> bytes:
        return hashlib.sha256(self.text).digest()

    @property
    def recipient(self) -> Recipient:
        """The vault key's public half, checked against the policy's fingerprint."""
        generation = self.policy.generation.number
        try:
            text = self._read(vault_key.file_name(generation))
        except HomeMissing:
            raise VaultKeyUnknown(generation=generation, detail="its file is missing") from None
        return vault_key.check(self.policy, generation, text)

    @property
    def set_facts(self) -> DriveSetFacts:
        policy = self.policy
        return DriveSetFacts(
            vault=policy.vault_id,
            number=SET_NUMBER,
            geometry=policy.geometry,
            generation=policy.generation.number,
        )

    @property
    def keys(self) -> Keys:
        return checkpoint.keys_of(self.policy.vault_id, self.policy.log_key, self.policy.witness_key)

    def public_files(self) -> dict[str, bytes]:
        """Everything in the folder, as every drive carries it: `policy/NAME` to content."""
        return {f"policy/{path.name}": path.read_bytes() for path in sorted(self.folder.iterdir())}

    def _read(self, name: str) -> bytes:
        try:
            with (self.folder / name).open("rb") as file:
                return file.read(_FILE_BYTES_MAX)
        except FileNotFoundError:
            raise HomeMissing(path=self.folder.parent) from None


def signature_name(holder: int) -> str:
    """`policy-1.<holder>.sig`."""
    return f"policy-{VERSION}.{holder}.sig"
