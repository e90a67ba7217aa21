"""`iwato doctor`: is this machine fit, and is the home in order? Says every check that was made."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import click
from rich.cells import cell_len, set_cell_size

from appliance.cli import sentence
from appliance.cli.face import Face, command
from appliance.words import N_

# What each check is about (compose/doctor.py).
_CHECKS = {
    "encryption": N_("post-quantum encryption"),
    "parity": N_("arithmetic of the parity"),
    "confinement": N_("confinement of the emulated controller"),
    "memory": N_("keys in memory"),
    "terminal": N_("letters on this terminal"),
    "home": N_("appliance in the home"),
    "privacy": N_("privacy of the home"),
    "settings": N_("settings (config.toml)"),
    "policy": N_("policy and signatures"),
    "room": N_("room on staging and drives"),
}


@click.command("doctor", help=N_("Is this machine fit, is the home in order? Changes nothing."))
@command
def doctor(face: Face) -> int:
    """Is this machine fit, is the home in order? Changes nothing."""
    document = face.examine()
    face.put(document, list(lines(face, document)))
    return int(document["exit"])


def lines(face: Face, document: Mapping[str, Any]) -> Iterator[str]:
    """One line a check, then what was found, with what to do."""
    names = [face.text(_CHECKS[check["name"]]) for check in document["checks"]]
    width = max(map(cell_len, names)) + 2
    for name, check in zip(names, document["checks"], strict=True):
        verdict = N_("in order") if not check["findings"] else N_("see below")
        yield f"  {set_cell_size(name, width)}{face.text(verdict)}"
    yield from sentence.listed(
        face.catalogue, (finding for check in document["checks"] for finding in check["findings"])
    )
    if not face.home:
        yield face.text(N_("The home was not looked at: name it with --home DIR or IWATO_HOME."))
