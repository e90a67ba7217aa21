"""Heals one copy of the ledger: writes what it lacks beside whatever is damaged, never over it (I8).

Judges nothing: what a copy lacks is found by ledger/copies.py. Which copies are healed when, and what is
said of it before, is ledger_copies.py's. FORMAT 7, 7.3.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from appliance.format import ledger_segment
from appliance.format.note import NOTE_BYTES_MAX
from appliance.ledger import checkpoint
from appliance.ledger.copies import Holding
from appliance.ledger.history import History
from appliance.ports import Files
from appliance.service.ledger_folder import CHECKPOINTS, LEDGER

EDITIONS_TRIED = 8  # rewritings of one file beside damaged ones of the same name


def heal(
    files: Files,
    holding: Holding,
    whole: History,
    notes: Mapping[int, bytes],
    moved: Callable[[], None] = lambda: None,
) -> None:
    """Give a copy the entries of `whole` that it lacks, the checkpoint of all of them, and those of its
    checkpoints that do not hold, as far as `notes` (by size) has them. `moved` is called after every file.
    OSError as the drive gives it."""
    for begin, end in holding.lacking(whole.size):
        _put_entries(files, whole, begin, end, moved)
    for size in (*holding.refused, whole.size):
        if notes.get(size):
            _put_note(files, size, notes[size])
            moved()


def _put_entries(
    files: Files, whole: History, begin: int, end: int, moved: Callable[[], None]
) -> None:
    for edition in range(EDITIONS_TRIED):
        contents = [ledger_segment.encode(part) for part in whole.segments(begin, end, edition)]
        names = [f"{LEDGER}/{ledger_segment.name(content)}" for content in contents]
        if not any(files.exists(name) for name in names):
            for name, content in zip(names, contents, strict=True):
                files.put(name, content)
                moved()
            return


def _put_note(files: Files, size: int, note: bytes) -> None:
    for edition in range(EDITIONS_TRIED):
        name = f"{CHECKPOINTS}/{checkpoint.file_name(size, edition)}"
        if not files.exists(name):
            files.put(name, note)
            return
        if _holds(files, name, note):
            return


def _holds(files: Files, name: str, note: bytes) -> bool:
    """What cannot be read is as good as damaged."""
    try:
        return files.read(name, NOTE_BYTES_MAX) == note
    except (OSError, ValueError):
        return False
