"""The schemas are exact enough to notice every field that goes missing or changes its kind."""

from typing import Any

import pytest

from appliance.domain.phases import Phase
from tests.spec import documents

STATUS: dict[str, Any] = {
    "schema": 1,
    "phase": "ISOLATED",
    "isolated": True,
    "link": {"ordered": False, "measured": False, "age_s": 0.2},
    "drives": [{"bay": 1, "id": "d-1", "state": "ok", "powered": False}],
    "next_window": "2026-01-02T03:00:00+09:00",
    "policy_version": 1,
    "pending_policy": {
        "version": 2, "hash": "ab" * 32, "due": "2026-01-05T03:00:00+09:00", "signed_by": [1, 2, 3],
        "vetoes": [4], "overridden": False, "stopped": True, "may_veto": [1, 2, 3, 5], "text_known": True,
    },
    "log_size": 7,
    "alarms": [{"code": "IW-2003", "text": "a line is measured CONNECTED that nobody ordered: link"}],
}
RUN_WINDOW: dict[str, Any] = {
    "snapshot": "s-1", "complete": True, "bytes_read": 10, "bytes_new": 5, "bytes_stored": 9,
    "link_s": 1.5, "drives_s": 2,
}
COPIES: dict[str, Any] = {
    "snapshots": [
        {"id": "s-1", "time": "2026-01-02T03:04:05Z", "complete": True, "sources": ["docs"], "bytes": 10}
    ]
}
PLAN: dict[str, Any] = {
    "snapshot": "s-1", "time": "2026-01-02T03:04:05Z", "complete": True, "files": 1, "bytes": 10,
    "sources": [{"name": "docs", "complete": True, "files": 1, "bytes": 10}],
    "holders": {"needed": 3, "of": 5}, "drives": {"needed": 4, "of": 6},
    "target": "/srv/out", "free": 100, "fits": True,
}
SET: dict[str, Any] = {
    "people": 3, "devices": [], "keys": [], "delay_s": 0, "physical": [], "software_only": False,
    "force": False, "scope": "sealed", "weak": False,
    "edges": [{"claim": "k-1 shares say nothing", "test": "tests/unit/test_a.py::test_b"}],
}
CAPTURES: dict[str, Any] = {
    "schema": 1, "board": "emulated", "after": None, "warnings": [],
    **{goal: [SET] for goal in ("READ", "DESTROY", "OPEN", "BLIND", "STALL")},
}
LINES: dict[str, Any] = {
    "schema": 1, "board": "cm4", "phase": "ISOLATED", "cause": "",
    "lines": [
        {"line": name, "ordered": False, "interlock": False, "controller": None, "unexplained": False,
         "disputed": False}
        for name in ("drive 1", "link")
    ],
    "senses": {
        "k1_conducting": False, "k2_conducting": False, "k3_on_link": False, "cut_pressed": False,
        "key_turned": False,
    },
    "carrier": False, "other_networks": 0, "interlock_age_ms": 5, "controller_age_ms": 0, "alarming": False,
}
TEST: dict[str, Any] = {
    "schema": 1, "board": "cm4",
    "steps": [
        {"step": "dark", "verdict": "FAILED", "cause": "",
         "findings": [{"line": "K1", "side": "controller", "live": True}]}
    ],
}
GOOD = {
    "capture-sets": CAPTURES,
    "status": STATUS, "run-window": RUN_WINDOW, "copies-list": COPIES, "restore-plan": PLAN,
    "line-list": LINES, "line-test": TEST,
}


def lacking_one(document: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """The document without each of its fields in turn, also without those of its parts."""
    found = []
    for key, value in document.items():
        found.append((key, {k: v for k, v in document.items() if k != key}))
        if isinstance(value, dict):
            found += [(f"{key}.{part}", {**document, key: less}) for part, less in lacking_one(value)]
        if isinstance(value, list) and value and isinstance(value[0], dict):
            found += [(f"{key}.{part}", {**document, key: [less]}) for part, less in lacking_one(value[0])]
    return found


@pytest.mark.parametrize("name", documents.NAMES)
def test_a_document_as_the_commands_promise_it_is_accepted(name: str) -> None:
    assert not documents.fault(name, GOOD[name])
    assert not documents.fault(name, {**GOOD[name], "later": "may be added"})


@pytest.mark.planted
@pytest.mark.parametrize("name", documents.NAMES)
def test_a_field_that_goes_missing_is_noticed(name: str) -> None:
    assert [place for place, less in lacking_one(GOOD[name]) if not documents.fault(name, less)] == []


@pytest.mark.planted
@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("status", {"phase": "open"}),
        ("status", {"isolated": "yes"}),
        ("status", {"next_window": "03:00"}),
        ("status", {"alarms": [{"code": "2003", "text": "x"}]}),
        ("run-window", {"bytes_new": -1}),
        ("run-window", {"complete": None}),
        ("copies-list", {"snapshots": {}}),
        ("restore-plan", {"fits": "yes"}),
        ("restore-plan", {"holders": {"needed": 0, "of": 5}}),
    ],
    ids=lambda value: value if isinstance(value, str) else next(iter(value)),
)
def test_a_field_of_the_wrong_kind_is_noticed(name: str, change: dict[str, Any]) -> None:
    assert documents.fault(name, {**GOOD[name], **change})


def test_the_status_knows_every_phase_of_the_box() -> None:
    assert documents.schema("status")["properties"]["phase"]["enum"] == [phase.value for phase in Phase]


def test_a_box_without_a_further_window_may_say_so() -> None:
    assert not documents.fault("status", {**STATUS, "next_window": None})
