"""What a set of disks was told, in order: every write with its bytes, and every flush."""

from __future__ import annotations

import os
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from tests.block.disk_wire import HEADER, WRITE

NO_DISK = -1  # whom a lie reaches
Runs = Sequence[tuple[int, bytes]]  # offset and bytes of what is not a hole


@dataclass(frozen=True, slots=True, kw_only=True)
class Write:
    disk: int
    offset: int
    content: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Flush:
    """Everything that this disk had answered before is durable on it."""

    disk: int


Event = Write | Flush


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """`bases` are the disks before the first event; power cuts are tried from event `first` on."""

    disk_bytes: int
    bases: Sequence[Runs]
    events: Sequence[Event]
    first: int


def lying(record: Record, disks: Collection[int]) -> Record:
    """The same record of disks of which these flush nothing, although they answer that they did."""
    lies = [Flush(disk=disk) for disk in disks]
    told = [Flush(disk=NO_DISK) if event in lies else event for event in record.events[record.first :]]
    return replace(record, events=[*record.events[: record.first], *told])


def parse(log: bytes) -> list[Event]:
    """The events of a log of fuse_disk."""
    events: list[Event] = []
    place = 0
    while place < len(log):
        kind, disk, offset, length = HEADER.unpack_from(log, place)
        place += HEADER.size
        if kind == WRITE:
            events.append(Write(disk=disk, offset=offset, content=log[place : place + length]))
            place += length
        else:
            events.append(Flush(disk=disk))
    return events


def runs(image: Path) -> list[tuple[int, bytes]]:
    """The parts of a sparse file that hold data."""
    found = []
    with image.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        begin = end = 0
        while end < size:
            try:
                begin = os.lseek(file.fileno(), end, os.SEEK_DATA)
            except OSError:  # nothing but a hole is left
                break
            end = os.lseek(file.fileno(), begin, os.SEEK_HOLE)
            found.append((begin, os.pread(file.fileno(), end - begin, begin)))
    return found
