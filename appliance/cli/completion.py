"""`iwato completion SHELL`: the script that lets a shell complete verbs, options and codes."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from appliance.cli.face import Face, command
from appliance.errors import EXIT_OK
from appliance.words import N_

SHELLS = ("bash", "zsh", "fish")
PROGRAM = "iwato"
VARIABLE = "_IWATO_COMPLETE"  # click asks the program itself, by this variable


@click.command("completion", help=N_("Print the completion script of a shell."))
@click.argument("shell", type=click.Choice(SHELLS))
@command
def completion(face: Face, shell: str) -> int:
    """Print the completion script of a shell."""
    kind = get_completion_class(shell)
    assert kind is not None
    source = kind(click.get_current_context().find_root().command, {}, PROGRAM, VARIABLE).source()
    face.put({"shell": shell, "script": source}, source.splitlines())
    return EXIT_OK
