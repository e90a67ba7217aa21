"""`iwato status`: what is measured, what is next, what is wrong."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import click

from appliance.cli import sentence
from appliance.cli.face import Face, command
from appliance.errors import EXIT_EMERGENCY, EXIT_OK
from appliance.words import N_

# What the last drive phase saw of a drive (compose/documents.py).
_STATES = {
    "good": N_("good"),
    "failed": N_("failed"),
    "not seen in the last drive phase": N_("not seen in the last drive phase"),
}


@click.command(
    "status", help=N_("Show whether the box is ISOLATED, when the next window is and what is wrong.")
)
@command
def status(face: Face) -> int:
    """Show whether the box is ISOLATED, when the next window is and what is wrong."""
    document = face.appliance.status()
    face.put(document, list(lines(face, document)))
    return EXIT_EMERGENCY if is_emergency(document) else EXIT_OK


def is_emergency(document: Mapping[str, Any]) -> bool:
    """An unexplained connection or an emergency alarm (05-settled 16)."""
    return any(alarm["emergency"] for alarm in document["alarms"])


def lines(face: Face, document: Mapping[str, Any]) -> Iterator[str]:
    """The status as a person reads it."""
    link = document["link"]
    word = N_("ISOLATED") if document["isolated"] else N_("XX STATE NOT CONFIRMED XX")
    word = N_("!! NETWORK CONNECTED !!") if link["measured"] else word
    yield f"{face.text(word)}   ({document['phase']})"
    state = N_("CONNECTED") if link["measured"] else N_("cut")
    order = N_("as ordered") if link["measured"] == link["ordered"] else N_("NOT as ordered")
    yield f"  {face.text(N_('link'))}     {face.text(state)}, {face.text(order)}"
    for drive in document["drives"]:
        line = N_("CONNECTED") if drive["powered"] else N_("cut")
        state = face.text(_STATES[drive["state"]])
        yield f"  {face.text(N_('drive'))} {drive['bay']:<3} {face.text(line)}, {state}"
    yield f"  {face.text(N_('next window'))}: {document['next_window'] or face.text(N_('none'))}"
    yield (
        f"  {face.text(N_('policy'))} {document['policy_version']}, "
        f"{face.text(N_('ledger entries'))}: {document['log_size']}"
    )
    yield from sentence.listed(face.catalogue, document["alarms"])
