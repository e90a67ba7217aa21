"""Where clients and the thread that owns the box meet: one lock, values only, never the hardware.

The owner publishes what it measured and looks for orders; clients read, acknowledge and order. Only
safer acts are orders here: cut, skip, and a try inside a window that the policy has.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec

from appliance.daemon import alarms, duty
from appliance.daemon.box import Box, Keep
from appliance.daemon.record import Past, Record
from appliance.domain import request as ask
from appliance.domain.phases import Reading
from appliance.domain.request import AnyRequest
from appliance.errors import DaemonSilent, WindowNotNow

SCHEMA = 1
NEXT_SHOWN = 7  # windows ahead; a week of a daily one
ALWAYS = frozenset({"committed", "partial"})


class Desk:
    """See the module. `record` is changed under `lock` only, and stored by whoever changed it."""

    def __init__(self, box: Box, keep: Keep, record: Record, now_ms: Callable[[], int]) -> None:
        self._box, self._keep, self._now_ms = box, keep, now_ms
        self.record = record
        self.lock = threading.RLock()
        self.called = threading.Event()
        self.cut_by = ""
        self.store_error = ""
        self._reading: Reading | None = None
        self._read_at_ms = 0
        self._progress: Mapping[str, object] = {}

    # -- the owner's side ----------------------------------------------------------------------------

    def publish(self, reading: Reading) -> None:
        """A new measurement."""
        with self.lock:
            self._reading, self._read_at_ms = reading, self._now_ms()

    def progressed(self, fields: Mapping[str, object]) -> None:
        """What the job says of its progress; nothing when it has ended."""
        with self.lock:
            self._progress = dict(fields)

    def store(self) -> None:
        """Keep the record. Where that fails it goes on in memory, and the failure is an alarm."""
        with self.lock:
            content = msgspec.json.encode(self.record)
        try:
            self._keep.store(content)
            self.store_error = ""
        except OSError as error:
            self.store_error = error.strerror or str(error)

    def take_cut(self) -> str:
        """Who ordered a cut since the last call; empty for nobody."""
        with self.lock:
            who, self.cut_by = self.cut_by, ""
            return who

    # -- the clients' side ---------------------------------------------------------------------------

    def answer(self, request: AnyRequest) -> Mapping[str, Any]:
        """The document. Raises IwatoError. From any thread; `is_slow` ones read the ledger meanwhile."""
        match request:
            case ask.AskStatus() | ask.AskWatch():
                return self.status()
            case ask.AskCut():
                return self._cut(request.who)
            case ask.AskWindows():
                return self._windows()
            case ask.AskSkip():
                return self._skip()
            case ask.AskWindow():
                return self._again()
            case ask.AskAlarms():
                return self._alarms()
            case ask.AskAcknowledge():
                return self._acknowledge(request.number, request.who)
            case ask.AskCopies():
                return self._box.copies()
            case ask.AskLedger():
                return self._box.ledger(request.newest)

    def status(self) -> Mapping[str, Any]:
        """Measured, with its age; DaemonSilent before anything was."""
        with self.lock:
            reading, age_ms = self._reading, self._now_ms() - self._read_at_ms
            job, progress = self.record.job, dict(self._progress)
            found = [alarms.document(alarm) for alarm in alarms.pressing(self.record)]
        if reading is None:
            raise DaemonSilent(detail="it has measured nothing yet")
        document = self._box.status(reading)
        document["link"]["age_s"] = max(0, age_ms) // 1000
        document["alarms"] = _merged(document["alarms"], found)
        document["daemon"] = {
            "job": job,
            "progress": progress,
            "phase_left_s": reading.phase_left_s,
            "window_left_s": reading.window_left_s if job == "window" else 0,
        }
        return document

    def _cut(self, who: str) -> Mapping[str, Any]:
        with self.lock:
            self.cut_by, job = who, self.record.job
        self.called.set()
        return {"schema": SCHEMA, "ordered": True, "job": job}

    def _windows(self) -> Mapping[str, Any]:
        with self.lock:
            past = [msgspec.to_builtins(window) for window in self.record.windows]
            now_s, skip, dealt_s = self._time_s(), self.record.skip, self.record.window_s
        spans = duty.upcoming(self._box.schedule, max(now_s, dealt_s + 1), NEXT_SHOWN)
        return {
            "schema": SCHEMA,
            "past": [{**window, "begin": utc(window["begin_s"])} for window in past],
            "next": [
                {"begin": utc(span.begin_s), "end": utc(span.end_s), "skipped": skip and not place}
                for place, span in enumerate(spans)
            ],
        }

    def _skip(self) -> Mapping[str, Any]:
        with self.lock:
            self.record.skip = True
        self.store()
        return self._windows()

    def _again(self) -> Mapping[str, Any]:
        """Safe to grant: the interlock decides whether anything is connected."""
        with self.lock:
            now_s = self._time_s()
            opening = duty.opening_now(self._box.schedule, now_s)
            if opening is None or now_s + duty.LINK_MARGIN_S >= opening.link_end_s:
                spans = duty.upcoming(self._box.schedule, now_s, 1)
                raise WindowNotNow(window=utc(spans[0].begin_s) if spans else "-")
            self.record.skip = False
            if self.record.window_s == opening.span.begin_s:
                self.record.closed, self.record.again_s = False, 0
                self.record.tries = min(self.record.tries, duty.TRIES_MAX - 1)
        self.store()
        self.called.set()
        return {"schema": SCHEMA, "granted": utc(opening.span.begin_s)}

    def _alarms(self) -> Mapping[str, Any]:
        with self.lock:
            found = [_dated(alarms.document(alarm)) for alarm in self.record.alarms]
        return {"schema": SCHEMA, "alarms": found}

    def _acknowledge(self, number: int, who: str) -> Mapping[str, Any]:
        with self.lock:
            alarm = alarms.acknowledge(self.record, number, who, self._time_s())
            document = _dated(alarms.document(alarm))
        self.store()
        return {"schema": SCHEMA, "alarms": [document]}

    def _time_s(self) -> int:
        return self._reading.unix_s if self._reading is not None else self.record.seen_s


def is_slow(request: AnyRequest) -> bool:
    """Whether its answer takes reading the ledger, during which others are served."""
    return isinstance(request, ask.AskCopies | ask.AskLedger)


def utc(unix_s: int) -> str:
    """As every document spells a time."""
    return datetime.fromtimestamp(unix_s, UTC).isoformat()


def remember(record: Record, past: Past, kept: int) -> None:
    """The window's record; a further attempt takes its place."""
    record.windows = [window for window in record.windows if window.begin_s != past.begin_s][1 - kept :]
    record.windows.append(past)


def _dated(document: dict[str, Any]) -> dict[str, Any]:
    return {**document, "first": utc(document["first_s"]), "last": utc(document["last_s"])}


def _merged(measured: list[dict[str, Any]], found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What is measured first; an alarm that says the same is not said twice."""
    said = {(alarm["code"], str(alarm["values"])) for alarm in measured}
    return measured + [alarm for alarm in found if (alarm["code"], str(alarm["values"])) not in said]
