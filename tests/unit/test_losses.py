"""Which packs a scrub entry says are lost."""

from __future__ import annotations

import pytest

from appliance.domain.geometry import Geometry
from appliance.domain.ids import PackId
from appliance.domain.phases import Phase
from appliance.format.ledger_entry import DrivePart, Loss, Scrub
from appliance.service import losses

FOUR_TWO = Geometry(data=4, parity=2, write_quorum=5)
PACK = PackId(b"p" * 32)


def entry(seen: int, unsound: int) -> Scrub:
    return Scrub(
        time=1,
        phase=Phase.SCRUB,
        drives=tuple(DrivePart(drive=drive, blocks=1, bad=0, missing=0) for drive in range(seen)),
        repaired=(),
        unrepaired=tuple(Loss(drive=drive, pack=PACK.hex()) for drive in range(unsound)),
    )


@pytest.mark.clause("FORMAT 6.9")
@pytest.mark.parametrize(
    ("seen", "unsound", "is_lost"),
    [(6, 0, False), (6, 2, False), (6, 3, True), (5, 1, False), (5, 2, True), (4, 4, False), (3, 3, False)],
)
def test_a_pack_is_lost_when_too_little_is_left_on_the_drives_of_a_set_that_can_commit(
    seen: int, unsound: int, is_lost: bool
) -> None:
    assert losses.packs(entry(seen, unsound), FOUR_TWO) == ([PACK] if is_lost else [])
