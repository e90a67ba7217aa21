"""The history that one copy of the ledger tells by itself, at the cost of its entries.

Every drive phase leaves checkpoints, and checking the signatures of thousands of them takes longer than
all the rest. Where the newest one holds and covers every entry, the root that it signs settles all of
them, and the older ones have nothing to add. Does not hold the copy against the interlock's head.
"""

from __future__ import annotations

from appliance.ledger import history
from appliance.ledger.checkpoint import Keys
from appliance.ledger.history import History
from appliance.ports import Files
from appliance.service import ledger_folder
from appliance.service.ledger_copies import STATE


def read(files: Files, keys: Keys) -> History:
    """As `files` hold it now. Never raises for what they hold."""
    found = history.assemble([ledger_folder.read_newest(files, STATE)], keys).history
    if found.size and found.witnessed == found.size:
        return found
    return history.assemble([ledger_folder.read_copy(files, STATE)], keys).history
