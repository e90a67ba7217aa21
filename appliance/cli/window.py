"""`iwato window`: windows as they went and as they come; leave one out, or try again in this one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import click

from appliance.cli.escape import escape
from appliance.cli.face import Face, command
from appliance.cli.progress import size_text
from appliance.domain.request import AskSkip, AskWindow, AskWindows
from appliance.errors import EXIT_OK
from appliance.words import N_

_OUTCOMES = {
    "committed": N_("committed"),
    "partial": N_("committed in part"),
    "barren": N_("nothing committed"),
    "skipped": N_("left out as asked"),
    "missed": N_("missed"),
    "cut": N_("cut by a person"),
}


@click.group("window", help=N_("The time-locked windows."))
def window() -> None:
    """The time-locked windows."""


@window.command("list", help=N_("Windows as they went, then the next ones."))
@command
def list_windows(face: Face) -> int:
    """Windows as they went, then the next ones."""
    document = face.attended.ask(AskWindows())
    face.put(document, [*_past(face, document), *_next(face, document)])
    return EXIT_OK


@window.command("next", help=N_("When the next window begins."))
@command
def next_window(face: Face) -> int:
    """When the next window begins."""
    document = face.attended.ask(AskWindows())
    first = document["next"][:1]
    face.put({**document, "past": [], "next": first}, list(_next(face, {**document, "next": first})))
    return EXIT_OK


@window.command("skip", help=N_("Leave the next window out: nothing is connected in it."))
@command
def skip(face: Face) -> int:
    """Leave the next window out."""
    document = face.attended.ask(AskSkip())
    face.put(document, list(_next(face, {**document, "next": document["next"][:1]})))
    return EXIT_OK


@window.command("request", help=N_("Try now, where the policy has a window now."))
@command
def request(face: Face) -> int:
    """Try now, where the policy has a window now."""
    document = face.attended.ask(AskWindow())
    said = face.text(N_("The window of {granted} is tried now; see `iwato watch`."), **document)
    face.put(document, [said])
    return EXIT_OK


def _past(face: Face, document: Mapping[str, Any]) -> Iterator[str]:
    for past in document["past"]:
        what = face.text(_OUTCOMES.get(past["outcome"], N_("not known")))
        more = past["snapshot"] or f"{past['code']} {past['cause']}".strip()
        size = size_text(past["bytes_new"])
        yield f"{past['begin']}  {what}  {size}  {past['link_s']:.0f} s  {escape(more)}".rstrip()


def _next(face: Face, document: Mapping[str, Any]) -> Iterator[str]:
    for span in document["next"]:
        mark = f"  {face.text(N_('will be left out'))}" if span["skipped"] else ""
        yield face.text(N_("next: {begin} to {end}"), begin=span["begin"], end=span["end"]) + mark
    if not document["next"]:
        yield face.text(N_("The policy has no windows."))
