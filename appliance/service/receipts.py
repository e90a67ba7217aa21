"""Receipts of sealing, as intake takes them: what the witness acknowledged counts from now on.

Believes nothing: whether a receipt holds is decided by the `verify` it is given. FORMAT 7.6.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from appliance.domain.ids import PackId
from appliance.errors import IwatoError
from appliance.format import receipt
from appliance.ports import Console, DedupIndex, ScratchFiles


def accept(
    staging: ScratchFiles,
    index: DedupIndex,
    console: Console,
    verify: Callable[[bytes], Sequence[PackId]],
) -> int:
    """Commit the packs of every receipt that `verify` accepts, then recycle those receipts; returns the
    number of packs. A refused receipt is left lying and told."""
    packs: list[PackId] = []
    accepted: list[str] = []
    for leaf in staging.names(receipt.FOLDER):
        name = f"{receipt.FOLDER}/{leaf}"
        try:
            packs += verify(staging.read(name, receipt.RECEIPT_BYTES_MAX))
        except (IwatoError, ValueError, OSError) as refused:
            console.say("receipt-refused", receipt=leaf, reason=str(refused))
        else:
            accepted.append(name)
    index.commit(packs)
    for name in accepted:
        staging.recycle(name)
    return len(packs)
