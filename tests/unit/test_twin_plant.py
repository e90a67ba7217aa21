"""The emulated box on its virtual clock: whole windows, and what happens when parts fail in them."""

import base64
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from appliance.domain.phases import Phase
from appliance.errors import InterlockSilent
from firmware.model import limits
from firmware.wire import codes
from firmware.wire.codes import Cause
from hw.twin import circuit, commissioning
from hw.twin.circuit import Throw
from hw.twin.faults import Hands
from hw.twin.kept_file import KeptInvalid
from hw.twin.loopback import LoopbackController, VacantSlot
from hw.twin.measured import Measured
from hw.twin.memory import FileMemory, RamMemory
from hw.twin.monitor import BothLive
from hw.twin.plant import Plant, PowerCut
from hw.twin.real_time import RealTime
from hw.twin.scenario import Deed, Scenario, Trigger
from hw.twin.senses import Side
from hw.twin.wear import Wear
from tests.firmware import box
from tests.unit import twin_bench
from tests.unit.twin_bench import SCRUB_S, Bench, Boot


def planned(do: str, phase: codes.Phase | None, after_ms: int = 0, **fields: object) -> Scenario:
    trigger = Trigger(after_ms=after_ms, phase=phase)
    return Scenario(deeds=(Deed(trigger=trigger, do=do, **fields),))  # type: ignore[arg-type]


def born(**options: object) -> Bench:
    bench = Bench(**options)  # type: ignore[arg-type]
    bench.birth()
    return bench


def dark(plant: Plant) -> bool:
    return not plant.circuit.link_conducting and not any(plant.circuit.drives_live)


# An honest window -------------------------------------------------------------------------------------


def test_an_honest_window_connects_then_seals_then_is_isolated_with_a_fresh_controller_each_time() -> None:
    bench = born()
    assert bench.window()
    assert bench.plant.phase is codes.Phase.ISOLATED
    boots = [line for line in bench.log if line.startswith("boot")]
    assert boots[-3:] == ["boot intake", "boot sealing", "boot intake"]
    totals = bench.plant.totals
    assert totals.never_both
    assert totals.link_ms >= bench.intake_ms
    assert 0 < totals.drives_ms <= bench.drive_ms
    assert dark(bench.plant)


def test_a_scrub_slot_powers_drives_and_never_the_link() -> None:
    bench = born()
    bench.restart()
    bench.plant.jump(SCRUB_S)
    bench.wish = Phase.SCRUB
    assert bench.run(lambda plant: plant.phase is codes.Phase.ISOLATED and "worked SCRUB" in bench.log, 60)
    assert bench.plant.totals.link_ms == 0
    assert bench.plant.totals.drives_ms > 0


def test_outside_the_window_the_same_request_is_refused_and_no_coil_carries_current() -> None:
    bench = born()
    bench.restart()
    bench.wish = Phase.INTAKE
    assert bench.run(lambda _: "refused OUTSIDE_WINDOW" in bench.log)
    bench.plant.advance(5000)
    assert bench.plant.totals.link_ms == 0
    assert bench.plant.measured().report.refused == 1


def test_the_window_end_cuts_a_link_half_that_would_go_on() -> None:
    bench = born(intake_ms=3_600_000)
    bench.restart()
    bench.plant.jump(twin_bench.WINDOW_S + 50)  # ten seconds before the link half ends
    bench.wish = Phase.INTAKE
    assert bench.run(lambda plant: plant.phase is codes.Phase.SEAL, 60)
    assert bench.plant.totals.link_ms <= 11_000


def test_the_clock_stands_still_between_two_commands() -> None:
    bench = born()
    bench.plant.power_off()
    before_ms = bench.plant.unix_ms
    bench.power_on()
    assert bench.plant.unix_ms == before_ms
    bench.plant.advance(5000)
    assert bench.plant.unix_ms == before_ms + 5000


def test_every_power_on_begins_unknown_and_proves_isolation() -> None:
    bench = born()
    bench.restart()
    assert bench.plant.phase is codes.Phase.UNKNOWN
    assert bench.run(lambda plant: plant.phase is codes.Phase.ISOLATED, 10)
    assert dark(bench.plant)


