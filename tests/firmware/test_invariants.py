"""The interlock's promises against everything a hostile controller can do, and the planted bugs that prove
that the harness would notice (I1, I2, I3, I4, I5, I10, I14; I13 in test_wire_session.py)."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from firmware.model import step
from firmware.wire.codes import Cause, Phase
from tests.depth import many
from tests.firmware import explore, mutants, scenarios
from tests.firmware.box import Stepper
from tests.firmware.explore import Found
from tests.firmware.invariants import Violation
from tests.firmware.mutants import Mutant
from tests.firmware.voyage import Voyage


@pytest.fixture(scope="module")
def found() -> Found:
    """One exploration for all tests that look at it."""
    return explore.explore(many(700, 15_000))


@pytest.mark.clause("PROTOCOL 5.2")
@pytest.mark.parametrize("scenario", scenarios.SCENARIOS, ids=lambda scenario: scenario.__name__)
def test_no_directed_attack_breaks_an_invariant(scenario: Callable[[Stepper], None]) -> None:
    scenario(step.step)


@pytest.mark.invariant("I1", "I2", "I3", "I4", "I5", "I14")
@pytest.mark.clause("PROTOCOL 5.2")
@pytest.mark.clause("PROTOCOL 5.3")
@pytest.mark.clause("PROTOCOL 5.6")
@pytest.mark.clause("PROTOCOL 5.9")
def test_every_input_in_every_abstract_state_keeps_every_invariant(
    found: Found, capsys: pytest.CaptureFixture[str]
) -> None:
    with capsys.disabled():
        print(f"\n{explore.verdicts(found)}")
    assert found.phases == set(Phase)


@pytest.mark.clause("PROTOCOL 5.1")
def test_from_every_explored_state_the_box_comes_home_when_everybody_lets_go(found: Found) -> None:
    homes = {Phase.ISOLATED, Phase.SECURED, Phase.FAULT}
    assert {explore.goes_home(state) for state, _ in found.kept} <= homes


@pytest.mark.invariant("I1", "I2", "I3", "I4", "I5", "I10", "I14")
@pytest.mark.clause("PROTOCOL 5.10")
@pytest.mark.clause("PROTOCOL 5.4")
def test_hostile_voyages_keep_every_invariant_and_no_message_latches_a_fault() -> None:
    reached: set[Phase] = set()
    for seed in range(many(18, 500)):
        voyage = Voyage(seed)
        voyage.go(80)
        assert voyage.box.state.fram.fault is Cause.NONE, "no message may latch a fault"
        reached |= voyage.phases
    assert reached >= set(Phase) - {Phase.FAULT, Phase.SECURED}, "SECURED ends a voyage and is drawn rarely"


def harness(stepper: Stepper = step.step) -> None:
    """All means of this file, cheapest first."""
    for scenario in scenarios.SCENARIOS:
        scenario(stepper)
    explore.explore(120, stepper)
    for seed in range(6):
        Voyage(seed, stepper).go(100)


@pytest.mark.planted
@pytest.mark.invariant("I1", "I2", "I3", "I4", "I5", "I10", "I14")
@pytest.mark.parametrize("mutant", mutants.MUTANTS, ids=lambda mutant: mutant.name)
def test_every_planted_bug_is_caught(mutant: Mutant, monkeypatch: pytest.MonkeyPatch) -> None:
    mutant.plant(monkeypatch)
    with pytest.raises(Violation, match=f"^{mutant.breaks} "):
        harness()
