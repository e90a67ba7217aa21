"""A box that lost its policy finds it on its own drives: the one whose hash the interlock enforces.

The first part of `iwato rebuild`, for a sealing medium that can read no policy and so knows neither the
drive set nor the log key. Everything that it reads is hostile until custody/policy_recall.py proved it.
Writes only where the policy belongs.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from appliance.custody import policy_recall
from appliance.custody.policy_files import Reader
from appliance.errors import InterlockUnborn, StateFailed
from appliance.ports import Clock, Console, Drives, Files
from appliance.service import drive_phase
from appliance.service.keeper import Keeper
from appliance.service.pulse import Pulsing

FOLDER = "policy"  # where drives carry the policy's files, FORMAT 6.3


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """What the sealing medium has without a policy. `bays`: how many drives to wait for."""

    keeper: Keeper
    pulse: Pulsing
    drives: Drives
    bays: int
    clock: Clock
    console: Console


def recall(search: Search, place: Files) -> None:
    """Put the policy's files into `place`, an empty folder, the policy itself last. InterlockUnborn where
    the interlock enforces none; what policy_recall raises; StateFailed as the disk says."""
    facts = search.keeper.boot()
    with search.pulse:
        try:
            if not facts.policy_version:
                raise InterlockUnborn
            attached = drive_phase.awaited(search.drives, search.bays, search.clock, search.pulse)
            copies = [_reader(drive.files, search.pulse.moved) for drive in attached]
            files = policy_recall.recalled(facts.policy_version, facts.policy_hash, copies)
            try:
                for name, content in files.items():
                    place.put(name, content)
            except OSError as error:
                raise StateFailed(detail=error.strerror or str(error)) from error
            search.console.say("recalled", files=len(files), drives=len(copies))
        finally:
            search.keeper.work_done()


def _reader(files: Files, moved: Callable[[], None]) -> Reader:
    def read(name: str, limit: int) -> bytes | None:
        moved()
        path = f"{FOLDER}/{name}"
        return files.read(path, limit) if files.exists(path) else None

    return read
