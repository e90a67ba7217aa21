"""The signed texts in `DIR/policy`, read and checked before anything relies on them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from appliance.adapters import small_file
from appliance.custody import policy_files
from appliance.custody.policy import Policy
from appliance.custody.policy_facts import VERSION_MAX
from appliance.custody.policy_files import SignedPolicy
from appliance.errors import HomeMissing, PolicyInvalid
from appliance.format.age_recipient import Recipient
from appliance.format.drive_header import DriveSetFacts
from appliance.ledger import checkpoint
from appliance.ledger.checkpoint import Keys

SET_NUMBER = 1  # one drive set per home; rotation of sets comes with drive groups
_NAME = re.compile(r"policy-([1-9][0-9]{0,9})\.txt", re.ASCII)
_FILE_BYTES_MAX = 64 * 1024  # bytes; the largest, the policy, has at most 16 KiB


@dataclass(frozen=True)
class PolicyFiles:
    """Policies, signatures and vault recipient. The newest policy is the one in force: a pending one lies
    elsewhere (pending_policies.py), and drive phases compare with the interlock. PolicyUnsigned,
    PolicyInvalid, VaultKeyUnknown."""

    folder: Path

    @cached_property
    def signed(self) -> SignedPolicy:
        """The policy, with k valid signatures and the vault's public key."""
        return self.load(self.version)

    @property
    def version(self) -> int:
        """Of the newest policy that lies here; 1 where none does."""
        found = (_NAME.fullmatch(path.name) for path in self.folder.glob("policy-*.txt"))
        return max((int(name[1]) for name in found if name and int(name[1]) <= VERSION_MAX), default=1)

    def load(self, version: int) -> SignedPolicy:
        """The policy of this version, with k signatures of its own holders."""
        return policy_files.load(version, self._read)

    @property
    def text(self) -> bytes:
        return self.signed.text

    @property
    def policy(self) -> Policy:
        return self.signed.policy

    @property
    def hash(self) -> bytes:
        return self.signed.digest

    @property
    def recipient(self) -> Recipient:
        """The vault key's public half, which fits the policy's fingerprint."""
        return self.signed.vault

    @property
    def set_facts(self) -> DriveSetFacts:
        """What the box expects of its drives."""
        policy = self.policy
        return DriveSetFacts(
            vault=policy.vault_id,
            number=SET_NUMBER,
            geometry=policy.geometry,
            generation=policy.generation.number,
        )

    @property
    def keys(self) -> Keys:
        """Whose signatures a checkpoint needs."""
        return checkpoint.keys_of(self.policy.vault_id, self.policy.log_key, self.policy.witness_key)

    def public_files(self) -> dict[str, bytes]:
        """Everything in the folder, as every drive carries it: `policy/NAME` to content."""
        names = sorted(path.name for path in self.folder.iterdir() if path.is_file())
        found = {f"policy/{name}": self._read(name, _FILE_BYTES_MAX) for name in names}
        return {name: content for name, content in found.items() if content is not None}

    def _read(self, name: str, limit: int) -> bytes | None:
        if not self.folder.is_dir():
            raise HomeMissing(path=self.folder.parent)
        try:
            return small_file.read(self.folder / name, limit)
        except FileNotFoundError:
            return None
        except ValueError as error:
            raise PolicyInvalid(detail=str(error)) from None
