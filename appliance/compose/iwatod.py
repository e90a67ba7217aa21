"""`iwatod --home DIR`: the daemon on the emulated board. Composes it, and ends it in the dark.

Holds the home's lock for as long as it lives. On board `emulated` only, time may pass faster while the box
is idle (`--speed`).
"""

from __future__ import annotations

import signal
import sys
from collections.abc import Sequence
from pathlib import Path

import click

from appliance.adapters.kept_record import KeptRecord
from appliance.compose.held_appliance import HeldAppliance
from appliance.compose.home import PRIVATE_DIRECTORY, Home
from appliance.daemon import journal, notify
from appliance.daemon import record as records
from appliance.daemon.attendant import Attendant
from appliance.daemon.box import Box, Keep
from appliance.daemon.desk import Desk
from appliance.daemon.pace import SPEED_MAX, Pace
from appliance.daemon.record import Record
from appliance.daemon.server import Server
from appliance.errors import EXIT_FAILED, EXIT_OK, EXIT_USAGE, IwatoError, PlaceUnusable, UsageError

SOCKET_BYTES_MAX = 107  # bytes of a socket's path; sun_path has 108


@click.command("iwatod", context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--home", required=True, type=click.Path(file_okay=False, path_type=Path), help="the appliance")
@click.option(
    "--speed",
    type=click.IntRange(1, SPEED_MAX),
    default=1,
    show_default=True,
    help="emulated board only: seconds that pass in a second while the box is idle",
)
def iwatod(home: Path, speed: int) -> None:
    """Own the box: windows, scrubs and alarms by themselves, until it is told to end."""
    sys.exit(_ending(Home(home.resolve()), speed))


def main(arguments: Sequence[str] | None = None) -> int:
    """The daemon's exit status."""
    try:
        iwatod.main(args=None if arguments is None else list(arguments), standalone_mode=False)
    except click.exceptions.Exit as ended:
        return ended.exit_code
    except click.ClickException as error:
        _report(UsageError(detail=error.format_message()))
        return EXIT_USAGE
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else EXIT_FAILED
    return EXIT_OK


def _ending(home: Home, speed: int) -> int:
    try:
        attend(home, speed)
    except IwatoError as error:
        _report(error)
        return error.exit_status
    except OSError as error:
        _report(PlaceUnusable(path=error.filename or home.root, reason=error.strerror or str(error)))
        return EXIT_FAILED
    except Exception as error:  # noqa: BLE001 - the box is dark; the journal gets a code, never a traceback
        _report(IwatoError(detail=f"{type(error).__name__}: {error}"))
        return EXIT_FAILED
    return EXIT_OK


def attend(home: Home, speed: int) -> None:
    """The daemon's life. HomeMissing, HomeBusy; IwatoError where the box does not come to rest at first."""
    home.require()
    with home.lock():
        home.require_born()
        if len(bytes(home.socket)) > SOCKET_BYTES_MAX:
            raise PlaceUnusable(path=home.socket, reason="the path of the socket is too long")
        home.daemon_record.parent.mkdir(mode=PRIVATE_DIRECTORY, exist_ok=True)
        box, keep = HeldAppliance(home.root), KeptRecord(home.daemon_record)
        desk, attendant, pace = compose(box, keep, speed)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: attendant.stop())
        server = Server(home.socket, desk, pace.now_ms)
        try:
            attendant.begin()
            server.start()
            journal.write(f"attends {home.root}, process ready")
            notify.tell("READY=1\nSTATUS=ISOLATED, waiting for the next window")
            attendant.run()
        finally:
            notify.tell("STOPPING=1")
            box.power_off()
            journal.write("ends; every line is cut")
            server.stop()


def compose(box: Box, keep: Keep, speed: int) -> tuple[Desk, Attendant, Pace]:
    """The parts around one box."""
    record, trouble = remembered(keep)
    pace = Pace(speed)
    desk = Desk(box, keep, record, pace.now_ms)
    desk.store_error = trouble
    attendant = Attendant(
        box, desk, pace, say=journal.alarm, tell=journal.write, beat=lambda: notify.tell("WATCHDOG=1")
    )
    return desk, attendant, pace


def remembered(keep: Keep) -> tuple[Record, str]:
    """The record, and what is wrong with it: a new one begins where it cannot be read."""
    try:
        content = keep.load()
        return (records.decode(content) if content is not None else Record()), ""
    except (OSError, ValueError) as error:
        return Record(), str(error)[: records.TEXT_KEPT]


def _report(error: IwatoError) -> None:
    journal.write(f"{error} -> {error.remedy.format(**error.values)}", journal.WARNING)


if __name__ == "__main__":
    sys.exit(main())
