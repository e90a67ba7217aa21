"""Planted bugs in the rules of policies and orders; succession_scenarios.py has to notice every one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from firmware.model import acts, authority, permits, policy_lines, setting, step, succession
from firmware.model.facts import Policy
from firmware.wire.codes import Cause, Phase, UploadKind
from tests.firmware.mutants import Mutant, swap

_successor = succession.successor
_signers = authority.signers
_mask = permits.mask
_order = authority.order
_judged = setting.judged
_propose = succession.propose
_vetoed = succession._vetoed
_power_on = step._power_on
_lead = acts._lead


def _few(policy: Policy) -> Policy:
    return replace(policy, quorum=1)


def _by_few(function: Callable[..., Any]) -> Callable[..., Any]:
    """`function` as if one holder were a quorum."""

    def judged(state: Any, upload: Any) -> Any:
        fram = replace(state.fram, policies=tuple(_few(one) for one in state.fram.policies))
        return function(replace(state, fram=fram), upload)

    return judged


def _few_old(state: Any, upload: Any) -> Any:
    found = _by_few(_successor)(state, upload)
    if found is Cause.SIGNATURES_MISSING:
        return policy_lines.read(upload.text)[0]
    return found


def _key_turned(function: Callable[..., Any]) -> Callable[..., Any]:
    def judged(state: Any, upload: Any) -> Any:
        return function(replace(state, senses=replace(state.senses, key_turned=True)), upload)

    return judged


def _any_namespace(holders: Any, upload: Any) -> int | Cause:
    signed = _signers(holders, upload)
    if signed is not Cause.SIGNATURE_BAD:
        return signed
    return _signers(holders, replace(upload, kind=UploadKind.RECOVERY_ORDER))


def _no_delay(state: Any, new: Any) -> Any:
    after = _propose(state, new)
    pending = replace(after.fram.pendings[0], due_s=state.rtc_s)
    return replace(after, fram=replace(after.fram, pendings=(pending,)))


def _new_delay(state: Any, new: Any) -> Any:
    """The delay of the new policy instead of the old one's."""
    after = _propose(state, new)
    pending = replace(after.fram.pendings[0], due_s=state.rtc_s + 60)
    return replace(after, fram=replace(after.fram, pendings=(pending,)))


def _remembers_no_text(state: Any, new: Any) -> Any:
    after = _propose(state, new)
    return replace(after, fram=replace(after.fram, dropped=()))


def _forgets_vetoes(event: Any) -> Any:
    state = _power_on(event)
    pendings = tuple(replace(one, vetoes=0) for one in state.fram.pendings)
    return replace(state, fram=replace(state.fram, pendings=pendings))


def _forgets_pending(event: Any) -> Any:
    state = _power_on(event)
    return replace(state, fram=replace(state.fram, pendings=()))


def _override_stands(facts: Any, pending: Any, signed: int) -> Any:
    after = _vetoed(facts, pending, signed)
    return after if isinstance(after, Cause) else replace(after, overridden=pending.overridden)


def _any_generation(state: Any, upload: Any) -> Any:
    old = replace(state.fram.policy, generation=0)
    return _successor(replace(state, fram=replace(state.fram, policies=(old,))), upload)


def _every_bay(state: Any, phase: Phase) -> int:
    return (1 << 16) - 1 if _mask(state, phase) else 0


def _both_groups(state: Any, phase: Phase) -> int:
    return _mask(state, phase) | _mask(state, Phase.SEAL)


def _serves_for_ever(state: Any, target: Phase) -> Any:
    return replace(_lead(state, target), unseal=state.unseal)


_small: Callable[..., Cause] = authority.quorum


def _quorum_of_one(facts: Policy, upload: Any) -> Cause:
    return _small(_few(facts), upload)


def _due(fram: Any, now_s: int | None) -> bool:
    return bool(fram.pendings) and now_s is not None and now_s >= fram.pendings[0].due_s


MUTANTS = (
    Mutant("a policy by fewer than k old holders", "POLICY", swap(succession, "successor", _few_old)),
    Mutant("a policy without its delay", "POLICY", swap(succession, "propose", _no_delay)),
    Mutant(
        "a policy with another delay than the old one's", "POLICY", swap(succession, "propose", _new_delay)
    ),
    Mutant("a pending policy forgotten at reset", "POLICY", swap(step, "_power_on", _forgets_pending)),
    Mutant("a replaced text waits again", "POLICY", swap(succession, "propose", _remembers_no_text)),
    Mutant("a veto that holds nothing", "VETO", swap(succession, "due", _due)),
    Mutant("vetoes forgotten at reset", "I5", swap(step, "_power_on", _forgets_vetoes)),
    Mutant("an override that outlives a new veto", "VETO", swap(succession, "_vetoed", _override_stands)),
    Mutant("a generation that decreases", "I5", swap(succession, "successor", _any_generation)),
    Mutant("an order by fewer than k", "I5", swap(authority, "quorum", _quorum_of_one)),
    Mutant("a release with nobody at the box", "QUORUM", swap(authority, "order", _key_turned(_order))),
    Mutant("a signature of another meaning", "I5", swap(authority, "signers", _any_namespace)),
    Mutant(
        "a clock set by fewer than k",
        "CLOCK",
        swap(setting, "judged", _by_few(_judged)),
    ),
    Mutant("every drive fed with the current group", "GROUP", swap(permits, "mask", _every_bay)),
    Mutant("the current group fed beside an unsealed one", "GROUP", swap(permits, "mask", _both_groups)),
    Mutant("an unsealing that serves for ever", "GROUP", swap(acts, "_lead", _serves_for_ever)),
)
