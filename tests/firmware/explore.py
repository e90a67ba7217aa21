"""Bounded exhaustive exploration: every input of an alphabet in every abstract state, breadth first.

The senses are chosen freely (also against physics), the controller says anything, time passes in the
steps at which something can change. Two states are one when no comparison of the model can tell them
apart, so the set is finite; `limit` bounds how much of it is visited, nearest first.
"""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

from firmware.model import fram, limits, permits, policy_lines, step, succession
from firmware.model.order_lines import Order
from firmware.model.state import Input, PowerOn, Received, Senses, State, Tick
from firmware.wire.codes import Cause, Phase, UploadKind
from firmware.wire.messages import ChallengeRead, Done, Heartbeat, RequestPhase
from tests.firmware import explore_papers, invariants
from tests.firmware.box import NOON_S, PAIRING_KEY, WITNESS_SEED, Stepper, policy_text
from tests.firmware.invariants import Ghost
from tests.firmware.papers import TWO_GROUPS

STEPS_MS = (100, 1700)
JUMPS_S = (43_800, 43_860, 43_920, 46_800, 47_100)
ASKED = (Phase.INTAKE, Phase.SEAL, Phase.SCRUB, Phase.RECOVERY, Phase.ISOLATED, Phase.SECURED)
DARK = (False, False, False, False, False, False)
LIVE = (False, True, False, False, False, False)
FOREIGN = (False, False, False, False, True, False)  # of the sealed group


@dataclass
class Found:
    """What was visited."""

    states: int = 0
    steps: int = 0
    phases: set[Phase] = field(default_factory=set)
    kept: list[tuple[State, Ghost]] = field(default_factory=list)
    waiting: int = 0


def born() -> State:
    """An isolated box with its policy, five seconds before the window."""
    policy, _ = policy_lines.read(policy_text(drives=TWO_GROUPS, delay="1h"))
    slot, _ = fram.commission(pairing_key=PAIRING_KEY, witness_seed=WITNESS_SEED, time_s=NOON_S - 60)
    record = fram.decode(slot)
    assert record is not None
    record = replace(record, policies=(policy,))
    state, _ = step.step(step.blank(), PowerOn(fram_bytes_slot_a=record.encode(), fram_bytes_slot_b=b""))
    for n in range(14):
        senses = Senses(drives_live=DARK, controller_supplied=n > 12)
        state, _ = step.step(state, Tick(uptime_ms=100 * n, rtc_s=NOON_S + 595, senses=senses))
    assert state.phase is Phase.ISOLATED, state.phase
    order = Order(
        kind=UploadKind.RECOVERY_ORDER,
        digest=bytes(32),
        vault_id=policy.vault_id,
        policy=policy.digest,
        nonce=bytes(16),
        expires_s=NOON_S + 1000,
    )
    return replace(state, order=order)


def voyage_states(stepper: Stepper) -> list[tuple[State, Ghost]]:
    """The places an honest window, scrub and recovery pass through: where the exploration begins."""
    start = born()
    ghost = Ghost(tainted=False, known_s=start.rtc_s or 0, orders=start.orders)
    roots = [(start, ghost)]
    for phase, second in ((Phase.INTAKE, 43_800), (Phase.SCRUB, 46_800), (Phase.RECOVERY, 43_796)):
        at = (start, ghost)
        for event in _honest(phase, second):
            made = event(at[0])
            after, outputs = stepper(at[0], made)
            at = (after, invariants.watch(at[1], at[0], made, after, outputs, invariants.PLAIN))
            roots.append(at)
    return roots


def _honest(phase: Phase, second: int) -> Iterator[Callable[[State], Input]]:
    """A whole visit of `phase`, as functions of the state reached."""
    yield lambda state: _tick(state, jump=second)
    yield lambda state: Received(message=Heartbeat(progress=0, stamp_ms=state.uptime_ms))
    yield lambda _: Received(message=RequestPhase(phase=phase))
    if phase is Phase.INTAKE:
        for k1, k2 in ((False, False), (True, False), (False, True), (True, True)):
            yield lambda state, k1=k1, k2=k2: _tick(state, k1=k1, k2=k2)  # type: ignore[misc]
        yield lambda state: _tick(state, k1=True, k2=True)
        yield lambda _: Received(message=Done(phase=phase))
    for _ in range(16):
        yield _tick
    yield lambda state: Received(message=Heartbeat(progress=0, stamp_ms=state.uptime_ms))
    yield lambda state: _tick(state, live=True)
    yield lambda state: _tick(state, live=True)


