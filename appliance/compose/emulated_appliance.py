"""`ports.Appliance` on the emulated board: each method is one command on one home.

Takes the home's lock, powers the box up, hands over a job, adds up what the plant measured and what the
controller reported. What was measured comes from the plant, never from a report.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

from appliance import config
from appliance.compose import (
    bench_file,
    birth_plan,
    config_file,
    documents,
    rootkit_drill,
    window_run,
)
from appliance.compose import job as jobs
from appliance.compose.emulated_board import EmulatedBoard, latched, require_able
from appliance.compose.emulation import Emulation, RealEmulation
from appliance.compose.home import Home
from appliance.compose.job import AnyJob
from appliance.compose.job_log import JobLog
from appliance.compose.looking import Looking
from appliance.compose.policy_files import PolicyFiles
from appliance.compose.policy_follow import Follower
from appliance.compose.policy_room import PolicyRoom
from appliance.compose.quorum_acts import QuorumActs
from appliance.compose.rebuild import Rebuilding
from appliance.compose.recall import Recalling
from appliance.compose.trace_file import traced
from appliance.domain.ledger_request import LedgerRequest
from appliance.domain.phases import Phase
from appliance.errors import InterlockRefused, UsageError
from appliance.format import batch
from appliance.ports import Birth, CopyRequest, ReportRequest, RestoreRequest, Watcher
from appliance.window import calendar

CLOCK_S_MAX = 4_102_444_799  # s; the DS3231 counts the years 00 to 99 of this century


class EmulatedAppliance:
    """One home."""

    def __init__(self, root: Path, emulation: Emulation | None = None) -> None:
        self._home = Home(root)
        self._emulation = emulation or RealEmulation()

    @cached_property
    def _texts(self) -> PolicyFiles:
        return PolicyFiles(self._home.policy)

    @contextmanager
    def _held(self) -> Iterator[None]:
        self._home.require()
        with self._home.lock():
            self._home.require_born()
            self._follow()
            yield

    def _follow(self, until_s: int = 0) -> None:
        """Let a policy take effect that is due now, or will be by then."""
        if Follower(self._home, self._board).follow(until_s):
            self.__dict__.pop("_texts", None)

    @property
    def policies(self) -> PolicyRoom:
        return PolicyRoom(self._home, self._held, self._board)

    @property
    def quorum(self) -> QuorumActs:
        return QuorumActs(self._home, self._held, self._board)

    # -- birth ---------------------------------------------------------------------------------------

    def create(self, birth: Birth, watcher: Watcher) -> Mapping[str, Any]:
        """See ports.Appliance."""
        birth_plan.refuse(self._home, birth)
        with self._home.lock():
            vault = birth_plan.make(self._home, birth, self._emulation.entropy, self._emulation.now_s())
            try:
                bench_file.write_bench(self._home, birth.link_rate)
                birth_plan.give_policy(self._board(), self._texts)
                self._drive_job(jobs.PrepareJob(home=str(self._home.root)), watcher)
                birth_plan.finish(self._home)
            except BaseException:
                birth_plan.discard(self._home)
                raise
            return documents.born(self._home, vault)

    # -- looking -------------------------------------------------------------------------------------

    def status(self) -> Mapping[str, Any]:
        """See ports.Appliance."""
        with self._held():
            return self._looking.status()

    def copies(self) -> Mapping[str, Any]:
        with self._held():
            return self._looking.copies()

    def plan_restore(self, snapshot: str, sources: Sequence[str], into: str | None) -> Mapping[str, Any]:
        """See ports.Appliance."""
        with self._held():
            return self._looking.plan_restore(snapshot, sources, into)

    def consult_ledger(self, request: LedgerRequest) -> Mapping[str, Any]:
        with self._held():
            return self._looking.consult_ledger(request)

    def report(self, request: ReportRequest) -> Mapping[str, Any]:
        with self._held():
            return self._looking.report(request)

    @property
    def _looking(self) -> Looking:
        return Looking(self._home, self._texts, self._board)

    def settings(self) -> str:
        """See ports.Appliance."""
        self._home.require_bench()
        return config.render(config_file.read(self._home))

    # -- windows -------------------------------------------------------------------------------------

    def run_window(self, watcher: Watcher, scenario: str | None = None, trace: str = "") -> Mapping[str, Any]:
        """See ports.Appliance."""
        with traced(self._emulation, trace), self._held():
            self._follow(calendar.next_window(self._texts.policy.windows, self._board().unix_s).begin_s)
            earlier = self._roll_forward(watcher)
            drill = rootkit_drill.load(self._home, self._texts, scenario)
            board = self._board(window_run.job(self._home), drill)
            policy = self._texts.policy
            board.jump(calendar.next_window(policy.windows, board.unix_s).begin_s)
            return window_run.run(board, watcher, drill, earlier)

    def _roll_forward(self, watcher: Watcher) -> list[Mapping[str, object]]:
        """Sealing that was left unfinished goes on in the scrub slot that comes before the window; its
        warnings are the window's too."""
        folder = self._home.staging / batch.FOLDER
        if not folder.is_dir() or not any(folder.iterdir()):
            return []
        now_s = self._board().unix_s
        policy = self._texts.policy
        window_s = calendar.next_window(policy.windows, now_s).begin_s
        if calendar.scrub_from(policy.scrubs, now_s) >= window_s:
            return []
        job = jobs.RollForwardJob(home=str(self._home.root))
        return self._drive_job(job, watcher, raising=False).warnings

    def connect_outside(self, watcher: Watcher) -> Mapping[str, Any]:
        """See ports.Appliance."""
        with self._held():
            board = self._board(jobs.AttemptJob(home=str(self._home.root)))
            board.settle()
            log = board.run(watcher)
            board.power_off()
            return window_run.ended(log, documents.attempt(board, log))

    def advance_clock(self, seconds: int) -> Mapping[str, Any]:
        with self._held():
            if (until_s := self._board().unix_s + seconds) > CLOCK_S_MAX:
                raise UsageError(detail="the battery clock ends with the year 2099")
            self._follow(until_s)
            board = self._board()
            board.jump(max(until_s, board.unix_s))
            board.power_off()
            return documents.clock(board.unix_s)

    # -- drives --------------------------------------------------------------------------------------

    def scrub(self, watcher: Watcher, *, replace: bool = False) -> Mapping[str, Any]:
        """See ports.Appliance. `replace`: before, blank disks take the place of missing drives."""
        kind = jobs.RepairJob if replace else jobs.ScrubJob
        with self._held():
            return documents.scrub(self._drive_job(kind(home=str(self._home.root)), watcher))

    def verify_ledger(
        self, checkpoint: bytes | None, watcher: Watcher, *, alone: bool = False
    ) -> Mapping[str, Any]:
        """See ports.Appliance."""
        with self._held():
            job = jobs.VerifyJob(home=str(self._home.root), checkpoint=checkpoint, alone=alone)
            return documents.verified(self._drive_job(job, watcher))

    def restore(self, request: RestoreRequest, watcher: Watcher) -> Mapping[str, Any]:
        """See ports.Appliance."""
        with self._held():
            return self._recalling().restore(request, watcher)

    def survey_copy(self, snapshot: str, watcher: Watcher) -> Mapping[str, Any]:
        with self._held():
            job = jobs.CheckCopyJob(home=str(self._home.root), snapshot=snapshot)
            return documents.checked(self._drive_job(job, watcher))

    def verify_copy(self, request: CopyRequest, watcher: Watcher) -> Mapping[str, Any]:
        """See ports.Appliance."""
        with self._held():
            return self._recalling().prove(request, watcher)

    def diff_copies(self, request: CopyRequest, against: str, watcher: Watcher) -> Mapping[str, Any]:
        """See ports.Appliance."""
        with self._held():
            return self._recalling().compare(request, against, watcher)

    def _recalling(self) -> Recalling:
        return Recalling(self._home, self._texts, self._board)

    def rebuild(self, watcher: Watcher) -> Mapping[str, Any]:
        """See ports.Appliance."""
        self._home.require_bench()
        with self._home.lock():
            self._home.require_born()
            made = Rebuilding(
                self._home,
                self._emulation.entropy,
                board=lambda: EmulatedBoard(self._home, self._home.bay_count(), self._emulation),
                drive_job=lambda board, job, slot_s: self._in_slot(board, job, slot_s, watcher),
            ).run()
            return documents.made_whole(
                self._drive_job(jobs.RebuildJob(home=str(self._home.root), made=made), watcher), made
            )

    def _drive_job(self, job: AnyJob, watcher: Watcher, *, raising: bool = True) -> JobLog:
        """A drive phase in a scrub slot: the one that is now, or the next."""
        self._follow(calendar.scrub_from(self._texts.policy.scrubs, self._board().unix_s))
        board = self._board()
        slot_s = calendar.scrub_from(self._texts.policy.scrubs, board.unix_s)
        return self._in_slot(board, job, slot_s, watcher, raising=raising)

    def _in_slot(
        self, board: EmulatedBoard, job: AnyJob, slot_s: int, watcher: Watcher, *, raising: bool = True
    ) -> JobLog:
        """The drive phase itself; `slot_s` lies in a scrub slot of the policy that the interlock enforces."""
        if slot_s > board.unix_s:
            board.jump(slot_s)
        require_able(board)
        interlock = board.interlock()
        interlock.hello()
        interlock.heartbeat(0)
        board.hand_over(job)
        cause = interlock.request(Phase.SCRUB)
        if cause:
            raise InterlockRefused(request=Phase.SCRUB.value, cause=cause)
        log = board.run(watcher)
        log.totals = board.totals
        log.error = latched(board) or log.error
        board.power_off()
        if raising and log.error is not None:
            raise log.error
        return log

    def _board(self, job: AnyJob | None = None, drill: rootkit_drill.Drill | None = None) -> EmulatedBoard:
        policy = self._texts.policy
        bays = policy.geometry.drives
        return EmulatedBoard(
            self._home,
            bays,
            self._emulation,
            sources=tuple(source.path.decode("utf-8", "surrogateescape") for source in policy.sources),
            scenario=drill.scenario if drill else None,
            implant=drill.implant if drill else None,
            job=job,
        )
