"""Whether a complete upload carries the holders' authority (PROTOCOL 6, 7): facts or a cause."""

from __future__ import annotations

from firmware.model import limits, order_lines, policy_lines, sshsig, witness
from firmware.model.facts import Policy
from firmware.model.fram import Nonce
from firmware.model.order_lines import Order
from firmware.model.state import State, Upload
from firmware.wire.codes import Cause, UploadKind

POLICY_NAMESPACE = b"iwato-policy@v1"


def in_force(state: State, kind: UploadKind, digest: bytes) -> bool:
    """Whether just this text was accepted and still counts: the answer to its commit may have been lost."""
    if kind is UploadKind.POLICY:
        facts = state.fram.policy
        return facts is not None and facts.digest == digest
    order, now_s = state.order, state.rtc_s
    if order is None or now_s is None or order.expires_s <= now_s:
        return False  # an order that served or expired counts no more: its repeat is a replay
    return order.digest == digest


def policy(state: State, upload: Upload) -> Policy | Cause:
    """The first policy, or why it is refused. Changes of a policy come with delay and veto, not here."""
    if not state.senses.key_turned:
        return Cause.KEY_NOT_TURNED
    if state.fram.policy is not None:
        return Cause.POLICY_NOT_FIRST
    try:
        facts, _ = policy_lines.read(upload.text)
    except policy_lines.PolicyMalformedError:
        return Cause.POLICY_MALFORMED
    if facts.version != 1:
        return Cause.POLICY_NOT_FIRST
    if facts.witness_key != witness.public_key(state.fram):
        return Cause.POLICY_WITNESS
    signed = quorum(facts, POLICY_NAMESPACE, upload)
    return facts if signed is Cause.NONE else signed


def recovery_order(state: State, upload: Upload) -> Order | Cause:
    """The order, or why it is refused."""
    facts = state.fram.policy
    if facts is None:
        return Cause.NO_POLICY
    if state.rtc_s is None:
        return Cause.CLOCK_LOST
    try:
        order = order_lines.read(upload.text)
    except order_lines.OrderMalformedError:
        return Cause.ORDER_MALFORMED
    barred = _stale(order, facts, state.rtc_s, live_nonces(state))
    if barred is not Cause.NONE:
        return barred
    signed = quorum(facts, order_lines.NAMESPACE, upload)
    return order if signed is Cause.NONE else signed


def live_nonces(state: State) -> tuple[Nonce, ...]:
    """Nonces whose orders could still be replayed."""
    now = state.fram.time_floor_s
    return tuple(one for one in state.fram.nonces if one.expires_s > now)


def quorum(facts: Policy, namespace: bytes, upload: Upload) -> Cause:
    """NONE when k distinct holders signed the text; every signature given must be good."""
    seen: set[int] = set()
    for signer, signature in upload.signatures:
        if not 1 <= signer <= len(facts.holders):
            return Cause.SIGNER_UNKNOWN
        if signer in seen:
            return Cause.SIGNER_TWICE
        seen.add(signer)
        if not sshsig.verify(facts.holders[signer - 1], namespace, upload.text, signature):
            return Cause.SIGNATURE_BAD
    return Cause.NONE if len(seen) >= facts.quorum else Cause.SIGNATURES_MISSING


def _stale(order: Order, facts: Policy, now_s: int, nonces: tuple[Nonce, ...]) -> Cause:
    if order.vault_id != facts.vault_id or order.policy != facts.digest:
        return Cause.ORDER_FOREIGN
    if order.expires_s <= now_s:
        return Cause.ORDER_EXPIRED
    if order.expires_s > now_s + limits.ORDER_LIFE_S_MAX:
        return Cause.ORDER_TOO_LONG_LIVED
    if any(one.nonce == order.nonce for one in nonces):
        return Cause.ORDER_REPLAYED
    return Cause.NONCES_FULL if len(nonces) >= limits.NONCES_MAX else Cause.NONE