def test_a_display_sees_measured_and_ordered_lines_and_the_time_that_is_left() -> None:
    bench = born(intake_ms=30_000)
    bench.restart()
    bench.plant.jump(twin_bench.WINDOW_S)
    bench.wish = Phase.INTAKE
    assert not bench.run(lambda _: False, 5)
    seen = bench.plant.measured()
    assert seen.report.phase is codes.Phase.INTAKE
    assert seen.link_conducting
    assert seen.carrier
    assert seen.report.ordered_link
    assert seen.phase_left_s is not None
    assert 50 <= seen.phase_left_s <= 60


# Faults -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("target", ["k1", "k2"])
def test_a_link_contact_that_welds_is_latched_and_the_drives_stay_dark(target: str) -> None:
    bench = born()
    bench.scenario = planned("weld", codes.Phase.INTAKE, 1000, target=target)
    bench.window()
    assert bench.plant.phase is codes.Phase.FAULT
    assert bench.plant.device.state.fram.fault is Cause.LINK_WITHOUT_ORDER
    bench.plant.advance(5000)
    assert bench.plant.totals.drives_ms == 0
    assert not bench.plant.circuit.link_conducting


def test_two_welded_link_contacts_conduct_and_the_drives_still_stay_dark() -> None:
    bench = born()
    both = planned("weld", codes.Phase.INTAKE, 1000, target="k1").deeds
    both += planned("weld", codes.Phase.INTAKE, 1000, target="k2").deeds
    bench.scenario = Scenario(deeds=both)
    bench.window()
    bench.plant.advance(60_000)
    assert bench.plant.circuit.link_conducting
    assert bench.plant.totals.drives_ms == 0


def test_a_welded_drive_contact_is_latched() -> None:
    bench = born()
    bench.scenario = planned("weld", codes.Phase.SEAL, 1500, target="d2")
    bench.window()
    assert bench.plant.device.state.fram.fault is Cause.DRIVE_WITHOUT_ORDER


def test_a_broken_link_contact_fails_the_contact_test_and_connects_nothing() -> None:
    bench = born()
    bench.scenario = planned("break", None, target="k1")
    bench.restart()
    bench.plant.jump(twin_bench.WINDOW_S)
    bench.wish = Phase.INTAKE
    assert bench.run(lambda plant: plant.device.state.fram.window.tests_failed == 1, 20)
    assert bench.plant.totals.link_ms == 0


def test_a_stuck_sense_is_found_before_anything_connects() -> None:
    bench = born()
    bench.scenario = planned(
        "stick", None, line="k2_conducting", level=True, sides=(Side.INTERLOCK,)
    )
    bench.restart()
    bench.plant.jump(twin_bench.WINDOW_S)
    bench.run(lambda plant: plant.phase is codes.Phase.FAULT, 20)
    assert bench.plant.phase is codes.Phase.FAULT
    assert bench.plant.totals.link_ms == 0


@pytest.mark.parametrize("do", ["hang_controller", "kill_controller"])
def test_a_dead_controller_with_pins_high_loses_the_link_within_two_seconds(do: str) -> None:
    bench = born(intake_ms=30_000)
    bench.scenario = planned(do, codes.Phase.INTAKE, 5000)
    bench.restart()
    bench.plant.jump(twin_bench.WINDOW_S)
    bench.wish = Phase.INTAKE
    assert bench.run(lambda plant: plant.phase is codes.Phase.AIRLOCK, 60)
    assert 5000 <= bench.plant.totals.link_ms <= 7100


def test_pressing_cut_is_quicker_than_any_program() -> None:
    bench = born(intake_ms=30_000)
    bench.scenario = planned("press_cut", codes.Phase.INTAKE, 2000)
    bench.restart()
    bench.plant.jump(twin_bench.WINDOW_S)
    bench.wish = Phase.INTAKE
    bench.run(lambda plant: plant.hands.cut_pressed, 60)
    link_ms = bench.plant.totals.link_ms
    bench.plant.advance(100)
    assert bench.plant.totals.link_ms - link_ms <= twin_bench.BOARD.relay.release_ms


