"""What every drive phase does first and last: hello, drives up, which drive is which, ledger whole.

SEAL, SCRUB and RECOVERY boot the sealing medium and start here (05-settled 4). `begin` gives the
jobs what they work with. Trusts the interlock's boot facts; everything from staging and the drives is
verified by the parts it composes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from appliance.domain.phases import BootFacts
from appliance.errors import (
    DriveRests,
    DrivesMissing,
    IwatoError,
    LedgerTampered,
    PolicyMismatch,
    StateFailed,
)
from appliance.format.drive_header import DriveSetFacts
from appliance.format.note_key import Signer
from appliance.ledger.checkpoint import Keys
from appliance.ledger.verdict import Verdict
from appliance.pipeline.scatter import Code
from appliance.ports import AttachedDrive, Clock, Console, Drives, Interlock, ScratchFiles
from appliance.service import bay_rests, drive_set
from appliance.service.bay_rests import BayRests
from appliance.service.drive_set import DriveSet
from appliance.service.keeper import Keeper
from appliance.service.ledger_copies import LedgerCopies
from appliance.service.pulse import Pulsing

SPIN_UP_MS = 15_000  # ms; a 3.5-inch drive needs up to 10 s from power to ready, x1.5
LOOK_MS = 50  # ms between looks at what is attached


@dataclass(frozen=True, slots=True, kw_only=True)
class Workshop:
    """What the sealing medium is composed of. `policy_hash` is SHA-256 of the policy text that this
    medium read; `sign` is the log key."""

    keeper: Keeper
    pulse: Pulsing
    interlock: Interlock
    drives: Drives
    rests: BayRests
    staging: ScratchFiles
    state: ScratchFiles
    console: Console
    clock: Clock
    code: Code
    set_facts: DriveSetFacts
    keys: Keys
    sign: Signer
    policy_hash: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class DrivePhase:
    """One drive phase that has begun. `verdict` is what the ledger's copies said before healing."""

    shop: Workshop
    facts: BootFacts
    drives: DriveSet
    ledger: LedgerCopies
    verdict: Verdict

    def moved(self) -> None:
        """The work made progress."""
        self.shop.pulse.moved()

    def stop(self) -> bool:
        """The phase is over or about to be."""
        return self.shop.keeper.finish_early.is_set()


def boot(shop: Workshop) -> BootFacts:
    """Hello, and the policy that the interlock enforces is the one that we read."""
    facts = shop.keeper.boot()
    if facts.policy_version and facts.policy_hash != shop.policy_hash:
        raise PolicyMismatch(version=facts.policy_version)
    shop.sign(b"")  # a key that is not the policy's is found before the interlock counts an entry
    return facts


def wait_for_drives(shop: Workshop) -> Sequence[AttachedDrive]:
    """Every drive of the set that comes up in time, by bay; those that rest have no supply."""
    wanted = shop.set_facts.geometry.drives - len(shop.rests.resting)
    return awaited(shop.drives, wanted, shop.clock, shop.pulse)


def awaited(drives: Drives, wanted: int, clock: Clock, pulse: Pulsing) -> Sequence[AttachedDrive]:
    """What is attached as soon as `wanted` drives are, or when none has any time left to come up."""
    until_ms = clock.monotonic_ms() + SPIN_UP_MS
    while len(drives.attached()) < wanted and clock.monotonic_ms() < until_ms:
        pulse.wait(LOOK_MS)
    return drives.attached()


def attached_set(shop: Workshop) -> DriveSet:
    """Wait for the drives to come up, then tell them apart by their headers."""
    return drive_set.identify(wait_for_drives(shop), shop.set_facts, shop.keys.log)


def run(shop: Workshop, job: Callable[[DrivePhase], None]) -> None:
    """Boot, do `job` between drives up and drives down, release the lines and say done. Drives that failed
    are said also when the job does not come to its end: they are why."""
    facts = boot(shop)
    with shop.pulse:
        try:
            phase = begin(shop, facts)
            try:
                job(phase)
                _forgive(shop)
            finally:
                for failure in phase.drives.failures.values():
                    warn(shop.console, failure)
        finally:
            shop.keeper.work_done()


def _forgive(shop: Workshop) -> None:
    """The job is done; that a bay's rest cannot be written down does not undo it."""
    try:
        shop.rests.passed()
    except OSError as error:
        warn(shop.console, StateFailed(detail=f"{bay_rests.RECORD}: {error.strerror or error}"))


def begin(shop: Workshop, facts: BootFacts) -> DrivePhase:
    """Identify the drives and make the ledger whole. LedgerTampered where it cannot be."""
    found = attached_set(shop)
    for bay in sorted(shop.rests.resting):
        warn(shop.console, DriveRests(bay=bay, phases=shop.rests.phases_left(bay)))
    say_findings(shop.console, found)
    ledger = LedgerCopies(
        state=shop.state,
        drives=found,
        interlock=shop.interlock,
        keys=shop.keys,
        sign=shop.sign,
        moved=shop.pulse.moved,
    )
    verdict = ledger.start(facts)
    for finding in ledger.alarms:
        if not finding.where:  # of the history as a whole
            warn(shop.console, LedgerTampered(reason=finding.text))
    for damage in ledger.damage:
        warn(shop.console, damage.warning())
    return DrivePhase(shop=shop, facts=facts, drives=found, ledger=ledger, verdict=verdict)


def say_findings(console: Console, found: DriveSet) -> None:
    """Every strange or missing drive, as a warning on the console."""
    for finding in found.findings:
        warn(console, finding)
    if found.missing:
        warn(console, DrivesMissing(drives=numbers(found.missing)))


def warn(console: Console, error: IwatoError) -> None:
    """Say an error that does not end the work; the face finds its sentence by the code."""
    console.say("warning", code=error.code, values={key: str(value) for key, value in error.values.items()})


def numbers(indices: Iterable[int]) -> str:
    """Drive numbers as people count them, from 1."""
    return ", ".join(str(index + 1) for index in indices)
