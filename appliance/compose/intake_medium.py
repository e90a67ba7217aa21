"""The controller booted from the intake medium: link, sources, staging, and its own hashes.

Never sees a drive, a token or the sealing state (images/README.md). Also plays root outside the window
for the demo, with the same rights.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

from appliance import config
from appliance.adapters.dedup_index import SqliteIndex
from appliance.adapters.directory import ScratchDirectory
from appliance.adapters.local_source import LocalSource
from appliance.adapters.rate import Rate
from appliance.compose import operational_keys
from appliance.compose.home import Home
from appliance.compose.job import AnyJob, AttemptJob, WindowJob
from appliance.compose.machine import Machine
from appliance.compose.policy_files import PolicyFiles
from appliance.custody.policy import SourceLine
from appliance.domain.geometry import Geometry
from appliance.domain.ids import Bay, PackId
from appliance.domain.phases import BootFacts, Phase
from appliance.errors import (
    ControllerEnded,
    FilesChanged,
    FilesUnreadable,
    IndexDamaged,
    LedgerMalformed,
    NetworkLost,
)
from appliance.format import ledger_entry, receipt
from appliance.format.ledger_entry import Scrub, Seal
from appliance.ledger import proof
from appliance.ledger.checkpoint import Keys
from appliance.service import drive_phase, intake_given, link_half, losses
from appliance.service.intake import Intake
from appliance.service.intake_given import IntakeSettings, VaultSide, Watch
from appliance.service.intake_report import IntakeProgress, IntakeReport
from appliance.service.keeper import Keeper
from appliance.service.pulse import Pulsing
from appliance.service.receipts import Told

INDEX = "index.sqlite"
PROGRESS_BYTES = 4 << 20  # bytes between two progress events; a screen shows no finer


def run(machine: Machine, job: AnyJob) -> None:
    """Do the job of the link half; nothing is asked for while another network carries."""
    machine.require_no_other_network()
    home = Home(Path(job.home))
    texts = PolicyFiles(home.policy)
    geometry = texts.policy.geometry
    bays = [Bay(number) for number in range(1, geometry.drives + 1)]
    pairing = operational_keys.read(home.intake_state, operational_keys.PAIRING)
    keeper = Keeper(machine.interlock(pairing, len(bays)), machine.relays, machine.clock, bays)
    pulse = machine.pulse(keeper)
    match job:
        case WindowJob():
            pull = partial(_pull, machine, home, texts, keeper, pulse, job)
            link_half.run(keeper, pulse, machine.link, machine.console, texts.hash, pull)
        case AttemptJob():
            _attempt(machine, home, texts, keeper, bays)
        case _:
            raise ControllerEnded(detail="the intake medium has no such job")


def _pull(
    machine: Machine,
    home: Home,
    texts: PolicyFiles,
    keeper: Keeper,
    pulse: Pulsing,
    job: WindowJob,
    facts: BootFacts,
) -> Mapping[str, object]:
    """One intake; the report as the console carries it."""
    key = operational_keys.read(home.intake_state, operational_keys.DEDUP)

    def warn(detail: str) -> None:
        drive_phase.warn(machine.console, IndexDamaged(detail=detail))

    index = SqliteIndex(home.intake_state / INDEX, key, warn=warn, steps=machine.steps)
    # Drives and interlock were put back to an earlier state: packs that the index counts may not exist.
    is_ahead = index.log_size > facts.log_size
    if is_ahead:
        warn(f"it knows {index.log_size} ledger entries, the interlock {facts.log_size}")
    said = 0

    def progress(now: IntakeProgress) -> None:
        nonlocal said
        pulse.moved()
        if now.bytes_read - said >= PROGRESS_BYTES:
            said = now.bytes_read
            machine.console.say("progress", stage="intake", done=now.bytes_read, total=0)

    intake = Intake(
        sources=_sources(machine, home, texts.policy.sources, job.link_rate),
        staging=ScratchDirectory(home.staging, steps=machine.steps),
        index=index,
        vault=VaultSide(
            recipient=texts.recipient,
            geometry=texts.policy.geometry,
            dedup_key=key,
            entropy=machine.entropy,
        ),
        watch=Watch(console=machine.console, stop=keeper.finish_early.is_set, progress=progress),
        settings=_settings(machine, job.intake, full=is_ahead),
    )
    try:
        intake.accept_receipts(partial(_told, texts.keys, texts.policy.geometry), facts.log_size)
        status = keeper.status
        assert status is not None  # the link was granted, so the interlock has answered
        return _report(machine, intake.run(status.window_number, status.unix_s))
    finally:
        index.close()


def _settings(machine: Machine, wanted: config.Intake, *, full: bool) -> IntakeSettings:
    """As the administrator set them; a machine without threads does everything in order."""
    threads = wanted.workers if machine.threads else 0
    return IntakeSettings(
        threads=threads,
        full=full,
        reserve_bytes=intake_given.reserve_bytes(wanted.workers),
        level=wanted.compression,
        chunk_bytes=wanted.chunk_kib << 10,
    )


def _sources(machine: Machine, home: Home, lines: Sequence[SourceLine], link_rate: int) -> list[LocalSource]:
    """Tier 0 first: identity and key stores come before everything else."""
    link = machine.link
    rate = Rate(link_rate, machine.clock) if link_rate else None
    return [
        LocalSource(line.name, os.fsdecode(line.path), carrier=link.carrier, exclude=home.root, rate=rate)
        for line in sorted(lines, key=lambda line: line.tier)
    ]


def _told(keys: Keys, geometry: Geometry, content: bytes) -> Told:
    """What a receipt says that the witness covers. ProofRefused, LedgerMalformed otherwise."""
    parts = receipt.decode(content)
    _, said = proof.verify(parts.proof, parts.entry, keys)
    entry = ledger_entry.decode(parts.entry)
    match entry:
        case Seal():
            return Told(size=said.size, stored=[PackId(bytes.fromhex(part.id)) for part in entry.packs])
        case Scrub():
            return Told(size=said.size, lost=losses.packs(entry, geometry))
        case _:
            raise LedgerMalformed(detail="a receipt for something else than packs")


def _report(machine: Machine, report: IntakeReport) -> dict[str, object]:
    for missing in report.missing:
        drive_phase.warn(machine.console, missing)
    if report.cause is not None and report.cause not in report.missing:
        drive_phase.warn(machine.console, report.cause)
    if report.unreadable:
        source, path, why = report.unreadable[0]
        first = f"{source}/{path.decode('utf-8', 'backslashreplace')}"
        unread = FilesUnreadable(count=len(report.unreadable), path=first, reason=why)
        drive_phase.warn(machine.console, unread)
    if report.changed:
        where, name = report.changed[0]
        place = f"{where}/{name.decode('utf-8', 'backslashreplace')}"
        drive_phase.warn(machine.console, FilesChanged(count=len(report.changed), path=place))
    return {
        "window": report.window,
        "complete": report.complete,
        "full": report.full,
        "bytes_read": report.bytes_read,
        "bytes_new": report.bytes_new,
        "bytes_staged": report.bytes_stored,
        "files": report.files,
        "unreadable": len(report.unreadable),
        "changed": len(report.changed),
        "sources": [
            {"name": s.name, "complete": s.complete, "files": s.files, "bytes": s.bytes}
            for s in report.sources
        ],
    }


def _attempt(machine: Machine, home: Home, texts: PolicyFiles, keeper: Keeper, bays: Sequence[Bay]) -> None:
    """Root outside the window: energise every coil, ask for every phase, reach for the source."""
    facts = keeper.boot()
    interlock = keeper.interlock
    machine.relays.energise_link(k1=True, k2=True)
    machine.relays.energise_drives(bays)
    interlock.heartbeat(0)
    wishes = (Phase.INTAKE, Phase.SEAL, Phase.SCRUB, Phase.RECOVERY)
    refusals = {wish.value: interlock.request(wish) for wish in wishes if wish is not Phase.SCRUB}
    machine.clock.sleep_ms(500)
    source = _sources(machine, home, texts.policy.sources[:1], 0)[0]
    try:
        next(source.walk())
    except NetworkLost as lost:
        network = {"code": lost.code, "values": {"source": str(lost.values["source"])}}
    else:
        network = {}
    finally:
        source.close()
    machine.console.say("attempted", phase=facts.phase.value, refusals=refusals, network=network)
