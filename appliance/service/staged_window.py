"""What intake left in staging, read as hostile: the records of each window, checked one against another.

Gives windows or the reason why a window is refused; commits nothing and reads no pack. What the records
claim is checked against the packs themselves by pack_placing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from appliance.domain.ids import PackId
from appliance.errors import BatchInvalid, StagedBatchRefused
from appliance.format import batch
from appliance.format.batch import Batch, SourceFacts, StagedFile
from appliance.format.ledger_entry import SEGMENTS_MAX
from appliance.ports import Files

WINDOWS_MAX = 256  # windows that staging may hold at once; a box that seals daily holds one or two


@dataclass(frozen=True, slots=True, kw_only=True)
class StagedWindow:
    """One window's records taken together. `files` are all age files in the order to be placed, packs
    before the segments that refer to them; `segments` the manifest's ids in reading order."""

    number: int
    records: tuple[Batch, ...]

    @property
    def begin_s(self) -> int:
        return self.records[0].begin_s

    @property
    def complete(self) -> bool:
        """Every source was walked to its end."""
        return self.records[-1].complete

    @property
    def last(self) -> Batch:
        """The newest record: its counts are the window's."""
        return self.records[-1]

    @property
    def sources(self) -> tuple[SourceFacts, ...]:
        return tuple(sorted(self.last.sources, key=lambda source: source.name))

    @property
    def segments(self) -> tuple[PackId, ...]:
        return tuple(segment.id for record in self.records for segment in record.segments)

    @property
    def files(self) -> tuple[StagedFile, ...]:
        packs = [pack for record in self.records for pack in record.packs]
        return (*packs, *(segment for record in self.records for segment in record.segments))


def windows(staging: Files) -> Iterator[tuple[int, StagedWindow | StagedBatchRefused]]:
    """(number, window or why it is refused), oldest first."""
    sequences: dict[int, list[int]] = defaultdict(list)
    for leaf in staging.names(batch.FOLDER):
        parsed = batch.parse_name(leaf)
        if parsed is not None:
            sequences[parsed[0]].append(parsed[1])
    for number in sorted(sequences)[-WINDOWS_MAX:]:
        try:
            yield number, _window(staging, number, sorted(sequences[number]))
        except StagedBatchRefused as refused:
            yield number, refused


def unborn(staging: Files, newest: int) -> list[str]:
    """Records of windows later than `newest`, the last that the interlock granted. No intake wrote them
    honestly, and left lying they would take the places of windows to come."""
    parsed = ((leaf, batch.parse_name(leaf)) for leaf in staging.names(batch.FOLDER))
    return [f"{batch.FOLDER}/{leaf}" for leaf, name in parsed if name is not None and name[0] > newest]


def names_of(staging: Files, number: int) -> list[str]:
    """The window's records as staging names them, newest first: recycled in this order, a cut leaves
    whole windows."""
    parsed = ((leaf, batch.parse_name(leaf)) for leaf in reversed(staging.names(batch.FOLDER)))
    return [f"{batch.FOLDER}/{leaf}" for leaf, name in parsed if name is not None and name[0] == number]


def _window(staging: Files, number: int, sequences: list[int]) -> StagedWindow:
    if sequences != list(range(len(sequences))):
        raise StagedBatchRefused(detail=f"window {number} lacks a record")
    records = tuple(_record(staging, number, sequence) for sequence in sequences)
    window = StagedWindow(number=number, records=records)
    if len({record.begin_s for record in records}) != 1:
        raise StagedBatchRefused(detail=f"window {number} has two beginnings")
    if any(record.final for record in records[:-1]):
        raise StagedBatchRefused(detail=f"window {number} goes on after its end")
    if len({file.id for file in window.files}) != len(window.files):
        raise StagedBatchRefused(detail=f"window {number} names a pack twice")
    if len(window.segments) > SEGMENTS_MAX:
        raise StagedBatchRefused(detail=f"window {number} has too many segments")
    return window


def _record(staging: Files, number: int, sequence: int) -> Batch:
    name = f"{batch.FOLDER}/{number:08d}-{sequence:04d}.batch"
    try:
        record = batch.decode(staging.read(name, batch.BATCH_BYTES_MAX))
    except (BatchInvalid, OSError, ValueError) as error:
        raise StagedBatchRefused(detail=f"{name}: {error}") from error
    if record.name != name:
        raise StagedBatchRefused(detail=f"{name} is the record {record.name}")
    return record
