"""`iwato line`: what every line is ordered to be and is, and the guided test of a bench."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import click
from rich.cells import cell_len, set_cell_size

from appliance.cli.face import Face, command
from appliance.errors import EXIT_EMERGENCY, EXIT_OK, EXIT_WARNINGS
from appliance.service.line_bench import Question, Step, StepResult, Verdict
from appliance.words import N_

BOARD_HELP = N_("board profile; without it, the one that config.toml names")
COLUMN_GAP = 2  # cells

_STEPS = {
    Step.DARK: N_("Everything at rest: every line is cut."),
    Step.K1_ALONE: N_("The controller energises K1 without the interlock: nothing may connect."),
    Step.K2_ALONE: N_("The controller energises K2 without the interlock: nothing may connect."),
    Step.LINK_ALONE: N_("The controller energises K1 and K2 without the interlock: nothing may connect."),
    Step.DRIVES_ALONE: N_(
        "The controller energises each drive, then all, without the interlock: nothing may connect."
    ),
    Step.KEY: N_("The key switch: turned and turned back."),
    Step.DARK_AGAIN: N_("Everything released: every line is cut again."),
    Step.CONNECT: N_(
        "The link, as the interlock permits it in its window; then cut. Afterwards the controller restarts."
    ),
}
_QUESTIONS = {
    Question.LAMP_DARK: N_("Is the lamp CONNECTED dark now?"),
    Question.LAMP_LIT: N_("Is the lamp CONNECTED lit now? (Without an answer it is cut after 30 s.)"),
    Question.DRIVES_DARK: N_("Are all drives without supply, dark and silent?"),
}
_VERDICTS = {
    Verdict.PASSED: N_("passed"),
    Verdict.UNSEEN: N_("measured as it should be, but nobody looked"),
    Verdict.SKIPPED: N_("not asked for (--connect)"),
    Verdict.REFUSED: N_("refused by the interlock"),
    Verdict.FAILED: N_("FAILED"),
}
_SIDES = {
    "controller": N_("the controller measures {line}: {state}"),
    "interlock": N_("the interlock measures {line}: {state}"),
    "eyes": N_("the person at the box says no ({line})"),
}
_NAMES = {
    "link": N_("link"),
    "carrier": N_("carrier"),
    "key": N_("key switch"),
    "another network": N_("another network"),
}


@click.group("line", help=N_("The lines: network link and drive supplies, as ordered and as measured."))
def line() -> None:
    """The lines: network link and drive supplies, as ordered and as measured."""


@line.command("list", help=N_("Every line: ordered, measured by both controllers, and how old that is."))
@click.option("--board", default=None, metavar="NAME", help=BOARD_HELP)
@command
def list_lines(face: Face, board: str | None) -> int:
    """Every line: ordered, measured by both controllers, and how old that is."""
    document = face.lines(board).listed()
    face.put(document, list(rows(face, document)))
    return EXIT_EMERGENCY if document["alarming"] else EXIT_OK


@line.command("test", help=N_("Try every line of a bench, step by step, with measurements and your eyes."))
@click.option("--board", default=None, metavar="NAME", help=BOARD_HELP)
@click.option(
    "--connect",
    is_flag=True,
    help=N_("also connect the link, as the interlock permits it; counts as this window's connection"),
)
@command
def test_lines(face: Face, board: str | None, connect: bool) -> int:
    """Try every line of a bench, step by step, with measurements and your eyes."""
    document = face.lines(board).tested(Guide(face), connect=connect)
    face.put(document, [])
    return _ending_of(document)


def _ending_of(document: Mapping[str, Any]) -> int:
    """A line that did what nobody permitted is an emergency; what was not shown is a warning."""
    verdicts = {step["verdict"] for step in document["steps"]}
    if Verdict.FAILED in verdicts:
        return EXIT_EMERGENCY
    return EXIT_WARNINGS if verdicts & {Verdict.UNSEEN, Verdict.REFUSED} else EXIT_OK


def rows(face: Face, document: Mapping[str, Any]) -> Iterator[str]:
    """A table, what else the senses show, and the ages."""
    text = face.text
    head = (text(N_("line")), text(N_("ordered")), text(N_("interlock")), text(N_("controller")), "")
    table = [head, *(_cells(face, entry) for entry in document["lines"])]
    widths = [max(cell_len(row[place]) for row in table) + COLUMN_GAP for place in range(len(head))]
    for row in table:
        yield "".join(set_cell_size(cell, width) for cell, width in zip(row, widths, strict=True)).rstrip()
    on_link = document["senses"]["k3_on_link"]
    yield text(N_("changeover K3 is on the link") if on_link else N_("changeover K3 is on the drives"))
    for name in ("k1", "k2"):
        if document["senses"][f"{name}_conducting"] and not document["lines"][0]["ordered"]:
            yield text(N_("!! contact {name} conducts although the link is cut"), name=name.upper())
    if document["senses"]["cut_pressed"]:
        yield text(N_("the CUT button is pressed"))
    if document["senses"]["key_turned"]:
        yield text(N_("the key switch is turned"))
    yield text(N_("the link carries") if document["carrier"] else N_("the link does not carry"))
    if document["other_networks"]:
        yield text(N_("{count} other networks carry"), count=document["other_networks"])
    yield text(
        N_("phase {phase}; measured at most {interlock} ms (interlock) and {controller} ms (controller) ago"),
        phase=document["phase"],
        interlock=document["interlock_age_ms"],
        controller=document["controller_age_ms"],
    )


def _cells(face: Face, entry: Mapping[str, Any]) -> tuple[str, str, str, str, str]:
    """One row; what is wrong stands at its end."""
    note = ""
    if entry["unexplained"]:
        note = face.text(N_("!! NOT ORDERED"))
    elif entry["disputed"]:
        note = face.text(N_("the two do not agree"))
    return (
        _named(face, entry["line"]),
        _state(face, entry["ordered"]),
        _state(face, entry["interlock"]),
        _state(face, entry["controller"]),
        note,
    )


def _state(face: Face, live: bool | None) -> str:
    if live is None:
        return face.text(N_("cannot tell"))
    return face.text(N_("CONNECTED") if live else N_("cut"))


def _named(face: Face, name: str) -> str:
    """A line or what else was found; K1 is K1 in every language."""
    kind, _, number = name.partition(" ")
    if kind == "drive":
        return f"{face.text(N_('drive'))} {number}"
    if name in _QUESTIONS:
        return face.text(_QUESTIONS[Question(name)])
    return face.text(_NAMES[name]) if name in _NAMES else name


@dataclass(frozen=True, slots=True)
class Guide:
    """service.line_bench.Eyes: the person at the terminal. Under --json, and without a terminal, nobody
    looks."""

    face: Face

    def begins(self, step: Step) -> None:
        """Which step it is."""
        self._say(self.face.text(_STEPS[step]))

    def sees(self, question: Question) -> bool | None:
        return self._asked(self.face.text(_QUESTIONS[question]))

    def turns_key(self, *, turned: bool) -> bool:
        """Whether somebody says that it was done."""
        wish = N_("Turn the key switch now. Done?") if turned else N_("Turn the key back now. Done?")
        return bool(self._asked(self.face.text(wish)))

    def ended(self, result: StepResult) -> None:
        """The verdict and what was found."""
        cause = f": {result.cause}" if result.cause else ""
        self._say(f"  {self.face.text(_VERDICTS[result.verdict])}{cause}")
        for found in result.findings:
            state = _state(self.face, found.live)
            self._say(
                "  ! " + self.face.text(_SIDES[found.side], line=_named(self.face, found.line), state=state)
            )

    def _asked(self, question: str) -> bool | None:
        if self.face.as_json or not sys.stdin.isatty():
            return None
        try:
            return click.confirm(f"  {question}", err=True)
        except click.Abort:
            raise KeyboardInterrupt from None

    def _say(self, text: str) -> None:
        if not self.face.as_json:
            click.echo(text, err=True)
