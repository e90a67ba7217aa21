"""What the daemon needs of the box and of the machine that it runs on. Declares no behaviour."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from appliance.domain.phases import Reading
from appliance.domain.schedule import Slot, Window
from appliance.ports import Watcher


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """The policy's windows and scrub slots, and its sources' names."""

    windows: tuple[Window, ...]
    scrubs: tuple[Slot, ...]
    sources: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """A place that fills: its name, bytes free and in all. `share`: over how many such places what is
    stored is spread; 0 where nothing stays."""

    place: str
    free: int
    total: int
    share: int = 1


class Box(Protocol):
    """The box while a daemon owns it: powered all the time, dark but for `window` and `scrub`.
    Those two and `power_off` are called by the thread that made it; the documents by any."""

    @property
    def schedule(self) -> Schedule: ...

    def power_up(self) -> None:
        """From UNKNOWN to ISOLATED, as measured. Raises IwatoError where it will not come to rest."""
        ...

    def live(self, duration_ms: int) -> None:
        """Let so much time pass in the dark."""
        ...

    def look(self) -> Reading:
        """What is measured now."""
        ...

    @property
    def clock_known(self) -> bool:
        """The interlock says what time it is."""
        ...

    def window(self, watcher: Watcher) -> Mapping[str, Any]:
        """A whole window, now. Raises IwatoError; whatever `watcher` raises ends it in the dark."""
        ...

    def scrub(self, watcher: Watcher) -> Mapping[str, Any]:
        """Sealing that was left over, then a scrub from where the last one stopped; as `window`."""
        ...

    def power_off(self) -> None:
        """Dark, whatever was going on."""
        ...

    def status(self, reading: Reading) -> dict[str, Any]:
        """The status document for this reading."""
        ...

    def copies(self) -> Mapping[str, Any]: ...

    def ledger(self, newest: int) -> Mapping[str, Any]: ...

    def proven_s(self) -> int:
        """When holders last opened a copy, Unix seconds; 0 for never."""
        ...

    def unseen_windows(self) -> int:
        """Windows since a checkpoint was said to be seen outside; 0 while they are too few for an alarm."""
        ...

    def rooms(self) -> Sequence[Room]: ...


class Keep(Protocol):
    """Where the daemon's record lies."""

    def load(self) -> bytes | None:
        """The record; None where there is none yet. OSError, ValueError."""
        ...

    def store(self, content: bytes) -> None:
        """All of it or nothing, durably. OSError."""
        ...


class Wake(Protocol):
    """How the thread that owns the box waits for time to pass or for somebody to ask something."""

    def wait(self, box: Box, until_s: int, called: threading.Event) -> None:
        """Let the box live until its clock says `until_s`, `called` is set, or a while has passed."""
        ...

    def rejoin(self) -> None:
        """What has passed until now the box has lived by itself, in a job."""
        ...

    def now_ms(self) -> int:
        """The machine's monotonic clock, for the age of a measurement."""
        ...
