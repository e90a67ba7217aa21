"""`iwato config`: the administrator's settings, checked and shown. Who may do what is the policy's."""

from __future__ import annotations

import click

from appliance.cli.face import Face, command
from appliance.errors import EXIT_OK
from appliance.words import N_


@click.group("config", help=N_("The administrator's settings (config.toml)."))
def config() -> None:
    """The administrator's settings."""


@config.command("check", help=N_("Check config.toml; an error names the line."))
@command
def check(face: Face) -> int:
    """Check config.toml; an error names the line."""
    face.put({"settings": face.appliance.settings()}, [face.text(N_("The settings can be used."))])
    return EXIT_OK


@config.command("show", help=N_("Show the settings in force, with the defaults."))
@command
def show(face: Face) -> int:
    """Show the settings in force, with the defaults."""
    text = face.appliance.settings()
    face.put({"settings": text}, text.splitlines())
    return EXIT_OK
