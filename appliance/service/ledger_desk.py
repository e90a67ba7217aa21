"""What the controller's own copy of the ledger answers while the drives are dark: exports, proofs,
checkpoints that leave the box, and checkpoints that come back to it.

Judges nothing that only the drives can tell: that is ledger_check.py's. FORMAT 7.6 to 7.8, THREATS 4.12.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from functools import cached_property

from appliance.errors import (
    CheckCodeUnknown,
    CheckpointMissing,
    CheckpointRefused,
    LedgerMalformed,
    SignatureMalformed,
)
from appliance.format import ledger_entry
from appliance.format.ledger_entry import Seal
from appliance.format.ledger_segment import Gap
from appliance.format.short_checkpoint import CODE_DIGITS, PREFIX
from appliance.ledger import checkpoint, export, history, outside, proof
from appliance.ledger.checkpoint import Keys, Witnessed
from appliance.ledger.history import History
from appliance.ledger.outside import Comparison, Standing
from appliance.ports import Files
from appliance.service import countersignature, ledger_folder, own_ledger, snapshots
from appliance.service.ledger_copies import STATE

CODES_TRIED = 64  # checkpoints, the newest ones: a person reads back what was on the screen lately


class LedgerDesk:
    """One copy, as it is when it is first asked for."""

    def __init__(self, files: Files, keys: Keys) -> None:
        self._files, self._keys = files, keys

    @cached_property
    def history(self) -> History:
        """As the copy tells it by itself."""
        return own_ledger.read(self._files, self._keys)

    def export(self) -> Iterator[bytes]:
        """The exported file, piece by piece, with every checkpoint of the copy, right or wrong."""
        copy = ledger_folder.read_copy(self._files, STATE)
        whole = history.assemble([copy], self._keys).history
        notes = [content for content in copy.checkpoints.values() if content]
        signed = countersignature.of_notes(self._files, notes)
        return export.stream(whole.records, notes, self._keys, signed)

    def newest(self) -> bytes:
        """The checkpoint of the most entries. CheckpointMissing before the first, or where none holds."""
        for note in self._notes():
            return note
        raise CheckpointMissing

    def prove(self, snapshot: str) -> tuple[str, int, bytes, bytes]:
        """(snapshot, index, entry, proof) of the entry that commits it. SnapshotUnknown."""
        found = self.history
        seal = snapshots.meant(
            snapshots.each((i, e) for i, e in found.entries() if i < found.witnessed), snapshot
        )
        entry = ledger_entry.encode(seal)
        index = max(i for i, record in enumerate(found.records[: found.witnessed]) if record == entry)
        return seal.snapshot, index, entry, proof.make(index, found.tree(), self.newest(), self._keys)

    def compare(self, papers: Sequence[tuple[str, bytes]]) -> list[Comparison]:
        """Each checkpoint that was kept outside against the copy."""
        found = []
        for name, content in papers:
            parts = outside.split(content)
            for number, part in enumerate(parts, 1):
                label = f"{name} ({number})" if len(parts) > 1 else name
                found.append(outside.compare(label, part, self.history.leaves, self._keys))
        return found

    def recognise(self, code: str) -> bytes:
        """The note of the checkpoint that a person scanned and read the end of. CheckCodeUnknown."""
        asked = "".join(code.split()).replace("-", "").upper()
        if asked.startswith(PREFIX):
            asked = asked.removeprefix(PREFIX)
        if len(asked) < CODE_DIGITS:
            raise CheckCodeUnknown(code=code)
        for note in self._notes(CODES_TRIED):
            with suppress(SignatureMalformed):
                if outside.shorten(note, self._keys).text().endswith(asked):
                    return note
        raise CheckCodeUnknown(code=code)

    def own_note(self, said: Comparison) -> bytes:
        """Our own note of a checkpoint that agrees with us. CheckpointMissing where it is lost."""
        assert said.standing is Standing.AGREES
        for note in self._notes():
            if checkpoint.verify(note, self._keys).size == said.size:
                return note
        raise CheckpointMissing

    def verified(self, note: bytes) -> Witnessed:
        """What a note says. CheckpointRefused, SignatureMalformed."""
        return checkpoint.verify(note, self._keys)

    def windows_since(self, size: int) -> int:
        """How many windows were sealed in the entries from `size` on. What cannot be read counts nothing."""
        found, windows = self.history, set[int]()
        for record in found.records[size : found.witnessed]:
            if isinstance(record, Gap):
                continue
            with suppress(LedgerMalformed):
                entry = ledger_entry.decode(record)
                if isinstance(entry, Seal):
                    windows.add(entry.window)
        return len(windows)

    def _notes(self, tried: int | None = None) -> Iterator[bytes]:
        """Our checkpoints that hold, newest first."""
        for note in ledger_folder.newest_notes(self._files, tried):
            try:
                checkpoint.verify(note, self._keys)
            except (CheckpointRefused, SignatureMalformed):
                continue
            yield note
