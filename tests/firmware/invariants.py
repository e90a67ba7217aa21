"""The invariants of the interlock as an observer that trusts nothing of the model but its outputs.

`Ghost` is what an honest bystander with a stop-watch would remember. `watch` is pure, so the
exhaustive exploration carries ghosts along with states; it raises Violation with the invariant's name.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace

from firmware.model.fram import Fram
from firmware.model.state import (
    Drive,
    Input,
    Output,
    Persist,
    PowerOn,
    Received,
    Send,
    SetClock,
    State,
    Tick,
)
from firmware.wire.codes import Cause, Phase
from firmware.wire.messages import Cosigned, Heartbeat
from tests.firmware import authority_watch
from tests.firmware.authority_watch import Rights

DAY_S = 86_400
LINK_DAY_S = 4 * 3600
GAP_S = 60
BEAT_MS = 2000
OFF_MS = 1000
FADED_MS = 10_000
WELD_MS = 320


CHECKED: Counter[str] = Counter()  # how often each invariant was looked at, by name


class Violation(AssertionError):
    """An invariant does not hold; the first word of the message is its name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Calendar:
    """The test policy in plain numbers: (begin, link end, end) of windows and (begin, end) of slots, UTC."""

    windows: tuple[tuple[int, int, int], ...]
    scrubs: tuple[tuple[int, int], ...]

    def link(self, now_s: int) -> bool:
        return any(begin <= now_s % DAY_S < end for begin, end, _ in self.windows)

    def window(self, now_s: int) -> bool:
        return any(begin <= now_s % DAY_S < end for begin, _, end in self.windows)

    def scrub(self, now_s: int) -> bool:
        return any(begin <= now_s % DAY_S < end for begin, end in self.scrubs)


PLAIN = Calendar(windows=((43_800, 43_860, 43_920),), scrubs=((46_800, 47_100),))


@dataclass(frozen=True, slots=True, kw_only=True)
class Ghost:
    """The bystander's memory."""

    orders: Drive = Drive()  # noqa: RUF009  frozen, without any state
    tainted: bool = True
    powered_off_ms: int | None = None
    longest_off_ms: int = 0
    faded: bool = True
    stamp_ms: int | None = None
    links: tuple[tuple[int, int], ...] = ()
    linked_ms: int = 0
    attempt_over: bool = True
    conducted: bool = False
    cut_s: int | None = None
    weld_ms: tuple[int | None, ...] = (None, None)
    roots: tuple[tuple[int, bytes, bytes], ...] = ()
    known_s: int = 0
    rights: Rights = Rights()  # noqa: RUF009  frozen, without any state


def watch(
    ghost: Ghost, before: State, event: Input, after: State, outputs: tuple[Output, ...], calendar: Calendar
) -> Ghost:
    """The ghost after the step. Raises Violation."""
    rights = authority_watch.watch(ghost.rights, before, event, after, outputs, _must)
    ghost = _clock_set(replace(ghost, rights=rights), before, outputs)
    _monotone(before, event, after)
    _persisted(before, event, after, outputs)
    ghost = _listen(ghost, event, after)
    orders = next((one for one in reversed(outputs) if isinstance(one, Drive)), ghost.orders)
    ghost = _supply(ghost, event, after)
    _link(ghost, orders, after, calendar)
    _drives(ghost, orders, after, calendar)
    ghost = _exposure(ghost, orders, after)
    ghost = _welds(ghost, orders, event, after)
    ghost = _answers(ghost, outputs)
    return replace(ghost, orders=orders)


def _must(name: str, holds: object, what: str) -> None:
    CHECKED[name] += 1
    if not holds:
        raise Violation(f"{name} {what}")


def _monotone(before: State, event: Input, after: State) -> None:
    """I5: nothing that must only grow shrinks, also over a reset."""
    old, new = before.fram, after.fram
    if isinstance(event, PowerOn):
        old = before.saved
    if old.fault is Cause.MEMORY_LOST and old.sequence == 0:
        return
    version = (old.policy.version if old.policy else 0, new.policy.version if new.policy else 0)
    _must("I5", version[0] <= version[1], "the policy version decreased")
    _must("I5", old.policies == new.policies or version[0] < version[1], "a policy changed in place")
    _must("I5", old.log.size <= new.log.size, "the log shrank")
    _must("I5", old.log.size < new.log.size or old.log == new.log, "the log changed without growing")
    _must("I5", old.window.number <= new.window.number, "the window counter decreased")
    _must("I5", old.journal.newest <= new.journal.newest, "the event log lost its place")
    _must("I5", old.fault in (Cause.NONE, new.fault) or not new.fault, "a latched fault changed")
    _must("I5", generation(old) <= generation(new), "the generation decreased")
    _must("I5", old.firmware <= new.firmware, "the firmware version decreased")
    same = [one for one in old.pendings for other in new.pendings if one.policy == other.policy]
    _must("I5", not same or not same[0].vetoes & ~new.pendings[0].vetoes, "a veto was forgotten")
    _must("I5", new.secured or after.phase is not Phase.SECURED, "SECURED is not latched")
    _must("I5", new.sequence >= old.sequence, "the record sequence decreased")
    lost = [one for one in old.nonces if one not in new.nonces and one.expires_s > new.time_floor_s]
    _must("I5", not lost, "a live order nonce was forgotten")


