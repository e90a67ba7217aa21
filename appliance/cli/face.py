"""What every command shares: options, language, output and the way an error ends it.

`--home`, `--lang`, `--plain` and `--json` work before and after the verb. Data goes to stdout, talk to
stderr. An error ends as what happened, its code and what to do; a traceback never reaches a person.
"""

from __future__ import annotations

import functools
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Concatenate, ParamSpec

import click
from rich.console import Console

from appliance import errors
from appliance.cli.escape import escape
from appliance.cli.live import LiveScreen
from appliance.errors import IwatoError, UsageError
from appliance.ports import Appliance, DemoWorld
from appliance.words import LANGUAGES, N_, Catalogue

P = ParamSpec("P")


@dataclass(slots=True, kw_only=True)
class Face:
    """The settings of one call and the way to the appliance."""

    open: Callable[[Path], Appliance]
    world: DemoWorld
    home: Path | None = None
    language: str = "en"
    plain: bool = False
    as_json: bool = False

    @property
    def catalogue(self) -> Catalogue:
        return Catalogue(self.language)

    @property
    def appliance(self) -> Appliance:
        """The appliance in `--home`. UsageError without one."""
        if self.home is None:
            raise UsageError(detail="name the home directory with --home DIR or IWATO_HOME")
        return self.open(self.home)

    def text(self, msgid: str, **values: object) -> str:
        """A translated sentence; text values are escaped."""
        shown = {key: escape(v) if isinstance(v, str | bytes) else v for key, v in values.items()}
        return self.catalogue.text(msgid, **shown)

    def screen(self) -> LiveScreen:
        """The running picture, on stderr; silent under --json."""
        console = Console(file=sys.stderr, highlight=False, force_terminal=False if self.plain else None)
        return LiveScreen(self.catalogue, console, quiet=self.as_json)

    def put(self, document: Mapping[str, object], lines: Sequence[str]) -> None:
        """The command's result: the document under --json, else the lines."""
        if self.as_json:
            click.echo(json.dumps(document, ensure_ascii=False))
        else:
            for line in lines:
                click.echo(line)

    def report(self, error: IwatoError) -> None:
        """What happened, the code, what to do; as JSON too, where that was asked for."""
        what, remedy = self.text(error.what, **error.values), self.text(error.remedy, **error.values)
        click.echo(f"{error.code}: {what}\n  -> {remedy}", err=True)
        if self.as_json:
            click.echo(json.dumps({"error": {"code": error.code, "text": what, "remedy": remedy}}))


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
        face.home = Path(home).expanduser().resolve()
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
    except OSError as error:
        face.report(IwatoError(detail=f"{error.strerror}: {error.filename}"))
        return errors.EXIT_FAILED
