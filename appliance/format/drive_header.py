"""The file `IWATO-DRIVE` at the root of every drive: which drive of which vault this is (FORMAT 6.1, 6.2).

Seven lines of text in a signed note. Who signed it is checked by the caller's key; a bay, a device name
and a file-system label mean nothing. Reads no drive.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from appliance.domain.geometry import Geometry
from appliance.domain.ids import DriveIndex, VaultId

FILE_NAME = "IWATO-DRIVE"
HEADER_BYTES_MAX = 4096  # bytes; the text has about 200 and one signature line 130
DRIVE_ID_BYTES = 16  # bytes of randomness that tell a drive from its replacement
SETS_MAX = 9999  # drive sets of one vault
GENERATIONS_MAX = 9999  # key generations of one vault

_NUMBER = r"(0|[1-9][0-9]{0,3})"
_TEXT = re.compile(
    rf"iwato-drive 1\nvault ([0-9a-f]{{32}})\nset {_NUMBER}\nindex {_NUMBER}\n"
    rf"drives {_NUMBER}\+{_NUMBER} write={_NUMBER}\ngeneration {_NUMBER}\ndrive ([0-9a-f]{{32}})\n",
    re.ASCII,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class DriveSetFacts:
    """What all drives of a set have in common; what a box expects of its drives."""

    vault: VaultId
    number: int
    geometry: Geometry
    generation: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DriveHeader:
    """Drive `index` of the set; `drive` is 16 random bytes, new for every drive that is prepared."""

    set: DriveSetFacts
    index: DriveIndex
    drive: bytes

    def __post_init__(self) -> None:
        facts = self.set
        if not 0 <= self.index < facts.geometry.drives:
            raise ValueError(f"index {self.index} of {facts.geometry.drives} drives")
        if not (1 <= facts.number <= SETS_MAX and 1 <= facts.generation <= GENERATIONS_MAX):
            raise ValueError("the set's number or generation is out of its limits")

    def text(self) -> str:
        """The seven lines that are signed."""
        facts, geometry = self.set, self.set.geometry
        return (
            f"iwato-drive 1\nvault {facts.vault.hex()}\nset {facts.number}\nindex {self.index}\n"
            f"drives {geometry.data}+{geometry.parity} write={geometry.write_quorum}\n"
            f"generation {facts.generation}\ndrive {self.drive.hex()}\n"
        )


def parse(text: str) -> DriveHeader:
    """Inverse of `DriveHeader.text`. ValueError for anything else."""
    match = _TEXT.fullmatch(text)
    if match is None:
        raise ValueError("the header is not seven lines in their one spelling")
    vault, number, index, data, parity, write, generation, drive = match.groups()
    geometry = Geometry(data=int(data), parity=int(parity), write_quorum=int(write))
    facts = DriveSetFacts(
        vault=VaultId(bytes.fromhex(vault)), number=int(number), geometry=geometry, generation=int(generation)
    )
    return DriveHeader(set=facts, index=DriveIndex(int(index)), drive=bytes.fromhex(drive))
