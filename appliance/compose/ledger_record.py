"""The ledger as the controller's own copy tells it, for commands that leave the drives dark."""

from __future__ import annotations

from dataclasses import dataclass

from appliance.adapters.directory import ScratchDirectory
from appliance.compose.home import Home
from appliance.compose.policy_files import PolicyFiles
from appliance.format.ledger_entry import Seal
from appliance.ledger import history
from appliance.service import snapshots
from appliance.service.ledger_copies import STATE, read_copy


@dataclass(frozen=True, slots=True)
class LedgerRecord:
    """Not held against the interlock's head: `ledger verify` does that with the drives."""

    home: Home
    texts: PolicyFiles

    def snapshots(self) -> list[Seal]:
        """Committed snapshots, oldest first: only entries that a cosigned checkpoint covers."""
        copy = read_copy(ScratchDirectory(self.home.seal_state), STATE)
        found = history.assemble([copy], self.texts.keys).history
        witnessed = [(index, entry) for index, entry in found.entries() if index < found.witnessed]
        return snapshots.listed(witnessed)
