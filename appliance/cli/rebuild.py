"""`iwato rebuild`: the controller's lost state, had again from the drives and the interlock."""

from __future__ import annotations

import click

from appliance.cli.bench import ending_of, warning_lines
from appliance.cli.face import Face, command
from appliance.words import N_

_MADE = {
    "folders": N_("folders that were missing were made"),
    "pairing-key": N_("the key that speaks to the interlock was copied from the controller's other half"),
    "dedup-key": N_("a new dedup key was made: the next window reads and stores everything once"),
    "policy": N_("the policy was taken from the drives; it is the one that the interlock enforces"),
}


@click.command(
    "rebuild",
    help=N_("Have the controller's lost state again from the drives and the interlock. Needs no key."),
)
@command
def rebuild(face: Face) -> int:
    """Have the controller's lost state again from the drives and the interlock. Needs no key."""
    with face.screen() as screen:
        document = face.appliance.rebuild(screen)
    rows = [
        face.text(
            N_("The ledger is whole: {log_size} entries, {snapshots} snapshots in {packs} packs."), **document
        ),
        face.text(N_("Its root is the interlock's: {log_root}"), **document),
        *(face.text(_MADE[item]) for item in document["made"]),
    ]
    if not document["made"]:
        rows.append(face.text(N_("Nothing had to be made anew.")))
    face.put(document, rows + warning_lines(face, document))
    return ending_of(document)
