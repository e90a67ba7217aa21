"""`iwato cut`: every line is cut now. Never asks; one person is enough for what is safer."""

from __future__ import annotations

import time

import click

from appliance.cli.face import Face, command
from appliance.cli.operator import who_option
from appliance.domain.request import AskCut, AskStatus
from appliance.errors import EXIT_EMERGENCY, EXIT_OK
from appliance.words import N_

CONFIRM_S = 10  # s; the coils fall within 2 s after the controller's supply (60-reliability), x5
LOOK_S = 0.2  # s between looks


@click.command("cut", help=N_("Cut every line now; the running window ends."))
@who_option
@command
def cut(face: Face, who: str) -> int:
    """Cut every line now; the running window ends."""
    attended = face.attended
    document = attended.ask(AskCut(who=who))
    status = attended.ask(AskStatus())
    until_s = time.monotonic() + CONFIRM_S
    while not _is_dark(status) and time.monotonic() < until_s:
        time.sleep(LOOK_S)
        status = attended.ask(AskStatus())
    dark = _is_dark(status)
    said = N_("Every line is measured cut.") if dark else N_("XX NOT CONFIRMED XX a line is still CONNECTED.")
    face.put({**document, "isolated": dark, "exit": EXIT_OK if dark else EXIT_EMERGENCY}, [face.text(said)])
    return EXIT_OK if dark else EXIT_EMERGENCY


def _is_dark(status: object) -> bool:
    assert isinstance(status, dict)
    return not status["link"]["measured"] and not any(drive["powered"] for drive in status["drives"])
