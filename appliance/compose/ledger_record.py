"""The ledger as the controller's own copy tells it, for commands that leave the drives dark."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property

from appliance.adapters.directory import ScratchDirectory
from appliance.compose.emulated_board import EmulatedBoard
from appliance.compose.home import Home
from appliance.compose.policy_files import PolicyFiles
from appliance.domain.phases import Phase
from appliance.format.ledger_entry import AnyEntry, Seal
from appliance.format.ledger_segment import Gap
from appliance.ledger.history import History
from appliance.service import own_ledger, snapshots


class LedgerRecord:
    """As the copy is when it is first asked for. Not held against the interlock's head:
    `ledger verify` does that with the drives."""

    def __init__(self, home: Home, texts: PolicyFiles) -> None:
        self._home, self._texts = home, texts

    def entries(self) -> Iterator[tuple[int, AnyEntry | Gap]]:
        """(index, entry) of every entry that a cosigned checkpoint covers."""
        found = self._history
        return ((index, entry) for index, entry in found.entries() if index < found.witnessed)

    def witnessed(self) -> int:
        """How many entries a cosigned checkpoint covers."""
        return self._history.witnessed

    def snapshots(self) -> list[Seal]:
        """Committed snapshots, oldest first."""
        return snapshots.listed(self.entries())

    @cached_property
    def _history(self) -> History:
        return own_ledger.read(ScratchDirectory(self._home.seal_state), self._texts.keys)


def known_to(board: EmulatedBoard) -> int:
    """How many entries the interlock has witnessed; 0 where the box does not come to rest. For who needs
    nothing else of the box: it is off afterwards."""
    size = board.interlock().hello().log_size if board.settle() is Phase.ISOLATED else 0
    board.power_off()
    return size
