"""The policy's public files on the drives, held against the box's own (FORMAT 6.3).

They are for whoever has only drives and tokens, and for a box that lost its own (policy_search.py). What
is missing can be written; what differs stays as it is (FORMAT 6.4) and there is no second name for it, so
it is only said.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from appliance.domain.ids import DriveIndex
from appliance.errors import PolicyCopyDamaged
from appliance.ports import Files
from appliance.service import drive_set
from appliance.service.drive_set import DriveSet


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyDamage:
    """Of one drive: our own names of the files that were `missing` and that are `altered` or cannot be
    read. `left`: how many of both are not there as they should be after `mend`."""

    drive: DriveIndex
    missing: Sequence[str]
    altered: Sequence[str]
    left: int

    def warning(self) -> PolicyCopyDamaged:
        """The one warning of this drive."""
        first, *_ = [*self.altered, *self.missing]
        return PolicyCopyDamaged(
            drive=self.drive + 1,
            altered=len(self.altered),
            missing=len(self.missing),
            name=first,
            left=self.left,
        )


def mend(drives: DriveSet, files: Mapping[str, bytes]) -> tuple[PolicyDamage, ...]:
    """Compare every drive's copy of `files` (path to content), write what is missing, give what was wrong."""
    before = {drive.index: _compare(drive.files, files) for drive in drives.readable}
    drive_set.put_missing(drives, files)
    found = []
    for drive in drives.readable:
        missing, altered = before[drive.index]
        if missing or altered:
            left = sum(map(len, _compare(drive.files, files)))
            found.append(PolicyDamage(drive=drive.index, missing=missing, altered=altered, left=left))
    return tuple(found)


def entry_text(damages: Sequence[PolicyDamage]) -> str:
    """The text of the ledger's note."""
    parts = [
        f"drive {damage.drive + 1}: {len(damage.altered)} altered, {len(damage.missing)} missing"
        for damage in damages
    ]
    return f"files of the policy were damaged on drives ({'; '.join(parts)})"


def _compare(held: Files, files: Mapping[str, bytes]) -> tuple[list[str], list[str]]:
    """Names that are missing, and names that hold something else or cannot be read."""
    missing, altered = list[str](), list[str]()
    for name, content in files.items():
        try:
            if not held.exists(name):
                missing.append(name)
            elif held.read(name, len(content)) != content:
                altered.append(name)
        except (OSError, ValueError):  # ValueError: it is longer
            altered.append(name)
    return missing, altered
