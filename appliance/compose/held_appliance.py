"""`daemon.box.Box` on the emulated board: the same commands, on a home that is held all the time.

Between two jobs an idle board is powered, so that what is measured is measured now. A job is a power-on of
its own, as in every command: from UNKNOWN, with nothing of before in it.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from appliance.compose import (
    documents,
    ledger_papers,
    policy_documents,
    rootkit_drill,
    status_document,
    window_run,
)
from appliance.compose.emulated_appliance import EmulatedAppliance
from appliance.compose.emulated_board import EmulatedBoard
from appliance.compose.emulation import Emulation
from appliance.compose.job import RollForwardJob
from appliance.compose.ledger_record import LedgerRecord
from appliance.compose.pending_policies import PendingPolicies
from appliance.compose.policy_follow import Waiting, waiting_of
from appliance.daemon.box import Room, Schedule
from appliance.domain.phases import BootFacts, InterlockStatus, Phase, Reading
from appliance.errors import InterlockSilent
from appliance.format import batch, ledger_entry
from appliance.format.ledger_entry import Recovery
from appliance.format.ledger_segment import Gap
from appliance.ports import Watcher
from appliance.service import snapshots

LIVED_MS_MAX = 5_000  # ms; of a longer absence the battery clock alone knows, and the box was dark anyway
NOWHERE = "-"  # the destination of an order that lets nothing be written


class HeldAppliance(EmulatedAppliance):
    """See the module. `root` is held by whoever made this."""

    def __init__(self, root: Path, emulation: Emulation | None = None) -> None:
        super().__init__(root, emulation)
        self._idle: EmulatedBoard | None = None
        self._facts: BootFacts | None = None
        self._said: InterlockStatus | None = None
        self._waiting: Waiting | None = None
        self._papers = ledger_papers.desk(self._home, self._texts)
        self._proven_s = 0
        self._last: Reading | None = None

    @contextmanager
    def _held(self) -> Iterator[None]:
        yield

    # -- daemon.box.Box -------------------------------------------------------------------------------

    @property
    def schedule(self) -> Schedule:
        """See Box."""
        policy = self._texts.policy
        names = tuple(str(source.name) for source in policy.sources)
        return Schedule(windows=policy.windows, scrubs=policy.scrubs, sources=names)

    def power_up(self) -> None:
        """See Box."""
        self._stand_by()
        self._follow()
        board = self._idle = self._board()
        self._facts = self._said = self._waiting = None
        if board.settle() is Phase.ISOLATED:
            interlock = board.interlock()
            self._facts, self._said = interlock.hello(), interlock.heartbeat(0)
            pending = PendingPolicies(self._home.pending)
            self._waiting = waiting_of(interlock.authority(), self._texts, pending)
        record = LedgerRecord(self._home, self._texts)
        self._papers = ledger_papers.desk(self._home, self._texts)
        for _, entry in record.entries():
            if isinstance(entry, Recovery) and entry.destination == NOWHERE:
                self._proven_s = max(self._proven_s, entry.time)
        if board.reading().phase not in {Phase.ISOLATED, Phase.FAULT, Phase.SECURED}:
            raise InterlockSilent

    def live(self, duration_ms: int) -> None:
        """See Box."""
        board = self._idle
        if board is None:
            return
        if duration_ms > LIVED_MS_MAX and board.unix_s:
            board.jump(board.unix_s + (duration_ms - LIVED_MS_MAX) // 1000)
        board.idle(min(duration_ms, LIVED_MS_MAX))

    def look(self) -> Reading:
        """See Box."""
        if self._idle is not None:
            self._last = self._idle.reading()
        if self._last is None:
            raise InterlockSilent
        return self._last

    @property
    def clock_known(self) -> bool:
        """See Box. With a policy there is always a next window, unless nobody knows what time it is."""
        said = self._said
        return said is None or not said.policy_version or bool(said.next_window_s)

    def window(self, watcher: Watcher) -> Mapping[str, Any]:
        """See Box."""
        self._stand_by()
        self._follow()
        drill = rootkit_drill.load(self._home, self._texts, None)
        board = self._board(window_run.job(self._home), drill)
        return window_run.run(board, watcher, drill, ())

    def scrub(self, watcher: Watcher, *, replace: bool = False) -> Mapping[str, Any]:
        """See Box."""
        self._stand_by()
        folder = self._home.staging / batch.FOLDER
        if folder.is_dir() and any(folder.iterdir()):
            self._drive_job(RollForwardJob(home=str(self._home.root)), watcher, raising=False)
        return super().scrub(watcher, replace=replace)

    def power_off(self) -> None:
        """See Box."""
        self._stand_by()

    def status(self, reading: Reading | None = None) -> dict[str, Any]:
        """See Box."""
        assert reading is not None
        document = status_document.status(
            self._home, self._texts, reading, self._facts, self._said, desk=self._papers
        )
        return document | {"pending_policy": policy_documents.pending(self._waiting, self._texts.policy)}

    def copies(self) -> Mapping[str, Any]:
        """See Box. What the interlock knows was asked after the last job."""
        record = LedgerRecord(self._home, self._texts)
        held = record.witnessed()
        known = max(held, self._said.log_size if self._said else 0)
        return documents.copies(snapshots.each(record.entries()), held=held, known=known)

    def ledger(self, newest: int) -> Mapping[str, Any]:
        """See Box."""
        record = LedgerRecord(self._home, self._texts)
        first = max(0, record.witnessed() - newest)
        entries = [_shown(index, entry) for index, entry in record.entries() if index >= first]
        return {"schema": documents.SCHEMA, "size": record.witnessed(), "entries": entries}

    def proven_s(self) -> int:
        """See Box."""
        return self._proven_s

    def unseen_windows(self) -> int:
        """See Box."""
        seen = ledger_papers.seen(self._home, self._papers)
        return seen.windows if seen.alarms else 0

    def rooms(self) -> Sequence[Room]:
        """See Box."""
        places = [self._home.staging, *sorted(path for path in self._home.bays.iterdir() if path.is_dir())]
        found = [(place, shutil.disk_usage(place)) for place in places if os.path.isdir(place)]
        drives = self._texts.policy.geometry.drives
        return [
            Room(
                place=str(place.relative_to(self._home.root)),
                free=usage.free,
                total=usage.total,
                share=0 if place == self._home.staging else drives,
            )
            for place, usage in found
        ]

    # -- own -----------------------------------------------------------------------------------------

    def _stand_by(self) -> None:
        """The idle board is dark and off; the last look at it stays."""
        board, self._idle = self._idle, None
        if board is not None:
            board.power_off()
            self._last = board.reading()


def _shown(index: int, entry: ledger_entry.AnyEntry | Gap) -> dict[str, Any]:
    """One entry in a line: kind, time and what a person asks for first."""
    if isinstance(entry, Gap):
        return {"index": index, "kind": "gap", "time": None, "about": ""}
    about = getattr(entry, "snapshot", "") or getattr(entry, "cause", "") or getattr(entry, "text", "")
    kind = str(type(entry).__struct_config__.tag)
    return {"index": index, "kind": kind, "time": documents.utc(entry.time), "about": str(about)}
