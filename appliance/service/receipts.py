"""Receipts of drive phases, as intake takes them: from now on what the witness acknowledged counts, and
what a scrub found lost does not.

Believes nothing: whether a receipt holds is decided by the `verify` it is given. FORMAT 6.8, 6.9, 7.6.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from appliance.domain.ids import PackId
from appliance.errors import IwatoError
from appliance.format import receipt
from appliance.ports import Console, DedupIndex, ScratchFiles


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What a receipt says: packs that were committed, packs that are lost, in a ledger of `size` entries."""

    size: int
    stored: Sequence[PackId] = ()
    lost: Sequence[PackId] = ()


def accept(
    staging: ScratchFiles,
    index: DedupIndex,
    console: Console,
    verify: Callable[[bytes], Told],
    log_size: int,
) -> int:
    """Let every receipt count that `verify` accepts, then recycle those receipts; returns the number of
    packs that were stored. A refused receipt is left lying and told. One from beyond `log_size`, the
    interlock's, is of a ledger that was rolled back: it never counts, also when the log grows again."""
    accepted: dict[str, Told] = {}
    for leaf in staging.names(receipt.FOLDER):
        name = f"{receipt.FOLDER}/{leaf}"
        try:
            told = verify(staging.read(name, receipt.RECEIPT_BYTES_MAX))
        except (IwatoError, ValueError, OSError) as refused:
            console.say("receipt-refused", receipt=leaf, reason=str(refused))
            continue
        if told.size > log_size:
            console.say("receipt-refused", receipt=leaf, reason="the interlock's log is shorter")
            told = Told(size=0)
        accepted[name] = told
    stored = [pack for told in accepted.values() for pack in told.stored]
    index.reached(max((told.size for told in accepted.values()), default=0))
    index.commit(stored)
    forgotten = index.lose([pack for told in accepted.values() for pack in told.lost])
    for name, told in accepted.items():
        if forgotten or not told.lost:
            staging.recycle(name)
    return len(stored)