def test_a_serial_line_that_is_unplugged_in_the_window_cuts_the_link() -> None:
    bench = born(intake_ms=30_000)
    bench.scenario = planned("unplug_serial", codes.Phase.INTAKE, 3000)
    bench.restart()
    bench.plant.jump(twin_bench.WINDOW_S)
    bench.wish = Phase.INTAKE
    bench.run(lambda plant: plant.phase is codes.Phase.AIRLOCK, 60)
    assert bench.plant.totals.link_ms <= 5100


def test_noise_on_the_line_is_counted_and_the_window_still_succeeds() -> None:
    bench = born()
    bench.scenario = planned("noise", codes.Phase.INTAKE, 500, bytes=300)
    assert bench.window()
    assert bench.log[-2] == "worked SEAL"


def test_an_interlock_reset_restarts_the_controller_before_anything_else() -> None:
    bench = born(intake_ms=30_000)
    bench.scenario = planned("reset_interlock", codes.Phase.INTAKE, 1000)
    bench.restart()
    bench.plant.jump(twin_bench.WINDOW_S)
    bench.wish = Phase.INTAKE
    assert bench.run(lambda plant: len(plant.removals) == 1, 30)
    assert bench.run(lambda plant: plant.phase is codes.Phase.ISOLATED, 30)
    assert bench.plant.totals.link_ms <= 1200


def test_a_lost_clock_opens_no_window() -> None:
    bench = born()
    bench.scenario = planned("lose_clock", None)
    bench.restart()
    bench.plant.jump(twin_bench.WINDOW_S)
    bench.wish = Phase.INTAKE
    bench.run(lambda _: "refused CLOCK_LOST" in bench.log, 10)
    assert "refused CLOCK_LOST" in bench.log
    assert bench.plant.totals.link_ms == 0


def test_a_pulled_drive_does_not_come_up_and_the_others_do() -> None:
    bench = born()
    bench.scenario = planned("pull", None, bay=3)
    bench.restart()
    bench.plant.jump(twin_bench.WINDOW_S)
    bench.wish = Phase.INTAKE
    assert bench.run(lambda plant: plant.totals.drives_ms > 1000, 60)
    assert bench.plant.circuit.drives_up == (True, True, False)


def test_a_power_cut_of_the_scenario_ends_the_whole_box() -> None:
    bench = born()
    bench.scenario = planned("cut_power", codes.Phase.INTAKE, 700)
    with pytest.raises(PowerCut):
        bench.window()


# Memory -----------------------------------------------------------------------------------------------


class _Cut(BaseException):
    """The power went at a durable step."""


def _cut_at(step: int) -> Callable[[str], None]:
    left = [step]

    def count(_: str) -> None:
        left[0] -= 1
        if left[0] == 0:
            raise _Cut

    return count


def test_power_cut_at_any_moment_of_a_memory_write_keeps_the_policy_and_the_next_window_succeeds() -> None:
    birth = born()
    memory = birth.memory
    assert isinstance(memory, RamMemory)
    birth.plant.power_off()
    slots = memory.slot(0), memory.slot(1)
    rtc_ms = memory.rtc_ms()
    cuts = 0
    for step in range(1, 100):
        torn = RamMemory(slots, rtc_ms, steps=_cut_at(step))
        try:
            Bench(memory=torn).window()
        except _Cut:
            cuts += 1
        else:
            break
        after = Bench(memory=RamMemory((torn.slot(0), torn.slot(1)), torn.rtc_ms()))
        after.plant.jump(twin_bench.WINDOW_S + 86_400)
        assert after.plant.device.state.fram.policy is not None
        after.wish = Phase.INTAKE
        assert after.run(lambda plant: plant.phase is codes.Phase.SEAL, 60)
    assert cuts >= 10


@pytest.mark.planted
def test_planted_memory_that_forgets_both_slots_is_a_latched_fault() -> None:
    bench = Bench(memory=RamMemory((b"", b""), twin_bench.DAY_S * 1000))
    bench.run(lambda plant: plant.phase is codes.Phase.FAULT, 10)
    assert bench.plant.device.state.fram.fault is Cause.MEMORY_LOST


