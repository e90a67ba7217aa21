"""What the outputs are, as a pure function of the state (PROTOCOL 5.3). De-energised is the default."""

from __future__ import annotations

from firmware.model import permits
from firmware.model.phases import DRIVE_PHASES, LINK_PHASES
from firmware.model.state import Drive, State
from firmware.wire.codes import Cause


def of(state: State) -> Drive:
    """The levels of all outputs. Link and drives are permitted by disjoint phases and opposite K3."""
    link = state.phase in LINK_PHASES and state.senses.k3_on_link and permits.link(state) is Cause.NONE
    drives = (
        state.phase in DRIVE_PHASES
        and state.clean
        and permits.heartbeat_fresh(state)
        and permits.drives(state, state.phase) is Cause.NONE
    )
    return Drive(
        permit_link=link,
        permit_drives=drives,
        drive_mask=permits.mask(state, state.phase) if drives else 0,
        k3_on_link=state.phase in LINK_PHASES,
        controller_power=state.supply.ordered,
        boot_medium=state.supply.medium,
    )


def safer(after: Drive, before: Drive) -> bool:
    """Whether the change takes away and gives nothing: such a change waits for no memory."""
    return (
        after.permit_link <= before.permit_link
        and after.permit_drives <= before.permit_drives
        and after.drive_mask & ~before.drive_mask == 0
        and after.controller_power <= before.controller_power
    )
