"""`iwato alarm`: what wants a person, and who has seen it. Seeing one never hides the next."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import click

from appliance.cli import sentence
from appliance.cli.escape import escape
from appliance.cli.face import Face, command
from appliance.cli.operator import who_option
from appliance.domain.request import AskAcknowledge, AskAlarms
from appliance.errors import EXIT_EMERGENCY, EXIT_OK, AlarmUnknown
from appliance.words import N_

_NUMBER = click.IntRange(1, 1 << 31)


@click.group("alarm", help=N_("What wants a person's attention."))
def alarm() -> None:
    """What wants a person's attention."""


@alarm.command("list", help=N_("Every alarm that is remembered, oldest first."))
@command
def list_alarms(face: Face) -> int:
    """Every alarm that is remembered, oldest first."""
    document = face.attended.ask(AskAlarms())
    rows = [_line(face, item) for item in document["alarms"]]
    status = EXIT_EMERGENCY if any(item["emergency"] for item in document["alarms"]) else EXIT_OK
    face.put({**document, "exit": status}, rows or [face.text(N_("No alarms."))])
    return status


@alarm.command("show", help=N_("One alarm: what happened, what to do, who has seen it."))
@click.argument("number", type=_NUMBER)
@command
def show(face: Face, number: int) -> int:
    """One alarm: what happened, what to do, who has seen it."""
    document = face.attended.ask(AskAlarms())
    found = [item for item in document["alarms"] if item["number"] == number]
    if not found:
        raise AlarmUnknown(number=number)
    face.put({**document, "alarms": found}, list(_details(face, found[0])))
    return EXIT_OK


@alarm.command("ack", help=N_("Say that you have seen an alarm."))
@click.argument("number", type=_NUMBER)
@who_option
@command
def acknowledge(face: Face, number: int, who: str) -> int:
    """Say that you have seen an alarm."""
    document = face.attended.ask(AskAcknowledge(number=number, who=who))
    face.put(document, list(_details(face, document["alarms"][0])))
    return EXIT_OK


def _line(face: Face, item: Mapping[str, Any]) -> str:
    state = N_("seen") if item["acknowledged"] else N_("NEW")
    times = f" x{item['count']}" if item["count"] > 1 else ""
    what = sentence.of(face.catalogue, item)
    return f"{item['number']:>4}  {item['last']}  {face.text(state)}{times}  {what}"


def _details(face: Face, item: Mapping[str, Any]) -> Iterator[str]:
    yield from sentence.listed(face.catalogue, [item])
    yield face.text(N_("first {first}, last {last}, {count} times"), **item)
    if item["lasts"]:
        yield face.text(N_("it still holds"))
    seen = item["acknowledged"]
    if seen:
        yield face.text(N_("seen by {who}"), who=escape(seen["who"]))
    else:
        yield face.text(N_("not seen by anybody yet: `iwato alarm ack {number}`"), **item)
