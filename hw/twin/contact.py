"""One relay: from coil current to a contact that conducts, with the time and the faults between.

Pure. Times are whole milliseconds. A change of the coil shows in the contact only after the operate
or release time; a fresh make chatters. Knows no circuit (circuit.py does).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from hw.profile import ContactTiming

LONG_AGO_MS = 10_000  # ms; beyond every operate time and bounce, so that a settled relay stops counting
CHATTER_MS = 1  # ms; a bouncing contact makes and breaks with about this period


@dataclass(frozen=True, slots=True, kw_only=True)
class Relay:
    """A relay. `welded`: once the contact conducts it never releases. `broken`: it never conducts."""

    energised: bool = False
    conducting: bool = False
    since_ms: int = LONG_AGO_MS
    welded: bool = False
    broken: bool = False


RESTING = Relay()


def step(relay: Relay, *, energised: bool, dt_ms: int, timing: ContactTiming) -> Relay:
    """The relay `dt_ms` later, with its coil held `energised` for that time."""
    if energised == relay.energised and relay.since_ms == LONG_AGO_MS:
        return relay
    since_ms = 0 if energised != relay.energised else relay.since_ms
    since_ms += dt_ms
    conducting = _conducts(relay, energised=energised, since_ms=since_ms, timing=timing)
    if since_ms >= settled_after_ms(timing, energised=energised):
        since_ms = LONG_AGO_MS
    return replace(relay, energised=energised, conducting=conducting, since_ms=since_ms)


def due_ms(relay: Relay, *, energised: bool, timing: ContactTiming) -> int | None:
    """Milliseconds until the contact may next change, None when it rests."""
    if energised == relay.energised and relay.since_ms == LONG_AGO_MS:
        return None
    since_ms = 0 if energised != relay.energised else relay.since_ms
    first = timing.operate_ms if energised else timing.release_ms
    return max(first - since_ms, CHATTER_MS)


def settled_after_ms(timing: ContactTiming, *, energised: bool) -> int:
    """Milliseconds after the coil's change at which the contact rests."""
    return timing.operate_ms + timing.bounce_ms if energised else timing.release_ms


def damage(relay: Relay, *, welded: bool | None = None, broken: bool | None = None) -> Relay:
    """The relay with a fault planted or mended; a broken contact lets go at once."""
    after = replace(
        relay,
        welded=relay.welded if welded is None else welded,
        broken=relay.broken if broken is None else broken,
        since_ms=0,
    )
    return replace(after, conducting=False) if after.broken else after


def _conducts(relay: Relay, *, energised: bool, since_ms: int, timing: ContactTiming) -> bool:
    if relay.broken:
        return False
    if relay.welded and relay.conducting:
        return True
    if not energised:
        return relay.conducting and since_ms < timing.release_ms
    if since_ms < timing.operate_ms:
        return relay.conducting
    chatter_ms = since_ms - timing.operate_ms
    return chatter_ms >= timing.bounce_ms or (chatter_ms // CHATTER_MS) % 2 == 0
