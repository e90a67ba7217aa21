"""Every row of the phase table is mutated in every way, and every mutant is killed by the rules."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from firmware.model import phases
from firmware.model.phases import Act, Row, Turn
from firmware.wire.codes import Phase
from tests.firmware import explore, mutants, table_rules

ROWS = tuple(phases.TABLE.items())


def idle(act: Act, phase: Phase, turn: Turn) -> bool:
    """Whether the act can change nothing there: the row with it is the same row in another spelling."""
    latched = {Act.LATCH_SECURED: Phase.SECURED, Act.LATCH_FAULT: Phase.FAULT}.get(act)
    again = phase is latched and turn is not Turn.RELEASED
    return again or (act is Act.END_LINK and phase not in table_rules.LINK)


def mutated(phase: Phase, turn: Turn, row: Row) -> Iterator[tuple[str, Row | None]]:
    """The row removed, led to every other phase, without each of its acts, and with each other act."""
    to, acts = row
    yield "removed", None
    for other in Phase:
        if other is not to:
            yield f"leads to {other.name}", (other, acts)
    for act in acts:
        if not idle(act, phase, turn):
            yield f"without `{act}`", (to, tuple(one for one in acts if one is not act))
    for act in Act:
        if act not in acts and not idle(act, phase, turn):
            yield f"with `{act}`", (to, (*acts, act))


@pytest.mark.clause("PROTOCOL 5.1")
def test_the_table_does_what_the_rules_say_and_nothing_else() -> None:
    assert list(table_rules.differences(explore.born())) == []


@pytest.mark.planted
@pytest.mark.parametrize(
    ("pair", "row"), ROWS, ids=[f"{phase.name} {turn.name}" for (phase, turn), _ in ROWS]
)
def test_every_mutant_of_every_row_is_killed(
    pair: tuple[Phase, Turn], row: Row, monkeypatch: pytest.MonkeyPatch
) -> None:
    start = explore.born()
    survivors = []
    for how, mutant in mutated(*pair, row):
        with monkeypatch.context() as patch:
            mutants.row(*pair, mutant)(patch)
            if not table_rules.differs(start, *pair):
                survivors.append(how)
    assert survivors == []
