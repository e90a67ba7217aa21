"""A history and its checkpoints as the stream of one exported file. FORMAT 7.7.

Checkpoints are written as they were found, right or wrong: they are evidence. Opens no file.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import TypeAlias

from appliance.errors import SignatureMalformed
from appliance.format import checkpoint as checkpoint_text
from appliance.format import ledger_export, note
from appliance.format.ledger_export import ENTRY, KEY, LEAF, NOTE, record
from appliance.format.ledger_segment import Gap, Record
from appliance.ledger.checkpoint import Keys

NOBODY: Mapping[bytes, Sequence[tuple[int, bytes]]] = MappingProxyType({})


Countersigned: TypeAlias = Mapping[bytes, Sequence[tuple[int, bytes]]]
"""(holder, raw signature) of each holder who countersigned a note."""


def stream(
    records: Iterable[Record], notes: Iterable[bytes], keys: Keys, countersigned: Countersigned = NOBODY
) -> Iterator[bytes]:
    """The file, piece by piece: keys, entries from the oldest, each checkpoint behind the last entry that
    it covers, those of more entries than there are at the end."""
    hashed = hashlib.sha256()
    count = 0
    for piece in _pieces(records, notes, keys, countersigned):
        hashed.update(piece)
        count += piece[0] in {ENTRY, LEAF}
        yield piece
    yield ledger_export.end(count, hashed.digest())


def _pieces(
    records: Iterable[Record], notes: Iterable[bytes], keys: Keys, countersigned: Countersigned
) -> Iterator[bytes]:
    waiting = _by_size(notes)
    yield ledger_export.HEADER
    for key in (keys.log, keys.witness):
        yield record(KEY, key.text().encode("utf-8"))
    for index, entry in enumerate(records):
        yield from _signed(waiting.pop(index, ()), countersigned)
        yield record(LEAF, entry.leaf) if isinstance(entry, Gap) else record(ENTRY, entry)
    for _, found in sorted(waiting.items()):
        yield from _signed(found, countersigned)


def _signed(found: Iterable[bytes], countersigned: Countersigned) -> Iterator[bytes]:
    """Notes, each with what holders signed on it behind it."""
    for data in found:
        yield record(NOTE, data)
        for holder, raw in countersigned.get(data, ()):
            yield ledger_export.signature(holder, raw)


def _by_size(notes: Iterable[bytes]) -> dict[int, list[bytes]]:
    """Distinct notes by the number of entries that they speak of; what is no checkpoint is left out."""
    found: dict[int, list[bytes]] = defaultdict(list)
    for data in notes:
        try:
            size = checkpoint_text.parse(note.parse(data).text).size
        except SignatureMalformed:
            continue
        if data not in found[size]:
            found[size].append(data)
    return found
