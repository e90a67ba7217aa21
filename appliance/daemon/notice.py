"""What a measurement and the interlock's clock tell by themselves. Sounds and ends alarms in the record."""

from __future__ import annotations

from appliance.daemon import alarms, duty
from appliance.daemon import desk as desks
from appliance.daemon.box import Schedule
from appliance.daemon.record import WINDOWS_KEPT, Alarm, Past, Record
from appliance.domain.phases import Phase, Reading
from appliance.errors import ClockLost, ClockWentBack, FaultLatched, WindowMissed

BACK_S = 5  # s; the interlock's clock counts whole seconds, and is set by hand within a few


def take(record: Record, schedule: Schedule, reading: Reading, *, clock_known: bool) -> list[Alarm]:
    """Everything in one reading of an idle box; the alarms that are news."""
    news = [_fault(record, reading)]
    if reading.unix_s <= 0 or not clock_known:
        news.append(alarms.sound(record, "clock lost", ClockLost(), now_s=record.seen_s))
    else:
        alarms.end(record, "clock lost", now_s=reading.unix_s)
        news += [_clock(record, reading.unix_s), _missed(record, schedule, reading.unix_s)]
    return [alarm for alarm in news if alarm is not None]


def _fault(record: Record, reading: Reading) -> Alarm | None:
    now_s = reading.unix_s or record.seen_s
    if reading.phase in {Phase.FAULT, Phase.SECURED}:
        fault = FaultLatched(phase=reading.phase.value, cause=reading.fault or "CUT")
        return alarms.sound(record, "fault", fault, now_s=now_s)
    alarms.end(record, "fault", now_s=now_s)
    return None


def _clock(record: Record, now_s: int) -> Alarm | None:
    back_s, record.seen_s = record.seen_s - now_s, now_s
    if back_s <= BACK_S:
        return None
    return alarms.sound(record, "clock went back", ClockWentBack(seconds=back_s), now_s=now_s)


def _missed(record: Record, schedule: Schedule, now_s: int) -> Alarm | None:
    """Windows that passed while nobody tried. One that is still being judged comes first."""
    begins = duty.missed(schedule, record, now_s) if record.closed else []
    if not begins:
        return None
    record.window_s = begins[-1]
    desks.remember(record, Past(begin_s=begins[-1], outcome="missed"), WINDOWS_KEPT)
    error = WindowMissed(count=len(begins), window=desks.utc(begins[-1]))
    return alarms.sound(record, "missed window", error, now_s=now_s)
