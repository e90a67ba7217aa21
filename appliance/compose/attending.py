"""Who answers the faces: the daemon of a home where one listens, else this process, by the same words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from appliance.adapters.daemon_line import DaemonLine
from appliance.adapters.kept_record import KeptRecord
from appliance.cli.attended import Attended
from appliance.compose import iwatod
from appliance.compose.emulated_appliance import EmulatedAppliance
from appliance.compose.held_appliance import HeldAppliance
from appliance.compose.home import PRIVATE_DIRECTORY, Home
from appliance.domain.request import (
    AnyRequest,
    AskCopies,
    AskStatus,
    AskWatch,
    AskWindow,
)
from appliance.errors import DaemonAbsent, DaemonHolds, RecordLost
from appliance.ports import Appliance


def open_appliance(root: Path) -> Appliance:
    """The appliance as one command uses it."""
    line = DaemonLine(Home(root).socket)
    return AttendedAppliance(root, line) if line.present else EmulatedAppliance(root)


def attend(root: Path) -> Attended:
    """Whoever attends it."""
    line = DaemonLine(Home(root).socket)
    return line if line.present else Unattended(root)


class AttendedAppliance(EmulatedAppliance):
    """A home that a daemon holds: what the daemon can answer goes to it, all else has to wait."""

    def __init__(self, root: Path, line: DaemonLine) -> None:
        super().__init__(root)
        self._line = line

    def status(self) -> Mapping[str, Any]:
        """See ports.Appliance."""
        return self._line.ask(AskStatus())

    def copies(self) -> Mapping[str, Any]:
        """See ports.Appliance."""
        return self._line.ask(AskCopies())

    @contextmanager
    def _held(self) -> Iterator[None]:
        if self._line.present:
            raise DaemonHolds(path=self._home.root)
        with super()._held():  # it has ended meanwhile
            yield


class Unattended:
    """`Attended` without a daemon: the box is powered for one answer and dark again."""

    def __init__(self, root: Path) -> None:
        self._home = Home(root)

    def ask(self, request: AnyRequest) -> Mapping[str, Any]:
        """See Attended."""
        if isinstance(request, AskWindow | AskWatch):
            raise DaemonAbsent(path=self._home.root)
        if isinstance(request, AskStatus):
            return EmulatedAppliance(self._home.root).status()
        self._home.require()
        with self._home.lock():
            self._home.require_born()
            self._home.daemon_record.parent.mkdir(mode=PRIVATE_DIRECTORY, exist_ok=True)
            box = HeldAppliance(self._home.root)
            desk, attendant, _ = iwatod.compose(box, KeptRecord(self._home.daemon_record), 1)
            if desk.store_error:
                raise RecordLost(detail=desk.store_error)
            box.power_up()
            try:
                attendant.reading(box.look())
                return desk.answer(request)
            finally:
                box.power_off()

    def watch(self) -> Iterator[Mapping[str, Any]]:
        """See Attended."""
        none: Sequence[Mapping[str, Any]] = ()
        yield from none
        raise DaemonAbsent(path=self._home.root)
