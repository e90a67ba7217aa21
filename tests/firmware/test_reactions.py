"""Reaction times in model time, at the coil supply, with the slowest tick the shell may have (I14)."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from firmware.model import limits
from firmware.model.state import Drive
from firmware.wire.codes import Cause, Phase
from firmware.wire.messages import CutWarning, Done, Granted, RequestPhase
from tests.firmware import box as box_module
from tests.firmware.box import Box
from tests.firmware.test_phase_table import into

LIMIT_MS = {
    "controller death": 2000,
    "serial loss": 2000,
    "window end": 1000,
    "link half end": 1000,
    "CUT": 1000,
    "welded drive contact": 300,
    "clock lost": 1000,
    "changeover falls back": 300,
}


def linked() -> Box:
    box = into(Phase.INTAKE)
    box.beat()
    assert box.orders.permit_link
    return box


def fed() -> Box:
    box = into(Phase.SEAL)
    box.beat()
    box.coils.drives = 0b111
    box.run(200)
    assert box.orders.permit_drives
    return box


def off_after_ms(box: Box, each: Callable[[], None] | None = None, *, end: int | None = None) -> int:
    """Milliseconds until neither permit is given; with `end`, from that second of the day."""
    begin = box.uptime_ms
    while box.orders.permit_link or box.orders.permit_drives:
        box.tick()
        if end is not None and (box.rtc_s or 0) % 86_400 < end:
            begin = box.uptime_ms
        if each is not None:
            each()
        assert box.uptime_ms - begin < 10_000, "no reaction"
    return box.uptime_ms - begin


def measured(tick_ms: int, monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    """Prepared with quick ticks (the contact test needs them), measured with `tick_ms`."""

    def timed(box: Box, each: Callable[[], None] | None = None, *, end: int | None = None) -> int:
        with monkeypatch.context() as patch:
            patch.setattr(box_module, "STEP_MS", tick_ms)
            return off_after_ms(box, each, end=end)

    found = {"controller death": max(timed(linked()), timed(fed()))}
    found["serial loss"] = timed(linked(), lambda: None)
    for name, start, end in (("link half end", linked, 43_860), ("window end", fed, 43_920)):
        box = start()
        box.jump_to(end - 1)
        box.beat()
        found[name] = timed(box, box.beat, end=end)
    for name, harm in ACCIDENTS.items():
        box = linked()
        harm(box)
        found[name] = timed(box, box.beat)
    return found


ACCIDENTS: dict[str, Callable[[Box], None]] = {
    "CUT": lambda box: setattr(box, "cut", True),
    "welded drive contact": lambda box: setattr(box.weld, "drives", 1),
    "clock lost": lambda box: setattr(box, "rtc_s", None),
    "changeover falls back": lambda box: setattr(box.weld, "k3", False),
}


@pytest.mark.invariant("I14")
@pytest.mark.clause("PROTOCOL 4.3")
@pytest.mark.clause("PROTOCOL 5.7")
@pytest.mark.parametrize("tick_ms", [20, limits.TICK_MS_MAX])
def test_every_listed_fault_takes_the_supply_away_within_its_time(
    tick_ms: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    found = measured(tick_ms, monkeypatch)
    with capsys.disabled():
        print(
            f"\nreaction with a tick of {tick_ms} ms: "
            + ", ".join(f"{name} {ms} ms" for name, ms in found.items())
        )
    for name, limit_ms in LIMIT_MS.items():
        assert found[name] <= limit_ms, name


@pytest.mark.clause("PROTOCOL 5.7")
def test_a_reset_of_the_interlock_takes_everything_away_at_once_and_restarts_the_controller() -> None:
    box = linked()
    box.power_on()
    assert box.orders == Drive()
    box.run(900)
    assert not box.orders.controller_power


@pytest.mark.planted
@pytest.mark.invariant("I14")
def test_a_heartbeat_that_is_never_lost_would_be_seen_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "HEARTBEAT_LOST_MS", 3000)
    assert off_after_ms(linked()) > LIMIT_MS["controller death"]


@pytest.mark.clause("PROTOCOL 5.8")
def test_a_contact_test_that_conducted_needs_the_gap_before_the_next_attempt() -> None:
    box = into(Phase.ISOLATED)
    box.answer(RequestPhase(phase=Phase.INTAKE))
    box.coils.k1 = box.coils.k2 = True
    box.until(lambda: box.phase is Phase.ISOLATED, 700)
    box.run(100)
    box.beat()
    answer = box.answer(RequestPhase(phase=Phase.INTAKE))
    assert getattr(answer, "cause", None) is Cause.GAP_TOO_SHORT


@pytest.mark.clause("PROTOCOL 5.8")
def test_at_most_five_contact_tests_fail_in_one_window_and_the_next_window_starts_anew() -> None:
    box = into(Phase.ISOLATED)
    for _ in range(limits.TESTS_FAILED_MAX):
        box.beat()
        assert box.answer(RequestPhase(phase=Phase.INTAKE)) == Granted(phase=Phase.CONTACT_TEST)
        box.until(lambda: box.phase is Phase.ISOLATED, 700)
        box.run(100)
    box.beat()
    assert getattr(box.answer(RequestPhase(phase=Phase.INTAKE)), "cause", None) is Cause.TESTS_SPENT
    box.jump_to(43_795)
    box.jump_to(43_800)
    box.connect()


@pytest.mark.clause("PROTOCOL 5.5")
def test_a_stopped_clock_ends_what_is_live() -> None:
    box = linked()
    frozen = box.rtc_s
    for _ in range(5000 // box_module.STEP_MS):
        box.rtc_s, box.rtc_part_ms = frozen, 0
        box.tick()
        if box.uptime_ms % 200 == 0:
            box.beat()
    assert not box.orders.permit_link
    assert box.state.cause is Cause.CLOCK_LOST


@pytest.mark.clause("PROTOCOL 5.2")
def test_the_drive_half_ends_the_link_half_of_its_window() -> None:
    box = linked()
    box.say(Done(phase=Phase.INTAKE))
    box.until(lambda: box.phase is Phase.SEAL, 3000)
    box.beat()
    box.say(Done(phase=Phase.SEAL))
    box.until(lambda: box.phase is Phase.ISOLATED, 3000)
    box.beat()
    assert getattr(box.answer(RequestPhase(phase=Phase.INTAKE)), "cause", None) is Cause.LINK_HALF_OVER
    assert box.answer(RequestPhase(phase=Phase.SEAL)) == Granted(phase=Phase.AIRLOCK)


@pytest.mark.clause("PROTOCOL 3.3")
def test_a_warning_comes_a_minute_and_ten_seconds_before_the_clock_cuts() -> None:
    box = fed()
    marks = []
    while box.orders.permit_drives:
        box.tick()
        marks += [item.left_s for item in box.heard if isinstance(item, CutWarning)]
        box.heard = []
        if box.uptime_ms % 400 == 0:
            box.beat()
    assert marks == [60, 10]
