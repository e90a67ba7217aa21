"""Recovery without a destination: a copy is proven, or two are compared; nothing is written (THREATS 3.10).

Runs where a restore runs, under an order of k holders that says `destination -`, and ends with the key.
"""

from __future__ import annotations

from collections import Counter
from contextlib import closing

from appliance.domain.ids import SnapshotId
from appliance.service import recovery, snapshots
from appliance.service.copy_diff import Differ, Difference
from appliance.service.drive_phase import DrivePhase
from appliance.service.nowhere import Nowhere
from appliance.service.recovery import Opened, Recall

LINE_BYTES_MAX = 40_000  # bytes of names in one event, at their longest as JSON; a line may have 60,000
_BYTE_AS_JSON = 6  # characters that one byte of a name takes at most
_FIELDS_BYTES = 100  # bytes of one difference beside its name


def prove(phase: DrivePhase, recall: Recall) -> None:
    """Prove the snapshot of the order, or compare it with the one that the order names beside it. Says
    `proven` or `compared`."""
    opened = recovery.open_order(phase, recall, nowhere=True)
    if opened.order.against is not None:
        _compare(phase, opened, opened.order.against)
        return
    nowhere = Nowhere(remember=bool(opened.order.path))
    report = recovery.restore_to(phase, opened, nowhere, "verify")
    recovery.say(phase, "proven", opened, report, nowhere)


def _compare(phase: DrivePhase, opened: Opened, against: SnapshotId) -> None:
    other = snapshots.meant(snapshots.listed(phase.ledger.history.entries()), against)
    counts: Counter[str] = Counter()
    waiting: list[Difference] = []
    room = LINE_BYTES_MAX
    progress = recovery.Steps(phase, "compare").at
    with closing(Differ(opened.gatherer, opened.vault.identity, opened.selection, progress)) as differ:
        for difference in differ.run(opened.snapshot, other):
            counts[difference.change] += 1
            cost = _FIELDS_BYTES + len(difference.path) * _BYTE_AS_JSON
            if cost > room:
                _say(phase, waiting)
                waiting, room = [], LINE_BYTES_MAX
            waiting.append(difference)
            room -= cost
        _say(phase, waiting)
        phase.shop.console.say(
            "compared",
            snapshot=opened.snapshot.snapshot,
            against=other.snapshot,
            compared=differ.compared,
            counts=dict(counts),
            holders=list(opened.vault.used),
            damaged_blocks=len(opened.gatherer.damages),
            log_size=phase.ledger.history.size,
        )


def _say(phase: DrivePhase, differences: list[Difference]) -> None:
    if differences:
        phase.shop.console.say(
            "differences",
            items=[
                [
                    item.change.value,
                    f"{item.source}/{item.path.decode('utf-8', 'surrogateescape')}",
                    item.size_before,
                    item.size_after,
                ]
                for item in differences
            ],
        )
