"""ports.Drives on the emulated board: a directory per bay, there only while its supply is live.

Losing the supply, even for a moment, ends every handle for good, as with a real drive: all later file
operations raise EIO and the drive has to be found anew. Does not know which drive is in a bay.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from appliance.domain.ids import Bay
from appliance.ports import Files

FilesFactory = Callable[[Path, Callable[[], bool]], Files]
"""Makes the files of a bay's directory; every operation asks the second argument first."""


class Bays(Protocol):
    """The bays' supply and bus (BoardChannel)."""

    def losses(self, bay: Bay) -> int | None: ...

    def order(self) -> Sequence[int]: ...


@dataclass(slots=True)
class EmulatedDrive:
    """ports.AttachedDrive."""

    bay: Bay
    files: Files


class EmulatedDrives:
    """`folder` holds a directory per bay, named by its number; an absent one is an empty bay."""

    def __init__(self, folder: Path, count: int, bays: Bays, files: FilesFactory) -> None:
        self._folder, self._count, self._bays, self._files = folder, count, bays, files
        self._known: dict[Bay, tuple[int, EmulatedDrive]] = {}

    def attached(self) -> Sequence[EmulatedDrive]:
        """The drives that answer now, in the order of their bus; the same object for as long as one has
        not gone."""
        numbers = [number for number in self._bays.order() if number <= self._count]
        here = (self._drive(Bay(number)) for number in numbers or range(1, self._count + 1))
        return [drive for drive in here if drive is not None]

    def _drive(self, bay: Bay) -> EmulatedDrive | None:
        losses = self._bays.losses(bay)
        path = self._folder / str(bay)
        if losses is None or not path.is_dir():
            return None
        known = self._known.get(bay)
        if known is None or known[0] != losses:
            drive = EmulatedDrive(bay, self._files(path, lambda: self._bays.losses(bay) == losses))
            known = self._known[bay] = losses, drive
        return known[1]
