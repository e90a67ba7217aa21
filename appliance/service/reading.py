"""Reading a file of a source: which runs of bytes, in steps, cut into pieces for the crew.

Runs in the intake's own thread and is the only reader. Ends in the middle of a file when it is told to;
what was cut until then stays usable. Decides nothing about what an odd file means (file_taking.py).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TypeAlias

from appliance.domain.file_entry import ChunkRef, Extent
from appliance.errors import NetworkLost
from appliance.pipeline import chunk, dedup
from appliance.ports import SourceFile
from appliance.service.crew import Crew, Job, Piece
from appliance.service.small_files import SmallFiles

STEP_BYTES = 1 << 20  # bytes per read; 30-vault: larger ones only delay the look at the clock
READ_BYTES = 8 << 20  # bytes of a buffer that are read before it is cut
CARRY_BYTES = chunk.MAX_BYTES  # bytes before them, for what the last buffer's cuts left over
BUFFER_BYTES = CARRY_BYTES + READ_BYTES

Where: TypeAlias = Piece | dedup.Placement | ChunkRef


@dataclass(slots=True, eq=False)
class Run:
    """A run of data: where it begins in the file, its chunks, and where it ends so far. The first
    `known` chunks have their final references already."""

    offset: int
    end: int
    chunks: list[Where] = field(default_factory=list)
    known: int = 0

    def extent(self) -> Extent | None:
        """The run with final references; None while a chunk's pack is not closed."""
        while self.known < len(self.chunks):
            ref = _ref(self.chunks[self.known])
            if ref is None:
                return None
            self.chunks[self.known] = ref
            self.known += 1
        return Extent(offset=self.offset, chunks=tuple(map(_known, self.chunks)))


@dataclass(slots=True, eq=False)
class Content:
    """What was read of a file. `read_to`: bytes from the beginning that are dealt with. `stopped`: the
    window ended first. `short`: the file ended before its listing said."""

    runs: list[Run] = field(default_factory=list)
    read_to: int = 0
    stopped: bool = False
    short: bool = False

    def begin_run(self, offset: int) -> Run:
        """The run that begins, or goes on, at `offset`."""
        if not self.runs or self.runs[-1].end != offset:
            self.runs.append(Run(offset=offset, end=offset))
        return self.runs[-1]


class Reader:
    """`took(count)` is told of every step and answers whether to stop; `counted` is told of a small file
    that was read in one step."""

    def __init__(
        self,
        crew: Crew,
        window: dedup.Window,
        chunker: chunk.Chunker,
        took: Callable[[int], bool],
        counted: Callable[[int], None],
    ) -> None:
        self._crew = crew
        self._chunker = chunker
        self._took = took
        self._counted = counted
        self._small = SmallFiles(crew, window)
        self._lengths: list[int] = []

    def read(self, file: SourceFile, size: int, begin: Content | None = None) -> Content:
        """Read a file of `size` bytes, from where `begin` left off. OSError as the source raises it."""
        content = begin if begin is not None else Content()
        if size <= chunk.SMALL_BYTES:
            return self._read_small(file, size)
        self.flush()
        for offset, length in file.data_extents():
            end = min(offset + length, size)
            start = max(offset, content.read_to)
            if start < end:
                self._read_run(file, start, end, content)
                if content.stopped or content.short:
                    return content
        content.read_to = size
        return content

    def flush(self) -> None:
        """Hand the small files that were read to the crew."""
        self._small.flush()

    def _read_run(self, file: SourceFile, start: int, end: int, content: Content) -> None:
        buffer = self._crew.buffer()
        position, carry = start, 0
        while True:
            try:
                fill = self._fill(file, buffer[CARRY_BYTES:], position, end, content)
            except BaseException:
                self._crew.give_back(buffer)
                raise
            position += fill
            first, border = CARRY_BYTES - carry, CARRY_BYTES + fill
            is_last = position >= end or content.short
            cuts = self._chunker.cuts(buffer[first:border], last=is_last)
            pieces = _pieces(first, cuts)
            if pieces:
                run = content.begin_run(position - fill - carry)
                run.chunks += pieces
                carry += fill - cuts[-1]
                run.end = content.read_to = position - carry
            else:
                carry += fill
            if is_last or content.stopped:
                self._crew.submit(Job(buffer, pieces))
                return
            following = self._crew.buffer()
            following[CARRY_BYTES - carry : CARRY_BYTES] = buffer[border - carry : border]
            self._crew.submit(Job(buffer, pieces))
            buffer = following

    def _fill(self, file: SourceFile, area: memoryview, position: int, end: int, content: Content) -> int:
        """Read into `area` up to `end`; a lost link is a stop."""
        fill, wanted = 0, min(area.nbytes, end - position)
        while fill < wanted and not content.stopped:
            try:
                count = file.pread_into(area[fill : min(wanted, fill + STEP_BYTES)], position + fill)
            except NetworkLost:
                content.stopped = True
                break
            if not count:
                content.short = True
                break
            fill += count
            content.stopped = self._took(count)
        return fill

    def _read_small(self, file: SourceFile, size: int) -> Content:
        """A file that is never cut: a chunk for each of its runs, found or stored when it is kept."""
        content = Content()
        room = self._small.room()
        self._lengths, fill = [], 0
        for offset, length in file.data_extents():
            end = min(offset + length, size)
            if offset >= end:
                continue
            count = self._fill_small(file, room[fill:], offset, end, content)
            if count:
                run = content.begin_run(offset)
                run.end = content.read_to = offset + count
                self._lengths.append(count)
                fill += count
            if content.short or content.stopped:
                break
        if not content.short and not content.stopped:
            content.read_to = size
        return content

    def _fill_small(self, file: SourceFile, area: memoryview, offset: int, end: int, content: Content) -> int:
        """As `_fill`. Mostly one read does it, and then whoever walks looks whether to stop."""
        wanted = end - offset
        try:
            count = file.pread_into(area[:wanted], offset)
        except NetworkLost:
            content.stopped = True
            return 0
        self._counted(count)
        if count in (0, wanted):
            content.short = not count
            return count
        return count + self._fill(file, area[count:], offset + count, end, content)

    def keep(self, content: Content) -> None:
        """The small file that was read last is to be stored. What is not kept is read over."""
        for run, where in zip(content.runs, self._small.keep(self._lengths), strict=True):
            run.chunks.append(where)


def _ref(item: Where) -> ChunkRef | None:
    where: dedup.Where | None = item.where if isinstance(item, Piece) else item
    return where.ref() if isinstance(where, dedup.Placement) else where


def _known(item: Where) -> ChunkRef:
    assert isinstance(item, ChunkRef)
    return item


def _pieces(first: int, cuts: list[int]) -> list[Piece]:
    borders = [first, *(first + end for end in cuts)]
    return [Piece(start, end) for start, end in pairwise(borders)]


def remembered_runs(extents: tuple[Extent, ...]) -> Iterator[Run]:
    """Runs of what lies in earlier packs."""
    for extent in extents:
        end = extent.offset + sum(ref.length for ref in extent.chunks)
        yield Run(offset=extent.offset, end=end, chunks=list(extent.chunks))
