"""The daemon unattended: every window commits or an alarm says why and what to do; nothing grows."""

from __future__ import annotations

import gc
from collections.abc import Callable
from pathlib import Path

import pytest

from appliance.daemon import record as records
from appliance.daemon.attendant import Attendant
from appliance.daemon.record import Record
from appliance.errors import IwatoError, by_code
from hw.twin import scenario
from hw.twin.scenario import Scenario
from tests.depth import many
from tests.simulation.conftest import Vault
from tests.simulation.daemon_days import DayBox, Days, Memory, before_a_window

DAYS = many(3, 30)
EVENTS, WITHIN_MS = 5, 6000  # a window of the small tree has some six seconds
ATTEMPTS = 400
# Faults that go by themselves; after the others somebody has to come.
PASSING = frozenset(
    {
        *("bounce", "brown_out", "hang_controller", "kill_controller", "noise", "reset_interlock"),
        *("hang_interlock", "reenumerate", "press_cut", "release_cut", "unplug_serial", "drift", "stall"),
    }
)


def drawn(seed: int, allowed: Callable[[str], bool]) -> dict[int, Scenario]:
    """What happens in each attempt."""
    return {
        attempt: Scenario(deeds=tuple(deed for deed in draw.deeds if allowed(deed.do)))
        for attempt in range(1, ATTEMPTS)
        for draw in [scenario.draw(seed * 1000 + attempt, bays=6, events=EVENTS, within_ms=WITHIN_MS)]
    }


def at_once(deed: str) -> Scenario:
    return scenario.parse(f'[[event]]\nat_s = 0\ndo = "{deed}"\n', bays=6)


def days(vault: Vault, place: Path, seed: int, scenarios: dict[int, Scenario]) -> Days:
    box = before_a_window(vault.box, place)
    return Days(DayBox(box.root, seed, scenarios))


def unexplained(record: Record) -> list[int]:
    """Windows that committed nothing and of which no alarm gives a known cause and a next step."""
    told = [alarm for alarm in record.alarms if alarm.kind in {"barren window", "missed window", "cut"}]
    found = []
    for window in record.windows:
        if window.outcome in {"committed", "partial", "skipped"}:
            continue
        covering = [a for a in told if a.first_s <= window.begin_s + 86_400 and a.last_s >= window.begin_s]
        if not any(_helps(by_code().get(alarm.code), alarm.values) for alarm in covering):
            found.append(window.begin_s)
    return found


def _helps(error: type[IwatoError] | None, values: dict[str, str | int]) -> bool:
    cause = values.get("cause_code")
    return error is not None and bool(error.remedy) and (cause is None or cause in by_code())


@pytest.mark.clause("DAEMON 1.5")
@pytest.mark.parametrize("seed", range(1, many(2, 3)))
def test_with_any_fault_every_window_commits_or_an_alarm_names_cause_and_next_step(
    vault: Vault, tmp_path: Path, seed: int
) -> None:
    lived = days(vault, tmp_path / "home", seed, drawn(seed, lambda _: True))
    lived.live(DAYS)
    assert not unexplained(lived.record)
    assert len(lived.record.windows) >= DAYS - 1
    lived.attendant.end()
    reading = lived.box.look()
    assert not reading.measured.link
    assert not any(reading.measured.drives)


def test_with_faults_that_pass_most_windows_commit_by_themselves_and_nothing_grows(
    vault: Vault, tmp_path: Path
) -> None:
    lived = days(vault, tmp_path / "home", 1, drawn(1, PASSING.__contains__))
    lived.live(1)
    gc.collect()
    before = len(gc.get_objects())
    lived.live(DAYS)
    gc.collect()
    grown = len(gc.get_objects()) - before
    outcomes = [window.outcome for window in lived.record.windows]
    assert outcomes.count("committed") > 0.6 * len(outcomes)
    assert not unexplained(lived.record)
    assert grown < 3000 + 60 * DAYS, "the record of a window is a handful of objects"


@pytest.mark.planted
def test_a_daemon_that_keeps_quiet_about_a_lost_window_is_caught(
    vault: Vault, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sound = Attendant._sound
    monkeypatch.setattr(
        Attendant, "_sound", lambda self, kind, *rest: kind != "barren window" and sound(self, kind, *rest)
    )
    cut = at_once("press_cut")
    lived = days(vault, tmp_path / "home", 1, dict.fromkeys(range(1, 9), cut))
    lived.live(2)
    assert unexplained(lived.record)


@pytest.mark.clause("DAEMON 1.5")
def test_a_window_that_fails_at_first_is_tried_again_after_a_rest_and_commits(
    vault: Vault, tmp_path: Path
) -> None:
    bridge = at_once("add_interface")
    lived = days(vault, tmp_path / "home", 1, {1: bridge, 2: bridge})
    lived.live(1)
    first = lived.record.windows[0]
    assert (first.outcome, first.tries) == ("committed", 3)
    assert [(alarm.kind, bool(alarm.over_s)) for alarm in lived.record.alarms] == [("foreign network", True)]
    assert [alarm.values for alarm in lived.said] == [{"count": 1}]


@pytest.mark.clause("DAEMON 5.3")
def test_with_a_full_disk_under_its_record_windows_commit_and_the_alarm_says_so(
    vault: Vault, tmp_path: Path
) -> None:
    memory = Memory()
    box = before_a_window(vault.box, tmp_path / "home")
    lived = Days(DayBox(box.root, 1, {}), memory)
    memory.full = True
    lived.live(2)
    assert lived.record.windows[-1].outcome == "committed"
    assert any(alarm.kind == "record lost" for alarm in lived.said)
    memory.full = False
    lived.live(1)
    assert all(alarm.over_s for alarm in lived.record.alarms if alarm.kind == "record lost")


@pytest.mark.clause("DAEMON 1.3", "DAEMON 1.4")
def test_a_clock_that_leaps_is_said_and_costs_no_more_than_the_windows_that_it_leaps_over(
    vault: Vault, tmp_path: Path
) -> None:
    box = before_a_window(vault.box, tmp_path / "home")
    held = DayBox(box.root, 1, {})
    lived = Days(held)
    lived.live(1)
    held.live(3 * 86_400 * 1000)
    lived.attendant.step()
    missed = [alarm for alarm in lived.said if alarm.kind == "missed window"]
    assert [alarm.values["count"] for alarm in missed] == [3]
    held.set_clock(held.look().unix_s - 2 * 86_400)
    tried = held.windows
    lived.live(1)
    assert [alarm.kind for alarm in lived.said][-2:] == ["clock went back", "clock lost"]
    assert held.windows == tried, "no window is tried twice, and none without a clock"
    held.set_clock(held.look().unix_s + 2 * 86_400)
    lived.live(1)
    assert lived.record.windows[-1].outcome == "committed"


@pytest.mark.clause("DAEMON 1.2", "DAEMON 1.3")
def test_a_bug_of_its_own_ends_in_the_dark_and_the_next_run_says_so(vault: Vault, tmp_path: Path) -> None:
    box = before_a_window(vault.box, tmp_path / "home")
    held, memory = DayBox(box.root, 1, {}), Memory()
    lived = Days(held, memory)
    held.breaks_with = ZeroDivisionError
    with pytest.raises(ZeroDivisionError):
        lived.attendant.run()
    assert not any((held.look().measured.link, *held.look().measured.drives))
    assert memory.content is not None
    again = Days(DayBox(box.root, 1, {}), memory, records.decode(memory.content))
    assert [alarm.kind for alarm in again.said] == ["ended without notice"]
    assert again.said[0].values == {"job": "window"}
    again.attendant.end()
