"""Whether a complete upload carries the holders' authority (PROTOCOL 6, 7, 13): facts or a cause.

Policy 1 and orders are judged here; later policies, vetoes, overrides in succession.py; time in setting.py.
"""

from __future__ import annotations

from firmware.model import limits, order_lines, policy_lines, sshsig, witness
from firmware.model.facts import HolderKey, Policy
from firmware.model.fram import Nonce
from firmware.model.order_lines import Order
from firmware.model.state import State, Upload
from firmware.wire.codes import Cause, UploadKind


def in_force(state: State, kind: UploadKind, digest: bytes) -> bool:
    """Whether just this text was accepted and still counts: the answer to its commit may have been lost."""
    if kind is UploadKind.POLICY:
        known = [facts.digest for facts in state.fram.policies]
        return digest in (*known, *(one.policy.digest for one in state.fram.pendings))
    order, now_s = waiting(state, kind), state.rtc_s
    if order is None or now_s is None or order.expires_s <= now_s:
        return False  # an order that served or expired counts no more: its repeat is a replay
    return order.digest == digest


def waiting(state: State, kind: UploadKind) -> Order | None:
    """The accepted order of this kind that has not served yet."""
    return {UploadKind.RECOVERY_ORDER: state.order, UploadKind.UNSEAL_ORDER: state.unseal}.get(kind)


def first_policy(state: State, upload: Upload) -> Policy | Cause:
    """The first policy, or why it is refused."""
    if not state.senses.key_turned:
        return Cause.KEY_NOT_TURNED
    try:
        facts, _ = policy_lines.read(upload.text)
    except policy_lines.PolicyMalformedError:
        return Cause.POLICY_MALFORMED
    if facts.version != 1:
        return Cause.POLICY_NOT_FIRST
    if facts.witness_key != witness.public_key(state.fram):
        return Cause.POLICY_WITNESS
    signed = quorum(facts, upload)
    return facts if signed is Cause.NONE else signed


def order(state: State, upload: Upload) -> Order | Cause:
    """A recovery, release or unseal order, or why it is refused."""
    facts = state.fram.policy
    if facts is None:
        return Cause.NO_POLICY
    if state.rtc_s is None:
        return Cause.CLOCK_LOST
    if upload.kind is not UploadKind.RECOVERY_ORDER and not state.senses.key_turned:
        return Cause.KEY_NOT_TURNED
    try:
        found = order_lines.read(upload.text, upload.kind)
    except order_lines.OrderMalformedError:
        return Cause.ORDER_MALFORMED
    barred = _stale(found, facts, state, state.rtc_s)
    if barred is Cause.NONE:
        barred = _idle(found, facts, state)
    if barred is not Cause.NONE:
        return barred
    signed = quorum(facts, upload)
    return found if signed is Cause.NONE else signed


def live_nonces(state: State) -> tuple[Nonce, ...]:
    """Nonces whose orders could still be replayed."""
    now = state.fram.time_floor_s
    return tuple(one for one in state.fram.nonces if one.expires_s > now)


def quorum(facts: Policy, upload: Upload) -> Cause:
    """NONE when k distinct holders signed the text; every signature given must be good."""
    signed = signers(facts.holders, upload)
    if isinstance(signed, Cause):
        return signed
    return Cause.NONE if signed.bit_count() >= facts.quorum else Cause.SIGNATURES_MISSING


def signers(holders: tuple[HolderKey, ...], upload: Upload) -> int | Cause:
    """The holders who signed the text as its kind, bit 0 for holder 1; every signature given must be good."""
    seen = 0
    for signer, signature in upload.signatures:
        if not 1 <= signer <= len(holders):
            return Cause.SIGNER_UNKNOWN
        if seen >> signer - 1 & 1:
            return Cause.SIGNER_TWICE
        seen |= 1 << signer - 1
        if not signed_by(holders[signer - 1], upload, signature):
            return Cause.SIGNATURE_BAD
    return seen


def signed_by(key: HolderKey, upload: Upload, signature: bytes) -> bool:
    """Whether `key` signed the upload's text under the namespace of its kind."""
    return sshsig.verify(key, order_lines.NAMESPACES[upload.kind], upload.text, signature)


def foreign(found: Order, facts: Policy) -> bool:
    """Whether the text was made for another vault or under another policy."""
    return found.vault_id != facts.vault_id or found.policy != facts.digest


def _stale(found: Order, facts: Policy, state: State, now_s: int) -> Cause:
    if foreign(found, facts):
        return Cause.ORDER_FOREIGN
    if found.expires_s <= max(now_s, state.fram.orders_after_s):
        return Cause.ORDER_EXPIRED
    if found.expires_s > now_s + limits.ORDER_LIFE_S_MAX:
        return Cause.ORDER_TOO_LONG_LIVED
    nonces = live_nonces(state)
    if any(one.nonce == found.nonce for one in nonces):
        return Cause.ORDER_REPLAYED
    return Cause.NONCES_FULL if len(nonces) >= limits.NONCES_MAX else Cause.NONE


def _idle(found: Order, facts: Policy, state: State) -> Cause:
    """Why the order would do nothing here: other latches than it names, no such sealed group."""
    if found.kind is UploadKind.RELEASE_ORDER:
        latched = (state.fram.secured, state.fram.fault)
        return Cause.NONE if (found.secured, found.fault) == latched else Cause.NOTHING_LATCHED
    if found.kind is UploadKind.UNSEAL_ORDER:
        sealed = found.group <= len(facts.groups) and facts.groups[found.group - 1].sealed
        return Cause.NONE if sealed else Cause.NO_SUCH_GROUP
    return Cause.NONE
