"""Which of the attached drives is which: by the signed header alone, never by bay or device name.

`identify` sorts what is up into drives of the expected set and findings about everything else; it
writes nothing. `prepare` writes the header of a blank drive (init). A drive whose write fails takes no
further part in the run: a second fsync would lie (60-reliability).
"""

from __future__ import annotations

import errno
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from appliance.domain.ids import Bay, DriveIndex
from appliance.errors import (
    DriveBlank,
    DriveDuplicate,
    DriveFailed,
    DriveForeign,
    DriveHeaderDamaged,
    DrivesTooFew,
    SignatureInvalid,
    SignatureMalformed,
    VaultError,
)
from appliance.format import drive_header, note
from appliance.format.drive_header import DriveHeader, DriveSetFacts
from appliance.format.note_key import NoteKey, Signer
from appliance.ports import AttachedDrive, Entropy, Files

# Something else than a file has the header's name. Any other error is the drive's own.
_NO_FILE = frozenset({errno.EINVAL, errno.ELOOP, errno.ENOTDIR, errno.EISDIR, errno.ENXIO})


@dataclass(frozen=True, slots=True, kw_only=True)
class Drive:
    """A drive of this set that is up."""

    header: DriveHeader
    bay: Bay
    files: Files

    @property
    def index(self) -> DriveIndex:
        return self.header.index


class DriveSet:
    """The drives of one set that are up. `findings` says what is wrong with anything else."""

    def __init__(
        self, facts: DriveSetFacts, drives: Iterable[Drive], findings: Sequence[VaultError] = ()
    ) -> None:
        self.facts = facts
        self.geometry = facts.geometry
        self.findings = tuple(findings)
        self.failures: dict[DriveIndex, DriveFailed] = {}
        self._drives: Mapping[DriveIndex, Drive] = {
            drive.index: drive for drive in sorted(drives, key=lambda drive: drive.index)
        }

    @property
    def readable(self) -> tuple[Drive, ...]:
        """Every drive that is up, by index; also one whose write failed (its content may be good)."""
        return tuple(self._drives.values())

    @property
    def writable(self) -> tuple[Drive, ...]:
        """The drives on which nothing failed so far."""
        return tuple(drive for drive in self._drives.values() if drive.index not in self.failures)

    @property
    def missing(self) -> tuple[DriveIndex, ...]:
        """Numbers of the set's drives that are not up."""
        numbers = (DriveIndex(number) for number in range(self.geometry.drives))
        return tuple(number for number in numbers if number not in self._drives)

    def get(self, index: DriveIndex) -> Drive | None:
        """The drive with this number, if it is up."""
        return self._drives.get(index)

    def join(self, drive: Drive) -> None:
        """A blank disk became this drive of the set, whose number nothing else has."""
        assert drive.index not in self._drives
        self.findings = tuple(
            finding
            for finding in self.findings
            if not (isinstance(finding, DriveBlank) and finding.values["bay"] == drive.bay)
        )
        self._drives = dict(sorted([*self._drives.items(), (drive.index, drive)]))

    def fail(self, index: DriveIndex, error: OSError) -> None:
        """A write on this drive failed: it is not written again in this run. The first cause stays."""
        bay = self._drives[index].bay
        self.failures.setdefault(index, DriveFailed(bay=bay, reason=error.strerror or str(error)))

    def require(self, needed: int) -> None:
        """DrivesTooFew unless `needed` drives can be written."""
        present = len(self.writable)
        if present < needed:
            raise DrivesTooFew(present=present, needed=needed, total=self.geometry.drives)


def identify(attached: Sequence[AttachedDrive], facts: DriveSetFacts, log_key: NoteKey) -> DriveSet:
    """The drives of the set `facts` among those attached. Nothing on a drive is believed before its
    header's signature by `log_key` holds."""
    drives: dict[DriveIndex, Drive] = {}
    twins: set[DriveIndex] = set()
    findings: list[VaultError] = []
    for item in attached:
        try:
            drive = Drive(header=_header(item, facts, log_key), bay=item.bay, files=item.files)
        except VaultError as finding:
            findings.append(finding)
            continue
        other = drives.setdefault(drive.index, drive)
        if other is not drive:
            twins.add(drive.index)
            findings.append(DriveDuplicate(bay=other.bay, other=drive.bay, index=drive.index + 1))
    return DriveSet(facts, (drive for drive in drives.values() if drive.index not in twins), findings)


def _header(item: AttachedDrive, facts: DriveSetFacts, log_key: NoteKey) -> DriveHeader:
    """The drive's header, which belongs to this set; else the finding as an exception."""
    try:
        content = item.files.read(drive_header.FILE_NAME, drive_header.HEADER_BYTES_MAX)
    except FileNotFoundError:
        raise DriveBlank(bay=item.bay) from None
    except ValueError as error:
        raise DriveHeaderDamaged(bay=item.bay, detail=str(error)) from error
    except OSError as error:
        reason = error.strerror or str(error)
        if error.errno in _NO_FILE:
            raise DriveHeaderDamaged(bay=item.bay, detail=reason) from error
        raise DriveFailed(bay=item.bay, reason=reason) from error
    try:
        signed = note.parse(content)
        header = drive_header.parse(signed.text)
    except (SignatureMalformed, ValueError) as error:
        raise DriveHeaderDamaged(bay=item.bay, detail="it cannot be read") from error
    try:
        log_key.verify(signed)
    except (SignatureInvalid, SignatureMalformed) as error:
        # A line by our key that does not hold is damage; no line by our key is somebody else's drive.
        ours = any(line.key_id == log_key.key_id() for line in signed.signatures)
        if ours or header.set.vault == facts.vault:
            raise DriveHeaderDamaged(bay=item.bay, detail="its signature does not hold") from error
        raise DriveForeign(bay=item.bay, detail=f"vault {header.set.vault.hex()[:8]}") from error
    if header.set != facts:
        raise DriveForeign(bay=item.bay, detail=_differs(header.set, facts))
    return header


def _differs(found: DriveSetFacts, expected: DriveSetFacts) -> str:
    if found.vault != expected.vault:
        return f"vault {found.vault.hex()[:8]}"
    if (found.number, found.generation) != (expected.number, expected.generation):
        return f"set {found.number} of generation {found.generation}"
    return f"a set of {found.geometry.data}+{found.geometry.parity} drives"


def prepare(
    files: Files,
    facts: DriveSetFacts,
    index: DriveIndex,
    log_key: NoteKey,
    sign: Signer,
    entropy: Entropy,
) -> DriveHeader:
    """Make a blank drive number `index` of the set. FileExistsError if it already has a header."""
    header = DriveHeader(set=facts, index=index, drive=entropy(drive_header.DRIVE_ID_BYTES))
    signed = note.Note(text=header.text()).with_signature(log_key.sign(sign, header.text()))
    files.put(drive_header.FILE_NAME, signed.encode())
    return header


def put_missing(drives: DriveSet, files: Mapping[str, bytes]) -> None:
    """Put small files (policy texts and signatures, FORMAT.md) on every drive that lacks them."""
    for drive in drives.writable:
        for name, content in files.items():
            try:
                if not drive.files.exists(name):
                    drive.files.put(name, content)
            except FileExistsError:
                continue
            except OSError as error:
                drives.fail(drive.index, error)
                break
