"""`iwato copies list`: the snapshots that the ledger knows, oldest first."""

from __future__ import annotations

import click

from appliance.cli.bench import ending_of, warning_lines
from appliance.cli.face import Face, command
from appliance.cli.progress import size_text
from appliance.words import N_


@click.group("copies", help=N_("Snapshots in the vault."))
def copies() -> None:
    """Snapshots in the vault."""


@copies.command("list", help=N_("List the snapshots, oldest first."))
@command
def list_copies(face: Face) -> int:
    """List the snapshots, oldest first."""
    document = face.appliance.copies()
    rows = [
        "{id}  {time}  {bytes:>8}  {state}  {sources}".format(
            id=item["id"],
            time=item["time"],
            bytes=size_text(item["bytes"]),
            state=face.text(N_("complete") if item["complete"] else N_("not complete")),
            sources=", ".join(item["sources"]),
        )
        for item in document["snapshots"]
    ]
    face.put(document, (rows or [face.text(N_("No snapshots yet."))]) + warning_lines(face, document))
    return ending_of(document)
