"""How the files of a policy are named, and reading them: nothing is believed before k signatures hold.

    policy-1.txt  policy-1.<holder>.sig  vault-<g>.age1pq  allowed_signers  birth.txt  birth.<holder>.sig

Opens no files itself: `load` is given a reader. THREATS 3.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from appliance.custody import policy as policy_text
from appliance.custody import vault_key, votes
from appliance.custody.policy import Policy
from appliance.custody.votes import Vote
from appliance.domain.ids import HolderNumber
from appliance.errors import PolicyInvalid, VaultKeyUnknown
from appliance.format import sshsig
from appliance.format.age_recipient import Recipient

ALLOWED_SIGNERS = "allowed_signers"
TRANSCRIPT = "birth.txt"
SIGNATURE_BYTES_MAX = sshsig.ARMORED_CHARS_MAX  # bytes; ASCII

Reader = Callable[[str, int], bytes | None]
"""(name, most bytes) -> content, None if there is no such file. Too long is an error of the reader's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedPolicy:
    """A policy that k holders signed, its text and hash, the votes that hold, and the vault's public key
    of its newest generation."""

    policy: Policy
    text: bytes
    digest: bytes
    votes: tuple[Vote, ...]
    vault: Recipient

    def signatures(self) -> list[tuple[int, bytes]]:
        """As `ports.Interlock.upload_policy` takes them."""
        return [(vote.holder, vote.raw) for vote in self.votes]


def policy_name(version: int) -> str:
    """`policy-<v>.txt`."""
    return f"policy-{version}.txt"


def signature_name(version: int, holder: HolderNumber) -> str:
    """`policy-<v>.<holder>.sig`."""
    return f"policy-{version}.{holder}.sig"


def transcript_signature_name(holder: HolderNumber) -> str:
    """`birth.<holder>.sig`."""
    return f"birth.{holder}.sig"


def load(version: int, read: Reader) -> SignedPolicy:
    """The policy of this version. PolicyInvalid, PolicyUnsigned or VaultKeyUnknown, whichever is first."""
    text = read(policy_name(version), policy_text.TEXT_BYTES_MAX)
    if text is None:
        raise PolicyInvalid(detail=f"{policy_name(version)} is missing")
    policy = policy_text.parse(text)
    if policy.version != version:
        raise PolicyInvalid(detail=f"{policy_name(version)} holds version {policy.version}")
    held = votes.require(policy, votes.POLICY_NAMESPACE, text, _signatures(policy, read))
    generation = policy.generation.number
    recipient = read(vault_key.file_name(generation), vault_key.TEXT_BYTES_MAX)
    if recipient is None:
        raise VaultKeyUnknown(generation=generation)
    return SignedPolicy(
        policy=policy,
        text=text,
        digest=policy_text.digest(text),
        votes=held,
        vault=vault_key.check(policy, generation, recipient),
    )


def _signatures(policy: Policy, read: Reader) -> Mapping[HolderNumber, str]:
    found = {
        holder.number: read(signature_name(policy.version, holder.number), SIGNATURE_BYTES_MAX)
        for holder in policy.holders
    }
    return {number: text.decode("ascii", "replace") for number, text in found.items() if text is not None}
