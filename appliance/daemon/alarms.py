"""The alarms as they come, are seen and end. Changes the record that it is given; stores nothing.

An acknowledgement belongs to one occurrence: the next event of the same kind is a new alarm, and so is a
condition that ended and came back.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from appliance.daemon.alarm_table import ALARMS_MAX, TABLE
from appliance.daemon.record import TEXT_KEPT, Ack, Alarm, Record
from appliance.errors import AlarmUnknown, IwatoError, by_code


def sound(record: Record, kind: str, error: IwatoError, *, key: str = "", now_s: int) -> Alarm | None:
    """The alarm is raised. Gives it where it is news, None where the same occurrence goes on."""
    row = TABLE[kind]
    same = _same(record, kind, key)
    values = {name: value if isinstance(value, int) else str(value)[:TEXT_KEPT]
              for name, value in error.values.items()}
    if same is not None:
        same.last_s, same.values, same.code = now_s, values, error.code
        if not row.lasting:
            same.count += 1
            return same
        return None
    record.alarm_newest += 1
    alarm = Alarm(
        number=record.alarm_newest, kind=kind, key=key, code=error.code, values=values,
        first_s=now_s, last_s=now_s,
    )
    record.alarms.append(alarm)
    _forget(record)
    return alarm


def end(record: Record, kind: str, *, key: str = "", now_s: int) -> None:
    """The condition holds no more."""
    same = _same(record, kind, key)
    if same is not None and TABLE[kind].lasting:
        same.over_s = max(1, now_s)


def acknowledge(record: Record, number: int, who: str, now_s: int) -> Alarm:
    """AlarmUnknown. A second acknowledgement changes nothing."""
    for alarm in record.alarms:
        if alarm.number == number:
            alarm.ack = alarm.ack or Ack(who=who, time=now_s)
            return alarm
    raise AlarmUnknown(number=number)


def pressing(record: Record) -> Iterator[Alarm]:
    """Those that a person has to look at: not acknowledged, or of an emergency that still lasts."""
    for alarm in record.alarms:
        row = TABLE.get(alarm.kind)
        if alarm.ack is None or (row is not None and row.emergency and not alarm.over_s):
            yield alarm


def document(alarm: Alarm) -> dict[str, Any]:
    """As the faces get it."""
    row, error = TABLE.get(alarm.kind), by_code().get(alarm.code, IwatoError)
    lasts = row is not None and row.lasting and not alarm.over_s
    return {
        "number": alarm.number,
        "kind": alarm.kind,
        "key": alarm.key,
        "code": alarm.code,
        "text": _text(error, alarm.values),
        "values": alarm.values,
        "first_s": alarm.first_s,
        "last_s": alarm.last_s,
        "count": alarm.count,
        "lasts": lasts,
        "emergency": row is not None and row.emergency and (lasts or alarm.ack is None),
        "acknowledged": None if alarm.ack is None else {"who": alarm.ack.who, "time_s": alarm.ack.time},
    }


def _same(record: Record, kind: str, key: str) -> Alarm | None:
    """The occurrence that a further report belongs to."""
    lasting = TABLE[kind].lasting
    for alarm in reversed(record.alarms):
        if alarm.kind == kind and alarm.key == key:
            is_it = not alarm.over_s if lasting else alarm.ack is None
            return alarm if is_it else None
    return None


def _forget(record: Record) -> None:
    """The oldest of those that somebody has seen and that are over; failing that, the oldest seen."""
    while len(record.alarms) > ALARMS_MAX:
        seen = [a for a in record.alarms if a.ack is not None]
        done = [a for a in seen if a.over_s or not TABLE[a.kind].lasting]
        record.alarms.remove((done or seen or record.alarms)[0])


def _text(error: type[IwatoError], values: dict[str, str | int]) -> str:
    try:
        return error.what.format(**values)
    except (KeyError, IndexError, ValueError):
        return error.code
