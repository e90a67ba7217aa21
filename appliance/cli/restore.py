"""`iwato restore run`: bring a snapshot back with the tokens of k holders."""

from __future__ import annotations

import os
from dataclasses import replace

import click

from appliance.cli.bench import ending_of, warning_lines
from appliance.cli.face import Face, command, place
from appliance.cli.passphrases import DESCRIPTOR_MAX, Lines, Prompt
from appliance.cli.progress import size_text
from appliance.ports import RestoreRequest
from appliance.words import N_

STDIN = 0  # its descriptor; `sys.stdin` is None where a caller closed it


@click.group("restore", help=N_("Recovery."))
def restore() -> None:
    """Recovery."""


@restore.command("run", help=N_("Restore a snapshot with the tokens of k holders."))
@click.option("--snapshot", required=True, metavar="ID|latest")
@click.option(
    "--source", "sources", multiple=True, metavar="NAME", help=N_("only this source; may be repeated")
)
@click.option("--target", required=True, type=click.Path(), help=N_("empty directory that is written to"))
@click.option(
    "--token", "tokens", multiple=True, required=True, type=click.Path(), help=N_("a token; k of them")
)
@click.option(
    "--passphrase-fd",
    type=click.IntRange(0, DESCRIPTOR_MAX),
    default=None,
    metavar="N",
    help=N_("descriptor with a line for each token that has no passphrase beside it"),
)
@click.option("--path", "subtree", default="", help=N_("only this file or directory of each source"))
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
    lines = Lines(passphrase_fd) if passphrase_fd is not None else None
    request = RestoreRequest(
        snapshot=snapshot,
        sources=sources,
        subtree=os.fsencode(subtree).strip(b"/"),
        target=str(place(target)),
        tokens=tuple(str(place(token)) for token in tokens),
        resume=resume,
        devices=devices,
        set_id=set_id,
    )
    with face.screen() as screen:
        ask = lines or (Prompt(face, screen) if os.isatty(STDIN) else None)
        document = face.appliance.restore(replace(request, ask=ask), screen)
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
