"""A blank disk takes the number of a drive that is not there: said in the ledger, then given its header.

Fills nothing: what the new drive lacks is computed by the scrub that follows (drive_jobs.repair). Writes on
no disk that holds anything. Which bay the disk is in means nothing (FORMAT 6.1, 6.11).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from appliance.domain.ids import Bay, DriveIndex
from appliance.errors import (
    DriveBlank,
    DriveDuplicate,
    DriveFailed,
    DriveJoined,
    DriveOccupied,
    DrivesTooFew,
)
from appliance.format import drive_header
from appliance.format.ledger_entry import Note
from appliance.ports import AttachedDrive, Entropy
from appliance.service import drive_phase, drive_set
from appliance.service.drive_phase import DrivePhase
from appliance.service.drive_set import Drive

IGNORED = frozenset({"lost+found"})  # what a new file system holds by itself


def adopt(phase: DrivePhase, entropy: Entropy, first: Callable[[], None]) -> None:
    """Make blank disks drives of the set, one for each drive that is missing. Every one is a warning.
    `first` is called once before anything is written, if anything will be. DrivesTooFew, and nothing
    written, where too few drives are left to fill them from."""
    blanks, missing = _blanks(phase), _missing(phase)
    if not blanks or not missing:
        return
    needed = phase.drives.geometry.data
    if len(phase.drives.readable) < needed:
        total = phase.drives.geometry.drives
        raise DrivesTooFew(present=len(phase.drives.readable), needed=needed, total=total)
    first()
    for bay, disk in blanks.items():
        if not missing:
            break
        try:
            _join(phase, disk, missing[0], entropy(drive_header.DRIVE_ID_BYTES))
        except OSError as error:
            drive_phase.warn(phase.shop.console, DriveFailed(bay=bay, reason=error.strerror or str(error)))
            continue  # the number stays free for the next disk
        drive_phase.warn(phase.shop.console, DriveJoined(bay=bay, drive=missing.pop(0) + 1))
    phase.ledger.fill()


def _missing(phase: DrivePhase) -> list[DriveIndex]:
    """Numbers that no disk has. One that two disks have is not free: a person has to take one away."""
    twins = {
        finding.values["index"] for finding in phase.drives.findings if isinstance(finding, DriveDuplicate)
    }
    return [index for index in phase.drives.missing if index + 1 not in twins]


def _blanks(phase: DrivePhase) -> Mapping[Bay, AttachedDrive]:
    """Disks without a header that hold nothing at all; one that holds something is a warning."""
    found: dict[Bay, AttachedDrive] = {}
    bays = {finding.values["bay"] for finding in phase.drives.findings if isinstance(finding, DriveBlank)}
    for disk in phase.shop.drives.attached():
        if disk.bay not in bays:
            continue
        if _is_empty(disk):
            found[disk.bay] = disk
        else:
            drive_phase.warn(phase.shop.console, DriveOccupied(bay=disk.bay))
    return found


def _is_empty(disk: AttachedDrive) -> bool:
    """What cannot be listed is not empty."""
    try:
        return IGNORED.issuperset(disk.files.names(""))
    except OSError:
        return False


def _join(phase: DrivePhase, disk: AttachedDrive, index: DriveIndex, drive_id: bytes) -> None:
    """The note comes first, so that no cut can hide that a disk was exchanged."""
    shop, facts = phase.shop, phase.facts
    text = f"a blank disk in bay {disk.bay} becomes drive {index + 1}: {drive_id.hex()}"
    phase.ledger.append(Note(time=facts.unix_s, phase=facts.phase, text=text))
    header = drive_set.prepare(
        disk.files, shop.set_facts, index, shop.keys.log, shop.sign, lambda _length: drive_id
    )
    phase.drives.join(Drive(header=header, bay=disk.bay, files=disk.files))
