"""Seeded voyages of the whole box: random faults, honest and hostile controllers, three windows each.

Single faults of the copper (two would be outside what any interlock can see) beside any number of
others. Seed and commit replay a failure.
"""

import random
from collections.abc import Callable

import pytest

from appliance.domain.phases import Phase
from appliance.errors import InterlockRefused, InterlockSilent
from firmware.wire import codes
from hw.twin import scenario
from hw.twin.loopback import LoopbackController
from hw.twin.monitor import BothLive
from hw.twin.scenario import Scenario
from tests import depth
from tests.unit import twin_bench
from tests.unit.twin_bench import BAYS, Bench, Boot

COPPER = {
    *("weld", "break", "stick", "stick_k3", "bounce"),
    *("open_coil", "short_driver", "short_pump", "lose_pull", "open_sense"),
}
VOYAGES = depth.many(60, 2500)
REQUESTS = (Phase.INTAKE, Phase.SEAL, Phase.SCRUB, Phase.RECOVERY, Phase.ISOLATED)


def single_fault(drawn: Scenario) -> Scenario:
    copper = [deed for deed in drawn.deeds if deed.do in COPPER][:1]
    return Scenario(deeds=tuple(copper) + tuple(deed for deed in drawn.deeds if deed.do not in COPPER))


def hostile(boot: Boot, dice: random.Random) -> Callable[[LoopbackController], None]:
    def run(controller: LoopbackController) -> None:
        for _ in range(100):
            try:
                _mischief(boot, dice)
            except (InterlockSilent, InterlockRefused):
                controller.sleep_ms(100)

    return run


def _mischief(boot: Boot, dice: random.Random) -> None:
    match dice.randrange(7):
        case 0:
            boot.channel.energise_link(k1=dice.random() < 0.8, k2=dice.random() < 0.8)
        case 1:
            boot.channel.energise_drives([bay for bay in boot.bays if dice.random() < 0.8])
        case 2:
            boot.interlock.request(dice.choice(REQUESTS))
        case 3:
            boot.interlock.hello()
        case 4:
            boot.channel.write(dice.randbytes(dice.randrange(1, 1500)))
        case 5:
            boot.interlock.done()
        case _:
            for _ in range(dice.randrange(1, 6)):
                boot.interlock.heartbeat(0)
                boot.controller.sleep_ms(dice.randrange(1, 700))


def voyage(seed: int) -> Bench:
    dice = random.Random(seed)
    bench = Bench(seed=seed, intake_ms=1500, drive_ms=1200)
    bench.birth()
    bench.scenario = single_fault(scenario.draw(seed, bays=BAYS, within_ms=15_000))

    def programs(boot: Boot) -> Callable[[LoopbackController], None]:
        if dice.random() < 0.4:
            return hostile(boot, dice)
        return lambda _: bench.honest(boot)

    bench.programs = programs
    for window in range(2):
        bench.restart()
        bench.plant.jump(twin_bench.WINDOW_S + window * 86_400 + dice.randrange(-5, 130))
        bench.wish = dice.choice([Phase.INTAKE, Phase.INTAKE, Phase.SEAL, Phase.SCRUB])
        bench.run(lambda _: False, dice.randrange(5, 25))
    return bench


@pytest.mark.parametrize("block", range(10))
def test_no_voyage_ever_has_link_and_drives_live_together(block: int) -> None:
    connected = 0
    for seed in range(block * VOYAGES // 10, (block + 1) * VOYAGES // 10):
        try:
            connected += voyage(seed).plant.totals.link_ms > 0
        except BothLive as error:
            raise AssertionError(f"seed {seed}: {error}") from error
    assert VOYAGES < 100 or connected  # liveness: a box that never connects passes every safety test


def test_a_voyage_replays_from_its_seed() -> None:
    first, again = voyage(5), voyage(5)
    assert first.log == again.log
    assert first.plant.totals == again.plant.totals


def test_after_any_voyage_a_sound_box_connects_and_seals_again() -> None:
    alive = 0
    for seed in range(depth.many(8, 100)):
        bench = voyage(seed)
        bench.scenario, bench.programs = Scenario(), None
        bench.restart()
        state = bench.plant.device.state.fram
        if state.fault or state.secured:
            continue  # people have to look at it first
        bench.plant.jump(twin_bench.WINDOW_S + 7 * 86_400)
        bench.wish = Phase.INTAKE
        assert bench.run(lambda plant: plant.phase is codes.Phase.SEAL, 60), seed
        alive += 1
    assert alive


@pytest.mark.planted
def test_planted_an_interlock_that_cannot_see_a_welded_drive_is_caught_by_the_observer() -> None:
    bench = Bench()
    bench.birth()
    bench.scenario = scenario.parse(
        """
        [[event]]
        in_phase = "SEAL"
        after_s = 1.0
        do = "stick"
        line = "d1_live"
        level = false
        [[event]]
        in_phase = "SEAL"
        after_s = 1.0
        do = "weld"
        target = "d1"
        """,
        bays=BAYS,
    )
    assert bench.window()
    bench.plant.jump(twin_bench.WINDOW_S + 86_400)
    bench.wish = Phase.INTAKE
    bench.plant.do(scenario.parse("[[event]]\nat_s = 0\ndo = 'reset_interlock'", bays=BAYS).deeds[0])
    with pytest.raises(BothLive):
        bench.run(lambda _: False, 30)
