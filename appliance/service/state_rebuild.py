"""The last part of `iwato rebuild`: the ledger and the drive phases' state, from the drives.

`drive_phase.begin` has filled the state's copy of the ledger by now, as it does in every drive phase. Here
it is held against the interlock's head once more, and what was made anew is said, also in the ledger.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from appliance.errors import LedgerTampered
from appliance.format.ledger_entry import Note
from appliance.ledger import tree
from appliance.service import drive_jobs, drive_set, losses, snapshots
from appliance.service.drive_phase import DrivePhase
from appliance.service.pack_catalogue import PackCatalogue


def rebuild(phase: DrivePhase, files: Mapping[str, bytes], made: Sequence[str]) -> None:
    """`files` are what every drive carries. LedgerTampered where the root is not the interlock's."""
    facts, history = phase.facts, phase.ledger.history
    root = tree.Frontier().extended(history.leaves[: facts.log_size]).root()
    if root != facts.log_root:
        raise LedgerTampered(reason=f"entries 0 to {facts.log_size} have another root than the interlock's")
    drive_set.put_missing(phase.drives, files)
    drive_jobs.take_over_events(phase)
    if made:
        text = f"the controller's state was rebuilt: {', '.join(made)}"
        phase.ledger.append(Note(time=facts.unix_s, phase=facts.phase, text=text))
    losses.tell(phase)
    entries = list(phase.ledger.history.entries())
    phase.shop.console.say(
        "rebuilt",
        log_size=facts.log_size,
        log_root=root.hex(),
        snapshots=len(snapshots.listed(entries)),
        packs=len(PackCatalogue(entries).facts),
        drives=len(phase.drives.readable),
        missing=[index + 1 for index in phase.drives.missing],
    )
    drive_jobs.record_drives(phase)
