"""Holders sign a text with their tokens: a policy, a veto or override, an order, a
checkpoint. Runs in a short-lived process that has the tokens and nothing else.

Every signature is verified with the key that the policy names before it leaves. Shows nobody the text:
the face does that, before. THREATS 3.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from appliance.custody import interlock_order, objection, policy_succession, recovery, votes
from appliance.custody import order as recovery_order
from appliance.custody import policy as policy_text
from appliance.custody.interlock_order import Bound
from appliance.custody.objection import About
from appliance.custody.policy import Holder, Policy
from appliance.custody.votes import Vote
from appliance.domain.ids import HolderNumber
from appliance.errors import CustodyError, IwatoError, OrderInvalid, TokenForeign, TrustError
from appliance.format import note, sshsig
from appliance.ledger import checkpoint
from appliance.ports import Token
from appliance.service import vault_opening


@dataclass(frozen=True, slots=True, kw_only=True)
class Signed:
    """At least as many votes as were needed, and an error for each token that gave none."""

    votes: tuple[Vote, ...]
    wrong: tuple[IwatoError, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Slip:
    """What an order to the interlock has beside its meaning: its nonce, until when, and why."""

    nonce: bytes
    expires_s: int
    why: str


def sign_order(policy_bytes: bytes, order_bytes: bytes, tokens: Sequence[Token]) -> Signed:
    """Votes of k or more holders for a recovery order. OrderInvalid if it is not one for this vault and
    policy: a holder's token never signs what is not an order under its own namespace."""
    policy = policy_text.parse(policy_bytes)
    order = recovery_order.parse(order_bytes)
    if (order.vault_id, order.policy) != (policy.vault_id, policy_text.digest(policy_bytes)):
        raise OrderInvalid(detail="it was made for another vault or under another policy")
    return sign(policy, votes.ORDER_NAMESPACE, order_bytes, tokens)


def sign_policy(old_bytes: bytes, text: bytes, tokens: Sequence[Token]) -> Signed:
    """Votes of whoever's tokens these are for the policy after `old_bytes`: one is enough, the others sign
    elsewhere. `Vote.holder` is the number in the old policy, or policy_succession.ENTERING plus that in the
    new one: whoever enters proves here to have the new key. SuccessorRefused if it cannot follow."""
    old = policy_text.parse(old_bytes)
    new = policy_succession.require_next(old, policy_text.digest(old_bytes), text)
    given: dict[int, Vote] = {}
    wrong: list[IwatoError] = []
    for token in tokens:
        try:
            number, holder = _known(old, new, token)
            cast = vote(holder, votes.POLICY_NAMESPACE, text, token)
            given.setdefault(number, Vote(holder=HolderNumber(number), raw=cast.raw))
        except CustodyError as error:
            wrong.append(error)
    if not given:
        raise wrong[0] if wrong else recovery.too_few(old, 0, wrong)
    return Signed(votes=tuple(given.values()), wrong=tuple(wrong))


def sign_veto(policy_bytes: bytes, pending: bytes, why: str, tokens: Sequence[Token]) -> tuple[bytes, Signed]:
    """A veto against the policy with the hash `pending`, and at least one vote for it."""
    policy = policy_text.parse(policy_bytes)
    text = objection.veto(_about(policy, policy_bytes, pending), why)
    return text, _sign_at_least(1, policy, objection.VETO_NAMESPACE, text, tokens)


def sign_override(
    policy_bytes: bytes, pending: bytes, vetoed_by: Sequence[int], why: str, tokens: Sequence[Token]
) -> tuple[bytes, Signed]:
    """An override of these holders' vetoes, and k votes for it."""
    policy = policy_text.parse(policy_bytes)
    text = objection.override(_about(policy, policy_bytes, pending), vetoed_by, why)
    return text, sign(policy, objection.OVERRIDE_NAMESPACE, text, tokens)


def sign_release(
    policy_bytes: bytes, slip: Slip, *, secured: bool, fault: str, tokens: Sequence[Token]
) -> tuple[bytes, Signed]:
    """An order that releases exactly this, and k votes for it."""
    policy = policy_text.parse(policy_bytes)
    bound = _bound(policy, policy_bytes, slip)
    text = interlock_order.release(bound, secured=secured, fault=fault, why=slip.why)
    return text, sign(policy, interlock_order.RELEASE_NAMESPACE, text, tokens)


def sign_clock(
    policy_bytes: bytes, slip: Slip, *, time_s: int, tokens: Sequence[Token]
) -> tuple[bytes, Signed]:
    """An order that sets the interlock's clock, and k votes for it."""
    policy = policy_text.parse(policy_bytes)
    text = interlock_order.set_clock(_bound(policy, policy_bytes, slip), time_s=time_s, why=slip.why)
    return text, sign(policy, interlock_order.TIME_NAMESPACE, text, tokens)


def _bound(policy: Policy, policy_bytes: bytes, slip: Slip) -> Bound:
    digest = policy_text.digest(policy_bytes)
    return Bound(vault_id=policy.vault_id, policy=digest, nonce=slip.nonce, expires_s=slip.expires_s)


def sign_checkpoint(policy_bytes: bytes, data: bytes, tokens: Sequence[Token]) -> Signed:
    """Countersignatures over a checkpoint's text, by as many holders as are here. CheckpointRefused unless
    this policy's box and witness signed it."""
    policy = policy_text.parse(policy_bytes)
    checkpoint.verify(data, checkpoint.keys_of(policy.vault_id, policy.log_key, policy.witness_key))
    text = note.parse(data).text.encode()
    return _sign_at_least(1, policy, votes.CHECKPOINT_NAMESPACE, text, tokens)


def _about(policy: Policy, policy_bytes: bytes, pending: bytes) -> About:
    return About(vault_id=policy.vault_id, policy=policy_text.digest(policy_bytes), pending=pending)


def _known(old: Policy, new: Policy, token: Token) -> tuple[int, Holder]:
    """Whose token it is: in the policy in force, else among those who enter. TokenForeign."""
    try:
        holder = vault_opening.identify(old, token)
    except TokenForeign:
        holder = vault_opening.identify(new, token)
        return policy_succession.ENTERING | holder.number, holder
    return holder.number, holder


def sign(policy: Policy, namespace: str, text: bytes, tokens: Sequence[Token]) -> Signed:
    """Votes of k or more distinct holders over `text`. What went wrong with a token is raised when fewer
    than k others are good, and reported otherwise."""
    return _sign_at_least(policy.quorum, policy, namespace, text, tokens)


def _sign_at_least(
    needed: int, policy: Policy, namespace: str, text: bytes, tokens: Sequence[Token]
) -> Signed:
    known, wrong = vault_opening.each_once(policy, tokens)
    given: list[Vote] = []
    for holder, token in known:
        try:
            given.append(vote(holder, namespace, text, token))
        except CustodyError as error:
            wrong.append(error)
    if len(given) < needed:
        raise recovery.too_few(policy, len(given), wrong)
    return Signed(votes=tuple(given), wrong=tuple(wrong))


def vote(holder: Holder, namespace: str, text: bytes, token: Token) -> Vote:
    """One holder's vote, verified. TokenForeign if the token signs with another key than it shows."""
    raw = token.sign(namespace, text)
    try:
        sshsig.Signature(key=votes.ssh_key(holder), namespace=namespace, raw=raw).verify(text, namespace)
    except TrustError:
        detail = "it signs with another key than it shows"
        raise TokenForeign(token=f"holder {holder.number}", detail=detail) from None
    return Vote(holder=holder.number, raw=raw)
