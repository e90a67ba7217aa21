"""The interlock's event log as the ledger takes it over: nothing counted twice, nothing lost."""

import random

from appliance.adapters import interlock_words
from appliance.domain.phases import Phase
from appliance.format.ledger_entry import AnyEntry, Fault, Refused
from appliance.service import interlock_log
from appliance.service.interlock_log import LoggedEvent
from firmware.model import journal
from firmware.model.fram import Journal
from firmware.wire import codes
from firmware.wire.codes import Cause

OUTSIDE = "REFUSED ISOLATED OUTSIDE_WINDOW"
PHASES = (codes.Phase.ISOLATED, codes.Phase.SEAL, codes.Phase.INTAKE)
CAUSES = (Cause.OUTSIDE_WINDOW, Cause.NOT_NOW, Cause.WIRE_CORRUPT)


def entries(*found: AnyEntry) -> list[tuple[int, AnyEntry]]:
    return list(enumerate(found))


def taken(events: list[LoggedEvent], *before: AnyEntry) -> list[Refused | Fault]:
    upto = interlock_log.read_up_to(entries(*before))
    fresh = [event for event in events if event[0] > upto]
    return interlock_log.news(fresh, entries(*before), Phase.SEAL, 1000)


def test_a_flood_of_refusals_is_one_entry_with_its_total() -> None:
    [entry] = taken([(1, 10, OUTSIDE, 1), (2, 20, OUTSIDE, 10), (3, 30, OUTSIDE, 100)])
    assert isinstance(entry, Refused)
    assert [(part.name, part.count, part.time) for part in entry.counts] == [(OUTSIDE, 100, 30)]
    assert entry.upto == 3


def test_what_the_ledger_already_counts_is_not_counted_again() -> None:
    [before] = taken([(1, 10, OUTSIDE, 100)])
    [after] = taken([(1, 10, OUTSIDE, 100), (2, 20, OUTSIDE, 103)], before)
    assert [part.count for part in after.counts] == [3]


IN_SEAL = "REFUSED SEAL OUTSIDE_WINDOW"


def test_a_cause_that_is_met_in_two_phases_is_counted_once_over_both() -> None:
    ten = [(1, 10, OUTSIDE, 1), (2, 20, OUTSIDE, 10)]
    eleven = [*ten, (3, 5000, IN_SEAL, 11)]
    [before] = taken(ten)
    [after] = taken(eleven, before)
    assert [(part.name, part.count) for part in before.counts] == [(OUTSIDE, 10)]
    assert [(part.name, part.count) for part in after.counts] == [(IN_SEAL, 1)]
    [at_once] = taken(eleven)
    assert [(part.name, part.count, part.time) for part in at_once.counts] == [
        (OUTSIDE, 10, 20),
        (IN_SEAL, 1, 5000),
    ]


def test_the_ledgers_sum_is_the_interlocks_own_count_whatever_the_phases_and_the_take_overs() -> None:
    log = Journal()
    ledger: list[Refused | Fault] = []
    draw = random.Random(7)
    for number in range(300):
        phase, cause = draw.choice(PHASES), draw.choice(CAUSES)
        log = journal.refuse(
            log, time_s=number * 1900, phase=phase, cause=cause, count=draw.choice((1, 1, 9))
        )
        if draw.random() < 0.1 or number == 299:
            log = journal.refuse(log, time_s=(number + 9) * 1900, phase=phase, cause=cause)
            ledger += taken([interlock_words.event(event) for event in log.events], *ledger)
    said: dict[str, int] = {}
    for entry in ledger:
        for part in entry.counts:
            said[part.name.split()[2]] = said.get(part.name.split()[2], 0) + part.count
    newest = {interlock_words.event(event)[2].split()[2]: event.count for event in log.events}
    assert said == newest


def test_nothing_new_is_no_entry() -> None:
    [before] = taken([(1, 10, OUTSIDE, 100)])
    assert taken([(1, 10, OUTSIDE, 100)], before) == []


def test_a_fault_keeps_its_first_cause() -> None:
    [entry] = taken([(5, 50, "FAULT FAULT LINK_WITHOUT_ORDER", 1)])
    assert isinstance(entry, Fault)
    assert entry.cause == "FAULT FAULT LINK_WITHOUT_ORDER"


def test_link_seconds_are_those_of_the_newest_link_half_with_its_contact_test() -> None:
    events: list[LoggedEvent] = [
        (1, 100, "PHASE CONTACT_TEST CONTROLLER_ASKED", 1),
        (2, 101, "PHASE INTAKE CONTACT_TEST_PASSED", 1),
        (3, 160, "PHASE AIRLOCK WORK_DONE", 1),
        (4, 500, "PHASE CONTACT_TEST CONTROLLER_ASKED", 1),
        (5, 501, "PHASE INTAKE CONTACT_TEST_PASSED", 1),
        (6, 507, "PHASE AIRLOCK WORK_DONE", 1),
        (7, 509, "PHASE SEAL STARTED", 1),
    ]
    assert interlock_log.link_seconds(events) == 7
    assert interlock_log.link_seconds([]) == 0
