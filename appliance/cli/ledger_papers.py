"""`iwato ledger export`, `prove`, `checkpoint`, `compare`, `seen`: what leaves the box and comes back to it.

The drives stay dark: all of it is from the controller's own copy.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from appliance.cli import qr
from appliance.cli.bench import ending_of, warning_lines
from appliance.cli.face import Face, command, place
from appliance.cli.opening import asker
from appliance.cli.passphrases import DESCRIPTOR_MAX
from appliance.cli.progress import size_text
from appliance.domain.ledger_request import LedgerAct, LedgerRequest
from appliance.errors import UsageError
from appliance.ledger.outside import Standing
from appliance.words import N_

PAPER_BYTES_MAX = 64 * 1024  # bytes; a note has a few hundred, a paste of short ones some thousand
_FILES = click.argument(
    "papers", nargs=-1, required=True, metavar="CHECKPOINT...", type=click.Path(exists=True, allow_dash=True)
)
_TO = click.Path(path_type=Path)


@click.command(
    "export", help=N_("Entries, checkpoints and keys as one file, for who checks it without the box.")
)
@click.option("--to", required=True, metavar="FILE", type=_TO, help=N_("the new file"))
@command
def export(face: Face, *, to: Path) -> int:
    """Entries, checkpoints and keys as one file, for who checks it without the box."""
    document = _consult(face, LedgerRequest(act=LedgerAct.EXPORT, to=str(place(str(to)))))
    sentence = N_("{size} entries are in {to} ({bytes}). Check it elsewhere with ROSETTA/iwato_ledger.py.")
    told = face.text(sentence, **{**document, "bytes": size_text(document["bytes"])})
    return _put(face, document, [told])


@click.command("prove", help=N_("Proof that a snapshot is in the ledger, to be kept beside the data."))
@click.argument("snapshot", default="latest")
@click.option("--to", default=None, metavar="DIR", type=_TO, help=N_("where ID.entry and ID.tlog-proof go"))
@command
def prove(face: Face, *, snapshot: str, to: Path | None) -> int:
    """Proof that a snapshot is in the ledger, to be kept beside the data."""
    document = _consult(face, LedgerRequest(act=LedgerAct.PROVE, snapshot=snapshot))
    if to is not None:
        for suffix, content in (("entry", document["entry"]), ("tlog-proof", document["proof"])):
            _write(place(str(to)) / f"{document['snapshot']}.{suffix}", content.encode("utf-8"))
    told = face.text(N_("Snapshot {snapshot} is entry {index} of the ledger."), **document)
    return _put(face, document, [told] if to is not None else [told, *document["proof"].splitlines()])


@click.command("checkpoint", help=N_("The newest checkpoint, to be kept away from the box."))
@click.option("--qr", "as_qr", is_flag=True, help=N_("its short form as a QR code that fits 80x24"))
@click.option("--svg", default=None, metavar="FILE", type=_TO, help=N_("the whole note as a QR code, SVG"))
@click.option("--png", default=None, metavar="FILE", type=_TO, help=N_("the whole note as a QR code, PNG"))
@command
def checkpoint(face: Face, *, as_qr: bool, svg: Path | None, png: Path | None) -> int:
    """The newest checkpoint, to be kept away from the box."""
    document = _consult(face, LedgerRequest(act=LedgerAct.CHECKPOINT))
    for path, kind in ((svg, "svg"), (png, "png")):
        if path is not None:
            _write(place(str(path)), qr.image(document["note"], kind))
    if as_qr:
        colours = sys.stdout.isatty() and not face.plain
        return _put(face, document, list(qr.lines(document["short"], colours=colours)))
    return _put(face, document, document["note"].splitlines())


@click.command("compare", help=N_("Hold checkpoints that were kept outside against the box's ledger."))
@_FILES
@command
def compare(face: Face, *, papers: Sequence[str]) -> int:
    """Hold checkpoints that were kept outside against the box's ledger."""
    document = _consult(face, LedgerRequest(act=LedgerAct.COMPARE, papers=_read(papers)))
    return _put(face, document, _standings(face, document))


@click.command(
    "seen", help=N_("Say that a checkpoint was seen outside: the end of what you scanned, or a file.")
)
@click.argument("code", default="")
@click.option(
    "--checkpoint",
    "papers",
    multiple=True,
    metavar="FILE",
    type=click.Path(exists=True, allow_dash=True),
    help=N_("a checkpoint that was kept outside the box"),
)
@command
def seen(face: Face, *, code: str, papers: Sequence[str]) -> int:
    """Say that a checkpoint was seen outside: the end of what you scanned, or a file."""
    if bool(code) == bool(papers):
        raise UsageError(detail="seen CODE or seen --checkpoint FILE")
    document = _consult(face, LedgerRequest(act=LedgerAct.SEEN, code=code, papers=_read(papers)))
    if "papers" in document:
        return _put(face, document, _standings(face, document))
    sentence = N_("A checkpoint of {entries} entries was seen outside, {windows} windows ago.")
    return _put(face, document, [face.text(sentence, **document)])


@click.command(
    "countersign",
    help=N_("Holders sign the newest checkpoint with their tokens, at birth and at every visit."),
)
@click.option(
    "--token", "tokens", multiple=True, required=True, type=click.Path(), help=N_("a token; one or more")
)
@click.option(
    "--passphrase-fd",
    type=click.IntRange(0, DESCRIPTOR_MAX),
    default=None,
    metavar="N",
    help=N_("descriptor with a line for each token that has no passphrase beside it"),
)
@command
def countersign(face: Face, *, tokens: Sequence[str], passphrase_fd: int | None) -> int:
    """Holders sign the newest checkpoint with their tokens, at birth and at every visit."""
    with face.screen() as screen:
        places = tuple(str(place(token)) for token in tokens)
        ask = asker(face, passphrase_fd, screen)
        document = _consult(face, LedgerRequest(act=LedgerAct.COUNTERSIGN, tokens=places, ask=ask))
    told = face.text(
        N_("Holders {holders} countersigned the checkpoint of {entries} entries."),
        holders=", ".join(map(str, document["holders"])),
        entries=document["entries"],
    )
    return _put(face, document, [told])


VERBS = (countersign, export, prove, checkpoint, compare, seen)


def _consult(face: Face, request: LedgerRequest) -> Mapping[str, Any]:
    return face.appliance.consult_ledger(request)


def _put(face: Face, document: Mapping[str, Any], lines: Sequence[str]) -> int:
    """The answer alone on standard output: it may be kept as a file."""
    face.put(document, lines)
    for line in () if face.as_json else warning_lines(face, document):
        click.echo(line, err=True)
    return ending_of(document)


def _standings(face: Face, document: Mapping[str, Any]) -> list[str]:
    """One line for each paper."""
    return [face.text(Standing[one["standing"].upper()].value, **one) for one in document["papers"]]


def _read(papers: Sequence[str]) -> tuple[tuple[str, bytes], ...]:
    """(name, content) of each file; `-` is what is pasted."""
    found = []
    for name in papers:
        with click.open_file(name, "rb") as file:
            content = file.read(PAPER_BYTES_MAX + 1)
        found.append((Path(name).name, content))
    return tuple(found)


def _write(path: Path, content: bytes) -> None:
    """A new file; OSError where one is."""
    with path.open("xb") as file:
        file.write(content)
