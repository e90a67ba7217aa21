"""The keeper against the golden model on the virtual clock: it beats for work only, and ends in time."""

from collections.abc import Callable

import pytest

from appliance.domain.phases import Phase
from appliance.service import keeper as keeper_module
from appliance.service.keeper import FINISH_S_MAX, STALL_MS
from firmware.wire import codes
from firmware.wire.codes import Cause
from hw.twin.loopback import LoopbackController
from tests.unit.twin_bench import BAYS, Bench, Boot

LINK_HALF_S = 60  # s; the bench's policy


def at_home(
    then: Callable[[Boot], None], log: list[str]
) -> Callable[[Boot], Callable[[LoopbackController], None]]:
    """A controller that connects and goes on with `then`, and works honestly after the airlock."""

    def programs(boot: Boot) -> Callable[[LoopbackController], None]:
        def run(_: LoopbackController) -> None:
            facts = boot.keeper.boot()
            if facts.phase is not Phase.ISOLATED or log:
                boot.keeper.work_done()
                return
            log.append("connecting")
            boot.keeper.request_link()
            while boot.keeper.phase is Phase.CONTACT_TEST:
                boot.pulse.wait(10)
            then(boot)

        return run

    return programs


def window_with(then: Callable[[Boot], None]) -> Bench:
    """A born box that lives through one window with this work in its link half."""
    bench = Bench()
    bench.birth()
    bench.programs = at_home(then, [])
    assert bench.window(limit_s=200)
    return bench


def test_a_working_controller_keeps_its_link_until_its_work_is_done() -> None:
    phases: list[Phase] = []

    def work(boot: Boot) -> None:
        boot.pulse.wait(5_000)
        phases.append(boot.keeper.phase)
        boot.keeper.work_done()

    bench = window_with(work)
    assert phases == [Phase.INTAKE]
    assert 5_000 <= bench.plant.totals.link_ms < 6_000


def stuck(boot: Boot) -> None:
    """The keeper's thread lives on, the work does not move."""
    for _ in range(STALL_MS // 50 + 100):
        boot.controller.sleep_ms(50)
        boot.keeper.tick(boot.controller.monotonic_ms())


def test_work_that_does_not_move_loses_its_heartbeat_and_the_link() -> None:
    bench = window_with(stuck)
    assert bench.plant.totals.link_ms < STALL_MS + 3_000
    assert bench.plant.phase is not codes.Phase.FAULT


@pytest.mark.planted
def test_a_keeper_that_beats_for_stuck_work_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keeper_module, "STALL_MS", 10**9)
    assert window_with(stuck).plant.totals.link_ms > STALL_MS + 3_000


def until_told(boot: Boot) -> None:
    while not boot.keeper.finish_early.is_set():
        boot.pulse.wait(50)
    boot.keeper.work_done()


def test_a_short_link_half_is_used_for_most_of_its_length() -> None:
    bench = window_with(until_told)
    used_s = bench.plant.totals.link_ms / 1000
    assert LINK_HALF_S - FINISH_S_MAX < used_s < LINK_HALF_S


def test_work_that_never_finishes_is_cut_at_the_end_of_the_link_half() -> None:
    def never(boot: Boot) -> None:
        while True:
            boot.pulse.wait(50)

    bench = window_with(never)
    assert bench.plant.totals.link_ms <= LINK_HALF_S * 1000 + 1_000
    assert bench.plant.totals.never_both


def test_a_controller_in_a_drive_phase_energises_every_bay_and_releases_them_when_done() -> None:
    seen: list[tuple[bool, ...]] = []
    bench = Bench()
    bench.birth()

    def programs(boot: Boot) -> Callable[[LoopbackController], None]:
        def run(_: LoopbackController) -> None:
            phase = boot.keeper.boot().phase
            if phase is Phase.ISOLATED and not seen:
                boot.interlock.heartbeat(0)
                boot.keeper.request_link()
                while boot.keeper.phase is Phase.CONTACT_TEST:
                    boot.pulse.wait(10)
                boot.keeper.work_done()
            elif phase is Phase.SEAL:
                boot.pulse.wait(1_000)
                seen.append(bench.plant.circuit.drives_live)
                boot.keeper.work_done()
                boot.controller.sleep_ms(500)
                seen.append(bench.plant.circuit.drives_live)

        return run

    bench.programs = programs
    assert bench.window()
    assert seen[0] == (True,) * BAYS
    assert not any(bench.plant.circuit.drives_live)


def test_a_refused_link_is_said_with_the_interlocks_cause() -> None:
    bench = Bench()
    bench.birth()
    bench.restart()
    bench.wish = Phase.INTAKE
    bench.run(lambda _plant: any(line.startswith("refused") for line in bench.log))
    assert bench.log[-1] == f"refused {Cause.OUTSIDE_WINDOW.name}"
