"""`iwato ledger verify`: is the log on the drives the one that the witness signed?"""

from __future__ import annotations

from pathlib import Path

import click

from appliance.cli import ledger_papers
from appliance.cli.bench import ending_of, warning_lines
from appliance.cli.face import Face, command
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
