"""`iwato ledger`: is the log on the drives the one that the witness signed, and what does it say last?"""

from __future__ import annotations

from pathlib import Path

import click

from appliance.cli import ledger_papers
from appliance.cli.bench import ending_of, warning_lines
from appliance.cli.escape import escape
from appliance.cli.face import Face, command
from appliance.domain.request import ENTRIES_MAX, AskLedger
from appliance.errors import EXIT_OK
from appliance.words import N_

_CHECKPOINT_BYTES_MAX = 64 * 1024  # bytes; a checkpoint note is a few hundred
_VERDICTS = {
    "verified": N_("The ledger is the one that the witness signed: {size} entries."),
    "self-consistent": N_("The ledger is consistent in itself: {size} entries. Nothing outside confirms it."),
    "refused": N_("The checkpoint was not believed; the ledger was not compared with it."),
    "tampered": N_("The ledger is NOT the one that the witness signed: {reason}"),
}


@click.group("ledger", help=N_("The tamper-evident log."))
def ledger() -> None:
    """The tamper-evident log."""


for _verb in ledger_papers.VERBS:
    ledger.add_command(_verb)


@ledger.command(
    "verify",
    help=N_("Check every copy on the drives against the interlock's head or a checkpoint seen outside."),
)
@click.option(
    "--checkpoint",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    default=None,
    help=N_("a checkpoint that was kept outside the box"),
)
@click.option(
    "--drives-only", is_flag=True, help=N_("leave the interlock out: what the drives alone can prove")
)
@command
def verify(face: Face, *, checkpoint: Path | None, drives_only: bool) -> int:
    """Check every copy on the drives against the interlock's head or a checkpoint seen outside."""
    seen = None
    if checkpoint is not None:
        with checkpoint.open("rb") as file:
            seen = file.read(_CHECKPOINT_BYTES_MAX)
    with face.screen() as screen:
        document = face.appliance.verify_ledger(seen, screen, alone=drives_only)
    face.put(
        document, [face.text(_VERDICTS[str(document["verdict"])], **document), *warning_lines(face, document)]
    )
    return ending_of(document)


@ledger.command("show", help=N_("The newest entries, oldest of them first."))
@click.option(
    "--newest", type=click.IntRange(1, ENTRIES_MAX), default=20, show_default=True, help=N_("how many")
)
@command
def show(face: Face, *, newest: int) -> int:
    """The newest entries, oldest of them first."""
    document = face.attended.ask(AskLedger(newest=newest))
    rows = [
        f"{entry['index']:>8}  {entry['time'] or '-'}  {entry['kind']:<8}  {escape(entry['about'])}".rstrip()
        for entry in document["entries"]
    ]
    face.put(document, rows or [face.text(N_("The ledger is empty."))])
    return EXIT_OK
