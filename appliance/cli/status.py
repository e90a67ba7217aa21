"""`iwato status`: what is measured, what is next, what is wrong."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import click
from rich.cells import cell_len, set_cell_size

from appliance.cli import policy_words, sentence
from appliance.cli.face import Face, command
from appliance.errors import EXIT_EMERGENCY, EXIT_OK
from appliance.words import N_

# What the last drive phase saw of a drive (compose/status_document.py).
_STATES = {
    "good": N_("good"),
    "failed": N_("failed"),
    "not seen in the last drive phase": N_("not seen in the last drive phase"),
}


@click.command("status", help=N_("Is the box ISOLATED, when is the next window, what is wrong?"))
@command
def status(face: Face) -> int:
    """Is the box ISOLATED, when is the next window, what is wrong?"""
    document = face.appliance.status()
    face.put(document, list(lines(face, document)))
    return EXIT_EMERGENCY if is_emergency(document) else EXIT_OK


def is_emergency(document: Mapping[str, Any]) -> bool:
    """An unexplained connection or an emergency alarm (05-settled 16)."""
    return any(alarm["emergency"] for alarm in document["alarms"])


def lines(face: Face, document: Mapping[str, Any]) -> Iterator[str]:
    """The status as a person reads it: the state in words, then one row each."""
    yield face.text(_word(document))
    rows = list(_rows(face, document))
    width = max(cell_len(label) for label, _ in rows) + 2
    for label, value in rows:
        yield f"  {set_cell_size(label, width)}{value}"
    yield from sentence.listed(face.catalogue, document["alarms"])


def _word(document: Mapping[str, Any]) -> str:
    if document["link"]["measured"]:
        return N_("!! NETWORK CONNECTED !!")
    return N_("ISOLATED") if document["isolated"] else N_("XX STATE NOT CONFIRMED XX")


def _rows(face: Face, document: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """(label, value), measured beside ordered."""
    text, link = face.text, document["link"]
    age = text(N_("measured {age} s ago"), age=link["age_s"])
    yield text(N_("phase")), f"{document['phase']}, {age}"
    order = N_("as ordered") if link["measured"] == link["ordered"] else N_("NOT as ordered")
    yield text(N_("link")), f"{_line(face, live=link['measured'])}, {text(order)}"
    for drive in document["drives"]:
        state = text(_STATES[drive["state"]])
        yield f"{text(N_('drive'))} {drive['bay']}", f"{_line(face, live=drive['powered'])}, {state}"
    yield text(N_("next window")), document["next_window"] or text(N_("none"))
    yield text(N_("policy")), f"{document['policy_version']}"
    if document["pending_policy"] is not None:
        yield from policy_words.status_rows(face, document["pending_policy"])
    yield text(N_("ledger entries")), f"{document['log_size']}"
    seen = N_("{entries} entries, {windows} windows ago") if document["seen"]["entries"] else N_("never")
    yield text(N_("seen outside")), text(seen, **document["seen"])


def _line(face: Face, *, live: bool) -> str:
    return face.text(N_("CONNECTED") if live else N_("cut"))
