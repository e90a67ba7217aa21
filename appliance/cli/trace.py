"""`iwato bench trace`: what a recorded window did on every line, as a list or as a timing diagram.

Reads a file that `bench run-window --trace` wrote; needs no appliance and opens none.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import click

from appliance.cli.escape import escape
from appliance.cli.face import Face, command
from appliance.errors import EXIT_OK, TraceUnreadable, TraceUnwritten, UsageError
from appliance.words import N_, Catalogue
from hw import timing_diagram
from hw import trace as traces
from hw.channel import BAYS_MAX
from hw.trace import Trace, TraceInvalid

_TIME = re.compile(r"([0-9]{1,9})(\.[0-9]{1,3})?(ms|s|m)")
_MS = {"ms": 1, "s": 1000, "m": 60_000}
AROUND_MS = 400  # ms shown around an event where no length is given; a fault is judged within 100
BEFORE = 4  # the part of the picture that lies before the event: a quarter

ROWS: Mapping[str, str] = {
    "controller": N_("controller"),
    "permit_link": N_("permit, link"),
    "coil_link": N_("coil supply, link"),
    "k3": N_("K3: drives – link"),
    "k1": N_("contact K1"),
    "k2": N_("contact K2"),
    "link": N_("network conducts"),
    "permit_drives": N_("permit, drives"),
    "coil_drives": N_("coil supply, drives"),
    "supply": N_("controller supplied"),
    "carrier": N_("network carries"),
    "k1_coil": N_("coil K1 energised"),
    "k2_coil": N_("coil K2 energised"),
    "sense_k1": N_("sense K1"),
    "sense_k2": N_("sense K2"),
    "sense_k3": N_("sense K3"),
    "cut": N_("CUT pressed"),
    "key": N_("key turned"),
    "power": N_("power"),
    "phase": N_("phase"),
    "boot": N_("start from"),
    "deed": N_("scenario:"),
}
_BAY: Mapping[str, str] = {
    "d{bay}": N_("drive {bay} live"),
    "d{bay}_up": N_("drive {bay} answers"),
    "sense_d{bay}": N_("sense drive {bay}"),
}
_LEGEND = N_(
    "Pale: controller supplied, coil K1 or K2 energised, network carries, drive answers. "
    "Thin line below: what the interlock senses. +n: ms after the first event of the picture."
)


def ms_of(text: str) -> int:
    """`80ms`, `1.25s` or `2m`. UsageError for anything else."""
    found = _TIME.fullmatch(text)
    if found is None:
        raise UsageError(detail=f"{text}: a number and ms, s or m")
    return round(float(found[1] + (found[2] or "")) * _MS[found[3]])


@click.command("trace", help=N_("Show or draw what every line did in a recorded window."))
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--svg", type=click.Path(path_type=Path), default=None, help=N_("new file: timing diagram"))
@click.option("--from", "begin", default=None, metavar="TIME", help=N_("begin there: 61.2s, 500ms"))
@click.option("--for", "length", default=None, metavar="TIME", help=N_("show so much: 80ms, 10s"))
@click.option("--event", type=click.IntRange(min=1), default=None, help=N_("around the event of this number"))
@command
def show(
    face: Face, file: Path, svg: Path | None, begin: str | None, length: str | None, event: int | None
) -> int:
    """Show or draw what every line did in a recorded window."""
    trace = _read(file)
    begin_ms, end_ms = span(trace, begin, length, event)
    if svg is None:
        document = {"begin_ms": begin_ms, "end_ms": end_ms, "changes": list(trace.changes(begin_ms, end_ms))}
        face.put(document, list(_listed(face, trace, begin_ms, end_ms)))
        return EXIT_OK
    picture = timing_diagram.draw(trace, words(face.catalogue, file.name), begin_ms=begin_ms, end_ms=end_ms)
    try:
        with svg.open("x", encoding="utf-8") as drawn:
            drawn.write(picture)
    except OSError as error:
        raise TraceUnwritten(path=str(svg), detail=error.strerror or str(error)) from None
    shown = {"path": svg, "begin": begin_ms / 1000, "end": end_ms / 1000}
    said = face.text(N_("{path} shows {begin:.3f} s to {end:.3f} s."), **shown)
    face.put({"svg": str(svg), "begin_ms": begin_ms, "end_ms": end_ms}, [said])
    return EXIT_OK


def span(trace: Trace, begin: str | None, length: str | None, event: int | None) -> tuple[int, int]:
    """From when until when. UsageError for a span or an event that the trace does not have."""
    long_ms = ms_of(length) if length else 0
    if event is not None:
        if begin is not None or event > len(trace.events):
            raise UsageError(detail=f"--event {event}: without --from, 1 to {len(trace.events)}")
        long_ms = long_ms or AROUND_MS
        begin_ms = max(trace.events[event - 1].at_ms - long_ms // BEFORE, 0)
    else:
        begin_ms = ms_of(begin) if begin else 0
    end_ms = min(begin_ms + long_ms if long_ms else trace.end_ms, trace.end_ms)
    if begin_ms >= end_ms:
        raise UsageError(detail=f"the trace ends after {trace.end_ms / 1000:.3f} s")
    return begin_ms, end_ms


def words(catalogue: Catalogue, title: str) -> dict[str, str]:
    """Every word of a diagram, in this language."""
    bays = {
        name.format(bay=bay): catalogue.text(word, bay=bay)
        for bay in range(1, BAYS_MAX + 1)
        for name, word in _BAY.items()
    }
    return {
        **{row: catalogue.text(word) for row, word in ROWS.items()},
        **bays,
        "title": title,
        "legend": catalogue.text(_LEGEND),
        "more": catalogue.text(N_("{count} more events: draw a shorter span")),
        "stopped": catalogue.text(N_("The recording stopped before the end: too much happened.")),
    }


def _read(file: Path) -> Trace:
    if not file.is_file():  # a pipe would be waited for
        raise TraceUnreadable(path=str(file), detail="not a file")
    try:
        with file.open("rb") as opened:
            return traces.parse(opened.read(traces.TEXT_BYTES_MAX + 1))
    except OSError as error:
        raise TraceUnreadable(path=str(file), detail=error.strerror or str(error)) from None
    except TraceInvalid as error:
        raise TraceUnreadable(path=str(file), detail=str(error)) from None


def _listed(face: Face, trace: Trace, begin_ms: int, end_ms: int) -> Iterator[str]:
    """Events with their numbers, and below each what changed until the next."""
    said = words(face.catalogue, "")
    changes = [
        (at_ms, 1, f"{said.get(row, row)} = {value}")
        for at_ms, row, value in trace.changes(begin_ms, end_ms)
        if row != "phase"  # its events say it, with the cause
    ]
    events = [
        (event.at_ms, 0, f"[{number}] {said.get(event.kind, event.kind)} {event.detail}")
        for number, event in enumerate(trace.events, start=1)
        if begin_ms <= event.at_ms <= end_ms
    ]
    for at_ms, order, text in sorted(changes + events, key=lambda item: item[:2]):
        yield f"{at_ms / 1000:12.3f} s  {'    ' if order else ''}{escape(text)}"
    if trace.is_cut:
        yield said["stopped"]
