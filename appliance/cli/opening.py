"""The options of a command that holders open a copy for: which part of it, and with which tokens."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import ParamSpec

import click

from appliance.cli.face import Face, place
from appliance.cli.live import LiveScreen
from appliance.cli.passphrases import DESCRIPTOR_MAX, Lines, Prompt
from appliance.errors import UsageError
from appliance.ports import Ask, CopyRequest
from appliance.words import N_

STDIN = 0  # its descriptor; `sys.stdin` is None where a caller closed it

P = ParamSpec("P")


def copy_options(command: Callable[P, None]) -> Callable[P, None]:
    """Sources, path, tokens, passphrases."""
    for option in (
        click.option(
            "--passphrase-fd",
            type=click.IntRange(0, DESCRIPTOR_MAX),
            default=None,
            metavar="N",
            help=N_("descriptor with a line for each token that has no passphrase beside it"),
        ),
        click.option("--token", "tokens", multiple=True, type=click.Path(), help=N_("a token; k of them")),
        click.option("--path", "subtree", default="", help=N_("only this file or directory of each source")),
        click.option(
            "--source", "sources", multiple=True, metavar="NAME", help=N_("only this source; may be repeated")
        ),
    ):
        command = option(command)
    return command


def request(
    snapshot: str, sources: tuple[str, ...], subtree: str, tokens: tuple[str, ...], ask: Ask | None
) -> CopyRequest:
    """The copy that was asked for. UsageError without a token, and for a path that leaves the source."""
    if not tokens:
        raise UsageError(detail="names and contents need holders: give --token for each of them")
    return CopyRequest(
        snapshot=snapshot,
        sources=sources,
        subtree=subtree_of(subtree),
        tokens=tuple(str(place(token)) for token in tokens),
        ask=ask,
    )


def subtree_of(typed: str) -> bytes:
    """The path as lists of files spell it: without `.`, doubled or outer slashes. UsageError for `..`."""
    parts = [part for part in os.fsencode(typed).split(b"/") if part not in (b"", b".")]
    if b".." in parts:
        raise UsageError(detail="a path beneath a source has no `..`")
    return b"/".join(parts)


def asker(face: Face, passphrase_fd: int | None, screen: LiveScreen) -> Ask | None:
    """Who gives the passphrases that lie beside no token: a descriptor, the terminal, nobody."""
    if passphrase_fd is not None:
        return Lines(passphrase_fd)
    return Prompt(face, screen) if os.isatty(STDIN) else None
