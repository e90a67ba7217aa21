"""Setting the clock by a quorum (PROTOCOL 13.4-13.6).

A lost clock cannot say whether an order is fresh, so a challenge does: the holders sign what time it was
when the interlock made it, and the uptime counter adds what has passed since. Nothing that was counted in
time (exposure, gap, delay) is won or forgotten by setting the clock.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import replace

from firmware.model import acts, authority, exposure, limits, order_lines
from firmware.model.fram import Fram
from firmware.model.state import State, Upload
from firmware.wire.codes import Cause, EventKind
from firmware.wire.messages import CHALLENGE_BYTES

LABEL = b"iwato time challenge v1"


def challenged(state: State) -> State:
    """A challenge is made once and stays until it is used up or too old. The witness seed is the only
    secret that root on the controller has not; the record's sequence and the uptime never come twice."""
    if _fresh(state):
        return state
    moment = state.saved.sequence.to_bytes(4, "big") + state.uptime_ms.to_bytes(8, "big")
    made = hmac.new(state.fram.factory.witness_seed, LABEL + moment, hashlib.sha256).digest()
    return replace(state, challenge=made[:CHALLENGE_BYTES], challenge_ms=state.uptime_ms)


def age_s(state: State) -> int:
    """Seconds since the challenge was made."""
    return (state.uptime_ms - state.challenge_ms) // 1000


def _fresh(state: State) -> bool:
    return state.challenge is not None and state.uptime_ms - state.challenge_ms < limits.CHALLENGE_MS


def reference_s(state: State) -> int:
    """What the new time is judged against: the chip's clock while it runs, else the last time known."""
    raw = state.rtc_raw_s
    running = raw is not None and state.uptime_ms - state.rtc_moved_ms <= limits.CLOCK_STALL_MS
    if running and raw is not None and limits.EPOCH_S <= raw <= limits.CLOCK_S_MAX:
        return raw
    return state.fram.time_floor_s


def judged(state: State, upload: Upload) -> int | Cause:
    """The time that it is now by the holders' order, or why it is refused."""
    facts = state.fram.policy
    if facts is None:
        return Cause.NO_POLICY
    if not state.senses.key_turned:
        return Cause.KEY_NOT_TURNED
    try:
        found = order_lines.read(upload.text, upload.kind)
    except order_lines.OrderMalformedError:
        return Cause.ORDER_MALFORMED
    if authority.foreign(found, facts):
        return Cause.ORDER_FOREIGN
    if not _fresh(state) or found.nonce != state.challenge:
        return Cause.NO_CHALLENGE
    now_s = found.time_s + age_s(state)
    if found.expires_s <= now_s:
        return Cause.ORDER_EXPIRED
    if found.expires_s > found.time_s + limits.ORDER_LIFE_S_MAX:
        return Cause.ORDER_TOO_LONG_LIVED
    if now_s < reference_s(state) - limits.BACK_S_MAX:
        return Cause.TIME_BACKWARDS
    signed = authority.quorum(facts, upload)
    return now_s if signed is Cause.NONE else signed


def set_to(state: State, now_s: int) -> State:
    """The clock is set: everything that was counted by it moves along; orders of before serve no more."""
    fram = _moved(state.fram, reference_s(state), now_s)
    state = replace(
        state,
        fram=fram,
        rtc_s=now_s,
        rtc_raw_s=now_s,
        rtc_moved_ms=state.uptime_ms,
        set_clock_s=now_s,
        order=None,
        unseal=None,
        challenge=None,
        ripe_since_ms=None,
    )
    return acts.note(state, EventKind.TIME_SET, Cause.NONE)


def _moved(fram: Fram, was_s: int, now_s: int) -> Fram:
    by_s = now_s - was_s
    pendings = tuple(
        replace(one, due_s=now_s + min(max(0, one.due_s - was_s), _delay_s(fram))) for one in fram.pendings
    )
    return replace(
        fram,
        exposure=exposure.moved(fram.exposure, by_s, now_s),
        last_cut_s=min(now_s, fram.last_cut_s + by_s) if fram.last_cut_s else 0,
        time_floor_s=now_s,
        orders_after_s=_orders_after_s(fram, was_s, now_s),
        pendings=pendings,
    )


def _orders_after_s(fram: Fram, was_s: int, now_s: int) -> int:
    """A nonce is forgotten when its order has expired by the floor. Where the floor sinks a little, no order
    that expires by the old one is taken; where it was a glitch that nobody can wait for, none that could
    have been made before the order."""
    if now_s >= fram.time_floor_s:
        return fram.orders_after_s
    if now_s >= fram.time_floor_s - limits.BACK_S_MAX:
        return max(fram.orders_after_s, fram.time_floor_s)
    return max(was_s, now_s) + limits.ORDER_LIFE_S_MAX


def _delay_s(fram: Fram) -> int:
    return fram.policy.delay_s if fram.policy is not None else 0