def test_recovery_with_key_and_order_latches_the_link_until_the_controller_was_dark_for_ten_seconds() -> None:
    bench = born()
    policy = bench.plant.device.state.fram.policy
    assert policy is not None
    text = box.order_text(policy)
    signed = box.sign(text, b"iwato-recovery-order@v1", (1, 2, 4))
    honest = bench.honest

    def programs(boot: Boot) -> Callable[[LoopbackController], None]:
        def ask(_: LoopbackController) -> None:
            boot.interlock.hello()
            boot.interlock.heartbeat(0)
            bench.log.append(f"order {boot.interlock.upload_order(text, signed)}".strip())
            bench.log.append(f"asked {boot.interlock.request(Phase.RECOVERY)}".strip())
            boot.controller.sleep_ms(60_000)

        return ask if "order" not in bench.log else lambda _: honest(boot)

    bench.programs = programs
    bench.restart()
    bench.plant.turn_key(turned=True)
    assert bench.run(lambda _: "worked RECOVERY" in bench.log, 60)
    assert bench.plant.totals.drives_ms > 0
    assert bench.plant.totals.link_ms == 0
    ended_ms = bench.plant.uptime_ms
    assert bench.plant.device.state.fram.recovery_latched
    assert bench.run(lambda plant: not plant.device.state.fram.recovery_latched, 60)
    assert bench.plant.uptime_ms - ended_ms >= limits.RECOVERY_OFF_MS
    assert bench.plant.controller is None


def test_damage_outlives_a_power_cycle(tmp_path: Path) -> None:
    bench = born()
    for name, more in (("weld", {"target": "k1"}), ("pull", {"bay": 2}), ("stick_k3", {})):
        deed = planned(name, None, **more).deeds[0]
        wear = Wear(tmp_path)
        bench.plant._wear = wear
        bench.plant.do(deed)
    stick = planned("stick", None, line="d1_live", level=True, sides=(Side.INTERLOCK,)).deeds[0]
    bench.plant.do(stick)
    hands = Hands()
    after = Wear(tmp_path).load(circuit.build(twin_bench.BOARD, twin_bench.BAYS), hands)
    assert after.k1.welded
    assert after.pulled == {2}
    assert after.k3_stuck is Throw.GAP
    assert hands.stuck == {(Side.INTERLOCK, "d1_live"): True}


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"relays": 1}', "\x00" * 100])
def test_a_damage_file_that_was_spoiled_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "damage.json").write_text(text)
    with pytest.raises(KeptInvalid, match=r"damage\.json"):
        Wear(tmp_path).load(circuit.build(twin_bench.BOARD, 3), Hands())


def test_files_keep_what_ram_keeps(tmp_path: Path) -> None:
    commissioning.commission(
        tmp_path / "emulated",
        pairing_key=box.PAIRING_KEY,
        witness_seed=box.WITNESS_SEED,
        start_unix_s=twin_bench.DAY_S,
    )
    memory = FileMemory(tmp_path / "emulated")
    bench = Bench(memory=memory)
    bench.birth()
    bench.plant.power_off()
    again = Bench(memory=FileMemory(tmp_path / "emulated"))
    assert again.plant.device.state.fram.policy is not None
    assert again.plant.unix_ms == bench.plant.unix_ms
    with pytest.raises(FileExistsError):
        commissioning.commission(tmp_path / "emulated", pairing_key=b"", witness_seed=b"", start_unix_s=0)


def test_in_real_time_emulated_milliseconds_follow_the_machine_and_a_display_looks_on() -> None:
    bench = Bench()
    bench.plant._boot = lambda _: VacantSlot()
    looks: list[Measured] = []
    runner = RealTime(bench.plant, looks.append)
    assert runner.run(lambda plant: plant.phase is codes.Phase.ISOLATED, limit_s=30)
    assert not runner.run(lambda _: False, limit_s=0.2)
    assert len(looks) >= 2
    assert runner.slowest_ms > 0


def test_time_runs_ahead_only_while_the_controllers_slot_is_empty(monkeypatch: pytest.MonkeyPatch) -> None:
    waited: list[bool] = []
    real = RealTime._wait

    def counted(self: RealTime) -> None:
        waited.append(self._plant.controller is not None)
        real(self)

    monkeypatch.setattr(RealTime, "_wait", counted)
    bench = Bench()
    bench.plant._boot = lambda _: VacantSlot()
    runner = RealTime(bench.plant)
    assert runner.run(lambda plant: plant.controller is not None, limit_s=30)
    assert bench.plant.uptime_ms >= limits.RESTART_OFF_MS
    assert not waited
    begun_ms, begun_ns = bench.plant.uptime_ms, time.monotonic_ns()
    assert not runner.run(lambda _: False, limit_s=0.1)
    assert bench.plant.uptime_ms - begun_ms <= (time.monotonic_ns() - begun_ns) // 1_000_000
    assert waited
    assert all(waited)


