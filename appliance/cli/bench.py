"""`iwato bench`: what a hand on the emulated bench can do. Exists on board `emulated` only."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from appliance.cli import sentence
from appliance.cli.face import Face, command
from appliance.cli.progress import size_text
from appliance.errors import EXIT_OK, EXIT_WARNINGS, UsageError
from appliance.words import N_

_DURATION = re.compile(r"([0-9]{1,9})([smhd])")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


@click.group("bench", help=N_("The emulated bench: clock and windows."))
def bench() -> None:
    """The emulated bench: clock and windows."""


def seconds_of(text: str) -> int:
    """`90s`, `10m`, `24h` or `2d`. UsageError for anything else."""
    found = _DURATION.fullmatch(text)
    if found is None:
        raise UsageError(detail=f"--advance {text}: a number and s, m, h or d")
    return int(found[1]) * _SECONDS[found[2]]


@bench.command("clock", help=N_("Move the emulated clocks forward."))
@click.option("--advance", required=True, metavar="DURATION", help=N_("90s, 10m, 24h, 2d"))
@command
def clock(face: Face, advance: str) -> int:
    """Move the emulated clocks forward."""
    document = face.appliance.advance_clock(seconds_of(advance))
    face.put(document, [face.text(N_("The emulated clock says {time}."), **document)])
    return EXIT_OK


@bench.command("run-window", help=N_("Move the emulated clock to the next window and run the whole cycle."))
@click.option(
    "--scenario",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    default=None,
    help=N_("TOML file of what happens on the bench meanwhile"),
)
@click.option(
    "--trace",
    type=click.Path(path_type=Path),
    default=None,
    help=N_("new file for what lines, senses and permits did, to be drawn with `bench trace`"),
)
@command
def run_window(face: Face, scenario: Path | None, trace: Path | None) -> int:
    """Move the emulated clock to the next window and run the whole cycle."""
    with face.screen() as screen:
        chosen = str(scenario) if scenario else None
        document = face.appliance.run_window(screen, chosen, str(trace) if trace else "")
    hint = [face.text(N_("see what every line did: iwato bench trace {path}"), path=trace)] if trace else []
    face.put(document, window_lines(face, document) + hint)
    return ending_of(document)


def ending_of(document: Mapping[str, Any]) -> int:
    """The worst that the run reported: sources missing beats warnings beats nothing."""
    return int(document.get("exit", EXIT_WARNINGS if document.get("warnings") else EXIT_OK))


def window_lines(face: Face, document: Mapping[str, Any]) -> list[str]:
    """One window in four lines, warnings last."""
    complete = N_("complete") if document["complete"] else N_("not complete, goes on in the next window")
    rows = [
        f"{face.text(N_('snapshot'))} {document['snapshot'] or '-'}: {face.text(complete)}",
        face.text(
            N_("read {read}, new {new}, stored on the drives {stored}"),
            read=size_text(document["bytes_read"]),
            new=size_text(document["bytes_new"]),
            stored=size_text(document["bytes_stored"]),
        ),
        face.text(
            N_("link CONNECTED {link:.1f} s, drives CONNECTED {drives:.1f} s, both at once: {both}"),
            link=document["link_s"],
            drives=document["drives_s"],
            both=f"{document['both_ms']} ms" if document["both_ms"] else face.text(N_("never")),
        ),
    ]
    return rows + warning_lines(face, document)


def warning_lines(face: Face, document: Mapping[str, Any]) -> list[str]:
    """What went wrong and what to do about it."""
    return list(sentence.listed(face.catalogue, document.get("warnings", ())))
