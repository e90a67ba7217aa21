"""The interlock's event log as the ledger takes it over: nothing counted twice, nothing lost."""

from appliance.domain.phases import Phase
from appliance.format.ledger_entry import AnyEntry, Fault, Refused
from appliance.service import interlock_log
from appliance.service.interlock_log import LoggedEvent

OUTSIDE = "REFUSED ISOLATED OUTSIDE_WINDOW"


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
