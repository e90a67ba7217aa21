"""The controller's phase table: literal, total by faulting, drawn into the docs."""

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.domain.phases import Phase
from appliance.window import phase as table
from appliance.window.phase import TABLE, Action, Event

DOCUMENT = Path(table.__file__).with_name("PHASES.md")
_CONNECTS = {Action.ENERGISE_K1, Action.ENERGISE_K2, Action.ENERGISE_LINK}


@given(phase=st.sampled_from(Phase), event=st.sampled_from(Event))
def test_a_pair_that_is_not_listed_faults_and_releases_every_coil(phase: Phase, event: Event) -> None:
    after, actions = table.step(phase, event)
    if (phase, event) not in TABLE and phase is not Phase.FAULT:
        assert after is Phase.FAULT
        assert Action.RELEASE_ALL in actions


Step = Callable[[Phase, Event], tuple[Phase, tuple[Action, ...]]]


def ways_out_of_fault(step: Step) -> list[Event]:
    """Events after which a latched fault is gone or a coil moves."""
    return [event for event in Event if step(Phase.FAULT, event) != (Phase.FAULT, ())]


def test_a_fault_is_never_left() -> None:
    assert not ways_out_of_fault(table.step)


@pytest.mark.planted
def test_a_table_that_lets_a_fault_go_is_caught() -> None:
    assert ways_out_of_fault(lambda phase, event: TABLE.get((phase, event), (Phase.ISOLATED, ())))


@given(events=st.lists(st.sampled_from(Event), max_size=40))
def test_link_coils_and_drive_coils_are_never_ordered_in_one_boot(events: list[Event]) -> None:
    phase, ordered = Phase.UNKNOWN, set[Action]()
    for event in events:
        phase, actions = table.step(phase, event)
        ordered |= set(actions)
    assert not (ordered & _CONNECTS and Action.ENERGISE_DRIVES in ordered)


def test_every_end_of_work_releases_the_coils_before_it_tells() -> None:
    for (_phase, event), (_after, actions) in TABLE.items():
        if event is Event.WORK_DONE:
            assert actions == (Action.RELEASE_ALL, Action.TELL_DONE)


def test_an_honest_window_goes_from_unknown_to_the_airlock() -> None:
    phase = Phase.UNKNOWN
    for event in (
        Event.BOOTED_ISOLATED,
        Event.LINK_GRANTED,
        Event.K1_SETTLED,
        Event.K2_SETTLED,
        Event.LINK_LIVE,
        Event.WORK_DONE,
    ):
        phase, _ = table.step(phase, event)
    assert phase is Phase.AIRLOCK


def test_the_document_shows_the_table_as_it_is() -> None:
    assert table.diagram() in DOCUMENT.read_text(encoding="utf-8")
