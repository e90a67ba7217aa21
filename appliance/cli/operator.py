"""Who gives an order or has seen an alarm: a name for the record, never an authority."""

from __future__ import annotations

import getpass
import re

import click

from appliance.errors import UsageError
from appliance.words import N_

_NAME = re.compile(r"[^\x00-\x1f\x7f-\x9f\u2028\u2029]{1,64}")


def name_of(_context: click.Context, _option: click.Parameter, given: str | None) -> str:
    """What was given, else the user's login. UsageError for what no record takes."""
    name = given if given is not None else _login()
    if not _NAME.fullmatch(name):
        raise UsageError(detail="--who: a name has 1 to 64 characters, none of which steers a terminal")
    return name


def _login() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a user without a name
        return "operator"


who_option = click.option(
    "--who", default=None, callback=name_of, metavar="NAME", help=N_("your name for the record")
)
