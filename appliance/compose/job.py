"""What is typed at the controller's console: one JSON object per job, checked before it is obeyed."""

from __future__ import annotations

from typing import TypeAlias

import msgspec

from appliance.config import Intake


class Job(msgspec.Struct, frozen=True, kw_only=True, tag_field="job", forbid_unknown_fields=True):
    """Which home the controller serves."""

    home: str


class WindowJob(Job, frozen=True, kw_only=True, tag="window"):
    """One whole window: intake on the one medium, sealing on the other. `link_rate` in bytes per second,
    0 for none. `intake` is the administrator's."""

    link_rate: int = 0
    intake: Intake = Intake()


class AttemptJob(Job, frozen=True, kw_only=True, tag="attempt"):
    """What root would try outside the window."""


class PrepareJob(Job, frozen=True, kw_only=True, tag="prepare"):
    """First filling of blank drives."""


class RollForwardJob(Job, frozen=True, kw_only=True, tag="roll-forward"):
    """Sealing that an earlier window left unfinished."""


class ScrubJob(Job, frozen=True, kw_only=True, tag="scrub"):
    """Read every block."""


class RepairJob(Job, frozen=True, kw_only=True, tag="repair"):
    """Let blank disks take the place of missing drives, then read every block."""


class RecallPolicyJob(Job, frozen=True, kw_only=True, tag="recall-policy"):
    """Find the policy on the drives. `bays`: how many of them there may be."""

    bays: int


class RebuildJob(Job, frozen=True, kw_only=True, tag="rebuild"):
    """Have the ledger and the state of the drive phases again. `made`: what was made anew before."""

    made: list[str] = []


class VerifyJob(Job, frozen=True, kw_only=True, tag="verify"):
    """Judge the ledger's copies. `checkpoint` was kept outside; `alone` leaves the interlock out."""

    checkpoint: bytes | None = None
    alone: bool = False


class Passphrases(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the holders typed, by their token's folder. It travels through pipes only."""

    by_token: dict[str, str] = {}

    def __repr__(self) -> str:
        return "Passphrases(secret)"


class RestoreJob(Job, frozen=True, kw_only=True, tag="restore"):
    """Recovery under an order that the interlock has accepted, with the holders' (number, raw
    signature) on it."""

    order: bytes
    votes: list[tuple[int, bytes]]
    tokens: list[str]
    passphrases: Passphrases = Passphrases()
    target: str
    resume: bool = False
    devices: bool = False
    set_id: bool = False


class ProveJob(Job, frozen=True, kw_only=True, tag="prove"):
    """Recovery under an order that lets nothing be written: a copy is proven, or two are compared."""

    order: bytes
    votes: list[tuple[int, bytes]]
    tokens: list[str]
    passphrases: Passphrases = Passphrases()


class CheckCopyJob(Job, frozen=True, kw_only=True, tag="check-copy"):
    """Read every pack that a snapshot can need."""

    snapshot: str


AnyJob: TypeAlias = (
    WindowJob
    | AttemptJob
    | PrepareJob
    | RollForwardJob
    | ScrubJob
    | RepairJob
    | RecallPolicyJob
    | RebuildJob
    | VerifyJob
    | RestoreJob
    | ProveJob
    | CheckCopyJob
)


def report_of(job: AnyJob) -> str:
    """The event that the job's program says last; empty where the documents explain its absence."""
    match job:
        case AttemptJob():
            return "attempted"
        case PrepareJob():
            return "prepared"
        case RollForwardJob():
            return "sealed"
        case ScrubJob() | RepairJob():
            return "scrubbed"
        case RecallPolicyJob():
            return "recalled"
        case RebuildJob():
            return "rebuilt"
        case VerifyJob():
            return "verified"
        case RestoreJob():
            return "restored"
        case CheckCopyJob():
            return "checked"
        case _:
            return ""


def encode(job: AnyJob) -> dict[str, object]:
    """As JSON values."""
    values = msgspec.to_builtins(job)
    assert isinstance(values, dict)
    return values


def decode(text: bytes) -> AnyJob:
    """Inverse of `encode` over JSON text. msgspec.ValidationError for anything else."""
    job: AnyJob = msgspec.json.decode(text, type=AnyJob)
    return job
