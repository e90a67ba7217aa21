"""Runs commands of virtual boxes, each in a child of its own, under failing_calls.c.

Started with the library loaded: `serve` takes one JSON task per line on standard input and answers with
one line. A child that takes too long is ended; nothing of one run reaches the next.
"""

from __future__ import annotations

import ctypes
import json
import os
import select
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from appliance.cli import app
from appliance.compose import attending, doctor
from appliance.compose.demo_world import TemporaryWorld
from appliance.compose.emulated_appliance import EmulatedAppliance
from appliance.compose.line_desk import LineDesk
from tests.faults import planted
from tests.simulation.virtual_box import Cut, VirtualEmulation

HUNG = -1  # the status of a command that had to be ended


def serve() -> None:
    """Until standard input ends."""
    shim = ctypes.CDLL(None)
    for line in sys.stdin.buffer:
        print(json.dumps({"status": _run(shim, json.loads(line))}), flush=True)


def _run(shim: ctypes.CDLL, task: dict[str, Any]) -> int:
    child = os.fork()
    if child == 0:
        status = 70  # of a program that broke in a way that the command line did not see
        try:
            _redirect(task["out"], task["err"])
            planted.plant(task["planted"])
            shim.failing_calls_arm(*(v.encode() if isinstance(v, str) else v for v in task["order"]))
            status = _command(task["words"])
            sys.stderr.flush()
        finally:
            os._exit(status)
    return _wait(child, task["limit_s"])


def _wait(child: int, limit_s: float) -> int:
    watch = os.pidfd_open(child)
    ready, _, _ = select.select([watch], [], [], limit_s)
    os.close(watch)
    if not ready:
        os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status) if ready else HUNG


def _redirect(out: str, err: str) -> None:
    for number, name in ((0, os.devnull), (1, out), (2, err)):
        opened = os.open(name, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        os.dup2(opened, number)
        os.close(opened)


def _command(words: Sequence[str]) -> int:
    def opened(home: Path) -> EmulatedAppliance:
        return EmulatedAppliance(home, VirtualEmulation(1, Cut()))

    given = list(words)
    return app.run(opened, LineDesk, TemporaryWorld(), doctor.examine, given, attend=attending.attend)


if __name__ == "__main__":
    serve()
