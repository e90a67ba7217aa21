"""k holders' shares become the vault's key, or nobody's do. Pure; in a key process only.

Each share is checked alone, against its own holder's commitment and the record's own words, so a liar
is named and costs nothing as long as k honest holders are there (I12). Reads no tokens
(service/vault_opening.py). THREATS 2.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from appliance.custody import share_record, shares
from appliance.custody.policy import Policy
from appliance.custody.share_record import ShareRecord
from appliance.domain.ids import HolderNumber
from appliance.errors import IwatoError, QuorumMissing, ShareRepeated, ShareWrong, VaultKeyWrong
from appliance.format.age_recipient import Identity


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """What the token of `holder` gave: the plaintext of its share record. Its repr hides it."""

    holder: HolderNumber
    record: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recovered:
    """The vault's key, whose shares made it, and an error for each offer that was not believed."""

    identity: Identity
    used: tuple[HolderNumber, ...]
    wrong: tuple[IwatoError, ...]


def prove(policy: Policy, generation: int, offer: Offer) -> ShareRecord:
    """The share in an offer, if it is the one that the policy commits to for this holder. ShareWrong."""
    try:
        record = share_record.parse(offer.record)
    except ValueError:
        raise ShareWrong(holder=_name(offer.holder), detail="its text is damaged") from None
    holder = policy.holder(offer.holder)
    if record.vault_id != policy.vault_id:
        raise ShareWrong(holder=_name(offer.holder), detail="it belongs to another vault")
    if (record.generation, policy.generation.number) != (generation, generation):
        raise ShareWrong(holder=_name(offer.holder), detail=f"it is not of generation {generation}")
    if holder is None or not shares.fits(record.words, holder.share):
        raise ShareWrong(holder=_name(offer.holder), detail=_whose(policy, record))
    if record.holder != offer.holder:
        raise ShareWrong(holder=_name(offer.holder), detail=f"it is written as holder {record.holder}'s")
    return record


def recover(policy: Policy, generation: int, offers: Sequence[Offer]) -> Recovered:
    """The identity of a generation from k or more offers. ShareRepeated if a holder offers twice;
    the first ShareWrong if the rest are fewer than k; QuorumMissing if simply too few came;
    VaultKeyWrong if right shares make another key than the policy's."""
    _each_once(policy, offers)
    good: list[ShareRecord] = []
    wrong: list[IwatoError] = []
    for offer in offers:
        try:
            good.append(prove(policy, generation, offer))
        except ShareWrong as error:
            wrong.append(error)
    if len(good) < policy.quorum:
        raise too_few(policy, len(good), wrong)
    chosen = good[: policy.quorum]
    identity = combine(policy, generation, chosen)
    return Recovered(identity=identity, used=tuple(item.holder for item in chosen), wrong=tuple(wrong))


def combine(policy: Policy, generation: int, records: Sequence[ShareRecord]) -> Identity:
    """The identity of exactly k proven shares, compared with the policy's fingerprint."""
    named = next((item.vault for item in policy.generations if item.number == generation), b"")
    try:
        identity = Identity.from_seed(shares.combine([item.words for item in records], policy.quorum))
    except ValueError:
        raise VaultKeyWrong(generation=generation) from None
    if not hmac.compare_digest(identity.recipient.fingerprint, named):
        raise VaultKeyWrong(generation=generation)
    return identity


def too_few(policy: Policy, good: int, wrong: Sequence[IwatoError]) -> IwatoError:
    """Why a quorum was not reached: the first thing that went wrong, else that too few came."""
    if wrong:
        return wrong[0]
    return QuorumMissing(present=good, needed=policy.quorum, missing=policy.quorum - good)


def _each_once(policy: Policy, offers: Iterable[Offer]) -> None:
    seen: set[HolderNumber] = set()
    for offer in offers:
        if offer.holder in seen:
            raise ShareRepeated(holder=offer.holder, needed=policy.quorum)
        seen.add(offer.holder)


def _whose(policy: Policy, record: ShareRecord) -> str:
    owner = next((item.number for item in policy.holders if shares.fits(record.words, item.share)), None)
    return "it belongs to no holder of this policy" if owner is None else f"it is the share of holder {owner}"


def _name(holder: HolderNumber) -> str:
    return f"holder {holder}"
