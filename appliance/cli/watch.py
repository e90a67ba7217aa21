"""`iwato watch`: the status as it changes, until you stop it. Looks on; cannot touch the box."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from typing import Any

import click
from rich.console import Console
from rich.live import Live
from rich.text import Text

from appliance.cli import status
from appliance.cli.face import Face, command
from appliance.cli.progress import size_text
from appliance.errors import EXIT_OK
from appliance.words import N_

_STEADY = ("phase", "link", "drives", "alarms", "next_window")


@click.command("watch", help=N_("Follow the status; stop with Ctrl-C."))
@command
def watch(face: Face) -> int:
    """Follow the status; stop with Ctrl-C."""
    console = Console(file=sys.stdout, highlight=False)
    if face.as_json:
        for document in face.attended.watch():
            click.echo(json.dumps(document))
    elif face.plain or not console.is_terminal or console.is_dumb_terminal:
        _follow(face)
    else:
        with Live(console=console, auto_refresh=False) as live:
            for document in face.attended.watch():
                live.update(Text("\n".join(_rows(face, document))), refresh=True)
    return EXIT_OK


def _follow(face: Face) -> None:
    """Once at first, then whatever changed: nothing scrolls while nothing happens."""
    before = None
    for document in face.attended.watch():
        now = [{**document["link"], "age_s": 0} if key == "link" else document[key] for key in _STEADY]
        if now != before:
            before = now
            for row in _rows(face, document):
                click.echo(row)
            click.echo("")


def _rows(face: Face, document: Mapping[str, Any]) -> list[str]:
    rows = list(status.lines(face, document))
    daemon = document.get("daemon", {})
    if daemon.get("job"):
        done = daemon.get("progress", {}).get("done", 0)
        size = size_text(done) if isinstance(done, int) else "-"
        left_s = daemon["phase_left_s"]
        rows.append(face.text(N_("cut in {left} s; {size} done"), left=left_s, size=size))
    return rows
