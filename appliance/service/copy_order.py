"""In which order a walk lists objects, as a key to compare by. FORMAT 4.1.

A folder comes before what is in it; in a folder the other objects by name, then its folders by name, each
with all that is in it. Two lists in this order are compared side by side without holding either.
"""

from __future__ import annotations

from typing import TypeAlias

from appliance.domain.file_entry import FileEntry, Kind

WalkKey: TypeAlias = tuple[tuple[int, bytes], ...]

_OBJECT, _FOLDER = 0, 1


def key(entry: FileEntry) -> WalkKey:
    """Ascends along a walk."""
    if not entry.path:
        return ()
    *folders, leaf = entry.path.split(b"/")
    last = _FOLDER if entry.kind is Kind.DIRECTORY else _OBJECT
    return (*((_FOLDER, folder) for folder in folders), (last, leaf))
