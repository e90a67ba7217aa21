"""What every command shares: options, language, output and the way an error ends it.

`--home`, `--lang`, `--plain` and `--json` work before and after the verb. Data goes to stdout, talk to
stderr. An error ends as what happened, its code and what to do; a traceback never reaches a person.
"""

from __future__ import annotations

import functools
import json
import os
import sys
import traceback
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Concatenate, ParamSpec

import click
from rich.console import Console

from appliance import errors
from appliance.cli.attended import Attended
from appliance.cli.escape import escape
from appliance.cli.live import LiveScreen
from appliance.errors import IwatoError, PlaceUnusable, UsageError
from appliance.ports import Appliance, DemoWorld
from appliance.service.line_bench import Lines
from appliance.words import LANGUAGES, N_, Catalogue

TRACEBACK = "IWATO_TRACEBACK"  # environment: an engineer wants to see where an internal error was

P = ParamSpec("P")


@dataclass(slots=True, kw_only=True)
class Face:
    """The settings of one call and the way to the appliance."""

    open: Callable[[Path], Appliance]
    open_lines: Callable[[Path, str | None], Lines]
    world: DemoWorld
    doctor: Callable[[Path | None], Mapping[str, Any]]
    attend: Callable[[Path], Attended]
    home: str | None = None
    language: str = "en"
    plain: bool = False
    as_json: bool = False

    @property
    def catalogue(self) -> Catalogue:
        return Catalogue(self.language)

    @property
    def appliance(self) -> Appliance:
        """The appliance in `--home`. UsageError without one."""
        return self.open(self._place())

    def lines(self, board: str | None) -> Lines:
        """The lines of the box in `--home`. UsageError without one."""
        return self.open_lines(self._place(), board)

    @property
    def attended(self) -> Attended:
        """Whoever attends it: the daemon, or this process for a moment."""
        return self.attend(self._place())

    def _place(self) -> Path:
        if not self.home:
            raise UsageError(detail="name the home directory with --home DIR or IWATO_HOME")
        return place(self.home)

    def examine(self) -> Mapping[str, Any]:
        """What the doctor finds, of the machine and of the home if one is named."""
        return self.doctor(place(self.home) if self.home else None)

    def text(self, msgid: str, **values: object) -> str:
        """A translated sentence; values that are not numbers are escaped."""
        return self.catalogue.text(msgid, **{key: _shown(value) for key, value in values.items()})

    def screen(self) -> LiveScreen:
        """The running picture, on stderr; silent under --json."""
        console = Console(file=sys.stderr, highlight=False, force_terminal=False if self.plain else None)
        return LiveScreen(self.catalogue, console, quiet=self.as_json)

    def put(self, document: Mapping[str, object], lines: Sequence[str]) -> None:
        """The command's result: the document under --json, else the lines."""
        if self.as_json:
            click.echo(json.dumps(document))  # ASCII: no name from outside can steer a terminal
        else:
            for line in lines:
                click.echo(line)

    def say(self, lines: Sequence[str]) -> None:
        """Talk that is no result, on stderr; silent under --json."""
        for line in () if self.as_json else lines:
            with suppress(OSError):
                click.echo(line, err=True)

    @staticmethod
    def whole(value: object) -> str:
        """A path or command that people copy: as it is and never cut, unless it could steer a terminal."""
        text = str(value)
        return text if text.isprintable() else escape(text)

    def report(self, error: IwatoError) -> None:
        """What happened, the code, what to do; as JSON too, where that was asked for."""
        what, remedy = self.text(error.what, **error.values), self.text(error.remedy, **error.values)
        with suppress(OSError):  # nobody reads the talk; the status still tells
            click.echo(f"{error.code}: {what}\n  -> {remedy}", err=True)
        if self.as_json:
            click.echo(json.dumps({"error": {"code": error.code, "text": what, "remedy": remedy}}))


def _shown(value: object) -> object:
    if isinstance(value, int | float):
        return value
    return escape(value if isinstance(value, bytes) else str(value))


def place(text: str) -> Path:
    """The directory or file that was typed, as an absolute path. UsageError, PlaceUnusable."""
    if not text:
        raise UsageError(detail="an empty path names no place")
    try:
        return Path(text).expanduser().resolve()
    except (OSError, RuntimeError, ValueError) as error:  # a loop of links, nobody's home, a null byte
        raise PlaceUnusable(path=text, reason=str(error)) from None


def language_of(environment: Mapping[str, str]) -> str:
    """`ja` where the locale is Japanese, else `en`; IWATO_LANG wins."""
    for name in ("IWATO_LANG", "LC_ALL", "LC_MESSAGES", "LANG"):
        value = environment.get(name, "")
        if value:
            return "ja" if value.startswith("ja") else "en"
    return "en"


def _settle(
    context: click.Context, home: str | None, lang: str | None, *, plain: bool, as_json: bool
) -> Face:
    face = context.find_object(Face)
    assert face is not None
    if home is not None:
        face.home = home
    if lang is not None:
        face.language = lang
    face.plain |= plain
    face.as_json |= as_json
    return face


def options(command: Callable[P, None]) -> Callable[P, None]:
    """The options that every verb and the program itself take."""
    for option in (
        click.option("--json", "as_json", is_flag=True, help=N_("one JSON document on stdout")),
        click.option("--plain", is_flag=True, help=N_("no redrawing, no colour")),
        click.option("--lang", type=click.Choice(LANGUAGES), default=None, help=N_("language of the texts")),
        click.option("--home", type=click.Path(), default=None, help=N_("directory of the appliance")),
    ):
        command = option(command)
    return command


def command(body: Callable[Concatenate[Face, P], int]) -> Callable[..., None]:
    """Turn `body(face, …) -> exit status` into a click callback with the shared options."""

    @options
    @click.pass_context
    @functools.wraps(body)
    def run(
        context: click.Context,
        /,
        home: str | None,
        lang: str | None,
        plain: bool,
        as_json: bool,
        **rest: object,
    ) -> None:
        face = _settle(context, home, lang, plain=plain, as_json=as_json)
        sys.exit(ending(face, lambda: body(face, **rest)))  # type: ignore[call-arg,arg-type]

    return run


def ending(face: Face, act: Callable[[], int]) -> int:
    """Run `act`; its status, or that of the error that it raised."""
    try:
        return act()
    except IwatoError as error:
        face.report(error)
        return error.exit_status
    except KeyboardInterrupt:
        click.echo(face.text(N_("interrupted; the box is ISOLATED and nothing committed is lost")), err=True)
        return errors.EXIT_INTERRUPTED
    except BrokenPipeError:  # who reads our words has gone; the work itself was done or refused
        silence()
        return errors.EXIT_FAILED
    except OSError as error:
        face.report(PlaceUnusable(path=error.filename or "-", reason=error.strerror or str(error)))
        return errors.EXIT_FAILED
    except Exception as error:  # noqa: BLE001 - a person gets a sentence and a code, never a traceback
        if os.environ.get(TRACEBACK):
            traceback.print_exc()
        face.report(IwatoError(detail=f"{type(error).__name__}: {error}"))
        return errors.EXIT_FAILED


def silence() -> None:
    """Nobody reads standard output any more: what is still buffered goes nowhere, without complaint."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)