def generation(record: Fram) -> int:
    return record.policy.generation if record.policy is not None else 0


def _clock_set(ghost: Ghost, before: State, outputs: tuple[Output, ...]) -> Ghost:
    """The holders set the clock: the bystander's own notes move along."""
    now = next((one.rtc_s for one in outputs if isinstance(one, SetClock)), None)
    if now is None:
        return ghost
    by_s = now - max(ghost.known_s, before.rtc_raw_s or 0)
    links = tuple((begin + by_s, end + by_s) for begin, end in ghost.links)
    cut_s = None if ghost.cut_s is None else ghost.cut_s + by_s
    return replace(ghost, known_s=now, links=links, cut_s=cut_s)


def _persisted(before: State, event: Input, after: State, outputs: tuple[Output, ...]) -> None:
    """What an output depends on is durable before it."""
    positions = [at for at, one in enumerate(outputs) if isinstance(one, Persist)]
    saved_at = positions[0] if positions else len(outputs)
    old = before.saved if not isinstance(event, PowerOn) else after.saved
    for at, one in enumerate(outputs):
        if isinstance(one, Send) and isinstance(one.message, Cosigned) and at < saved_at:
            _must("I10", old.log.size >= one.message.size, "a cosignature left before its leaf was durable")
        gains = isinstance(one, Drive) and (one.permit_link or one.permit_drives)
        if gains and at < saved_at:
            same = (old.exposure, old.recovery_latched) == (after.fram.exposure, after.fram.recovery_latched)
            _must("I5", same, "a line was permitted before its exposure was durable")


def _listen(ghost: Ghost, event: Input, after: State) -> Ghost:
    if isinstance(event, PowerOn):
        return replace(
            ghost, stamp_ms=None, tainted=True, powered_off_ms=None, orders=Drive(), weld_ms=(None, None)
        )
    if isinstance(event, Tick) and event.rtc_s is not None:
        ghost = replace(ghost, known_s=max(ghost.known_s, event.rtc_s))
    if isinstance(event, Received) and isinstance(event.message, Heartbeat):
        stamp = event.message.stamp_ms
        if stamp <= after.uptime_ms:
            return replace(ghost, stamp_ms=max(stamp, ghost.stamp_ms or 0))
    return ghost


def _supply(ghost: Ghost, event: Input, after: State) -> Ghost:
    """The bystander's own idea of a clean restart."""
    if not isinstance(event, Tick):
        return ghost
    senses = event.senses
    if senses.link_conducting:
        ghost = replace(ghost, tainted=True)
    if not senses.controller_supplied:
        since = after.uptime_ms if ghost.powered_off_ms is None else ghost.powered_off_ms
        long = after.uptime_ms - since
        ghost = replace(ghost, powered_off_ms=since, longest_off_ms=max(ghost.longest_off_ms, long))
        if long >= OFF_MS:
            ghost = replace(ghost, tainted=False, stamp_ms=None)
        return replace(ghost, faded=ghost.faded or long >= FADED_MS)
    return replace(ghost, powered_off_ms=None)


def _common(name: str, ghost: Ghost, after: State) -> None:
    _must(name, after.fram.fault is Cause.NONE, "live with a latched fault")
    _must(name, not after.fram.secured, "live although SECURED")
    _must("I14", not after.senses.cut_pressed, "live with CUT pressed")
    _must(name, after.rtc_s is not None, "live without a clock")
    _must(name, (after.rtc_s or 0) >= ghost.known_s, "live on a clock that went back")
    age = None if ghost.stamp_ms is None else after.uptime_ms - ghost.stamp_ms
    _must("I14", age is not None and age <= BEAT_MS, f"live {age} ms after the last sign of life")


