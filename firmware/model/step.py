"""The golden model: `step(state, event) -> (state, outputs)`; no clock, no input, no output (PROTOCOL 5).

Read in this order: phases.py (the table), permits.py (the conditions), levels.py (the outputs),
ticking.py and hearing.py (what makes the table turn), acts.py (what a turn does).
"""

from __future__ import annotations

from dataclasses import replace

from firmware.model import fram, hearing, journal, levels, limits, status, supervision, ticking
from firmware.model.fram import Factory, Fram
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
from firmware.wire.codes import Cause
from firmware.wire.messages import Message


def blank() -> State:
    """What there is before power-on: no memory, everything de-energised. Only PowerOn may follow."""
    nothing = Fram(factory=Factory(pairing_key=bytes(32), witness_seed=bytes(32)), fault=Cause.MEMORY_LOST)
    return State(fram=nothing, saved=nothing)


def step(state: State, event: Input) -> tuple[State, tuple[Output, ...]]:
    """One input. A Persist precedes every output that depends on it; a mere cut waits for nothing."""
    match event:
        case PowerOn():
            after = _power_on(event)
            return _finish(replace(after, orders=Drive(controller_power=True)), after, ())
        case Tick():
            after = ticking.tick(state, event)
            after, warning = status.warning(after)
            return _finish(state, after, (warning,) if warning else ())
        case Received():
            after, said = hearing.hear(state, event.message)
            return _finish(state, after, said)


def _power_on(event: PowerOn) -> State:
    """Starts in UNKNOWN with everything off; lost memory is a fault that nothing persists over."""
    saved = fram.newest(event.fram_bytes_slot_a, event.fram_bytes_slot_b)
    if saved is None:
        return blank()
    if saved.firmware > limits.FIRMWARE_VERSION:
        return State(fram=replace(saved, fault=Cause.FIRMWARE_OLD), saved=saved)
    log = journal.power_on(saved.journal, time_s=saved.time_floor_s)
    now = replace(saved, journal=log, firmware=limits.FIRMWARE_VERSION)
    return State(fram=now, saved=saved, saved_ms=-limits.REFUSAL_FLUSH_MS)


def _finish(before: State, after: State, said: tuple[Message, ...]) -> tuple[State, tuple[Output, ...]]:
    drive = levels.of(after)
    after = supervision.watch(after if drive == after.orders else replace(after, orders=drive))
    outputs: list[Output] = []
    if _must_persist(after):
        record = replace(after.fram, sequence=after.saved.sequence + 1)
        after = replace(after, fram=record, saved=record, saved_ms=after.uptime_ms)
        outputs.append(Persist(fram=record))
    if after.set_clock_s is not None:
        outputs.append(SetClock(rtc_s=after.set_clock_s))
        after = replace(after, set_clock_s=None)
    if drive != before.orders:
        outputs.insert(0 if levels.safer(drive, before.orders) else len(outputs), drive)
    outputs.extend(Send(message=message) for message in said)
    if after.phase is not before.phase:
        outputs.append(Send(message=status.report(after)))
    return after, tuple(outputs)


def _must_persist(state: State) -> bool:
    """At once for everything but mere refusals and the passing of time, which may wait a little."""
    new, old = state.fram, state.saved
    if new == old or new.fault in fram.UNWRITTEN:
        return False
    if state.set_clock_s is not None:
        return True  # before the chip is set, and so that no challenge comes twice
    late = state.uptime_ms - state.saved_ms >= limits.REFUSAL_FLUSH_MS
    if late and (new.journal != old.journal or new.time_floor_s - old.time_floor_s >= limits.FLOOR_S):
        return True
    return replace(new, journal=old.journal, time_floor_s=old.time_floor_s) != old
