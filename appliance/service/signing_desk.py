"""Holders sign a text with their tokens: a policy or a recovery order. Runs in a short-lived process
that has the tokens and nothing else.

Every signature is verified with the key that the policy names before it leaves. Shows nobody the text:
the face does that, before. THREATS 3.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from appliance.custody import order as recovery_order
from appliance.custody import policy as policy_text
from appliance.custody import recovery, votes
from appliance.custody.policy import Holder, Policy
from appliance.custody.votes import Vote
from appliance.errors import CustodyError, IwatoError, OrderInvalid, TokenForeign, TrustError
from appliance.format import sshsig
from appliance.ports import Token
from appliance.service import vault_opening


@dataclass(frozen=True, slots=True, kw_only=True)
class Signed:
    """At least k votes, and an error for each token that gave none."""

    votes: tuple[Vote, ...]
    wrong: tuple[IwatoError, ...]


def sign_order(policy_bytes: bytes, order_bytes: bytes, tokens: Sequence[Token]) -> Signed:
    """Votes of k or more holders for a recovery order. OrderInvalid if it is not one for this vault and
    policy: a holder's token never signs what is not an order under its own namespace."""
    policy = policy_text.parse(policy_bytes)
    order = recovery_order.parse(order_bytes)
    if (order.vault_id, order.policy) != (policy.vault_id, policy_text.digest(policy_bytes)):
        raise OrderInvalid(detail="it was made for another vault or under another policy")
    return sign(policy, votes.ORDER_NAMESPACE, order_bytes, tokens)


def sign(policy: Policy, namespace: str, text: bytes, tokens: Sequence[Token]) -> Signed:
    """Votes of k or more distinct holders over `text`. What went wrong with a token is raised when fewer
    than k others are good, and reported otherwise."""
    known, wrong = vault_opening.each_once(policy, tokens)
    given: list[Vote] = []
    for holder, token in known:
        try:
            given.append(vote(holder, namespace, text, token))
        except CustodyError as error:
            wrong.append(error)
    if len(given) < policy.quorum:
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
