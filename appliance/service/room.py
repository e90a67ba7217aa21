"""Whether what a restore writes fits into its target, known before the first byte is written.

The ledger's word on a source is enough where there is room for all of it. Where there is not (holes need
none, and a part of a snapshot needs less), and where more comes than the ledger said, the lists of files
are added up. Reads no list itself.
"""

from __future__ import annotations

from collections.abc import Callable

from appliance.ports import RestoreTarget


class Room:
    """`announced` by the ledger and `counted` in the lists of files: bytes. TargetTooSmall is raised by
    the target."""

    def __init__(self, target: RestoreTarget, announced: int, counted: Callable[[], int]) -> None:
        self._target, self._counted = target, counted
        self._bound = announced
        self._asked = 0

    def require(self) -> None:
        """Before anything is written."""
        if not self._target.has_room(self._bound):
            self._bound = self._counted()
            self._target.require_room(self._bound)

    def take(self, content_bytes: int, written: int) -> None:
        """So many bytes more will be written; `written` are there already. The lists may say more than
        the ledger did: both were made where somebody may have lied."""
        self._asked += content_bytes
        if self._asked > self._bound:
            self._bound = max(self._counted(), self._asked)
            self._target.require_room(self._bound - written)
