"""How the emulated board lives: what its box is built of, what runs its controller, how its time passes.

`RealEmulation` is what every command uses: files, confined processes, real time. A simulation gives
another one, with controllers in its own thread on a virtual clock (tests/simulation). Decides nothing.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from appliance.adapters.entropy import SystemEntropy
from appliance.compose import confinement
from appliance.compose import job as jobs
from appliance.compose.home import Home
from appliance.compose.job import AnyJob
from appliance.domain.phases import Medium
from appliance.ports import Entropy
from hw.profile import BoardProfile
from hw.twin.measured import Measured
from hw.twin.memory import FileMemory
from hw.twin.plant import Boot, Plant
from hw.twin.process import ProcessController, Program
from hw.twin.real_time import RealTime
from hw.twin.recorder import Recorder, TracedPlant
from hw.twin.scenario import Scenario
from hw.twin.slot import Controller, Implant, Watchers
from hw.twin.wear import Wear


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """What one power-on needs. `implant` is what a scenario's plant_rootkit plants."""

    profile: BoardProfile
    bays: int
    boot: Boot
    watchers: Watchers
    scenario: Scenario | None
    implant: Implant | None


class Emulation(Protocol):
    """See the module."""

    recorder: Recorder | None  # who writes down what the box does; it is told of every power-on

    @property
    def entropy(self) -> Entropy: ...

    def now_s(self) -> int:
        """Unix seconds to which a new box's clock is set."""
        ...

    def power_on(self, home: Home, box: Box) -> Plant:
        """The box from UNKNOWN, on the home's memory. KeptInvalid where that is not what it wrote."""
        ...

    def controller(
        self, plant: Plant, home: Home, medium: Medium, job: AnyJob, sources: tuple[str, ...]
    ) -> Controller:
        """The controller of one boot, which does `job`; `sources` are the trees that it may read."""
        ...

    def live(
        self, plant: Plant, watch: Callable[[Measured], None], until: Callable[[Plant], bool], limit_s: float
    ) -> None:
        """Let time pass until `until` is true or `limit_s` seconds of the box have passed."""
        ...


class RealEmulation:
    """Confined processes and 1:1 time."""

    def __init__(self) -> None:
        self.entropy: Entropy = SystemEntropy()
        self.recorder: Recorder | None = None

    def now_s(self) -> int:
        """See Emulation."""
        return int(time.time())

    def power_on(self, home: Home, box: Box) -> Plant:
        """See Emulation."""
        plant = TracedPlant(
            profile=box.profile,
            bays=box.bays,
            memory=FileMemory(home.emulated),
            entropy=self.entropy,
            boot=box.boot,
            scenario=box.scenario,
            rootkit=box.implant,
            watchers=box.watchers,
            wear=Wear(home.emulated),
        )
        plant.record(self.recorder, box.bays)
        return plant

    def controller(
        self,
        plant: Plant,  # noqa: ARG002 - a process speaks to the board through its own channel
        home: Home,
        medium: Medium,
        job: AnyJob,
        sources: tuple[str, ...],
    ) -> Controller:
        """See Emulation."""
        rules = confinement.rules(medium, home, job, sources)
        program = Program(name=medium.value, argv=confinement.argv(medium), job=jobs.encode(job), rules=rules)
        return ProcessController(program)

    def live(
        self, plant: Plant, watch: Callable[[Measured], None], until: Callable[[Plant], bool], limit_s: float
    ) -> None:
        """See Emulation."""
        RealTime(plant, watch).run(until, limit_s=limit_s)
