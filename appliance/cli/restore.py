"""`iwato restore run`: bring a snapshot back with the tokens of k holders."""

from __future__ import annotations

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
