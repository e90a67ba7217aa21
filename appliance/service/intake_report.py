"""What an intake says of itself: while it works and when it is done. Values only."""

from __future__ import annotations

from dataclasses import dataclass

from appliance.domain.ids import SourceName
from appliance.errors import IwatoError, SourceMissing
from appliance.format.batch import SourceFacts


@dataclass(frozen=True, slots=True, kw_only=True)
class IntakeProgress:
    """While it works: the source, its regular files so far, the window's bytes."""

    source: SourceName
    files: int
    bytes_read: int
    bytes_new: int


@dataclass(frozen=True, slots=True, kw_only=True)
class IntakeReport:
    """What a window's intake did. `cause` says why it is not complete, None when only the time was up.
    `full`: everything was read and stored anew. `unreadable` are (source, raw path, reason), `changed` are
    (source, raw path) of what was taken while it changed: the face escapes them. `missing` are all sources
    that were not there. `sources` in the order taken. Bytes: read from the sources, new in plain chunks,
    and stored as age files in staging."""

    window: int
    complete: bool
    full: bool
    bytes_read: int
    bytes_new: int
    bytes_stored: int
    files: int
    sources: tuple[SourceFacts, ...]
    unreadable: tuple[tuple[SourceName, bytes, str], ...]
    changed: tuple[tuple[SourceName, bytes], ...]
    cause: IwatoError | None
    missing: tuple[SourceMissing, ...]
