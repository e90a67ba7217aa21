"""The controller booted from the sealing medium: drives, ledger, and one job.

Reads the policy, staging and its own state; opens nothing of intake's and has no network (images/).
"""

from __future__ import annotations

import os
from collections.abc import Collection
from contextlib import suppress
from functools import partial
from pathlib import Path

from appliance.adapters import reed_solomon
from appliance.adapters.attributes import Wanted
from appliance.adapters.directory import Directory, ScratchDirectory
from appliance.adapters.restore_target import RestoreTarget
from appliance.compose import drive_judge, key_rooms, operational_keys, rosetta_files
from appliance.compose.home import Home
from appliance.compose.job import (
    AnyJob,
    CheckCopyJob,
    PrepareJob,
    ProveJob,
    RebuildJob,
    RecallPolicyJob,
    RepairJob,
    RestoreJob,
    RollForwardJob,
    ScrubJob,
    VerifyJob,
    WindowJob,
)
from appliance.compose.machine import Machine
from appliance.compose.policy_files import PolicyFiles
from appliance.custody.votes import Vote
from appliance.domain.geometry import Geometry
from appliance.domain.ids import Bay, HolderNumber
from appliance.errors import ControllerEnded, DriveHangs, StagedBatchRefused, StagingFailed, StateFailed
from appliance.format import batch, receipt
from appliance.pipeline.scatter import Code
from appliance.ports import Console
from appliance.service import (
    bay_rests,
    copy_check,
    copy_proof,
    drive_jobs,
    drive_phase,
    ledger_check,
    policy_search,
    recovery,
    state_rebuild,
)
from appliance.service.bay_rests import BayRests
from appliance.service.bay_watch import BayWatch, WatchedDrives
from appliance.service.drive_phase import DrivePhase, Workshop
from appliance.service.keeper import Keeper
from appliance.service.policy_search import Search
from appliance.service.recovery import Recall


def run(machine: Machine, job: AnyJob) -> None:
    """Do the job of this drive phase; no drive gets its coil while any network carries."""
    machine.require_silence()
    home = Home(Path(job.home))
    if isinstance(job, RecallPolicyJob):
        policy_search.recall(_search(machine, home, job.bays), Directory(home.policy, steps=machine.steps))
        return
    texts = PolicyFiles(home.policy)
    shop = workshop(machine, home, texts, job)
    match job:
        case PrepareJob():
            drive_jobs.prepare(shop, machine.entropy, texts.public_files() | rosetta_files.files())
        case WindowJob() | RollForwardJob():
            tidy(machine, home)
            fingerprint, files = texts.recipient.fingerprint, texts.public_files() | rosetta_files.files()
            drive_phase.run(shop, lambda phase: drive_jobs.seal(phase, fingerprint, files))
        case ScrubJob():
            drive_phase.run(shop, lambda phase: drive_jobs.scrub(phase, texts.public_files()))
        case RepairJob():
            policy = texts.public_files()
            every = policy | rosetta_files.files()
            drive_phase.run(shop, lambda phase: drive_jobs.repair(phase, every, policy, machine.entropy))
        case RebuildJob():
            every = texts.public_files() | rosetta_files.files()
            drive_phase.run(shop, lambda phase: state_rebuild.rebuild(phase, every, job.made))
        case VerifyJob():
            ledger_check.verify_ledger(shop, job.checkpoint, alone=job.alone)
        case CheckCopyJob():
            drive_phase.run(shop, lambda phase: copy_check.check(phase, job.snapshot))
        case RestoreJob() | ProveJob():
            machine.harden()
            drive_phase.run(shop, lambda phase: _recover(phase, job, texts))
        case _:
            raise ControllerEnded(detail="the sealing medium has no such job")


def tidy(machine: Machine, home: Home) -> None:
    """A link half may have left anything in staging: what is no file or bears no name of ours is set aside
    and said, so that it does not stand in the way of every later window."""
    try:
        staging = ScratchDirectory(home.staging, steps=machine.steps)
        strange = staging.tidy(
            {
                batch.FOLDER: batch.parse_name,
                batch.PACKS_FOLDER: batch.parse_pack_name,
                receipt.FOLDER: receipt.parse_name,
            }
        )
    except OSError as error:
        drive_phase.warn(machine.console, StagingFailed(detail=error.strerror or str(error)))
        return
    if strange:
        detail = f"{len(strange)} objects that are none of ours were set aside, the first: {strange[0]}"
        drive_phase.warn(machine.console, StagedBatchRefused(detail=detail))


