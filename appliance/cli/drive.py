"""`iwato drive scrub`: read every block on every drive, repair what is damaged. Before that, `repair` lets
blank disks take the place of missing drives.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click

from appliance.cli.bench import ending_of, warning_lines
from appliance.cli.face import Face, command
from appliance.words import N_


@click.group("drive", help=N_("The vault's drives."))
def drive() -> None:
    """The vault's drives."""


@drive.command(
    "scrub", help=N_("Read every block in the next scrub slot; repair damage into new files. Needs no key.")
)
@command
def scrub(face: Face) -> int:
    """Read every block in the next scrub slot; repair damage into new files. Needs no key."""
    with face.screen() as screen:
        document = face.appliance.scrub(screen)
    return _put(face, document)


@drive.command(
    "repair",
    help=N_("Let blank disks take the place of missing drives and fill them; then as scrub. Needs no key."),
)
@command
def repair(face: Face) -> int:
    """Let blank disks take the place of missing drives and fill them; then as scrub. Needs no key."""
    with face.screen() as screen:
        document = face.appliance.scrub(screen, replace=True)
    return _put(face, document)


def _put(face: Face, document: Mapping[str, Any]) -> int:
    """What was read, found and repaired; the exit status."""
    rows = [
        face.text(
            N_("{blocks} blocks on {drives} drives: {bad} damaged, {repaired} repaired, {unrepaired} left"),
            **document,
        )
    ]
    face.put(document, rows + warning_lines(face, document))
    return ending_of(document)
