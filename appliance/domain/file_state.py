"""What the box remembers of a file between windows, so as not to pull it again. Words only.

Holds where bytes lie, never what they are; names are hashed before they are kept (adapters/dedup_index).
"""

from __future__ import annotations

from dataclasses import dataclass

from appliance.domain.file_entry import Extent


@dataclass(frozen=True, slots=True, kw_only=True)
class FileState:
    """To be remembered: a file of a source in the state `signature`. `read_to`: where reading ended
    early, in bytes; None for a file that was read whole."""

    path: bytes
    signature: bytes
    extents: tuple[Extent, ...]
    read_to: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Remembered:
    """What of a file in an unchanged state lies in acknowledged packs. `read_to` as in FileState."""

    extents: tuple[Extent, ...]
    read_to: int | None
