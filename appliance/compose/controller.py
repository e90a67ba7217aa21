"""The controller's program: what runs after a boot, on either medium.

Reads its job from standard input, does it, says every error on the console with its code. Nothing of
this process is trusted by the box: the interlock decides, the plant measures.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from appliance.adapters.console import JsonConsole
from appliance.compose import intake_medium, job, sealing_medium
from appliance.compose.home import Home
from appliance.compose.machine import BOARD, Machine, real
from appliance.domain.phases import Medium
from appliance.errors import EXIT_OK, ControllerEnded, IwatoError
from appliance.ports import Console

_JOB_BYTES_MAX = 1 << 20  # bytes; a recovery order and a few paths


def main(medium: str, board: str = BOARD) -> int:
    """Boot `medium` on this board. Returns the process's exit status."""
    os.umask(0o077)
    if board != BOARD:
        return _wired(Medium(medium), board)
    machine = real()
    return run(machine, Medium(medium), _task())


def _task() -> job.AnyJob:
    return job.decode(sys.stdin.buffer.read(_JOB_BYTES_MAX))


def _wired(medium: Medium, board: str) -> int:
    """On a board of copper; what cannot be had of it is said on the console as well."""
    from appliance.compose import wired_machine

    task = _task()
    try:
        with wired_machine.opened(Home(Path(task.home)), board) as machine:
            return run(machine, medium, task)
    except IwatoError as error:
        _say(JsonConsole(), error)
        return error.exit_status


def run(machine: Machine, medium: Medium, task: job.AnyJob) -> int:
    """Do the task on this medium; an error is said on the console."""
    try:
        if medium is Medium.INTAKE:
            intake_medium.run(machine, task)
        else:
            sealing_medium.run(machine, task)
    except IwatoError as error:
        say(machine, error)
        return error.exit_status
    except OSError as error:
        say(machine, ControllerEnded(detail=f"{error.strerror}: {error.filename}"))
        return 1
    return EXIT_OK


def say(machine: Machine, error: IwatoError) -> None:
    """An error as the console carries it: code and values, never a sentence of a hostile box."""
    _say(machine.console, error)


def _say(console: Console, error: IwatoError) -> None:
    values = {key: value if isinstance(value, int) else str(value) for key, value in error.values.items()}
    console.say("error", code=error.code, values=values)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
