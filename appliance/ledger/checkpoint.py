"""A checkpoint of this vault's ledger: signed by the box, cosigned by the interlock as its witness.

Puts the two signatures on one C2SP note and takes a note only with both. The texts and lines themselves
are format/checkpoint.py and format/note_key.py. Keys are injected. FORMAT 7.4.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from appliance.domain.ids import VaultId
from appliance.domain.phases import Cosignature
from appliance.errors import CheckpointRefused, SignatureInvalid, SignatureMalformed, WitnessDisagrees
from appliance.format import checkpoint as checkpoint_text
from appliance.format import note
from appliance.format.checkpoint import Checkpoint
from appliance.format.note_key import KeyKind, NoteKey, Signer
from appliance.ledger.tree import Frontier

SUFFIX = ".checkpoint"
NAME = re.compile(r"([0-9]{16})(?:-[1-9][0-9]{0,4})?\.checkpoint")


@dataclass(frozen=True, slots=True, kw_only=True)
class Keys:
    """Whose signatures a checkpoint needs: the box's log key and the interlock's witness key."""

    log: NoteKey
    witness: NoteKey

    @property
    def origin(self) -> str:
        """The ledger's name in every checkpoint."""
        return self.log.name


@dataclass(frozen=True, slots=True, kw_only=True)
class Witnessed:
    """A checkpoint whose two signatures hold; `unix_s` is the witness's own time."""

    size: int
    root: bytes
    unix_s: int


def origin(vault: VaultId) -> str:
    """Name of a vault's ledger, also of its log key."""
    return f"iwato/{vault.hex()}"


def keys_of(vault: VaultId, log_key: bytes, witness_key: bytes) -> Keys:
    """From the policy's two 32-byte Ed25519 public keys. SigningKeyRefused for keys of small order."""
    name = origin(vault)
    return Keys(
        log=NoteKey(name=name, kind=KeyKind.ED25519, public_key=log_key),
        witness=NoteKey(name=f"{name}/witness", kind=KeyKind.COSIGNATURE, public_key=witness_key),
    )


def issue(keys: Keys, frontier: Frontier, cosignature: Cosignature, signer: Signer) -> bytes:
    """The note over the tree that the controller holds, with the witness's cosignature and our own.

    `signer` gives the log key's 64 bytes over what it is handed. WitnessDisagrees if the interlock
    signed another tree, or not with its key.
    """
    if (cosignature.size, cosignature.root) != (frontier.size, frontier.root()):
        raise WitnessDisagrees(detail=f"it signed {cosignature.size} entries, {frontier.size} are here")
    text = Checkpoint(origin=keys.origin, size=frontier.size, root=frontier.root()).text()
    try:
        witness_line = keys.witness.line(cosignature.signature, text, cosignature.unix_s)
    except (SignatureInvalid, SignatureMalformed) as error:
        raise WitnessDisagrees(detail=str(error)) from None
    data = note.Note(text=text, signatures=(keys.log.sign(signer, text), witness_line)).encode()
    verify(data, keys)  # what leaves the case must be what a stranger accepts
    return data


def verify(data: bytes, keys: Keys) -> Witnessed:
    """What the note says, if both signatures hold and it is of this ledger; else CheckpointRefused."""
    try:
        signed = note.parse(data)
        said = checkpoint_text.parse(signed.text)
        keys.log.verify(signed)
        unix_s = keys.witness.verify(signed)
    except (SignatureInvalid, SignatureMalformed) as error:
        raise CheckpointRefused(detail=str(error)) from None
    if said.origin != keys.origin:
        raise CheckpointRefused(detail="it is of another ledger")
    assert unix_s is not None, "a cosignature carries a time"
    return Witnessed(size=said.size, root=said.root, unix_s=unix_s)


def file_name(size: int, edition: int = 0) -> str:
    """Name of the checkpoint of `size` entries on a drive, without the folder. A copy that is written
    anew beside a damaged one of the same name has a higher edition."""
    return f"{size:016d}-{edition}{SUFFIX}" if edition else f"{size:016d}{SUFFIX}"


def size_named(name: str) -> int | None:
    """The number of entries that a checkpoint's file name speaks of; nothing for another name."""
    found = NAME.fullmatch(name)
    return int(found[1]) if found else None
