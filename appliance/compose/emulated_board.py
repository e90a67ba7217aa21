"""The emulated box with its bench: one object is one power-on of the emulated box.

While no job runs, the interlock is reached over the same frames from this thread (loopback). A job is
done by real, confined processes that the plant boots and ends as the interlock says (05-settled 1, 2).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from appliance import errors
from appliance.adapters.interlock import InterlockClient
from appliance.compose import board_reading, loopback_desk, testimony
from appliance.compose import job as jobs
from appliance.compose.emulation import Box, Emulation
from appliance.compose.home import Home
from appliance.compose.job import AnyJob, AttemptJob, WindowJob
from appliance.compose.job_log import JobLog
from appliance.compose.machine import BOARD
from appliance.domain.phases import Medium, Phase, Reading, Totals
from appliance.errors import ControllerEnded, FaultLatched, IwatoError, PowerLost
from appliance.ports import Watcher
from hw import profile
from hw.twin.kept_file import KeptInvalid
from hw.twin.loopback import LoopbackController, VacantSlot
from hw.twin.plant import PowerCut
from hw.twin.scenario import Scenario
from hw.twin.slot import Controller, Ended, Implant, Removal, Said, Watchers

SILENT_MS = 240_000  # ms; the interlock waits 180 s for a controller that never beats, then for the supply
SETTLE_MS = 30_000  # ms; from power to ISOLATED takes a supply cycle, after a recovery one of 10 s
STEP_MS = 50  # ms of emulated time between looks while settling
_ENDED = frozenset({Phase.FAULT, Phase.SECURED})
DIFFERENCES_MAX = 100_000  # objects of a comparison that are kept; the counts are exact
JOB_S_MAX = 6 * 3600  # s; the longest window and its sealing; a hung box is ended then


class EmulatedBoard:
    """See the module. `sources` are the trees that intake may read; `implant` is what a scenario's
    plant_rootkit plants. EmulationDamaged where the bench's own files are not what it wrote."""

    def __init__(
        self,
        home: Home,
        bays: int,
        emulation: Emulation,
        *,
        sources: tuple[str, ...] = (),
        scenario: Scenario | None = None,
        implant: Implant | None = None,
        job: AnyJob | None = None,
    ) -> None:
        self._home, self._bays, self._sources = home, bays, sources
        self._emulation = emulation
        self._job = job
        self._working: Controller | None = None
        self._has_ended = False
        self._idle_until_s = 0  # Unix seconds; a controller that asks for nothing is not waited for longer
        self._profile = profile.load(BOARD)
        self._boots: list[Medium] = []
        self._watcher: Watcher | None = None
        self.log = JobLog()
        self.removals: list[Removal] = []
        watchers = Watchers(said=self._said, ended=self._ended, removed=self.removals.append)
        box = Box(
            profile=self._profile,
            bays=bays,
            boot=self._boot,
            scenario=scenario,
            implant=implant,
            watchers=watchers,
        )
        try:
            self._plant = emulation.power_on(home, box)
        except KeptInvalid as error:
            raise errors.EmulationDamaged(detail=str(error)) from None

    # -- looking -------------------------------------------------------------------------------------

    @property
    def unix_s(self) -> int:
        """The emulated clock."""
        return self._plant.unix_ms // 1000

    @property
    def next_scrub_s(self) -> int:
        """When the interlock's policy has its next scrub slot; 0 without one."""
        return self._plant.measured().report.scrub_begin_s

    @property
    def boots(self) -> list[Medium]:
        """What was booted since power came."""
        return self._boots

    @property
    def serial_dropped(self) -> int:
        """Bytes of a flood that the serial line did not take."""
        return self._plant.serial_dropped

    def settle(self) -> Phase:
        """Let the interlock prove the box dark after power came, until it gives the controller its
        supply. Nothing runs meanwhile, so emulated time need not keep pace with ours."""
        self._advance_until(lambda: bool(self._boots) or self._phase in _ENDED, SETTLE_MS)
        return self._phase

    def reading(self) -> Reading:
        """What someone in front of the box sees now."""
        return board_reading.read(self._plant.measured(), self._bays)

    @property
    def totals(self) -> Totals:
        """Measured since power came."""
        measured = self._plant.measured()
        totals = measured.totals
        return Totals(
            link_ms=totals.link_ms,
            drives_ms=totals.drives_ms,
            both_ms=totals.both_steps,
            refused=measured.report.refused,
        )

    @property
    def _phase(self) -> Phase:
        return Phase[self._plant.phase.name]

    # -- hands ---------------------------------------------------------------------------------------

    def jump(self, unix_s: int) -> None:
        """Move the emulated crystal. The box is ISOLATED all the while."""
        self._plant.jump(unix_s)

    def rest(self, duration_ms: int) -> None:
        self._advance_until(lambda: False, duration_ms)

    def turn_key(self, *, turned: bool) -> None:
        """Turn the key switch."""
        self._plant.turn_key(turned=turned)

    def idle(self, duration_ms: int) -> None:
        """Let so much time pass while no job runs; ours need not keep pace with it."""
        self._plant.advance(duration_ms)

    def power_off(self) -> None:
        """Take the box's supply away, in order."""
        self._plant.power_off()

    def loopback(self) -> LoopbackController:
        """The controller that is in the slot now and runs nothing; InterlockSilent where none is."""
        self._advance_until(lambda: isinstance(self._plant.controller, LoopbackController), SETTLE_MS)
        controller = self._plant.controller
        if not isinstance(controller, LoopbackController):
            raise errors.InterlockSilent
        return controller

    def interlock(self) -> InterlockClient:
        """The interlock over its frames, from the loopback controller."""
        return loopback_desk.at(self.loopback(), self._home, self._emulation.entropy, self._bays).interlock

    # -- jobs ----------------------------------------------------------------------------------------

    def hand_over(self, job: AnyJob) -> None:
        """The job that the next boot of the sealing medium gets."""
        self._job = job

    def run(self, watcher: Watcher) -> JobLog:
        """Live 1:1 until the job has ended and the box is ISOLATED again. The job's own error is in
        the log; a controller that ended without one is ControllerEnded there."""
        self._watcher = watcher
        self._idle_until_s = self._plant.measured().report.window_end_s or self.unix_s + JOB_S_MAX
        try:
            self._emulation.live(
                self._plant,
                lambda measured: watcher.reading(board_reading.read(measured, self._bays)),
                lambda _plant: self._is_over(),
                JOB_S_MAX,
            )
        except PowerCut:
            self._plant.power_off()
            raise PowerLost from None
        except BaseException:  # whoever looks on has had enough: nothing of it goes on
            self._plant.power_off()
            raise
        self._advance_until(lambda: self._phase in {*_ENDED, Phase.ISOLATED}, SILENT_MS)
        watcher.reading(self.reading())
        if self.log.error is None and self.log.crash:
            self.log.error = ControllerEnded(detail=self.log.crash)
        if self.log.error is None and Medium.SEALING not in self._boots:
            self.log.error = self.log.intake_error
        if self.log.error is None and self._is_unfinished():
            self.log.error = latched(self) or ControllerEnded(detail="its phase ended first")
        return self.log

    def _is_unfinished(self) -> bool:
        """The program was ended (a hung controller, a pressed CUT) before it could say what it did."""
        expected = jobs.report_of(self._job) if self._job is not None else ""
        return bool(expected) and expected not in self.log.reports

    def _is_over(self) -> bool:
        if self._phase in _ENDED:
            return True
        if Medium.SEALING in self._boots:
            return (self._has_ended or self._plant.controller is not self._working) and self._is_dark()
        log = self.log
        ended = log.error or log.intake_error or log.crash or "attempted" in log.reports
        ended = ended or self._has_ended or self.unix_s >= self._idle_until_s
        return bool(ended) and self._phase is Phase.ISOLATED

    def _is_dark(self) -> bool:
        measured = self._plant.measured()
        return not (measured.link_conducting or any(measured.drives_live))

    def _boot(self, medium_name: str) -> Controller:
        medium = Medium(medium_name)
        self._boots.append(medium)
        job = self._job
        if medium is Medium.SEALING:
            return self._process(medium, job) if job is not None else VacantSlot()
        if isinstance(job, WindowJob | AttemptJob):
            return VacantSlot() if Medium.SEALING in self._boots else self._process(medium, job)
        return LoopbackController(self._plant.advance, lambda: self._plant.uptime_ms)

    def _process(self, medium: Medium, job: AnyJob) -> Controller:
        self._has_ended = False
        self._working = self._emulation.controller(self._plant, self._home, medium, job, self._sources)
        return self._working

    def _said(self, said: Said) -> None:
        if said.event is None:
            return
        fields = dict(said.event)
        name = fields.pop("event", "")
        if name == "error":
            self._note_error(testimony.rebuilt(fields))
        elif name == "warning" and len(self.log.warnings) < testimony.KEPT_MAX:
            warning = testimony.notice(fields)
            self.log.warnings.append(warning)
            self._tell("warning", warning)
        elif name == "rootkit" and len(self.log.evidence) < testimony.KEPT_MAX:
            self.log.evidence.append(testimony.evidence(fields))
        elif name == "differences":
            room = DIFFERENCES_MAX - len(self.log.differences)
            self.log.differences += testimony.differences(self._boots[-1], fields)[:room]
        elif name == "progress":
            self._tell("progress", testimony.progress(fields))
        elif isinstance(name, str):
            report = testimony.report(self._boots[-1], name, fields)
            if report is not None:
                self.log.reports[name] = report

    def _tell(self, event: str, fields: Mapping[str, object]) -> None:
        if self._watcher is not None:
            self._watcher.event(event, fields)

    def _note_error(self, error: IwatoError) -> None:
        if self._boots[-1] is Medium.INTAKE:
            self.log.intake_error = self.log.intake_error or error
        else:
            self.log.error = self.log.error or error

    def _ended(self, ended: Ended) -> None:
        """The controller's program has ended: nothing more will come of this boot, and the interlock
        finds that out by itself. It may have ended badly without having said why."""
        if ended.name != self._boots[-1].value:
            return
        self._has_ended = True
        if not ended.status:
            return
        detail = f"{ended.name} ended with {ended.status}"
        if self._boots[-1] is Medium.INTAKE:
            self.log.intake_error = self.log.intake_error or ControllerEnded(detail=detail)
        elif self.log.error is None:
            self.log.crash = detail

    def _advance_until(self, holds: Callable[[], bool], limit_ms: int) -> None:
        for _ in range(limit_ms // STEP_MS):
            if holds():
                return
            self._plant.advance(STEP_MS)


def latched(board: EmulatedBoard) -> FaultLatched | None:
    """The fault that the box is in, or that a person has secured it."""
    return board_reading.fault_of(board.reading())


def require_able(board: EmulatedBoard) -> None:
    """Let the box prove itself dark. FaultLatched where it will connect nothing."""
    board.settle()
    fault = latched(board)
    if fault is not None:
        board.power_off()
        raise fault
