"""`iwato restore`: what bringing a snapshot back would take, and doing it with the tokens of k holders."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import click

from appliance.cli import opening
from appliance.cli.bench import ending_of, warning_lines
from appliance.cli.face import Face, command, place
from appliance.cli.opening import asker, copy_options
from appliance.cli.progress import size_text
from appliance.ports import RestoreRequest
from appliance.words import N_


@click.group("restore", help=N_("Recovery."))
def restore() -> None:
    """Recovery."""


@restore.command("plan", help=N_("What a restore would take. Needs no token, and the drives stay dark."))
@click.option("--snapshot", default="latest", metavar="ID|latest")
@click.option(
    "--source", "sources", multiple=True, metavar="NAME", help=N_("only this source; may be repeated")
)
@click.option("--target", default=None, type=click.Path(), help=N_("is there room for it here?"))
@command
def plan(face: Face, *, snapshot: str, sources: tuple[str, ...], target: str | None) -> int:
    """What a restore would take."""
    into = str(place(target)) if target is not None else None
    document = face.appliance.plan_restore(snapshot, sources, into)
    face.put(document, [*_planned(face, document), *warning_lines(face, document)])
    return ending_of(document)


def _planned(face: Face, document: Mapping[str, Any]) -> Iterator[str]:
    """Each source, then the sum, then who and what is needed."""
    for part in document["sources"]:
        yield f"  {part['name']:<32}  {part['files']:>9}  {size_text(part['bytes']):>8}"
    yield face.text(
        N_("snapshot {snapshot}: {files} files, {size} at the most (holes are not written)"),
        snapshot=document["snapshot"],
        files=document["files"],
        size=size_text(document["bytes"]),
    )
    yield face.text(N_("tokens: any {needed} of {of}"), **document["holders"])
    yield face.text(N_("drives: any {needed} of {of}"), **document["drives"])
    if document["free"] is not None:
        sentence = N_("{target} has room for {free}: it fits")
        if not document["fits"]:
            sentence = N_("{target} has room for {free}: only the lists of files can tell whether it fits")
        yield face.text(sentence, target=document["target"], free=size_text(document["free"]))


@restore.command("run", help=N_("Restore a snapshot with the tokens of k holders."))
@click.option("--snapshot", required=True, metavar="ID|latest")
@click.option("--target", required=True, type=click.Path(), help=N_("empty directory that is written to"))
@copy_options
@click.option("--resume", is_flag=True, help=N_("go on with an interrupted restore"))
@click.option("--devices", is_flag=True, help=N_("make device nodes too (root)"))
@click.option("--set-id", is_flag=True, help=N_("keep set-user-ID and set-group-ID bits"))
@command
def run(
    face: Face,
    *,
    snapshot: str,
    sources: tuple[str, ...],
    target: str,
    tokens: tuple[str, ...],
    passphrase_fd: int | None,
    subtree: str,
    resume: bool,
    devices: bool,
    set_id: bool,
) -> int:
    """Restore a snapshot with the tokens of k holders."""
    with face.screen() as screen:
        copy = opening.request(snapshot, sources, subtree, tokens, asker(face, passphrase_fd, screen))
        request = RestoreRequest(
            copy=copy, target=str(place(target)), resume=resume, devices=devices, set_id=set_id
        )
        document = face.appliance.restore(request, screen)
    rows = [
        face.text(
            N_("{objects} objects, {bytes} restored to {target}"),
            objects=document["objects"],
            bytes=size_text(int(str(document["bytes"]))),
            target=request.target,
        )
    ]
    face.put(document, rows + warning_lines(face, document))
    return ending_of(document)
