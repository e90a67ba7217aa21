"""PROTOCOL.md says what the code does: its drawn parts are drawn from the literals, its example parses."""

from __future__ import annotations

import pytest

from firmware.model import limits
from tests.firmware import drawing


@pytest.mark.clause("PROTOCOL 3.4")
def test_the_tables_and_the_diagram_are_those_of_the_code() -> None:
    text = drawing.PROTOCOL.read_text(encoding="utf-8")
    assert drawing.redrawn(text) == text, "run: python -m tests.firmware.drawing"


@pytest.mark.planted
def test_a_changed_table_would_be_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    text = drawing.PROTOCOL.read_text(encoding="utf-8")
    monkeypatch.setitem(drawing.DRAWN, "codes", lambda: "| list | codes |")
    assert drawing.redrawn(text) != text


@pytest.mark.clause("PROTOCOL 5.4")
def test_the_numbers_in_the_clauses_are_the_limits() -> None:
    text = " ".join(drawing.PROTOCOL.read_text(encoding="utf-8").split())
    said = {
        "stamp + 400 ms": limits.ECHO_CREDIT_MS == 400,
        "age ≤ 1500 ms": limits.HEARTBEAT_LOST_MS == 1500,
        "at most 32 spans": limits.LINKS_MAX == 32,
        "persisted 10 s ahead": limits.CHARGE_S == 10,
        "MUST NOT exceed 4 h": limits.LINK_DAY_S_MAX == 4 * 3600,
        "within 60 s after": limits.GAP_S == 60,
        "off for at least 1 s": limits.RESTART_OFF_MS == 1000,
        "(10 s while": limits.RECOVERY_OFF_MS == 10_000,
        "outlast 100 ms": limits.MISMATCH_MS == 100,
        "within 500 ms": limits.CONTACT_TEST_MS == 500,
        "after 5 failed": limits.TESTS_FAILED_MAX == 5,
        "ring of 64 events": limits.EVENTS_MAX == 64,
    }
    for phrase, true in said.items():
        assert phrase in text, phrase
        assert true, phrase
