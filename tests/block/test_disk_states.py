"""What a power cut may leave of a disk and what it may not: the states themselves, without a file system."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from tests.block import disk_states, record
from tests.block.disk_states import SECTOR_BYTES, DiskState, Platters
from tests.block.record import Event, Flush, Record, Write
from tests.depth import many

DISKS = 2
SECTORS = 16
SEEDS = range(many(10, 200))


def drawn(seed: int) -> Record:
    """A few writes, some over each other, each with bytes of its own, and flushes."""
    chance = random.Random(seed)
    events: list[Event] = []
    for number in range(1, 25):
        disk = chance.randrange(DISKS)
        if chance.random() < 0.25:
            events.append(Flush(disk=disk))
            continue
        begin = chance.randrange(1, SECTORS)
        length = SECTOR_BYTES * chance.randrange(1, SECTORS - begin + 1)
        events.append(Write(disk=disk, offset=begin * SECTOR_BYTES, content=bytes([number]) * length))
    return Record(disk_bytes=SECTORS * SECTOR_BYTES, bases=[[]] * DISKS, events=events, first=1)


def shown(told: Record, place: Path) -> Iterator[tuple[DiskState, list[bytes]]]:
    """Every state, and the bytes of the disks in it."""
    images = [place / f"image-{disk}" for disk in range(DISKS)]
    platters = Platters(told, images)
    for state in disk_states.after_cuts(told, range(told.first, len(told.events) + 1)):
        platters.show(state)
        yield state, [image.read_bytes() for image in images]


def allowed(told: Record, cut: int, disk: int, sector: int) -> set[int]:
    """What a disk that keeps its promise may have there: what its last flush covers, or something newer."""
    values = [0]
    for event in told.events[:cut]:
        if event == Flush(disk=disk):
            values = values[-1:]
        elif isinstance(event, Write) and event.disk == disk:
            begin = event.offset // SECTOR_BYTES
            if begin <= sector < begin + len(event.content) // SECTOR_BYTES:
                values.append(event.content[0])
    return set(values)


def broken_promises(told: Record, states: Sequence[tuple[DiskState, list[bytes]]]) -> list[str]:
    return [
        f"{state}: disk {disk}, sector {sector}"
        for state, images in states
        for disk, image in enumerate(images)
        for sector in range(SECTORS)
        if image[sector * SECTOR_BYTES] not in allowed(told, state.cut, disk, sector)
    ]


@pytest.mark.parametrize("seed", SEEDS)
def test_a_state_holds_what_was_flushed_and_any_part_of_what_came_later(seed: int, tmp_path: Path) -> None:
    told = drawn(seed)
    states = list(shown(told, tmp_path))
    assert not broken_promises(told, states)
    whole = {state.cut: images for state, images in states if state.how == "prefix"}
    for cut, images in whole.items():
        for disk, image in enumerate(images):
            for sector in range(SECTORS):
                newest = [0] + [
                    event.content[0]
                    for event in told.events[:cut]
                    if isinstance(event, Write)
                    and event.disk == disk
                    and event.offset <= sector * SECTOR_BYTES < event.offset + len(event.content)
                ]
                assert image[sector * SECTOR_BYTES] == newest[-1]


def test_every_choice_about_a_few_pending_writes_is_drawn_sooner_or_later(tmp_path: Path) -> None:
    """Three writes on two disks, none flushed: eight states, and each write torn."""
    sector = SECTOR_BYTES
    writes = [(0, 1), (0, 4), (1, 1)]
    events = [
        Write(disk=disk, offset=begin * sector, content=bytes([number + 1]) * sector)
        for number, (disk, begin) in enumerate(writes)
    ]
    told = Record(disk_bytes=SECTORS * sector, bases=[[]] * DISKS, events=events, first=1)
    drawn_states = disk_states.after_cuts(told, [3], reorders=200)
    assert {state.lost for state in drawn_states} == {
        frozenset(number for number in range(3) if pattern >> number & 1) for pattern in range(8)
    }


@pytest.mark.planted
def test_a_disk_that_lies_is_seen_to_break_its_promise(tmp_path: Path) -> None:
    told = drawn(1)
    states = list(shown(record.lying(told, range(DISKS)), tmp_path))
    assert broken_promises(told, states)
