"""`iwato copies`: the snapshots that the ledger knows; whether one is whole; what differs between two.

`verify` without tokens reads what can be read without a key, and says that this is not the whole proof.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import click

from appliance.cli import opening
from appliance.cli.bench import ending_of, warning_lines
from appliance.cli.escape import escape
from appliance.cli.face import Face, command
from appliance.cli.opening import asker, copy_options
from appliance.cli.progress import size_text
from appliance.words import N_


@click.group("copies", help=N_("Snapshots in the vault."))
def copies() -> None:
    """Snapshots in the vault."""


@copies.command("list", help=N_("List the snapshots, oldest first."))
@command
def list_copies(face: Face) -> int:
    """List the snapshots, oldest first."""
    document = face.appliance.copies()
    rows = [
        "{id}  {time}  {bytes:>8}  {state}  {sources}".format(
            id=item["id"],
            time=item["time"],
            bytes=size_text(item["bytes"]),
            state=face.text(N_("complete") if item["complete"] else N_("not complete")),
            sources=", ".join(item["sources"]),
        )
        for item in document["snapshots"]
    ]
    face.put(document, (rows or [face.text(N_("No snapshots yet."))]) + warning_lines(face, document))
    return ending_of(document)


@copies.command(
    "verify",
    help=N_("Is a snapshot whole? With the tokens of k holders all of it is decrypted and compared."),
)
@click.argument("snapshot", default="latest", metavar="[ID|latest]")
@copy_options
@command
def verify(
    face: Face,
    *,
    snapshot: str,
    sources: tuple[str, ...],
    subtree: str,
    tokens: tuple[str, ...],
    passphrase_fd: int | None,
) -> int:
    """Is a snapshot whole?"""
    with face.screen() as screen:
        if not (tokens or sources or subtree):
            document = face.appliance.survey_copy(snapshot, screen)
            rows = list(_checked(face, document))
        else:
            request = opening.request(snapshot, sources, subtree, tokens, asker(face, passphrase_fd, screen))
            document = face.appliance.verify_copy(request, screen)
            rows = list(_proven(face, document))
    face.put(document, rows + warning_lines(face, document))
    return ending_of(document)


def _checked(face: Face, document: Mapping[str, Any]) -> Iterator[str]:
    """What can be said without a key."""
    yield face.text(
        N_("snapshot {snapshot}: {packs} packs that it can need, {size}, read on {drives} drives"),
        size=size_text(document["bytes"]),
        **document,
    )
    if document["lost_packs"]:
        yield face.text(
            N_("{lost_packs} packs are beyond help: `iwato drive scrub` names what is lost"), **document
        )
    elif document["spare"] == 1:
        yield face.text(N_("every pack survives the loss of 1 more drive"))
    else:
        yield face.text(N_("every pack survives the loss of {spare} more drives"), **document)
    if document["short"]:
        yield face.text(N_("{short} packs lie on fewer drives than they should"), **document)
    yield face.text(N_("That it decrypts was not tried: that takes the tokens of k holders."))


def _proven(face: Face, document: Mapping[str, Any]) -> Iterator[str]:
    yield face.text(
        N_("snapshot {snapshot}: {objects} objects, {size} decrypted and compared, {failed} do not hold"),
        size=size_text(document["bytes"]),
        failed=len(document["not_restored"]),
        **document,
    )
    for path, reason in document["not_restored"]:
        yield f"  {escape(path)}: {escape(reason)}"


_CHANGES = {
    "added": "+",
    "removed": "-",
    "content": "M",
    "metadata": "m",
    "kind": "T",
}


@copies.command(
    "diff", help=N_("What differs between two snapshots, file by file. Needs the tokens of k holders.")
)
@click.argument("before", metavar="ID")
@click.argument("after", default="latest", metavar="[ID|latest]")
@copy_options
@command
def diff(
    face: Face,
    *,
    before: str,
    after: str,
    sources: tuple[str, ...],
    subtree: str,
    tokens: tuple[str, ...],
    passphrase_fd: int | None,
) -> int:
    """What differs between two snapshots."""
    with face.screen() as screen:
        request = opening.request(before, sources, subtree, tokens, asker(face, passphrase_fd, screen))
        document = face.appliance.diff_copies(request, after, screen)
    face.put(document, [*_compared(face, document), *warning_lines(face, document)])
    return ending_of(document)


def _compared(face: Face, document: Mapping[str, Any]) -> Iterator[str]:
    """A line for each object, like a patch: what, size before and after, name."""
    counts = {name: document["counts"].get(name, 0) for name in _CHANGES}
    for change, name, size_before, size_after in document["differences"]:
        sizes = f"{size_text(size_before):>8} -> {size_text(size_after):>8}"
        yield f"{_CHANGES[change]}  {sizes}  {escape(name)}"
    more = sum(counts.values()) - len(document["differences"])
    if more:
        yield face.text(N_("+{more} more"), more=more)
    yield face.text(
        N_("{compared} objects: {added} added (+), {removed} removed (-), {content} with other content (M)"),
        compared=document["compared"],
        **counts,
    )
    yield face.text(N_("{metadata} with other attributes (m), {kind} of another kind (T)"), **counts)
