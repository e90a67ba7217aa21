"""The emulated board with the real image in the golden model's place, and controllers as processes."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from appliance.compose import confinement
from appliance.compose import job as jobs
from appliance.compose.emulated_appliance import EmulatedAppliance
from appliance.compose.emulation import Box, RealEmulation
from appliance.compose.home import Home
from appliance.compose.job import AnyJob
from appliance.domain.phases import Medium
from appliance.errors import IwatoError
from firmware.wire.codes import Cause
from hw.twin import confine, python_program
from hw.twin.confine import Rules
from hw.twin.device import InterlockDevice, MakeDevice
from hw.twin.measured import Measured
from hw.twin.memory import FileMemory
from hw.twin.plant import Plant
from hw.twin.process import ProcessController, Program
from hw.twin.real_time import RealTime
from hw.twin.slot import Controller
from hw.twin.wear import Wear
from tests.hil.board_clock import ENVIRONMENT, ClockFile
from tests.hil.image_device import ImageMaker
from tests.hil.strike import Strike, StruckPlant
from tests.simulation.virtual_box import Nobody

TESTS = Path(__file__).resolve().parents[1]
CONTROLLER = "tests.hil.controller"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reaction:
    """From a strike to the moment when no coil is fed, None where one still was; and why the phase ended."""

    after_ms: int | None
    cause: Cause


class HilEmulation(RealEmulation):
    """See compose.emulation.Emulation. `golden`: with the golden model in its place, in the same process."""

    def __init__(self, clock: Path, strike: Strike | None = None, *, golden: bool = False) -> None:
        super().__init__()
        self._clock_path, self._clock = clock, ClockFile(clock)
        self._strike, self._golden = strike, golden
        self.maker: ImageMaker | None = None
        self.plant: StruckPlant | None = None
        self.phases: list[str] = []

    def power_on(self, home: Home, box: Box) -> Plant:
        self.close()
        self.maker = None if self._golden else ImageMaker()
        make: MakeDevice = InterlockDevice if self.maker is None else self.maker
        plant = self.plant = StruckPlant(
            profile=box.profile,
            bays=box.bays,
            memory=FileMemory(home.emulated),
            entropy=self.entropy,
            boot=box.boot,
            scenario=box.scenario,
            rootkit=box.implant,
            watchers=box.watchers,
            wear=Wear(home.emulated),
            stop_at_both=True,
            make_device=make,
        )
        plant.record(self.recorder, box.bays)
        plant.strike, plant.on_time = self._strike, self._passed
        return plant

    def close(self) -> None:
        if self.maker is not None:
            self.maker.close()

    def controller(
        self, plant: Plant, home: Home, medium: Medium, job: AnyJob, sources: tuple[str, ...]
    ) -> Controller:
        assert plant is self.plant
        rules = confinement.rules(medium, home, job, sources)
        program = Program(
            name=medium.value,
            argv=python_program.argv((*confinement.PACKAGES, TESTS), CONTROLLER, medium.value),
            job=jobs.encode(job),
            rules=confine.join(rules, Rules(read=(str(TESTS), str(self._clock_path)))),
            env={ENVIRONMENT: str(self._clock_path)},
        )
        return ProcessController(program)

    def live(
        self, plant: Plant, watch: Callable[[Measured], None], until: Callable[[Plant], bool], limit_s: float
    ) -> None:
        RealTime(plant, watch).run(until, limit_s=limit_s)

    def _passed(self, now_ms: int) -> None:
        self._clock.show(now_ms)
        assert self.plant is not None
        name = self.plant.phase.name
        if self.phases[-1:] != [name]:
            self.phases.append(name)


def run_window(root: Path, emulation: HilEmulation, scenario: Path | None = None) -> dict[str, object]:
    """One window of the box in `root`; what the product says of it. IwatoError as the product raises it."""
    try:
        said = EmulatedAppliance(root, emulation).run_window(Nobody(), str(scenario) if scenario else None)
        return dict(said)
    finally:
        emulation.close()


def reaction(root: Path, clock: Path, strike: Strike, *, golden: bool = False) -> Reaction:
    """What `strike` does to a window of the box in `root`, which is without power afterwards."""
    emulation = HilEmulation(clock, strike, golden=golden)
    with contextlib.suppress(IwatoError):  # what the product says of a struck window is not judged here
        run_window(root, emulation)
    plant = emulation.plant
    assert plant is not None
    assert plant.struck_ms is not None, "the window was over before the strike"
    return Reaction(after_ms=plant.reaction_ms, cause=plant.device.state.cause)
