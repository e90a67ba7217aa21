"""The controller's program as the emulated board boots it, but on the board's clock (board_clock.py)."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from appliance.adapters import board_channel
from appliance.adapters.console import JsonConsole
from appliance.adapters.entropy import SystemEntropy
from appliance.compose import controller, job
from appliance.compose.machine import BOARD, EmulatedParts, Machine
from appliance.domain.phases import Medium
from appliance.service.pulse import Pulse
from hw import profile
from tests.hil.board_clock import ENVIRONMENT, BoardClock

JOB_BYTES_MAX = 1 << 20  # bytes


def main(medium: str) -> int:
    os.umask(0o077)
    clock = BoardClock(Path(os.environ[ENVIRONMENT]))
    machine = Machine(
        clock=clock,
        console=JsonConsole(),
        board=EmulatedParts(board_channel.from_environment(profile.load(BOARD), clock)),
        entropy=SystemEntropy(),
        pulse=lambda keeper: Pulse(keeper, clock),
    )
    return controller.run(machine, Medium(medium), job.decode(sys.stdin.buffer.read(JOB_BYTES_MAX)))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
