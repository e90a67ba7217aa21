"""From one policy to the next: who must sign, who may object, when it takes effect (PROTOCOL 12).

Two keys of one text are two persons: a policy names no key twice (policy_lines.py). A person who stays
signs once; the signature counts for the old set and for the new one.
"""

from __future__ import annotations

from dataclasses import replace

from firmware.model import acts, authority, limits, order_lines, policy_lines, witness
from firmware.model.facts import HolderKey, Policy
from firmware.model.fram import Fram, Pending
from firmware.model.order_lines import Order
from firmware.model.state import State, Upload
from firmware.wire.codes import Cause, EventKind, Phase, UploadKind

NEW_SIGNER = 0x80  # added to the number of a holder whom only the uploaded text names


def successor(state: State, upload: Upload) -> Policy | Cause:
    """The next policy, or why it is refused."""
    old, fram = state.fram.policy, state.fram
    assert old is not None, "the first policy has its own judge"
    if state.rtc_s is None:
        return Cause.CLOCK_LOST
    try:
        new, previous = policy_lines.read(upload.text)
    except policy_lines.PolicyMalformedError:
        return Cause.POLICY_MALFORMED
    if new.vault_id != old.vault_id:
        return Cause.POLICY_FOREIGN
    if new.version != old.version + 1 or previous != old.digest:
        return Cause.POLICY_NOT_NEXT
    if new.witness_key != witness.public_key(fram):
        return Cause.POLICY_WITNESS
    if new.generation < old.generation or (new.generation == old.generation and new.vault != old.vault):
        return Cause.POLICY_GENERATION
    if new.digest in fram.dropped:
        return Cause.POLICY_DROPPED
    if fram.pending is not None and len(fram.dropped) >= limits.DROPPED_MAX:
        return Cause.POLICIES_FULL
    signed = _signed(old, new, upload)
    return new if signed is Cause.NONE else signed


def _signed(old: Policy, new: Policy, upload: Upload) -> Cause:
    """NONE when k old and k new holders signed, and everybody who enters proved to have the new key."""
    keys: list[HolderKey] = []
    for signer, signature in upload.signatures:
        holders = new.holders if signer & NEW_SIGNER else old.holders
        number = signer & ~NEW_SIGNER
        if not 1 <= number <= len(holders):
            return Cause.SIGNER_UNKNOWN
        key = holders[number - 1]
        if key in keys:
            return Cause.SIGNER_TWICE
        keys.append(key)
        if not authority.signed_by(key, upload, signature):
            return Cause.SIGNATURE_BAD
    if sum(key in keys for key in old.holders) < old.quorum:
        return Cause.SIGNATURES_MISSING
    if any(key not in keys for key in new.holders if key not in old.holders):
        return Cause.ENTERING_MISSING
    return Cause.NONE if sum(key in keys for key in new.holders) >= new.quorum else Cause.SIGNATURES_MISSING


def propose(state: State, new: Policy) -> State:
    """The policy waits for the delay of the policy in force; a text that waited before never comes back."""
    fram, old = state.fram, state.fram.policy
    assert old is not None and state.rtc_s is not None, "judged before"  # noqa: PT018  one reason
    dropped = (*fram.dropped, *(one.policy.digest for one in fram.pendings))
    pending = Pending(policy=new, due_s=state.rtc_s + old.delay_s)
    state = replace(state, ripe_since_ms=None, fram=replace(fram, pendings=(pending,), dropped=dropped))
    return acts.note(state, EventKind.POLICY_PENDING, Cause.NONE, new.version)


def objection(state: State, upload: Upload) -> tuple[Pending, bool] | Cause:
    """The pending policy after a veto or an override and whether that is news, or why it is refused."""
    facts, pending = state.fram.policy, state.fram.pending
    if facts is None:
        return Cause.NO_POLICY
    if pending is None:
        return Cause.NO_PENDING
    try:
        found = order_lines.read(upload.text, upload.kind)
    except order_lines.OrderMalformedError:
        return Cause.ORDER_MALFORMED
    if authority.foreign(found, facts) or found.pending != pending.policy.digest:
        return Cause.ORDER_FOREIGN
    signed = authority.signers(facts.holders, upload)
    if isinstance(signed, Cause):
        return signed
    after = (
        _vetoed(facts, pending, signed)
        if upload.kind is UploadKind.VETO
        else _overridden(facts, pending, found, signed)
    )
    return after if isinstance(after, Cause) else (after, after != pending)


def _vetoed(facts: Policy, pending: Pending, signed: int) -> Pending | Cause:
    if not signed:
        return Cause.SIGNATURES_MISSING
    removed = [holder for holder in facts.holders if holder not in pending.policy.holders]
    if any(signed >> facts.holders.index(holder) & 1 for holder in removed):
        return Cause.SIGNER_REMOVED
    if not signed & ~pending.vetoes:
        return pending  # a veto that is repeated takes no override away
    return replace(pending, vetoes=pending.vetoes | signed, overridden=False)


def _overridden(facts: Policy, pending: Pending, found: Order, signed: int) -> Pending | Cause:
    if not pending.vetoes:
        return Cause.NO_VETO
    if found.vetoes != pending.vetoes:
        return Cause.ORDER_FOREIGN
    if (signed & ~pending.vetoes).bit_count() < facts.quorum:
        return Cause.SIGNATURES_MISSING
    return replace(pending, overridden=True)


def object_to(state: State, kind: UploadKind, pending: Pending) -> State:
    """Keep what a veto or an override made of the pending policy."""
    state = replace(state, ripe_since_ms=None, fram=replace(state.fram, pendings=(pending,)))
    event = EventKind.VETO if kind is UploadKind.VETO else EventKind.OVERRIDE
    return acts.note(state, event, Cause.NONE, pending.vetoes)


def due(fram: Fram, now_s: int | None) -> bool:
    """Whether the pending policy has waited long enough and nobody's veto holds."""
    pending = fram.pending
    if pending is None or now_s is None or now_s < pending.due_s:
        return False
    return not pending.vetoes or pending.overridden


def follow(state: State) -> State:
    """At a tick: time how long the policy has been due, and let it take effect while nothing is live."""
    quiet = state.phase is Phase.ISOLATED and not state.senses.cut_pressed
    if not quiet or not due(state.fram, state.rtc_s):
        return state if state.ripe_since_ms is None else replace(state, ripe_since_ms=None)
    if state.ripe_since_ms is None:
        return replace(state, ripe_since_ms=state.uptime_ms)
    if state.uptime_ms - state.ripe_since_ms < limits.RIPE_MS:
        return state
    pending = state.fram.pending
    assert pending is not None, "it is due"
    return adopt(state, pending.policy)


def adopt(state: State, facts: Policy) -> State:
    """`facts` are the policy from now on; what was signed under the one before counts no more."""
    fram = replace(state.fram, policies=(facts,), pendings=(), dropped=())
    state = replace(
        state, fram=fram, ripe_since_ms=None, upload=None, order=None, unseal=None, challenge=None
    )
    return acts.note(state, EventKind.POLICY, Cause.NONE, facts.version)
