"""The ledger files of one place, a drive or the controller's state, as they are: bytes by name.

A returned drive may hold anything, so what is read is bounded and what is no ledger file is not kept: it
is as good as damaged, which is an empty content. Judges no history: ledger/history.py does. FORMAT 7.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from appliance.errors import LedgerMalformed, SignatureMalformed
from appliance.format import ledger_segment, note
from appliance.ledger import checkpoint
from appliance.ledger.copies import Copy
from appliance.ports import Files

LEDGER = "ledger"
CHECKPOINTS = "checkpoints"
FILES_MAX = 1 << 20  # files of one kind in one copy: an entry a minute for two years
# bytes of segments read of one copy. An entry names a pack in 165 bytes, so this is the ledger of 3 million
# packs, 200 TB of full ones, or of 10 years of 16 drive phases a day and 170 TB. One drive costs no more.
SEGMENTS_READ_MAX = 1 << 29
CHECKPOINTS_READ_MAX = 1 << 28  # bytes, as above; 1 KiB for each checkpoint of 2^18 drive phases


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sort:
    """One sort of ledger file. `is_name` and `is_whole` tell it from junk; `file_max`, `read_max`: bytes."""

    suffix: str
    is_name: Callable[[str], object]
    is_whole: Callable[[bytes], object]
    file_max: int
    read_max: int


_SEGMENTS = _Sort(
    suffix=ledger_segment.SUFFIX,
    is_name=ledger_segment.NAME.fullmatch,
    is_whole=ledger_segment.decode,
    file_max=ledger_segment.SEGMENT_BYTES_MAX,
    read_max=SEGMENTS_READ_MAX,
)
_NOTES = _Sort(
    suffix=checkpoint.SUFFIX,
    is_name=checkpoint.NAME.fullmatch,
    is_whole=note.parse,
    file_max=note.NOTE_BYTES_MAX,
    read_max=CHECKPOINTS_READ_MAX,
)


def read_copy(files: Files, label: str, moved: Callable[[], None] = lambda: None) -> Copy:
    """What `files` holds of the ledger. `label` is shown to people; `moved` is called after every file."""
    return Copy(
        label=label,
        segments=dict(_contents(files, LEDGER, _SEGMENTS, _names(files, LEDGER, _SEGMENTS), moved)),
        checkpoints=dict(_contents(files, CHECKPOINTS, _NOTES, _names(files, CHECKPOINTS, _NOTES), moved)),
    )


def read_newest(files: Files, label: str) -> Copy:
    """All segments, but of the checkpoints only those of the most entries, by name. Each drive phase
    leaves a checkpoint, and two signatures of thousands of them take longer than all the rest."""
    sizes = {name: checkpoint.size_named(name) or 0 for name in _names(files, CHECKPOINTS, _NOTES)}
    most = max(sizes.values(), default=0)
    newest = [name for name, size in sizes.items() if size == most]
    return Copy(
        label=label,
        segments=dict(_contents(files, LEDGER, _SEGMENTS, _names(files, LEDGER, _SEGMENTS))),
        checkpoints=dict(_contents(files, CHECKPOINTS, _NOTES, newest)),
    )


def newest_notes(files: Files, count: int | None = None) -> Iterator[bytes]:
    """The contents of the checkpoints of the most entries, by name, the newest first; `count` of them."""
    names = sorted(_names(files, CHECKPOINTS, _NOTES), key=lambda name: checkpoint.size_named(name) or 0)
    for _, content in _contents(files, CHECKPOINTS, _NOTES, names[::-1][:count]):
        if content:
            yield content


def _names(files: Files, folder: str, sort: _Sort) -> Sequence[str]:
    """What ends like a file of this sort; nothing where the folder cannot be listed."""
    try:
        return [name for name in files.names(folder) if name.endswith(sort.suffix)][:FILES_MAX]
    except OSError:
        return []


def _contents(
    files: Files, folder: str, sort: _Sort, names: Sequence[str], moved: Callable[[], None] = lambda: None
) -> Iterator[tuple[str, bytes]]:
    """(name, content) of a folder's files, one at a time; empty for what is not kept or not read."""
    left = sort.read_max
    for name in names:
        kept, read = b"", 0
        if sort.is_name(name):
            kept, read = _content(files, f"{folder}/{name}", min(sort.file_max, left), sort)
        left -= read
        moved()
        yield name, kept


def _content(files: Files, path: str, limit: int, sort: _Sort) -> tuple[bytes, int]:
    """What is kept of a file, and how many bytes were read."""
    try:
        content = files.read(path, limit)
    except (OSError, ValueError):
        return b"", 0
    try:
        sort.is_whole(content)
    except (LedgerMalformed, SignatureMalformed):
        return b"", len(content)
    return content, len(content)