# A hostile controller ---------------------------------------------------------------------------------


def test_a_flood_on_the_line_is_dropped_and_delays_no_tick() -> None:
    def flood(boot: Boot) -> Callable[[LoopbackController], None]:
        def run(controller: LoopbackController) -> None:
            for _ in range(200):
                for _ in range(50):
                    boot.channel.write(b"\x01" * 1500)
                controller.sleep_ms(10)

        return run

    bench = born(programs=None)
    bench.programs = flood
    bench.restart()
    bench.run(lambda plant: plant.serial_dropped > 1_000_000, 10)
    assert bench.plant.serial_dropped > 1_000_000
    ticked_ms = bench.plant.device.state.uptime_ms
    assert bench.plant.uptime_ms - ticked_ms <= 1


def test_the_cut_button_works_through_a_flood() -> None:
    bench = born(intake_ms=30_000)
    bench.scenario = Scenario(
        deeds=planned("noise", codes.Phase.INTAKE, 1000, bytes=60_000).deeds
        + planned("press_cut", codes.Phase.INTAKE, 1005).deeds
    )
    bench.restart()
    bench.plant.jump(twin_bench.WINDOW_S)
    bench.wish = Phase.INTAKE
    bench.run(lambda plant: plant.hands.cut_pressed, 60)
    bench.plant.advance(100)
    assert not bench.plant.circuit.k1.conducting
    assert not bench.plant.circuit.k2.conducting


def test_all_pins_high_from_the_first_moment_connects_nothing() -> None:
    def all_high(boot: Boot) -> Callable[[LoopbackController], None]:
        def run(controller: LoopbackController) -> None:
            boot.channel.energise_link(k1=True, k2=True)
            boot.channel.energise_drives(boot.bays)
            controller.sleep_ms(20_000)

        return run

    bench = born()
    bench.programs = all_high
    bench.restart()
    bench.plant.jump(twin_bench.WINDOW_S)
    bench.run(lambda _: False, 20)
    assert bench.plant.totals.link_ms == 0
    assert bench.plant.totals.drives_ms == 0


def test_a_controller_without_the_pairing_key_gets_no_word() -> None:
    heard: list[str] = []

    def stranger(boot: Boot) -> Callable[[LoopbackController], None]:
        def run(_: LoopbackController) -> None:
            boot.interlock._session._pairing_key = bytes(32)
            with pytest.raises(InterlockSilent):
                boot.interlock.hello()
            heard.append("silence")

        return run

    bench = born()
    bench.programs = stranger
    bench.restart()
    bench.run(lambda _: bool(heard), 30)
    assert heard == ["silence"]


@pytest.mark.planted
def test_planted_an_interlock_that_permits_drives_with_a_welded_link_is_caught_by_the_observer() -> None:
    bench = born()
    bench.restart()
    bench.run(lambda plant: plant.controller is not None, 10)
    plant = bench.plant
    weld = [planned("weld", None, target=name).deeds[0] for name in ("k1", "k2")]
    for deed in weld:
        plant.do(deed)
    drive = plant.device.drive
    mad = type(drive)(
        permit_link=True, permit_drives=True, drive_mask=7, k3_on_link=True, controller_power=True
    )
    plant._gpio = (1 << 28) - 1
    plant.device.drive = mad
    _move(plant, 500)
    plant.device.drive = type(drive)(permit_drives=True, drive_mask=7, controller_power=True)
    with pytest.raises(BothLive):
        _move(plant, 500)


def _move(plant: Plant, duration_ms: int) -> None:
    for _ in range(0, duration_ms, 5):
        plant._move(5)


def test_the_witness_key_of_the_workshop_is_the_one_the_interlock_signs_with() -> None:
    key = base64.b64encode(commissioning.witness_public_key(box.WITNESS_SEED))
    assert b"witness ed25519:" + key in box.policy_text().splitlines()
