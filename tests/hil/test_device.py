"""What the twin may expect of the interlock in its board: the golden model and the real image alike."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator

import pytest

from firmware.wire.codes import Phase
from hw.twin.device import Device, InterlockDevice
from hw.twin.memory import RamMemory
from hw.twin.senses import Senses
from tests.firmware import image_stages
from tests.hil.image_device import ImageMaker
from tests.hil.running_image import Running, Slice

STEP_MS = 5
BAYS = 6
NONCE = bytes(8)
STARTED_MS = 100  # ms; its memory is read and written, and it has ticked
WATCHDOG_MS = 50  # ms; platform.h

pytestmark = pytest.mark.needs("arm-none-eabi-gcc", "interlock_host")


class OnBench:
    """A device whose controller's supply follows its order, with every other line dark."""

    def __init__(self, image: bool) -> None:
        slots, rtc_s = image_stages.born()
        self.memory = RamMemory((slots[0], slots[1]), rtc_s * 1000)
        self.maker = ImageMaker() if image else None
        self.rtc_s, self.uptime_ms, self.set_to_s = rtc_s, 0, 0
        make = self.maker or InterlockDevice
        self.device: Device = make(self.memory, NONCE, self._set)
        self.phases: list[Phase] = []

    def _set(self, unix_s: int) -> None:
        self.set_to_s = unix_s

    def run(self, ms: int, until: Callable[[], bool] = lambda: False) -> bool:
        for _ in range(ms // STEP_MS):
            if until():
                return True
            self.uptime_ms += STEP_MS
            senses = Senses(
                k1_conducting=False,
                k2_conducting=False,
                k3_on_link=self.device.drive.k3_on_link,
                drives_live=(False,) * BAYS,
                cut_pressed=False,
                key_turned=False,
                controller_supplied=self.device.drive.controller_power,
            )
            self.device.tick(uptime_ms=self.uptime_ms, rtc_s=self.rtc_s, senses=senses)
            assert not self.device.drive.permit_link
            assert not self.device.drive.permit_drives
            if self.phases[-1:] != [self.device.state.phase]:
                self.phases.append(self.device.state.phase)
        return until()

    def close(self) -> None:
        self.device.lose_power()


@pytest.fixture(params=[False, True], ids=["model", "image"])
def bench(request: pytest.FixtureRequest) -> Iterator[OnBench]:
    made = OnBench(request.param)
    yield made
    made.close()


@pytest.mark.clause("PROTOCOL 5.1")
def test_it_proves_itself_isolated_and_gives_the_controller_its_supply(bench: OnBench) -> None:
    assert bench.run(3000, lambda: bench.device.state.phase is Phase.ISOLATED)
    assert bench.phases == [Phase.UNKNOWN, Phase.ISOLATED]
    assert bench.run(100, lambda: bench.device.drive.controller_power)
    assert bench.device.drive.boot_medium == "intake"


@pytest.mark.clause("PROTOCOL 8.1")
def test_every_power_on_is_recorded_in_the_other_slot(bench: OnBench) -> None:
    before = image_stages.born()[0]
    assert bench.run(500, lambda: [bench.memory.slot(number) for number in range(2)] != before)
    after = [bench.memory.slot(number) for number in range(2)]
    assert sum(old != new for old, new in zip(before, after, strict=True)) == 1


def test_a_hang_is_dark_and_whoever_has_a_watchdog_of_its_own_is_reset_by_it(bench: OnBench) -> None:
    bench.run(STARTED_MS)
    bites = bench.device.hang()
    assert bites is (bench.maker is not None)
    bench.run(WATCHDOG_MS + 30)
    if bench.maker is not None:
        assert bench.maker.device is not None
        assert bench.maker.device.resets == 1
        assert not bench.device.drive.controller_power


def test_noise_on_the_line_is_answered_by_neither(bench: OnBench) -> None:
    bench.run(STARTED_MS)
    bench.device.take_said()
    bench.device.hear(b"\x05noise\x00" * 3)
    bench.run(STARTED_MS)
    assert bench.device.take_said() == b""


@pytest.mark.planted
def test_an_image_whose_process_was_killed_is_an_error_and_no_silence() -> None:
    running = Running([b"", b""])
    os.kill(running.pid, signal.SIGKILL)
    with pytest.raises((EOFError, ConnectionError)):
        running.live(Slice(deed="live", ms=1))
    running.close()
    with pytest.raises(ProcessLookupError):
        os.kill(running.pid, 0)
