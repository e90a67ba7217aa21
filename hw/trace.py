"""What happened on a bench, line by line: values over time, and events. A file that can be read and drawn.

Pure. Recorded by hw/twin/recorder.py, drawn by timing_diagram.py. Times are whole milliseconds since the
first power-on of the trace. A row holds its changes only; between two changes of a sloping row (a coil
supply) the value goes straight.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Annotated

import msgspec

VERSION = 1
TEXT_BYTES_MAX = 32 << 20  # bytes of a trace file; a long window has some 100 KB
ROWS_MAX = 256  # rows; 16 bays have 80
CHANGES_MAX = 400_000  # changes of all rows together; then the recorder stops and says so
TIME_MS_MAX = 1 << 40  # ms, 34 years
WORD_MAX = 80  # letters of a name or a detail
SLOPES = frozenset({"coil_link", "coil_drives"})  # rows that go straight between two changes
FULL = 1000  # a slope's value while it is fed; it falls to 0 while the pump's capacitor empties

Value = int | str


class TraceInvalid(ValueError):
    """Not a trace, or one that this version does not know."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that has no duration. `kind`: "power", "boot", "phase", "deed"; `detail` says which."""

    at_ms: int
    kind: str
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """`rows` by name; the changes of each in the order of time. `unix_ms`: the box's clock at the end, 0
    without one. `is_cut`: there was more than fits."""

    bays: int
    end_ms: int
    unix_ms: int = 0
    is_cut: bool = False
    rows: Mapping[str, tuple[tuple[int, Value], ...]] = field(default_factory=dict)
    events: tuple[Event, ...] = ()

    def at(self, row: str, ms: int) -> Value | None:
        """The value of a row at that time; None before its first."""
        found: Value | None = None
        for at_ms, value in self.rows.get(row, ()):
            if at_ms > ms:
                break
            found = value
        return found

    def changes(self, begin_ms: int, end_ms: int) -> Iterator[tuple[int, str, Value]]:
        """Every change in this span, in the order of time, then of the rows' names."""
        found = [
            (at_ms, name, value)
            for name, row in self.rows.items()
            for at_ms, value in row
            if begin_ms <= at_ms <= end_ms
        ]
        yield from sorted(found, key=lambda item: (item[0], item[1]))


_Ms = Annotated[int, msgspec.Meta(ge=0, le=TIME_MS_MAX)]
_Word = Annotated[str, msgspec.Meta(max_length=WORD_MAX)]
_Level = Annotated[int, msgspec.Meta(ge=0, le=1_000_000)]


class _File(msgspec.Struct, forbid_unknown_fields=True, rename={"version": "iwato-trace"}):
    version: int
    bays: Annotated[int, msgspec.Meta(ge=1, le=16)]
    end_ms: _Ms
    unix_ms: Annotated[int, msgspec.Meta(ge=0, le=1 << 53)]
    is_cut: bool
    events: Annotated[list[tuple[_Ms, _Word, _Word]], msgspec.Meta(max_length=CHANGES_MAX)]
    rows: Annotated[dict[_Word, list[tuple[_Ms, _Level | _Word]]], msgspec.Meta(max_length=ROWS_MAX)]


def encode(trace: Trace) -> str:
    """The text of a file, one row and one event to a line."""
    head = {"bays": trace.bays, "end_ms": trace.end_ms, "unix_ms": trace.unix_ms, "is_cut": trace.is_cut}
    events = [json.dumps([event.at_ms, event.kind, event.detail]) for event in trace.events]
    rows = [f"{json.dumps(name)}: {json.dumps(row)}" for name, row in trace.rows.items()]
    fields = [f'"iwato-trace": {VERSION}', *(f"{json.dumps(key)}: {json.dumps(head[key])}" for key in head)]
    listed = ",\n  ".join(events)
    shown = ",\n  ".join(rows)
    return "{" + ",\n ".join([*fields, f'"events": [\n  {listed}]', f'"rows": {{\n  {shown}}}']) + "}\n"


def parse(text: bytes) -> Trace:
    """The trace in a file. Raises TraceInvalid."""
    if len(text) > TEXT_BYTES_MAX:
        raise TraceInvalid("it is too long")
    try:
        file = msgspec.json.decode(text, type=_File)
    except (msgspec.MsgspecError, RecursionError, ValueError) as error:
        raise TraceInvalid(str(error)[:200]) from None
    if file.version != VERSION:
        raise TraceInvalid(f"its version is {file.version}, known is {VERSION}")
    times = [[at_ms for at_ms, _ in row] for row in file.rows.values()]
    for row in (*times, [at_ms for at_ms, *_ in file.events]):
        if row != sorted(row) or (row and row[-1] > file.end_ms):
            raise TraceInvalid("its times do not go forward")
    return Trace(
        bays=file.bays,
        end_ms=file.end_ms,
        unix_ms=file.unix_ms,
        is_cut=file.is_cut,
        rows={name: tuple(row) for name, row in file.rows.items()},
        events=tuple(Event(at_ms=at, kind=kind, detail=detail) for at, kind, detail in file.events),
    )
