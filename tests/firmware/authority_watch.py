"""The holders' rights as an observer sees them: nothing that takes k people happens without k people.

`Rights` is what the bystander remembers of policies, vetoes and unsealings, from the texts and signatures on
the line (notary.py) and an own count of time. `watch` is pure; it is called by invariants.py at each step.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from firmware.model.facts import Policy
from firmware.model.state import Drive, Input, Output, PowerOn, SetClock, State
from firmware.wire.codes import Cause, Phase, UploadKind
from tests.firmware import notary
from tests.firmware.notary import Deed

Must = Callable[[str, object, str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rights:
    """`waited_s`: how long the pending text has waited by clock readings; `vetoes` and `overridden` as the
    line showed them; `unsealed`: (group, expiry) of an order that has not served."""

    pending: bytes = b""
    waited_s: int = 0
    at_s: int | None = None
    vetoes: frozenset[int] = frozenset()
    overridden: bool = False
    gone: frozenset[bytes] = frozenset()
    unsealed: tuple[int, int] | None = None
    serving: bool = False


def watch(
    rights: Rights, before: State, event: Input, after: State, outputs: tuple[Output, ...], must: Must
) -> Rights:
    """The rights after the step; `must` raises what is broken."""
    done = notary.deed(before, event)
    saved = before.saved if isinstance(event, PowerOn) else before.fram
    old = saved.policy
    quorum = old is not None and done is not None and len(done.voters(old)) >= old.quorum
    kind = done.kind if done is not None and quorum else None
    _latches(saved.secured, saved.fault, after, kind, before, must)
    clock = [one for one in outputs if isinstance(one, SetClock)]
    must("CLOCK", not clock or kind is UploadKind.TIME_ORDER, "the clock was set without a quorum")
    sank = saved.time_floor_s > after.fram.time_floor_s
    must("CLOCK", not sank or kind is UploadKind.TIME_ORDER, "the time floor sank without a quorum")
    rights = _time(rights, after, set_now=bool(clock))
    rights = _policies(rights, old, after, done, kind, must)
    rights = _unsealing(rights, before, after, done, kind, event)
    _group(rights, after, outputs, must)
    return rights


def _latches(
    secured: bool, fault: Cause, after: State, kind: UploadKind | None, before: State, must: Must
) -> None:
    freed = (secured and not after.fram.secured) or fault not in (Cause.NONE, after.fram.fault)
    if fault is Cause.MEMORY_LOST or after.fram.fault in (Cause.MEMORY_LOST, Cause.FIRMWARE_OLD):
        return
    must("I5", not freed or kind is UploadKind.RELEASE_ORDER, "SECURED or a fault was left without a quorum")
    must("QUORUM", not freed or before.senses.key_turned, "released with nobody at the box")


def _time(rights: Rights, after: State, *, set_now: bool) -> Rights:
    now = after.rtc_s
    if now is None:
        return rights
    if set_now:
        return replace(rights, at_s=now)
    passed = max(0, now - rights.at_s) if rights.at_s is not None else 0
    return replace(rights, at_s=now, waited_s=rights.waited_s + passed)


def _policies(
    rights: Rights, old: Policy | None, after: State, done: Deed | None, kind: UploadKind | None, must: Must
) -> Rights:
    new, pending = after.fram.policy, after.fram.pending
    if done is not None and pending is not None:
        rights = _objections(rights, old, after, done)
    if new is not None and (old is None or new.digest != old.digest):
        must(
            "POLICY",
            _founded(old, new, done) or _waited(rights, old, new),
            "a policy came too soon or unsigned",
        )
        held = rights.vetoes and not rights.overridden
        must("VETO", old is None or not held, "a policy took effect against a veto")
        return Rights(at_s=rights.at_s)
    digest = pending.policy.digest if pending is not None else b""
    if digest == rights.pending:
        return rights
    must("POLICY", digest and kind is UploadKind.POLICY, "a policy waits that no quorum proposed, or is lost")
    must("POLICY", digest not in rights.gone, "a text that was replaced waits again")
    gone = rights.gone | ({rights.pending} if rights.pending else set())
    return replace(rights, pending=digest, waited_s=0, vetoes=frozenset(), overridden=False, gone=gone)


def _founded(old: Policy | None, new: Policy, done: Deed | None) -> bool:
    return old is None and done is not None and len(done.voters(new)) >= new.quorum


def _waited(rights: Rights, old: Policy | None, new: Policy) -> bool:
    return old is not None and rights.pending == new.digest and rights.waited_s >= old.delay_s


def _objections(rights: Rights, old: Policy | None, after: State, done: Deed) -> Rights:
    """Vetoes and overrides as anybody can read them."""
    pending = after.fram.pending
    if old is None or pending is None or done.said("pending")[7:] != pending.policy.digest.hex():
        return rights
    if done.said("policy") != f"sha256:{old.digest.hex()}" or after.phase not in (
        Phase.ISOLATED,
        Phase.SECURED,
        Phase.FAULT,
    ):
        return rights
    voters = done.voters(old)
    if done.kind is UploadKind.VETO and done.text.count(b"\n") == 5:
        stay = {n for n in voters if old.holders[n - 1] in pending.policy.holders}
        if stay == voters and not voters <= rights.vetoes:
            return replace(rights, vetoes=rights.vetoes | voters, overridden=False)
    named = done.said("vetoed-by") == ",".join(str(n) for n in sorted(rights.vetoes))
    if done.kind is UploadKind.OVERRIDE and named and len(voters - rights.vetoes) >= old.quorum:
        return replace(rights, overridden=True)
    return rights


def _unsealing(
    rights: Rights, before: State, after: State, done: Deed | None, kind: UploadKind | None, event: Input
) -> Rights:
    if isinstance(event, PowerOn):
        return replace(rights, unsealed=None, serving=False)
    if kind is UploadKind.UNSEAL_ORDER and done is not None and after.unseal is not None:
        expires = datetime.fromisoformat(done.said("expires"))
        rights = replace(rights, unsealed=(int(done.said("group")), int(expires.timestamp())))
    reading = after.phase in (Phase.SCRUB, Phase.RECOVERY)
    if rights.serving and not reading:
        return replace(rights, unsealed=None, serving=False)
    return replace(rights, serving=reading and rights.unsealed is not None)


def _group(rights: Rights, after: State, outputs: tuple[Output, ...], must: Must) -> None:
    policy = after.fram.policy
    for one in outputs:
        if not isinstance(one, Drive) or not one.permit_drives or policy is None:
            continue
        group = next(n for n, group in enumerate(policy.groups) if not group.sealed)
        now = after.rtc_s or 0
        if after.phase is not Phase.SEAL and rights.unsealed is not None and now < rights.unsealed[1]:
            group = rights.unsealed[0] - 1
        below = sum(group.bays for group in policy.groups[:group])
        allowed = ((1 << policy.groups[group].bays) - 1) << below
        must("GROUP", not one.drive_mask & ~allowed, "a drive outside the permitted group is fed")
        must("GROUP", not after.senses.drives_mask & ~allowed, "drives are fed beside a live sealed one")
