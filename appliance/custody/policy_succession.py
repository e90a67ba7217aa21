"""From the policy in force to the next one: the controller's own judge of who must have signed.

The rules of TUF's root (PROTOCOL 12.1, 12.2): next version, hash of the one before, k old and k new holders,
everybody who enters, distinct keys. The interlock judges by itself (firmware/model/succession.py); the two
share no code and must agree. Knows no clock, no veto and no file. THREATS 3.9.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from appliance.custody import policy as policy_text
from appliance.custody import votes
from appliance.custody.policy import Holder, Policy
from appliance.errors import IwatoError, PolicyInvalid, SuccessorRefused
from appliance.format import sshsig

ENTERING = 0x80  # added to the number of a holder whom only the new text names, as the interlock counts


class Rule(StrEnum):
    """What a successor can lack, in the order in which it is looked for."""

    MALFORMED = "malformed"
    FOREIGN = "foreign"
    NOT_NEXT = "not next"
    WITNESS = "witness"
    GENERATION = "generation"
    SIGNER_UNKNOWN = "signer unknown"
    SIGNER_TWICE = "signer twice"
    SIGNATURE_BAD = "signature bad"
    SIGNATURES_MISSING = "signatures missing"
    ENTERING_MISSING = "entering missing"


class Unfit(Exception):
    """The text cannot follow: `rule` and a sentence for people."""

    def __init__(self, rule: Rule, detail: str) -> None:
        super().__init__(detail)
        self.rule, self.detail = rule, detail


@dataclass(frozen=True, slots=True, kw_only=True)
class Successor:
    """A text that may follow, and who stands behind it: numbers in the old and in the new policy."""

    policy: Policy
    text: bytes
    old_signers: tuple[int, ...]
    new_signers: tuple[int, ...]


def follows(old: Policy, old_digest: bytes, text: bytes) -> Policy:
    """The next policy, signatures left aside. Unfit."""
    try:
        new = policy_text.parse(text)
    except PolicyInvalid as error:
        raise Unfit(Rule.MALFORMED, str(error.values["detail"])) from None
    if new.vault_id != old.vault_id:
        raise Unfit(Rule.FOREIGN, "it is another vault's")
    if new.version != old.version + 1 or new.previous != old_digest:
        raise Unfit(Rule.NOT_NEXT, f"it does not follow version {old.version}, the one in force")
    if new.witness_key != old.witness_key:
        raise Unfit(Rule.WITNESS, "it names another witness key")
    last, first = old.generation, new.generation
    if first.number < last.number or (first.number == last.number and first.vault != last.vault):
        raise Unfit(Rule.GENERATION, "its newest generation is older or has another vault key")
    return new


def judge(old: Policy, old_digest: bytes, text: bytes, signatures: Sequence[tuple[int, bytes]]) -> Successor:
    """(signer, raw signature), the signer a number of the old policy or ENTERING plus one of the new. Every
    signature given has to be good. Unfit."""
    new = follows(old, old_digest, text)
    keys: list[bytes] = []
    for signer, raw in signatures:
        holder = (new if signer & ENTERING else old).holder(signer & ~ENTERING)
        if holder is None:
            raise Unfit(Rule.SIGNER_UNKNOWN, f"signer {signer} is nobody")
        if holder.ssh_key in keys:
            raise Unfit(Rule.SIGNER_TWICE, f"holder {holder.number} signed twice")
        keys.append(holder.ssh_key)
        if not _signed(holder, text, raw):
            raise Unfit(Rule.SIGNATURE_BAD, f"the signature of holder {holder.number} is not of this text")
    before, after = _numbers(old, keys), _numbers(new, keys)
    if len(before) < old.quorum:
        raise Unfit(Rule.SIGNATURES_MISSING, f"{len(before)} of {old.quorum} holders in force signed")
    lacking = [holder.number for holder in entering(old, new) if holder.ssh_key not in keys]
    if lacking:
        raise Unfit(Rule.ENTERING_MISSING, f"new holders {lacking} have not proven their keys")
    if len(after) < new.quorum:
        raise Unfit(Rule.SIGNATURES_MISSING, f"{len(after)} of {new.quorum} holders of the new set signed")
    return Successor(policy=new, text=text, old_signers=before, new_signers=after)


def require(
    old: Policy, old_digest: bytes, text: bytes, signatures: Sequence[tuple[int, bytes]]
) -> Successor:
    """As `judge`. SuccessorRefused."""
    try:
        return judge(old, old_digest, text, signatures)
    except Unfit as unfit:
        raise SuccessorRefused(detail=unfit.detail) from None


def require_next(old: Policy, old_digest: bytes, text: bytes) -> Policy:
    """As `follows`. SuccessorRefused."""
    try:
        return follows(old, old_digest, text)
    except Unfit as unfit:
        raise SuccessorRefused(detail=unfit.detail) from None


def beyond_a_text(old: Policy, new: Policy) -> list[str]:
    """The keywords of what signatures alone cannot change: shares, headers of drives and the log's key would
    not follow the new text. Empty for a policy of windows, scrub slots, sources and delay."""
    differ = {
        "quorum": old.quorum != new.quorum,
        "holder": old.holders != new.holders,
        "generation": old.generations != new.generations,
        "log": old.log_key != new.log_key,
        "drives": old.groups != new.groups,
    }
    return [word for word, is_other in differ.items() if is_other]


def entering(old: Policy, new: Policy) -> list[Holder]:
    """Who is new, as the new policy names them."""
    known = {holder.ssh_key for holder in old.holders}
    return [holder for holder in new.holders if holder.ssh_key not in known]


def leaving(old: Policy, new: Policy) -> list[Holder]:
    """Who is removed, as the old policy names them; they have no veto."""
    kept = {holder.ssh_key for holder in new.holders}
    return [holder for holder in old.holders if holder.ssh_key not in kept]


def numbered(
    old: Policy, new: Policy, text: bytes, armored: Mapping[str, str]
) -> tuple[list[tuple[int, bytes]], list[tuple[str, str]]]:
    """Signatures as `judge` takes them, and (name, reason) of each file that is no good one. Who signed is
    told by the key, never by the file's name; a second signature of one key is left out."""
    given: dict[int, bytes] = {}
    refused = []
    for name, content in sorted(armored.items()):
        try:
            signature = sshsig.parse(content)
            signature.verify(text, votes.POLICY_NAMESPACE)
            number = _signer(old, new, signature.key.point)
        except IwatoError as error:
            refused.append((name, f"{error.code} {error.values.get('detail', '')}".strip()))
            continue
        if number is None:
            refused.append((name, "the key is no holder's"))
        else:
            given.setdefault(number, signature.raw)
    return sorted(given.items()), refused


def _signer(old: Policy, new: Policy, key: bytes) -> int | None:
    for policy, mark in ((old, 0), (new, ENTERING)):
        found = next((holder for holder in policy.holders if holder.ssh_key == key), None)
        if found is not None:
            return mark | found.number
    return None


def _signed(holder: Holder, text: bytes, raw: bytes) -> bool:
    namespace = votes.POLICY_NAMESPACE
    try:
        sshsig.Signature(key=votes.ssh_key(holder), namespace=namespace, raw=raw).verify(text, namespace)
    except IwatoError:
        return False
    return True


def _numbers(policy: Policy, keys: Sequence[bytes]) -> tuple[int, ...]:
    return tuple(int(holder.number) for holder in policy.holders if holder.ssh_key in keys)
