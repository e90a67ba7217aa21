"""The text of a checkpoint (C2SP tlog-checkpoint): log name, number of entries, root hash. FORMAT 9.6.

Only bytes and values: how the root is computed is the ledger's, who signs is `note_key`'s.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from appliance.errors import SignatureMalformed
from appliance.format import base64_text
from appliance.format.note import is_name

ROOT_BYTES = 32  # bytes; SHA-256
SIZE_MAX = 2**63 - 1  # entries; what every implementation can count
LINES = 3  # origin, size, root; this box writes no extension lines and takes none
_DECIMAL = re.compile(r"0|[1-9][0-9]{0,18}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """`origin` names the log, `size` counts its entries, `root` is the tree's hash."""

    origin: str
    size: int
    root: bytes

    def __post_init__(self) -> None:
        if not is_name(self.origin) or not 0 <= self.size <= SIZE_MAX or len(self.root) != ROOT_BYTES:
            raise SignatureMalformed(detail="a checkpoint's origin, size or root")

    def text(self) -> str:
        """Three lines: what is signed."""
        return f"{self.origin}\n{self.size}\n{base64_text.encode(self.root)}\n"


def parse(text: str) -> Checkpoint:
    """Inverse of `Checkpoint.text`. SignatureMalformed for anything else."""
    lines = text.split("\n")
    if len(lines) != LINES + 1 or lines[LINES] or not _DECIMAL.fullmatch(lines[1]):
        raise SignatureMalformed(detail="a checkpoint is three lines: origin, size, root")
    try:
        root = base64_text.decode(lines[2])
    except ValueError as error:
        raise SignatureMalformed(detail=f"a checkpoint's root: {error}") from None
    return Checkpoint(origin=lines[0], size=int(lines[1]), root=root)
