"""The disk states that a power cut may leave, drawn from a record.

A disk keeps its promise and no more: what it answered before its last flush is there; of what it was told
since, any part may be, and the last of it may be torn between two sectors. Whole writes keep their order
where they overlap. Each disk loses its own choice.
"""

from __future__ import annotations

import os
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.block.record import Record, Write, runs

REORDERS = 5  # random choices at every cut, beside the whole prefix and the torn last write
SECTOR_BYTES = 512  # bytes; what a disk writes whole
# Where ext4 writes its superblock in place, outside of its journal: torn between its two sectors it forbids
# every mount until e2fsck has taken a copy of it. ext4 relies on sectors of 4 KiB there, and so do we.
SUPERBLOCK = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class DiskState:
    """After `cut` events. `lost` are writes, by their place in the record, that are not on the platter;
    of write `torn` only the first `torn_bytes` are."""

    cut: int
    how: str
    lost: frozenset[int] = frozenset()
    torn: int = -1
    torn_bytes: int = 0


def after_cuts(record: Record, cuts: Sequence[int], reorders: int = REORDERS) -> Iterator[DiskState]:
    """Every different state at these cuts, which ascend: the prefix, it with its last write torn, the
    least that the disks promised, and random ones."""
    seen: set[object] = set()
    pending = Pending(record)
    for cut in cuts:
        pending.advance(cut)
        for state in _at(record, cut, pending.writes(), reorders):
            identity = pending.identity(state)
            if identity not in seen:
                seen.add(identity)
                yield state


def _at(record: Record, cut: int, pending: Sequence[int], reorders: int) -> Iterator[DiskState]:
    yield DiskState(cut=cut, how="prefix")
    chance = random.Random(cut)
    last = record.events[cut - 1]
    if isinstance(last, Write):
        yield _torn(record, DiskState(cut=cut, how="prefix"), cut - 1, chance)
    if pending:
        yield DiskState(cut=cut, how="only what was flushed", lost=frozenset(pending))
    for _ in range(reorders - 1 if pending else 0):
        share = chance.random()
        lost = frozenset(number for number in pending if chance.random() < share)
        state = DiskState(cut=cut, how="reordered", lost=lost)
        kept = [number for number in pending if number not in lost]
        yield _torn(record, state, chance.choice(kept), chance) if kept and chance.random() < 0.5 else state


def _torn(record: Record, state: DiskState, number: int, chance: random.Random) -> DiskState:
    write = record.events[number]
    assert isinstance(write, Write)
    sectors = len(write.content) // SECTOR_BYTES
    if write.offset == SUPERBLOCK or sectors < 2:
        return state
    torn_bytes = SECTOR_BYTES * chance.randrange(1, sectors)
    return DiskState(
        cut=state.cut, how=f"{state.how}, torn", lost=state.lost, torn=number, torn_bytes=torn_bytes
    )


@dataclass
class Pending:
    """Walks through a record: what each disk has answered and not flushed."""

    record: Record
    cut: int = 0
    flushed: dict[int, int] = field(default_factory=dict)  # disk → its last write that a flush covers
    waiting: dict[int, list[int]] = field(default_factory=dict)

    def advance(self, cut: int) -> list[int]:
        """On to this cut; gives the writes that have become durable, in order."""
        durable: list[int] = []
        for number in range(self.cut, cut):
            event = self.record.events[number]
            waiting = self.waiting.setdefault(event.disk, [])
            if isinstance(event, Write):
                waiting.append(number)
            elif waiting:
                self.flushed[event.disk] = waiting[-1]
                durable += waiting
                waiting.clear()
        self.cut = cut
        return durable

    def writes(self) -> list[int]:
        """In order, of all disks."""
        return sorted(number for waiting in self.waiting.values() for number in waiting)

    def identity(self, state: DiskState) -> object:
        """Equal where the bytes on all disks are."""
        kept = frozenset(number for number in self.writes() if number not in state.lost)
        return (frozenset(self.flushed.items()), kept, state.torn, state.torn_bytes)


class Platters:
    """Writes states into images; their cuts must not descend. Files beside the images hold what the
    flushes cover."""

    def __init__(self, record: Record, images: Sequence[Path]) -> None:
        self._record, self._images = record, images
        self._durable = [image.with_suffix(".durable") for image in images]
        self._pending = Pending(record)
        for durable, base in zip(self._durable, record.bases, strict=True):
            fill(durable, base, record.disk_bytes)

    def show(self, state: DiskState) -> None:
        """The images as this power cut leaves them."""
        for number in self._pending.advance(state.cut):
            self._write(self._durable, number, None)
        for durable, image in zip(self._durable, self._images, strict=True):
            fill(image, runs(durable), self._record.disk_bytes)
        for number in self._pending.writes():
            if number not in state.lost:
                self._write(self._images, number, state.torn_bytes if number == state.torn else None)

    def _write(self, files: Sequence[Path], number: int, length: int | None) -> None:
        write = self._record.events[number]
        assert isinstance(write, Write)
        with files[write.disk].open("r+b") as file:
            os.pwrite(file.fileno(), write.content[:length], write.offset)


def fill(image: Path, content: Sequence[tuple[int, bytes]], size: int) -> None:
    """A sparse file anew."""
    with image.open("wb") as file:
        file.truncate(size)
        for offset, part in content:
            os.pwrite(file.fileno(), part, offset)
