"""How long the image takes to let go of a line, in emulated time (PROTOCOL 5.7); see reactions.py."""

from __future__ import annotations

import pytest

from tests.depth import FULL
from tests.firmware import reactions

pytestmark = pytest.mark.needs("arm-none-eabi-gcc", "interlock_host")

QUICK = ("link half ends", "CUT, link live", "interrupts off")


@pytest.mark.invariant("I14")
@pytest.mark.clause("PROTOCOL 5.7")
def test_every_cause_takes_the_supply_away_within_its_time(capsys: pytest.CaptureFixture[str]) -> None:
    found = reactions.measured(tuple(reactions.CASES) if FULL else QUICK)
    with capsys.disabled():
        print("\n" + reactions.table(found))
    for name, after_ms in found.items():
        assert after_ms + reactions.PUMP_MS <= reactions.CASES[name].limit_ms, name
    # A signature takes 331 ms, so the foreground has its time.
    assert found.get("foreground hangs", 600) > 500


@pytest.mark.planted
@pytest.mark.invariant("I14")
def test_a_cause_that_does_not_strike_is_no_reaction() -> None:
    case = reactions.CASES["CUT, link live"]
    idle = reactions.Case(case.limit_ms, case.stage, lambda _: None)
    with pytest.raises(AssertionError, match="no reaction"):
        reactions.measured_case(idle, 200)
