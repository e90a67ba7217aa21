"""What the daemon remembers between two runs: what it has done, the windows, the alarms. Values only.

One JSON text, bounded; whoever wrote nonsense into it costs the memory, never a window (RecordLost).
"""

from __future__ import annotations

from typing import Annotated

import msgspec

WINDOWS_KEPT = 90  # windows; a quarter of a year
TEXT_KEPT = 200  # characters of a cause


class Ack(msgspec.Struct, kw_only=True):
    """Who has seen it, and when."""

    who: str
    time: int


class Alarm(msgspec.Struct, kw_only=True):
    """One occurrence. `key` tells equal kinds apart (a source's name). `over_s`: when a lasting one
    ended; 0 while it lasts. Times in the interlock's Unix seconds."""

    number: int
    kind: str
    key: str
    code: str
    values: dict[str, str | int]
    first_s: int
    last_s: int
    count: int = 1
    over_s: int = 0
    ack: Ack | None = None


class Past(msgspec.Struct, kw_only=True):
    """A window as it went. `outcome`: committed, partial, barren, skipped, missed or cut."""

    begin_s: int
    outcome: str
    tries: int = 0
    code: str = ""
    cause: str = ""
    snapshot: str = ""
    bytes_new: int = 0
    bytes_stored: int = 0
    link_s: float = 0


class Record(msgspec.Struct, kw_only=True):
    """Everything. `window_s` is the begin of the newest window that was dealt with or is being; `closed`:
    nothing more will be tried in it; `again_s`: not before that. `job` is what runs."""

    since_s: int = 0
    seen_s: int = 0
    job: str = ""
    window_s: int = 0
    tries: int = 0
    again_s: int = 0
    closed: bool = True
    skip: bool = False
    scrub_s: int = 0
    scrubbed_s: int = 0
    windows: Annotated[list[Past], msgspec.Meta(max_length=WINDOWS_KEPT)] = []
    alarms: list[Alarm] = []
    alarm_newest: int = 0
    silent: dict[str, int] = {}


def decode(content: bytes) -> Record:
    """ValueError for anything that this version did not write."""
    try:
        return msgspec.json.decode(content, type=Record)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise ValueError(str(error)) from None


def encode(record: Record) -> bytes:
    """Inverse of `decode`."""
    return msgspec.json.encode(record)
