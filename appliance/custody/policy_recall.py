"""The policy's files put together from copies that nobody vouches for, as a box does that lost its own.

The text is the one whose hash the interlock enforces; of everything else only what that text proves is
taken, from whichever copy has it whole. Opens no files: each copy is a reader. THREATS 4.9.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import TypeAlias

from appliance.custody import policy as policy_text
from appliance.custody import policy_files, vault_key, votes
from appliance.custody.policy import Policy
from appliance.custody.policy_files import SIGNATURE_BYTES_MAX, Reader
from appliance.domain.ids import HolderNumber
from appliance.errors import IwatoError, PolicyNowhere, VaultKeyUnknown

_Name: TypeAlias = Callable[[HolderNumber], str]

TRANSCRIPT_BYTES_MAX = 64 * 1024  # bytes; a birth of 16 holders has 5 KiB


def recalled(version: int, digest: bytes, copies: Sequence[Reader]) -> dict[str, bytes]:
    """Name -> content, to be placed in this order: the policy comes last, and makes it true. PolicyNowhere
    where no copy has the text; PolicyUnsigned, VaultKeyUnknown where what proves it is nowhere whole."""
    name = policy_files.policy_name(version)
    texts = _contents(copies, name, policy_text.TEXT_BYTES_MAX)
    text = next((found for found in texts if policy_text.digest(found) == digest), None)
    if text is None:
        raise PolicyNowhere(copies=len(copies), hash=digest.hex()[:16])
    policy = policy_text.parse(text)
    named = partial(policy_files.signature_name, version)
    signatures = _signatures(policy, votes.POLICY_NAMESPACE, text, copies, named)
    votes.require(policy, votes.POLICY_NAMESPACE, text, signatures)
    generation = policy.generation.number
    files = {
        vault_key.file_name(generation): _vault(policy, generation, copies),
        policy_files.ALLOWED_SIGNERS: votes.allowed_signers(policy).encode(),
        **_transcript(policy, copies),
    }
    for holder, armored in signatures.items():
        files[policy_files.signature_name(version, holder)] = armored.encode()
    return {**_earlier(policy, copies), **files, name: text}


def _earlier(policy: Policy, copies: Sequence[Reader]) -> dict[str, bytes]:
    """The policies before, each proven by the `prev` of the one after it, with their signatures; as far back
    as the copies go. Nothing depends on them."""
    found: dict[str, bytes] = {}
    while policy.version > 1:
        version, digest = policy.version - 1, policy.previous
        name = policy_files.policy_name(version)
        texts = _contents(copies, name, policy_text.TEXT_BYTES_MAX)
        text = next((one for one in texts if policy_text.digest(one) == digest), None)
        if text is None:
            break
        policy = policy_text.parse(text)
        named = partial(policy_files.signature_name, version)
        for holder, armored in _signatures(policy, votes.POLICY_NAMESPACE, text, copies, named).items():
            found[named(holder)] = armored.encode()
        found[name] = text
    return found


def _vault(policy: Policy, generation: int, copies: Sequence[Reader]) -> bytes:
    for text in _contents(copies, vault_key.file_name(generation), vault_key.TEXT_BYTES_MAX):
        try:
            vault_key.check(policy, generation, text)
        except VaultKeyUnknown:
            continue
        return text
    raise VaultKeyUnknown(generation=generation)


def _transcript(policy: Policy, copies: Sequence[Reader]) -> dict[str, bytes]:
    """The birth's transcript and its signatures, if a quorum signed it; nothing depends on it."""
    for text in dict.fromkeys(_contents(copies, policy_files.TRANSCRIPT, TRANSCRIPT_BYTES_MAX)):
        name = policy_files.transcript_signature_name
        signatures = _signatures(policy, votes.CEREMONY_NAMESPACE, text, copies, name)
        if len(signatures) >= policy.quorum:
            return {
                policy_files.TRANSCRIPT: text,
                **{name(holder): armored.encode() for holder, armored in signatures.items()},
            }
    return {}


def _signatures(
    policy: Policy, namespace: str, text: bytes, copies: Sequence[Reader], name: _Name
) -> Mapping[HolderNumber, str]:
    """One signature that holds of every holder who has one in any copy."""
    found: dict[HolderNumber, str] = {}
    for holder in policy.holders:
        for content in _contents(copies, name(holder.number), SIGNATURE_BYTES_MAX):
            armored = content.decode("ascii", "replace")
            if votes.count(policy, namespace, text, {holder.number: armored}).votes:
                found[holder.number] = armored
                break
    return found


def _contents(copies: Sequence[Reader], name: str, limit: int) -> Iterator[bytes]:
    """What the copies hold under a name; one that cannot be read holds nothing."""
    for read in copies:
        try:
            content = read(name, limit)
        except (IwatoError, OSError, ValueError):
            continue
        if content is not None:
            yield content