def workshop(machine: Machine, home: Home, texts: PolicyFiles, job: AnyJob) -> Workshop:
    """Everything that the jobs work with."""
    count = texts.policy.geometry.drives
    staging = ScratchDirectory(home.staging, steps=machine.steps)
    state = ScratchDirectory(home.seal_state, steps=machine.steps)
    try:
        state.sweep()
        rests = _rests(state, texts.policy.geometry, job)
    except OSError as error:
        raise StateFailed(detail=error.strerror or str(error)) from error
    keeper = _keeper(machine, home, count, rests.resting)
    watch = BayWatch(machine.clock)
    judge = drive_judge.of(texts.keys.log, texts.set_facts.vault, job)
    keeper.held_up = partial(_name_hung, machine.console, watch, rests)
    return Workshop(
        keeper=keeper,
        rests=rests,
        pulse=machine.pulse(keeper),
        interlock=keeper.interlock,
        drives=WatchedDrives(machine.drives(home, count, judge), watch),
        staging=staging,
        state=state,
        console=machine.console,
        clock=machine.clock,
        code=Code(texts.policy.geometry, reed_solomon.choose()),
        set_facts=texts.set_facts,
        keys=texts.keys,
        sign=operational_keys.log_signer(home.seal_state, texts.policy.log_key),
        policy_hash=texts.hash,
    )


def _search(machine: Machine, home: Home, bays: int) -> Search:
    """What a medium without a policy works with."""
    keeper = _keeper(machine, home, bays)
    return Search(
        keeper=keeper,
        pulse=machine.pulse(keeper),
        drives=machine.drives(home, bays, drive_judge.by_form()),
        bays=bays,
        clock=machine.clock,
        console=machine.console,
    )


def _rests(state: ScratchDirectory, geometry: Geometry, job: AnyJob) -> BayRests:
    """Which bays stay dark now. Reading needs fewer drives than committing; repair tries them all."""
    if isinstance(job, RepairJob):
        bay_rests.forget(state)
    needed = geometry.write_quorum if isinstance(job, WindowJob | RollForwardJob) else geometry.data
    return BayRests(state, _bays(geometry.drives), needed)


def _name_hung(console: Console, watch: BayWatch, rests: BayRests, since_ms: int) -> None:
    """Remember, while there is time, whose drive it is that holds the phase up. No state, no memory."""
    bay = watch.held_up_by(since_ms)
    if bay is not None:
        with suppress(OSError):
            rests.strike(bay)  # before it is said: nobody may be listening
        drive_phase.warn(console, DriveHangs(bay=bay))


def _bays(count: int) -> list[Bay]:
    return [Bay(number) for number in range(1, count + 1)]


def _keeper(machine: Machine, home: Home, count: int, resting: Collection[Bay] = ()) -> Keeper:
    bays = [bay for bay in _bays(count) if bay not in resting]
    interlock = machine.interlock(operational_keys.read(home.seal_state, operational_keys.PAIRING), count)
    return Keeper(interlock, machine.relays, machine.clock, bays)


def _recover(phase: DrivePhase, job: RestoreJob | ProveJob, texts: PolicyFiles) -> None:
    """With the holders' tokens; a token that is none is a warning."""
    tokens, wrong = key_rooms.open_tokens(job.tokens, job.passphrases)
    for error in wrong:
        drive_phase.warn(phase.shop.console, error)
    given = [Vote(holder=HolderNumber(number), raw=raw) for number, raw in job.votes]
    recall = Recall(order=job.order, votes=given, signed=texts.signed, tokens=tokens)
    drive_jobs.record_drives(phase)
    if isinstance(job, ProveJob):
        copy_proof.prove(phase, recall)
        return
    wanted = Wanted(owners=os.geteuid() == 0, devices=job.devices, set_id=job.set_id)
    target = RestoreTarget(Path(job.target), wanted, resume=job.resume)
    recovery.recover(phase, recall, target)
