"""The ledger as the controller's own copy tells it, for commands that leave the drives dark."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from appliance.adapters.directory import ScratchDirectory
from appliance.compose.home import Home
from appliance.compose.policy_files import PolicyFiles
from appliance.format.ledger_entry import AnyEntry, Seal
from appliance.format.ledger_segment import Gap
from appliance.ledger import history
from appliance.ledger.history import History
from appliance.service import snapshots
from appliance.service.ledger_copies import STATE
from appliance.service.ledger_folder import read_copy


@dataclass(frozen=True, slots=True)
class LedgerRecord:
    """Not held against the interlock's head: `ledger verify` does that with the drives."""

    home: Home
    texts: PolicyFiles

    def entries(self) -> Iterator[tuple[int, AnyEntry | Gap]]:
        """(index, entry) of every entry that a cosigned checkpoint covers."""
        found = self._history()
        return ((index, entry) for index, entry in found.entries() if index < found.witnessed)

    def witnessed(self) -> int:
        """How many entries a cosigned checkpoint covers."""
        return self._history().witnessed

    def _history(self) -> History:
        copy = read_copy(ScratchDirectory(self.home.seal_state), STATE)
        return history.assemble([copy], self.texts.keys).history

    def snapshots(self) -> list[Seal]:
        """Committed snapshots, oldest first."""
        return snapshots.listed(self.entries())
