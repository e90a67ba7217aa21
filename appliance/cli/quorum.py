"""`iwato quorum`: what k holders do together at the box, beside recovery and policy."""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import click

from appliance.cli.bench import ending_of, warning_lines
from appliance.cli.face import Face, command
from appliance.cli.opening import asker
from appliance.cli.policy import reason_option, token_options
from appliance.errors import UsageError
from appliance.words import N_

NOW = "now"


@click.group("quorum", help=N_("What k holders do together at the box: release it, set its clock."))
def quorum() -> None:
    """What k holders do together at the box."""


@quorum.command("release", help=N_("Release a box that is SECURED or has latched a fault. Takes k holders."))
@token_options(N_("a token; k of them"))
@reason_option
@command
def release(face: Face, *, tokens: tuple[str, ...], why: str, passphrase_fd: int | None) -> int:
    """Release a box that is SECURED or has latched a fault. Takes k holders."""
    with face.screen() as screen:
        document = face.appliance.quorum.release(tokens, asker(face, passphrase_fd, screen), why)
    what = [N_("SECURED")] if document["released"]["secured"] else []
    fault = document["released"]["fault"]
    named = " + ".join([*map(face.text, what), *([fault] if fault else [])])
    rows = [face.text(N_("Released: {what}. The box is {phase}."), what=named, phase=document["phase"])]
    return _end(face, document, rows)


@quorum.command("clock", help=N_("Set the interlock's clock. Takes k holders."))
@click.option("--time", "when", required=True, metavar="TIME|now",
              help=N_("the time, as 2026-11-26T17:30:00+09:00; now: that of this machine"))  # fmt: skip
@token_options(N_("a token; k of them"))
@reason_option
@command
def clock(
    face: Face, *, when: str, tokens: tuple[str, ...], why: str, passphrase_fd: int | None
) -> int:
    """Set the interlock's clock. Takes k holders."""
    time_s = _unix_s(when)
    with face.screen() as screen:
        document = face.appliance.quorum.set_clock(time_s, tokens, asker(face, passphrase_fd, screen), why)
    rows = [face.text(N_("The interlock's clock is set; it is {time}. The box is {phase}."), **document)]
    return _end(face, document, rows)


def _end(face: Face, document: Mapping[str, Any], rows: list[str]) -> int:
    signed = ", ".join(map(str, document["signed"]))
    rows.append(face.text(N_("Signed by holders {holders}."), holders=signed))
    face.put(document, rows + warning_lines(face, document))
    return ending_of(document)


def _unix_s(text: str) -> int:
    """UsageError for a time without its distance from UTC: nobody can tell what was meant."""
    if text == NOW:
        return int(time.time())
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise UsageError(detail=f"{text!r} is no time such as 2026-11-26T17:30:00+09:00")
    return int(moment.timestamp())