def _tick(
    state: State, *, k1: bool = False, k2: bool = False, live: bool = False, jump: int | None = None
) -> Tick:
    plain = next(senses_of(state))
    senses = replace(
        plain, k1_conducting=k1, k2_conducting=k2, drives_live=LIVE if live else DARK, key_turned=True
    )
    now = state.rtc_raw_s or NOON_S
    later = now + 1 if (state.uptime_ms + 100) // 1000 > state.uptime_ms // 1000 else now
    moved = later if jump is None else now + (jump - now) % 86_400
    return Tick(uptime_ms=state.uptime_ms + 100, rtc_s=moved, senses=senses)


def senses_of(state: State) -> Iterator[Senses]:
    """Obedient senses, then each way in which contacts, switches and supplies can differ."""
    orders = state.orders
    plain = Senses(
        k3_on_link=orders.k3_on_link, drives_live=DARK, controller_supplied=orders.controller_power
    )
    yield plain
    yield replace(plain, k1_conducting=True)
    yield replace(plain, k2_conducting=True)
    yield replace(plain, k1_conducting=True, k2_conducting=True)
    yield replace(plain, drives_live=LIVE)
    yield replace(plain, drives_live=FOREIGN)
    yield replace(plain, k1_conducting=True, k2_conducting=True, drives_live=LIVE)
    yield replace(plain, k3_on_link=not plain.k3_on_link)
    yield replace(plain, controller_supplied=not plain.controller_supplied)
    yield replace(plain, cut_pressed=True)
    yield replace(plain, key_turned=True)
    yield replace(plain, key_turned=True, drives_live=LIVE)


def moves(state: State) -> Iterator[Input]:
    """The alphabet in `state`."""
    now = state.rtc_raw_s or NOON_S
    for senses in senses_of(state):
        for step_ms in STEPS_MS:
            uptime_ms = state.uptime_ms + step_ms
            later = now + uptime_ms // 1000 - state.uptime_ms // 1000
            yield Tick(uptime_ms=uptime_ms, rtc_s=later, senses=senses)
    for second in JUMPS_S:
        moved = now + (second - now) % 86_400
        yield Tick(uptime_ms=state.uptime_ms + 100, rtc_s=moved, senses=state.senses)
    yield Tick(uptime_ms=state.uptime_ms + 12_000, rtc_s=now + 12, senses=state.senses)
    yield Tick(uptime_ms=state.uptime_ms + 100, rtc_s=None, senses=state.senses)
    yield Tick(uptime_ms=state.uptime_ms + 100, rtc_s=now - 120, senses=state.senses)
    yield Received(message=Heartbeat(progress=0, stamp_ms=state.uptime_ms))
    yield Received(message=Heartbeat(progress=0, stamp_ms=max(0, state.uptime_ms - 1800)))
    for phase in ASKED:
        yield Received(message=RequestPhase(phase=phase))
    yield Received(message=Done(phase=state.phase))
    yield Received(message=ChallengeRead())
    saved = state.saved.encode()
    yield PowerOn(fram_bytes_slot_a=saved, fram_bytes_slot_b=b"")


def key(state: State, ghost: Ghost) -> tuple[object, ...]:
    """All that decides what can happen next."""
    up, now, used = state.uptime_ms, state.rtc_s, state.fram.window
    region = None if now is None else (invariants.PLAIN.link(now), invariants.PLAIN.window(now))
    slot = now is not None and invariants.PLAIN.scrub(now)
    dark = state.supply.dark_since_ms
    return (
        (state.phase, state.target, state.orders, state.senses, state.fram.fault is Cause.NONE),
        (state.fram.secured, state.fram.recovery_latched, state.clean, state.test, used.drive_half),
        (region, slot, used.tests_failed, bool(permits.gap_left_s(state)), permits.held_too_long(state)),
        _bucket(permits.heartbeat_age_ms(state), 400, 1500),
        (state.supply.ordered, state.supply.leaving, state.supply.medium, state.supply.booted_ms is None),
        _bucket(None if dark is None else up - dark, 0, 900, 1000, 9900, 10_000),
        state.phase is Phase.CONTACT_TEST and up - state.phase_since_ms >= 500,
        tuple((cause, up - since > 100) for cause, since in state.mismatches),
        _bucket(None if state.cut_since_ms is None else up - state.cut_since_ms, 2900, 3000),
        (state.order is not None, state.warned_s, state.link_since_ms is None),
        _rights(state, ghost),
        (
            ghost.tainted,
            ghost.faded,
            _bucket(None if ghost.stamp_ms is None else up - ghost.stamp_ms, 400, 2000),
        ),
    )