def _link(ghost: Ghost, orders: Drive, after: State, calendar: Calendar) -> None:
    if not orders.permit_link:
        return
    _common("I1", ghost, after)
    _must("I1", calendar.link(after.rtc_s or 0), "link permitted outside every link half")
    _must("I3", not after.senses.drives_mask, "link permitted with a live drive")
    _must("I3", not orders.permit_drives, "link and drives permitted together")
    _must("I3", orders.k3_on_link and after.senses.k3_on_link, "link permitted without the changeover")
    _must("I4", ghost.faded, "link permitted after a recovery without a long restart")


def _drives(ghost: Ghost, orders: Drive, after: State, calendar: Calendar) -> None:
    if not orders.permit_drives:
        return
    _common("I1", ghost, after)
    now = after.rtc_s or 0
    allowed = {
        Phase.SEAL: calendar.window(now),
        Phase.SCRUB: calendar.scrub(now),
        Phase.RECOVERY: after.senses.key_turned and after.order is not None and now < after.order.expires_s,
    }.get(after.phase, False)
    _must("I1", allowed, f"drives permitted in {after.phase.name} at the wrong time")
    _must("I3", not after.senses.link_touched, "drives permitted with a conducting link contact")
    _must(
        "I3",
        not orders.k3_on_link and not after.senses.k3_on_link,
        "drives permitted with the changeover on link",
    )
    _must("I3", not ghost.tainted, "drives permitted before the controller was restarted")
    _must("I3", orders.boot_medium == "sealing", "drives permitted to the intake medium")
    if after.phase is Phase.RECOVERY:
        _must("I4", after.fram.recovery_latched, "recovery without its latch")


def _exposure(ghost: Ghost, orders: Drive, after: State) -> Ghost:
    """Rolling budget and closed gap, from the permits as they were seen."""
    now = after.rtc_s if after.rtc_s is not None else ghost.known_s
    was, does = ghost.orders.permit_link, orders.permit_link
    if does:
        ghost = replace(ghost, tainted=True)
    if does and not was:
        soon = ghost.attempt_over and ghost.cut_s is not None and now - ghost.cut_s < GAP_S
        _must("GAP", not soon, "linked again too soon")
        ghost = replace(ghost, links=(*ghost.links, (now, now)), linked_ms=after.uptime_ms)
        if ghost.attempt_over:
            ghost = replace(ghost, conducted=False)
    if does or was:
        # By the stop-watch: the bench may move the crystal, which is no exposure.
        begin = ghost.links[-1][0]
        end = begin + (after.uptime_ms - ghost.linked_ms) // 1000
        ghost = replace(ghost, links=(*ghost.links[:-1], (begin, end)))
        ghost = replace(ghost, conducted=ghost.conducted or after.senses.link_conducting)
        used = sum(max(0, min(e, now) - max(b, now - DAY_S)) for b, e in ghost.links)
        _must("I1", used <= LINK_DAY_S, f"{used} s of link in 24 h")
    if was and not does and ghost.conducted:
        ghost = replace(ghost, cut_s=now)
    linking = after.phase in (Phase.CONTACT_TEST, Phase.INTAKE)
    ghost = replace(ghost, attempt_over=not linking or (ghost.attempt_over and not does))
    if after.phase is Phase.RECOVERY:
        ghost = replace(ghost, faded=False)
    return ghost


def _welds(ghost: Ghost, orders: Drive, event: Input, after: State) -> Ghost:
    """I2: what conducts without supply is latched in time."""
    if not isinstance(event, Tick):
        return ghost
    fed = ghost.orders
    drives = event.senses.drives_mask & ~(fed.drive_mask if fed.permit_drives else 0)
    wrong = (event.senses.link_touched and not fed.permit_link, drives != 0)
    since = tuple(
        None if not bad or after.phase is Phase.FAULT else event.uptime_ms if old is None else old
        for bad, old in zip(wrong, ghost.weld_ms, strict=True)
    )
    held = [event.uptime_ms - old for old in since if old is not None]
    _must("I2", max(held, default=0) <= WELD_MS, "a contact conducts without supply and nothing is latched")
    return replace(ghost, weld_ms=since)


def _answers(ghost: Ghost, outputs: tuple[Output, ...]) -> Ghost:
    """I10: one head for one size."""
    for one in outputs:
        if isinstance(one, Send) and isinstance(one.message, Cosigned):
            said = (one.message.size, one.message.root, one.message.signature)
            _must(
                "I10", all(old == said for old in ghost.roots if old[0] == said[0]), "two heads for one size"
            )
            ghost = replace(ghost, roots=(*ghost.roots, said))
    return ghost
