"""How long a bay rests: a few phases, twice as many after each further strike, never too many at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from appliance.adapters.directory import ScratchDirectory
from appliance.domain.ids import Bay
from appliance.service import bay_rests
from appliance.service.bay_rests import FIRST_REST, STRIKES_MAX, BayRests

BAYS = [Bay(number) for number in range(1, 7)]


@pytest.fixture
def state(tmp_path: Path) -> ScratchDirectory:
    return ScratchDirectory(tmp_path)


def rested(state: ScratchDirectory, bay: Bay, needed: int = 5) -> int:
    """For how many phases the bay rests until it is tried again; the last one is not ended."""
    count = 0
    while bay in BayRests(state, BAYS, needed).resting:
        count += 1
    return count


def strike(state: ScratchDirectory, bay: Bay, needed: int = 5) -> None:
    BayRests(state, BAYS, needed).strike(bay)


def test_each_further_strike_doubles_the_rest_up_to_a_limit(state: ScratchDirectory) -> None:
    rests = []
    for _ in range(STRIKES_MAX + 2):
        strike(state, BAYS[2])
        rests.append(rested(state, BAYS[2]))
    longest = FIRST_REST * 2 ** (STRIKES_MAX - 1)
    assert rests == [FIRST_REST * 2**n for n in range(STRIKES_MAX)] + [longest, longest]


def test_a_phase_that_a_bay_took_part_in_to_the_end_forgives_it_everything(state: ScratchDirectory) -> None:
    strike(state, BAYS[2])
    strike(state, BAYS[2])
    rested(state, BAYS[2])
    BayRests(state, BAYS, 5).passed()
    strike(state, BAYS[2])
    assert rested(state, BAYS[2]) == FIRST_REST


def test_a_phase_that_ended_while_the_bay_rested_or_struck_forgives_nothing(state: ScratchDirectory) -> None:
    first = BayRests(state, BAYS, 5)
    first.strike(BAYS[2])
    first.passed()
    second = BayRests(state, BAYS, 5)
    assert second.resting == {BAYS[2]}
    second.passed()
    assert rested(state, BAYS[2]) == FIRST_REST - 1


def test_no_more_bays_rest_than_the_phase_can_spare_and_the_worst_rest_first(state: ScratchDirectory) -> None:
    for bay in (BAYS[1], BAYS[4], BAYS[4]):
        strike(state, bay, needed=6)
    assert BayRests(state, BAYS, 6).resting == frozenset()
    assert BayRests(state, BAYS, 5).resting == {BAYS[4]}
    assert BayRests(state, BAYS, 4).resting == {BAYS[1], BAYS[4]}


def test_forgotten_every_bay_is_tried(state: ScratchDirectory) -> None:
    bay_rests.forget(state)
    assert not state.exists(bay_rests.RECORD)
    strike(state, BAYS[2])
    bay_rests.forget(state)
    assert not BayRests(state, BAYS, 4).resting


@pytest.mark.parametrize(
    "content",
    [b"", b"[]", b'{"3":1}', b'{"3":{"strikes":1,"phases":1,"more":1}}', b'{"99":{"strikes":1,"phases":1}}',
     b'{"3":{"strikes":9000,"phases":9000000}}', b'{"3":{"strikes":1,"phases":5}}', b"\xff" * 9000],
)  # fmt: skip
def test_a_record_that_we_never_wrote_leaves_no_bay_dark(state: ScratchDirectory, content: bytes) -> None:
    state.replace(bay_rests.RECORD, content)
    assert not BayRests(state, BAYS, 4).resting
