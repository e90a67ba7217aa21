"""The command `iwato`: the tree of verbs and nothing else."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

import click

from appliance.cli import bench, copies, demo, drive, init, ledger, restore, status
from appliance.cli.face import Face, language_of, options
from appliance.errors import EXIT_USAGE
from appliance.ports import Appliance, DemoWorld
from appliance.words import LANGUAGES, N_, Catalogue


@click.group(
    "iwato",
    context_settings={"help_option_names": ["-h", "--help"]},
    help=N_("Iwato, the air-gap backup appliance."),
)
@options
@click.pass_context
def iwato(
    context: click.Context,
    home: str | None,
    lang: str | None,
    plain: bool,
    as_json: bool,
) -> None:
    """Iwato, the air-gap backup appliance."""
    face = context.find_object(Face)
    assert face is not None
    if home is not None:
        face.home = Path(home).expanduser().resolve()
    face.language = lang or face.language
    face.plain |= plain
    face.as_json |= as_json


for _verb in (
    init.init,
    status.status,
    bench.bench,
    copies.copies,
    restore.restore,
    drive.drive,
    ledger.ledger,
    demo.demo,
):
    iwato.add_command(_verb)


def run(open_appliance: Callable[[Path], Appliance], world: DemoWorld, arguments: list[str]) -> int:
    """Run one command; returns its exit status."""
    home = os.environ.get("IWATO_HOME")
    face = Face(
        open=open_appliance,
        world=world,
        home=Path(home).expanduser().resolve() if home else None,
        language=language_of(os.environ),
    )
    _translate(iwato, Catalogue(_language(arguments, face.language)))
    try:
        iwato.main(args=arguments, prog_name="iwato", obj=face, standalone_mode=False)
    except click.exceptions.Exit as ended:
        return ended.exit_code
    except click.Abort:
        return 130
    except click.ClickException as error:
        error.show(file=sys.stderr)
        return EXIT_USAGE
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else 1
    return 0


def _language(arguments: list[str], otherwise: str) -> str:
    """The language that `--lang` names anywhere on the line: help is shown before options are read."""
    for option, value in zip(arguments, [*arguments[1:], ""], strict=True):
        named = value if option == "--lang" else option.removeprefix("--lang=")
        if option.startswith("--lang") and named in LANGUAGES:
            return named
    return otherwise


def _translate(command: click.Command, catalogue: Catalogue) -> None:
    """Help of a command, its options and its verbs."""
    command.help = catalogue.text(command.help or "")
    for option in command.params:
        if isinstance(option, click.Option) and option.help:
            option.help = catalogue.text(option.help)
    if isinstance(command, click.Group):
        for verb in command.commands.values():
            _translate(verb, catalogue)
