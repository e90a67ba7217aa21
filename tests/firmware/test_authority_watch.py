"""What takes k people never happens without them: directed attacks under an observer who counts for himself,
and planted bugs that this observer has to notice (PROTOCOL 12 and 13)."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from firmware.model import step
from tests.firmware import succession_mutants, succession_scenarios
from tests.firmware.box import Stepper
from tests.firmware.invariants import Violation
from tests.firmware.mutants import Mutant


@pytest.mark.invariant("I5")
@pytest.mark.clause("PROTOCOL 12.4")
@pytest.mark.clause("PROTOCOL 13.1")
@pytest.mark.parametrize("scenario", succession_scenarios.SCENARIOS, ids=lambda scenario: scenario.__name__)
def test_no_attack_on_policies_and_orders_gets_what_takes_k_people(
    scenario: Callable[[Stepper], None],
) -> None:
    scenario(step.step)


@pytest.mark.planted
@pytest.mark.invariant("I5")
@pytest.mark.parametrize("mutant", succession_mutants.MUTANTS, ids=lambda mutant: mutant.name)
def test_every_planted_bug_in_the_holders_rights_is_caught(
    mutant: Mutant, monkeypatch: pytest.MonkeyPatch
) -> None:
    mutant.plant(monkeypatch)
    with pytest.raises(Violation, match=f"^{mutant.breaks} "):
        every_attack()


def every_attack() -> None:
    for scenario in succession_scenarios.SCENARIOS:
        scenario(step.step)
