"""The command `iwato`: the tree of verbs and nothing else."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import click

from appliance.cli import (
    alarm,
    bench,
    completion,
    config,
    copies,
    cut,
    demo,
    drive,
    help,  # noqa: A004 - the verb's name
    init,
    ledger,
    line,
    policy,
    quorum,
    rebuild,
    report,
    restore,
    status,
    trace,
    watch,
    window,
)
from appliance.cli import doctor as doctor_verb
from appliance.cli.attended import Attended
from appliance.cli.face import Face, language_of, options, silence
from appliance.errors import EXIT_INTERRUPTED, EXIT_USAGE, UsageError
from appliance.ports import Appliance, DemoWorld
from appliance.service.line_bench import Lines
from appliance.words import LANGUAGES, N_, Catalogue


@click.group(
    "iwato",
    context_settings={"help_option_names": ["-h", "--help"]},
    help=N_("Iwato, the air-gap backup appliance."),
)
@click.version_option(package_name="iwato", message="%(prog)s %(version)s", help=N_("Show the version."))
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
        face.home = home
    face.language = lang or face.language
    face.plain |= plain
    face.as_json |= as_json


for _verb in (
    init.init,
    status.status,
    watch.watch,
    cut.cut,
    window.window,
    alarm.alarm,
    bench.bench,
    copies.copies,
    restore.restore,
    drive.drive,
    ledger.ledger,
    line.line,
    rebuild.rebuild,
    config.config,
    policy.policy,
    quorum.quorum,
    demo.demo,
    report.report,
    doctor_verb.doctor,
    help.explain,
    completion.completion,
):
    iwato.add_command(_verb)


bench.bench.add_command(trace.show)


def run(
    open_appliance: Callable[[Path], Appliance],
    open_lines: Callable[[Path, str | None], Lines],
    world: DemoWorld,
    doctor: Callable[[Path | None], Mapping[str, Any]],
    arguments: list[str],
    *,
    attend: Callable[[Path], Attended],
) -> int:
    """Run one command; returns its exit status. `doctor` examines the machine and, if named, a home;
    `attend` leads to the daemon of one."""
    _open_streams()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a terminal that lacks our letters is no error
    face = Face(
        open=open_appliance,
        open_lines=open_lines,
        world=world,
        doctor=doctor,
        attend=attend,
        home=os.environ.get("IWATO_HOME"),
        language=language_of(os.environ),
    )
    _translate(iwato, Catalogue(_language(arguments, face.language)))
    status = _main(face, arguments)
    try:
        sys.stdout.flush()
    except OSError:
        silence()
    return status


def _open_streams() -> None:
    """Where a caller closed standard input, output or error, nothing of ours may get its number."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest free number, which is this one
    sys.stdout = sys.stdout or os.fdopen(1, "w", encoding="utf-8")
    sys.stderr = sys.stderr or os.fdopen(2, "w", encoding="utf-8")


def _main(face: Face, arguments: Sequence[str]) -> int:
    try:
        iwato.main(args=list(arguments), prog_name="iwato", obj=face, standalone_mode=False)
    except click.exceptions.Exit as ended:
        return ended.exit_code
    except click.Abort:
        return EXIT_INTERRUPTED
    except click.exceptions.NoArgsIsHelpError as error:
        error.show(file=sys.stderr)
        return EXIT_USAGE
    except click.ClickException as error:
        face.as_json |= "--json" in arguments
        face.language = _language(list(arguments), face.language)
        face.report(UsageError(detail=error.format_message()))
        return EXIT_USAGE
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else 1
    return 0


def _language(arguments: list[str], otherwise: str) -> str:
    """The language that `--lang` names anywhere on the line: help is shown before options are read."""
    for option, value in pairwise([*arguments, ""]):
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
