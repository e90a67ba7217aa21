"""Checkpoints that were seen outside the box: a whole note, or the short form of a QR code.

Reads and verifies them and holds them against a history. A short one has the witness's signature only:
enough to show that the witness saw that tree, not that the box did. FORMAT 7.4, 7.8.
"""

from __future__ import annotations

import codecs
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from appliance.domain.ids import VaultId
from appliance.errors import CheckpointRefused, SignatureInvalid, SignatureMalformed
from appliance.format import note, short_checkpoint
from appliance.format.checkpoint import Checkpoint
from appliance.format.short_checkpoint import ShortCheckpoint
from appliance.ledger import checkpoint, tree
from appliance.ledger.checkpoint import Keys, Witnessed
from appliance.words import N_

SHORT_LINES_MAX = 256  # short checkpoints of one paste
_SHORT = short_checkpoint.PREFIX.encode("ascii")


class Standing(Enum):
    """What a checkpoint from outside says of the box's ledger; the value is its sentence."""

    AGREES = N_("{name}: agrees; the box has the {size} entries that were signed")
    NOT_OURS = N_("{name}: is not signed by this box and its witness ({detail})")
    ROLLED_BACK = N_("{name}: was signed for {size} entries, the box has {held}: the newest are gone")
    FORKED = N_("{name}: is signed and belongs to another history of {size} entries")


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """One checkpoint from outside, called `name`, against `held` entries of the box."""

    name: str
    standing: Standing
    size: int = 0
    held: int = 0
    unix_s: int = 0
    detail: str = ""

    @property
    def values(self) -> dict[str, object]:
        """What fills the sentence."""
        return {"name": self.name, "size": self.size, "held": self.held, "detail": self.detail}


def shorten(data: bytes, keys: Keys) -> ShortCheckpoint:
    """The short form of a checkpoint's note. CheckpointRefused if the note does not hold."""
    said = checkpoint.verify(data, keys)
    mine = (keys.witness.name, keys.witness.key_id())
    lines = note.parse(data).signatures
    blob = next(line.signature for line in lines if (line.name, line.key_id) == mine)
    vault = VaultId(bytes.fromhex(keys.origin.rpartition("/")[2]))
    return ShortCheckpoint(
        vault=vault, size=said.size, root=said.root, unix_s=said.unix_s, signature=blob[-64:]
    )


def verify_short(said: ShortCheckpoint, keys: Keys) -> Witnessed:
    """What it says, if the witness signed it. CheckpointRefused."""
    origin = checkpoint.origin(said.vault)
    if origin != keys.origin:
        raise CheckpointRefused(detail="it is of another ledger")
    text = Checkpoint(origin=origin, size=said.size, root=said.root).text()
    try:
        keys.witness.line(said.signature, text, said.unix_s)
    except (SignatureInvalid, SignatureMalformed) as error:
        raise CheckpointRefused(detail=str(error)) from None
    return Witnessed(size=said.size, root=said.root, unix_s=said.unix_s)


def read(data: bytes, keys: Keys) -> Witnessed:
    """What one checkpoint from outside says, in either form. Mail and editors change line ends and what is
    around a text; the signatures are over what is left. CheckpointRefused if it does not hold."""
    text = data.removeprefix(codecs.BOM_UTF8).replace(b"\r\n", b"\n").strip()
    if not text.startswith(_SHORT):
        return checkpoint.verify(text + b"\n", keys)
    try:
        return verify_short(short_checkpoint.parse(text.decode("ascii", "replace")), keys)
    except SignatureMalformed as error:
        raise CheckpointRefused(detail=str(error)) from None


def split(data: bytes) -> Sequence[bytes]:
    """The checkpoints of one paste: a note, or any number of short ones, one a line."""
    lines = [line.strip() for line in data.splitlines()]
    return [line for line in lines if line.startswith(_SHORT)][:SHORT_LINES_MAX] or [data]


def compare(name: str, data: bytes, leaves: Sequence[bytes], keys: Keys) -> Comparison:
    """One checkpoint from outside against the box's leaf hashes."""
    held = len(leaves)
    try:
        said = read(data, keys)
    except CheckpointRefused as error:
        return Comparison(
            name=name, standing=Standing.NOT_OURS, held=held, detail=str(error.values["detail"])
        )
    if said.size > held:
        standing = Standing.ROLLED_BACK
    elif tree.root_of(leaves[: said.size]) != said.root:
        standing = Standing.FORKED
    else:
        standing = Standing.AGREES
    return Comparison(name=name, standing=standing, size=said.size, held=held, unix_s=said.unix_s)
