"""The conditions that need no window to be seen: overdue work, filling drives, silent sources. Pure, but
for the alarms that it sounds or ends in the record."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from appliance.daemon import alarms
from appliance.daemon.box import Room
from appliance.daemon.record import Alarm, Past, Record
from appliance.domain.schedule import DAY_S
from appliance.errors import CheckpointUnseen, DrillOverdue, RoomEnding, ScrubOverdue, SourceSilent

SCRUB_DAYS = 35  # days; a month and some days for a large vault's slices
DRILL_DAYS = 100  # days; once a quarter and some days for finding k holders
FULL_PERCENT = 90  # %; from there on buying drives is late
FULL_DAYS = 60  # days ahead; as long as ordering and fitting drives takes
SILENT_WINDOWS = 2  # windows in a row; one may be a restart of that server
FORECAST_WINDOWS = 14  # windows; two weeks of a daily one
CENTURY_S = 4_102_444_799  # s; later than any date that is worth naming


def look(
    record: Record, rooms: Sequence[Room], proven_s: int, unseen_windows: int, now_s: int
) -> list[Alarm]:
    """Everything, once; the alarms that are news."""
    news = [
        _since(record, "scrub overdue", ScrubOverdue, SCRUB_DAYS, record.scrubbed_s, now_s),
        _since(record, "drill overdue", DrillOverdue, DRILL_DAYS, proven_s, now_s),
        _unseen(record, unseen_windows, now_s),
        _room(record, rooms, now_s),
        *(_source(record, name, windows, now_s) for name, windows in record.silent.items()),
    ]
    return [alarm for alarm in news if alarm is not None]


def full_s(record: Record, free: int, now_s: int) -> int:
    """When `free` bytes are used up at the pace of the last windows; 0 where nothing tells."""
    past = [window for window in record.windows if window.outcome in {"committed", "partial"}]
    newest = past[-FORECAST_WINDOWS:]
    if len(newest) < 2:  # noqa: PLR2004 - a pace needs two points
        return 0
    span_s = newest[-1].begin_s - newest[0].begin_s
    grown = sum(window.bytes_stored for window in newest[1:])
    return min(CENTURY_S, now_s + free * span_s // grown) if grown > 0 and free > 0 else 0


def count_sources(record: Record, names: Sequence[str], past: Past, whole: dict[str, bool]) -> None:
    """After a window that was tried: in how many in a row each source was not pulled whole."""
    if past.outcome not in {"committed", "partial", "barren"}:
        return
    record.silent = {name: 0 if whole.get(name) else record.silent.get(name, 0) + 1 for name in names}


def _since(
    record: Record, kind: str, error: type[ScrubOverdue | DrillOverdue], limit: int, done_s: int, now_s: int
) -> Alarm | None:
    days = (now_s - max(done_s, record.since_s)) // DAY_S
    if days > limit:
        return alarms.sound(record, kind, error(days=days), now_s=now_s)
    alarms.end(record, kind, now_s=now_s)
    return None


def _unseen(record: Record, windows: int, now_s: int) -> Alarm | None:
    """The dead-man rule: who never looks from outside would not see that the history was exchanged."""
    if windows:
        return alarms.sound(record, "checkpoint unseen", CheckpointUnseen(windows=windows), now_s=now_s)
    alarms.end(record, "checkpoint unseen", now_s=now_s)
    return None


def _room(record: Record, rooms: Sequence[Room], now_s: int) -> Alarm | None:
    known = [room for room in rooms if room.total > 0]
    if not known:
        return None
    room = max(known, key=lambda room: (room.total - room.free) / room.total)
    percent = 100 * (room.total - room.free) // room.total
    at_s = full_s(record, room.free * room.share, now_s)
    if percent < FULL_PERCENT and not 0 < at_s < now_s + FULL_DAYS * DAY_S:
        alarms.end(record, "nearly full", now_s=now_s)
        return None
    date = datetime.fromtimestamp(at_s, UTC).date().isoformat() if at_s else "-"
    error = RoomEnding(place=room.place, percent=percent, date=date)
    return alarms.sound(record, "nearly full", error, now_s=now_s)


def _source(record: Record, name: str, windows: int, now_s: int) -> Alarm | None:
    if windows >= SILENT_WINDOWS:
        error = SourceSilent(source=name, windows=windows)
        return alarms.sound(record, "silent source", error, key=name, now_s=now_s)
    alarms.end(record, "silent source", key=name, now_s=now_s)
    return None
