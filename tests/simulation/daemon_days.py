"""A daemon on a virtual clock: real home, real services, the attendant in this thread, days in seconds.

Time between two appointments is jumped over. `Technician` is what a person does who comes when the box says
that it is broken: new contacts, a fault released by turning the key.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from appliance.compose import bench_file
from appliance.compose.emulation import Box as Parts
from appliance.compose.held_appliance import HeldAppliance
from appliance.compose.home import Home
from appliance.compose.policy_files import PolicyFiles
from appliance.daemon.attendant import Attendant
from appliance.daemon.box import Box
from appliance.daemon.desk import Desk
from appliance.daemon.record import Alarm, Record
from appliance.ports import Watcher
from appliance.window import calendar
from hw.twin.plant import Plant
from hw.twin.scenario import Scenario
from tests.simulation.virtual_box import Cut, VirtualBox, VirtualEmulation

BEFORE_S = 30  # s before the window; a real daemon lives through a part of it


class FaultyEmulation(VirtualEmulation):
    """As the virtual one; the next power-on lives through `scenario`."""

    def __init__(self, seed: int) -> None:
        super().__init__(seed, Cut())
        self.scenario: Scenario | None = None

    def power_on(self, home: Home, box: Parts) -> Plant:
        scenario, self.scenario = self.scenario, None
        self._programs.clear()  # of boxes that are off
        return super().power_on(home, replace(box, scenario=scenario) if scenario else box)


class DayBox(HeldAppliance):
    """Says what happens in each window, and counts them."""

    def __init__(self, root: Path, seed: int, scenarios: Mapping[int, Scenario]) -> None:
        self.faulty = FaultyEmulation(seed)
        super().__init__(root, self.faulty)
        self._scenarios = scenarios
        self.windows = 0
        self.breaks_with: type[Exception] | None = None

    def set_clock(self, unix_s: int) -> None:
        """Somebody sets the interlock's clock."""
        assert self._idle is not None
        self._idle.jump(unix_s)

    def window(self, watcher: Watcher) -> Mapping[str, Any]:
        self.windows += 1
        if self.breaks_with is not None:
            raise self.breaks_with
        self.faulty.scenario = self._scenarios.get(self.windows)
        return super().window(watcher)


class Jumping:
    """`daemon.box.Wake`: waiting takes no time of ours."""

    def __init__(self) -> None:
        self.waits = 0

    def now_ms(self) -> int:
        return 0

    def rejoin(self) -> None:
        """Nothing passes by itself."""

    def wait(self, box: Box, until_s: int, called: threading.Event) -> None:
        self.waits += 1
        box.live(max(1, until_s - box.look().unix_s) * 1000)


class Memory:
    """`daemon.box.Keep` in memory; `full`: the disk takes no more."""

    def __init__(self) -> None:
        self.content: bytes | None = None
        self.full = False

    def load(self) -> bytes | None:
        return self.content

    def store(self, content: bytes) -> None:
        if self.full:
            raise OSError(28, "No space left on device")
        self.content = content


class Days:
    """One daemon and what it said."""

    def __init__(self, box: Box, keep: Memory | None = None, record: Record | None = None) -> None:
        self.box, self.keep = box, keep or Memory()
        self.said: list[Alarm] = []
        self.told: list[str] = []
        self.wake = Jumping()
        self.desk = Desk(box, self.keep, record or Record(), self.wake.now_ms)
        self.attendant = Attendant(box, self.desk, self.wake, say=self.said.append, tell=self.told.append)
        self.attendant.begin()

    @property
    def record(self) -> Record:
        return self.desk.record

    def live(self, days: int) -> None:
        """Until the interlock's clock has gone on by so many days."""
        end_s = self.box.look().unix_s + days * 86_400
        while self.box.look().unix_s < end_s:
            self.attendant.step()


def before_a_window(box: VirtualBox, root: Path, *, rate: int = 0) -> VirtualBox:
    """A copy of the box half a minute before its next window; `rate` slows its link down, bytes/s."""
    copy = box.copy(root)
    policy = PolicyFiles(copy.home.policy).policy
    appliance = copy.appliance()
    now_s = appliance._board().unix_s
    begin_s = calendar.next_window(policy.windows, now_s).begin_s
    appliance.advance_clock(begin_s - BEFORE_S - now_s)
    bench_file.write_bench(copy.home, rate)
    return copy
