"""The controller's program: what runs after a boot, on either medium.

Reads its job from standard input, does it, says every error on the console with its code. Nothing of
this process is trusted by the box: the interlock decides, the plant measures.
"""

from __future__ import annotations

import os
import sys

from appliance.compose import intake_medium, job, sealing_medium
from appliance.compose.machine import Machine, real
from appliance.domain.phases import Medium
from appliance.errors import EXIT_OK, ControllerEnded, IwatoError

_JOB_BYTES_MAX = 1 << 20  # bytes; a recovery order and a few paths


def main(medium: str) -> int:
    """Boot `medium`. Returns the process's exit status."""
    os.umask(0o077)
    machine = real()
    return run(machine, Medium(medium), job.decode(sys.stdin.buffer.read(_JOB_BYTES_MAX)))


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
    values = {key: value if isinstance(value, int) else str(value) for key, value in error.values.items()}
    machine.console.say("error", code=error.code, values=values)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
