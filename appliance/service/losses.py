"""What scrub found lost, as intake is told of it: by a receipt, so that it pulls anew what lay there.

The link half never sees a drive; without this it would refer to a lost pack for as long as a file stays
unchanged. A receipt that still lies in staging was not taken yet. FORMAT 6.9.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from appliance.domain.geometry import Geometry
from appliance.domain.ids import PackId
from appliance.errors import StagingFailed
from appliance.format import receipt
from appliance.format.ledger_entry import Scrub
from appliance.format.receipt import Receipt
from appliance.service import drive_phase
from appliance.service.drive_phase import DrivePhase

TOLD = "losses-told"
NO_WINDOW = 0  # in the name of a scrub's receipt: it belongs to no window
_MARK_BYTES = 64  # a leaf's hash in hexadecimal


def packs(entry: Scrub, geometry: Geometry) -> list[PackId]:
    """The packs that a scrub found lost: too few sound shards on the drives that it saw. A scrub of fewer
    drives than a commit needs says nothing: no window refers to anything until more are there."""
    seen = len(entry.drives)
    if seen < geometry.write_quorum:
        return []
    unsound = Counter(part.pack for part in entry.unrepaired)
    lost = [pack for pack, count in unsound.items() if seen - count < geometry.data]
    return [PackId(bytes.fromhex(pack)) for pack in lost]


def recorded(phase: DrivePhase) -> dict[int, list[PackId]]:
    """Every ledger entry that says that packs are lost, and which."""
    geometry = phase.drives.geometry
    scrubs = ((index, entry) for index, entry in phase.ledger.history.entries() if isinstance(entry, Scrub))
    found = {index: packs(entry, geometry) for index, entry in scrubs}
    return {index: lost for index, lost in found.items() if lost}


def tell(phase: DrivePhase) -> list[PackId]:
    """Put every receipt that intake did not get or take yet; gives the packs that it may still refer to.
    Which entry was told last is kept by its hash: an index means another entry after a rollback."""
    shop, history = phase.shop, phase.ledger.history
    lossy = recorded(phase)
    if not lossy:
        return []
    mark = shop.state.read(TOLD, _MARK_BYTES) if shop.state.exists(TOLD) else b""
    told = max((index for index in lossy if history.leaves[index].hex().encode() == mark), default=-1)
    untaken: list[PackId] = []
    try:
        for index, lost in lossy.items():
            name = receipt.name(NO_WINDOW, index)
            if index > told or shop.staging.exists(name):
                untaken += lost
                _put(phase, name, index)
        shop.state.replace(TOLD, history.leaves[max(lossy)].hex().encode())
    except OSError as error:
        drive_phase.warn(shop.console, StagingFailed(detail=error.strerror or str(error)))
    return untaken


def doubtful(phase: DrivePhase, untaken: Sequence[PackId], missed: Sequence[PackId]) -> list[PackId]:
    """Lost packs that a snapshot which was sealed now may need: intake was not told of them before it
    took the snapshot. `missed` is what healing found lost, of which only what no scrub recorded is news."""
    known = {pack for lost in recorded(phase).values() for pack in lost}
    return list(dict.fromkeys([*untaken, *(pack for pack in missed if pack not in known)]))


def _put(phase: DrivePhase, name: str, index: int) -> None:
    record = phase.ledger.history.records[index]
    assert isinstance(record, bytes)  # it was read as an entry
    content = receipt.encode(Receipt(entry=record, proof=phase.ledger.proof(index)))
    phase.shop.staging.replace(name, content)
