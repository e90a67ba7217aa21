"""The one table at the demo's end: bytes, seconds, holders."""

from __future__ import annotations

from collections.abc import Iterator

from rich.cells import set_cell_size

from appliance.cli import sentence
from appliance.cli.demo_show import Show
from appliance.cli.progress import size_text
from appliance.errors import EXIT_OK, EXIT_WARNINGS
from appliance.words import N_

_WIDTHS = (24, 10, 10, 10, 9, 9)  # cells; fits 80 columns


def put(show: Show) -> None:
    """Print it to stdout; under --json as a document."""
    face = show.face
    document = {
        "windows": list(show.windows),
        "restored": dict(show.restored),
        "compared": dict(show.compared),
        "warnings": show.warnings,
        "exit": EXIT_WARNINGS if show.warnings else EXIT_OK,
    }
    face.put(document, [*rows(show), *sentence.listed(face.catalogue, show.warnings)])


def rows(show: Show) -> Iterator[str]:
    """Windows first, then what each holder did."""
    text = show.face.text
    rule = "+".join("-" * width for width in _WIDTHS)
    yield rule
    yield _row(
        *(
            text(head)
            for head in (
                N_("window"),
                N_("read"),
                N_("new"),
                N_("on drives"),
                N_("link s"),
                N_("drives s"),
            )
        ),
    )
    yield rule
    titles = (N_("1 first"), N_("2 with a rootkit"), N_("3 after a day's work"))
    for title, window in zip(titles, show.windows, strict=True):
        sizes = (size_text(window[key]) for key in ("bytes_read", "bytes_new", "bytes_stored"))
        yield _row(text(title), *sizes, f"{window['link_s']}", f"{window['drives_s']}")
    yield rule
    link = sum(window["link_s"] for window in show.windows)
    drives = sum(window["drives_s"] for window in show.windows) + show.restored["drives_s"]
    both = sum(window["both_ms"] for window in show.windows) + show.restored["both_ms"]
    yield text(
        N_("link CONNECTED {link:.1f} s, drives CONNECTED {drives:.1f} s, both at once: {both}"),
        link=link,
        drives=drives,
        both=text(N_("never")) if not both else f"{both} ms",
    )
    yield text(
        N_("restored and compared: {objects} objects, {size}, {differences} differences"),
        objects=show.compared["objects"],
        size=size_text(show.compared["bytes"]),
        differences=len(show.compared["differences"]),
    )
    yield rule
    for holder, deeds in show.restored["holders"].items():
        did = ", ".join(text(deed) for deed in deeds) or text(N_("nothing: the token is lost"))
        yield f"  {text(N_('holder'))} {holder}: {did}"
    yield rule


def _row(*cells: str) -> str:
    return "|".join(set_cell_size(f" {cell}", width) for cell, width in zip(cells, _WIDTHS, strict=True))
