"""The interlock bears the times of the parts of the boards of copper: windows with them, in the twin."""

from __future__ import annotations

from dataclasses import replace

import pytest

from firmware.model import limits
from hw import profile
from hw.profile import BoardProfile
from hw.trace import Trace
from tests.unit import recorded_bench
from tests.unit.recorded_bench import deed
from tests.unit.twin_bench import BOARD

COPPER = [name for name in profile.names() if name != "emulated"]
QUIET = ("UNKNOWN", "ISOLATED", "CONTACT_TEST", "INTAKE", "AIRLOCK", "SEAL", "AIRLOCK", "ISOLATED")


def timed(name: str) -> BoardProfile:
    """The twin's board with the relays, pump, supply and serial line of a board of copper."""
    copper = profile.load(name)
    return replace(
        BOARD,
        relay=copper.relay,
        changeover=copper.changeover,
        permit_decay_ms=copper.permit_decay_ms,
        supply_fall_ms=copper.supply_fall_ms,
        uart_bytes_per_ms=copper.uart_bytes_per_ms,
    )


def phases(trace: Trace) -> tuple[object, ...]:
    return tuple(value for _, value in trace.rows["phase"])


@pytest.mark.parametrize("name", COPPER)
def test_a_window_with_the_copper_times_connects_seals_and_is_dark(name: str) -> None:
    trace = recorded_bench.window(board=timed(name))
    assert phases(trace) == QUIET
    begin_ms, end_ms = (
        next(at_ms for at_ms, value in trace.rows["phase"] if value == phase)
        for phase in ("CONTACT_TEST", "INTAKE")
    )
    assert end_ms - begin_ms <= limits.CONTACT_TEST_MS
    assert all(trace.at(f"d{bay}", trace.end_ms) == 0 for bay in (1, 2, 3))


@pytest.mark.parametrize("name", COPPER)
def test_a_hung_controller_is_cut_within_the_target_at_the_contacts_too(name: str) -> None:
    trace = recorded_bench.window(deed("hang_controller"), board=timed(name))
    hung_ms = next(event.at_ms for event in trace.events if event.kind == "deed")
    assert trace.at("link", hung_ms) == 1
    rows = [trace.rows[row] for row in ("coil_link", "k1", "k2")]
    dark_ms = max(at_ms for row in rows for at_ms, value in row if value == 0)
    assert hung_ms < dark_ms <= hung_ms + 2000


@pytest.mark.planted
def test_planted_relays_slower_than_the_profiles_allow_end_in_a_fault_not_in_a_window() -> None:
    slow = timed("cm4")
    slow = replace(slow, relay=replace(slow.relay, release_ms=limits.MISMATCH_MS + slow.permit_decay_ms))
    assert phases(recorded_bench.window(board=slow)) != QUIET