def _rights(state: State, ghost: Ghost) -> tuple[object, ...]:
    """What decides about policies and orders."""
    fram, rights = state.fram, ghost.rights
    pending, policy = fram.pending, fram.policy
    ripe = None if state.ripe_since_ms is None else state.uptime_ms - state.ripe_since_ms
    return (
        policy.version if policy is not None else 0,
        (pending.policy.digest, pending.vetoes, pending.overridden) if pending is not None else None,
        succession.due(fram, state.rtc_s),
        _bucket(ripe, limits.RIPE_MS - 1),
        (
            len(fram.dropped),
            len(fram.nonces),
            fram.fault,
            state.unseal is not None,
            state.challenge is not None,
        ),
        (rights.pending, rights.vetoes, rights.overridden, rights.unsealed is not None, rights.serving),
    )


def _bucket(value: int | None, *edges: int) -> int | None:
    return None if value is None else sum(value > edge for edge in edges)


def explore(limit: int, stepper: Stepper = step.step) -> Found:
    """Visit up to `limit` states. Raises invariants.Violation."""
    found = Found()
    roots = voyage_states(stepper)
    queue = deque(roots)
    seen = {key(*root) for root in roots}
    while queue and found.states < limit:
        state, ghost = queue.popleft()
        found.states += 1
        found.phases.add(state.phase)
        if found.states % 64 == 0:
            found.kept.append((state, ghost))
        for events in (*((event,) for event in moves(state)), *explore_papers.uploads(state)):
            at = (state, ghost)
            for event in events:
                at = _follow(at, event, stepper)
                found.steps += 1
            name = key(*at)
            if name not in seen:
                seen.add(name)
                queue.append(at)
    found.waiting = len(queue)
    return found


def _follow(at: tuple[State, Ghost], event: Input, stepper: Stepper) -> tuple[State, Ghost]:
    after, outputs = stepper(at[0], event)
    ghost = invariants.watch(at[1], at[0], event, after, outputs, invariants.PLAIN)
    _no_unlisted_pair(after)
    return after, ghost


def _no_unlisted_pair(after: State) -> None:
    if after.fram.fault is Cause.UNLISTED_PAIR:
        raise invariants.Violation("TABLE an unlisted pair was reached")


def goes_home(state: State, stepper: Stepper = step.step) -> Phase:
    """Where the box ends when everybody lets go: senses obey, nobody speaks, time passes."""
    for n in range(4000):
        senses = next(senses_of(state))
        step_ms = 100 if n < 3800 else 2000
        now = (state.rtc_raw_s or NOON_S) + (state.uptime_ms + step_ms) // 1000 - state.uptime_ms // 1000
        state, _ = stepper(state, Tick(uptime_ms=state.uptime_ms + step_ms, rtc_s=now, senses=senses))
        if state.phase in (Phase.ISOLATED, Phase.SECURED, Phase.FAULT):
            break
    return state.phase


def verdicts(found: Found) -> str:
    """What was visited, and how often each invariant was looked at; a broken one never gets here."""
    rest = f"{found.waiting} more were met and not entered" if found.waiting else "there are no others"
    lines = [
        f"explored {found.states} abstract states in {len(found.phases)} phases, {found.steps} steps; {rest}",
        *(
            f"  {name:<8} holds, looked at {count} times"
            for name, count in sorted(invariants.CHECKED.items())
        ),
    ]
    return "\n".join(lines)


def main(arguments: list[str]) -> int:
    """`python -m tests.firmware.explore [STATES]`: safety in every state, liveness from a sample of them."""
    try:
        found = explore(int(arguments[0]) if arguments else 3000)
    except invariants.Violation as broken:
        print(f"BROKEN {broken}")
        return 1
    print(verdicts(found))
    homes = {goes_home(state).name for state, _ in found.kept}
    print(
        f"  HOME     from {len(found.kept)} of them, left alone, the box went to {', '.join(sorted(homes))}"
    )
    return 0 if homes <= {"ISOLATED", "SECURED", "FAULT"} else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
