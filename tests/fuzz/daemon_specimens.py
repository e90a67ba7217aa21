"""Valid messages of the daemon's socket, and a record of a daemon that has lived a little."""

from __future__ import annotations

from appliance.daemon import record
from appliance.daemon.record import Ack, Alarm, Past, Record
from appliance.domain import request as ask


def made() -> dict[str, list[bytes]]:
    """By target."""
    requests: list[ask.AnyRequest] = [
        ask.AskStatus(), ask.AskWatch(), ask.AskCut(who="Aoki"), ask.AskWindows(), ask.AskSkip(),
        ask.AskWindow(), ask.AskAlarms(), ask.AskAcknowledge(number=3, who="Aoki"), ask.AskCopies(),
        ask.AskLedger(newest=7),
    ]
    answers: list[ask.AnyAnswer] = [
        ask.Answer(document={"schema": 1, "alarms": [{"number": 1}]}),
        ask.Refusal(code="IW-7113", values={"number": 9}),
    ]
    alarm = Alarm(
        number=1, kind="barren window", key="", code="IW-7102", values={"window": "w", "tries": 5},
        first_s=1, last_s=2, ack=Ack(who="Aoki", time=3),
    )
    lived = Record(
        since_s=1, seen_s=2, window_s=3, windows=[Past(begin_s=3, outcome="barren", tries=5)],
        alarms=[alarm], alarm_newest=1, silent={"docs": 1},
    )
    return {
        "request": [ask.encode(one).rstrip(b"\n") for one in requests],
        "answer": [ask.encode(one).rstrip(b"\n") for one in answers],
        "daemon-record": [record.encode(Record()), record.encode(lived)],
    }
