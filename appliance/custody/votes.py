"""Holders' signatures under a policy or an order: who signed, and whether they are enough.

Counts distinct holders of one policy, each with the key that the policy names. Signs nothing
(service/signing_desk.py), reads no files. THREATS 3.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from appliance.custody.policy import Holder, Policy
from appliance.domain.ids import HolderNumber
from appliance.errors import IwatoError, PolicyUnsigned, SignatureInvalid
from appliance.format import sshsig
from appliance.format.ssh_key import SshKey

POLICY_NAMESPACE = "iwato-policy@v1"
ORDER_NAMESPACE = "iwato-recovery-order@v1"
CEREMONY_NAMESPACE = "iwato-ceremony@v1"
CHECKPOINT_NAMESPACE = "iwato-checkpoint@v1"
NAMESPACES = (POLICY_NAMESPACE, ORDER_NAMESPACE, CHECKPOINT_NAMESPACE, CEREMONY_NAMESPACE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Vote:
    """One holder's signature: `raw` has 64 bytes, as the interlock is sent it."""

    holder: HolderNumber
    raw: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """The votes that hold, by holder, and (holder, reason) for each that does not."""

    votes: tuple[Vote, ...]
    refused: tuple[tuple[int, str], ...]


def ssh_key(holder: Holder) -> SshKey:
    """The holder's public key. SigningKeyRefused for one with which everybody could sign."""
    made = SshKey.from_p256 if holder.has_hardware else SshKey.from_ed25519
    return made(holder.ssh_key)


def count(policy: Policy, namespace: str, text: bytes, signatures: Mapping[HolderNumber, str]) -> Count:
    """Check each armored signature, filed under its holder's number, against that holder's key."""
    votes, refused = [], []
    for number, armored in sorted(signatures.items()):
        holder = policy.holder(number)
        try:
            if holder is None:
                raise SignatureInvalid(detail="the policy names no such holder")
            key = ssh_key(holder)
            sshsig.verify(armored, text, namespace, key)
            votes.append(Vote(holder=holder.number, raw=sshsig.parse(armored).raw))
        except IwatoError as error:
            refused.append((number, f"{error.code} {error.values.get('detail', '')}"))
    return Count(votes=tuple(votes), refused=tuple(refused))


def require(
    policy: Policy, namespace: str, text: bytes, signatures: Mapping[HolderNumber, str]
) -> tuple[Vote, ...]:
    """At least k valid votes of distinct holders, else PolicyUnsigned that names the ones that failed."""
    counted = count(policy, namespace, text, signatures)
    if len(counted.votes) < policy.quorum:
        failed = [f"holder {number}: {reason}" for number, reason in counted.refused]
        detail = "; ".join(failed) or "no more were given"
        raise PolicyUnsigned(valid=len(counted.votes), needed=policy.quorum, text=namespace, detail=detail)
    return counted.votes


def armor(policy: Policy, namespace: str, text: bytes, votes: Iterable[Vote]) -> dict[HolderNumber, str]:
    """The `.sig` texts of votes. SignatureInvalid if one does not hold: it is checked before it is kept."""
    return {vote.holder: _armor(policy, namespace, text, vote) for vote in votes}


def allowed_signers(policy: Policy) -> str:
    """The file for `ssh-keygen -Y verify -f FILE -I holder-N -n NAMESPACE -s SIG < TEXT`."""
    keys = [(f"holder-{holder.number}", ssh_key(holder)) for holder in policy.holders]
    return sshsig.allowed_signers(keys, NAMESPACES)


def _armor(policy: Policy, namespace: str, text: bytes, vote: Vote) -> str:
    holder = policy.holder(vote.holder)
    if holder is None:
        raise SignatureInvalid(detail=f"the policy names no holder {vote.holder}")
    signature = sshsig.Signature(key=ssh_key(holder), namespace=namespace, raw=vote.raw)
    signature.verify(text, namespace)
    return signature.armor()
