"""A controller process for the attack tests: production parts, honest, works until it is told to stop.

Run by the twin, confined, in a real boot: job on standard input, events on standard output.
"""

import json
import sys

from appliance.adapters import board_channel
from appliance.adapters.clock import SystemClock
from appliance.adapters.console import JsonConsole
from appliance.adapters.entropy import SystemEntropy
from appliance.adapters.interlock import InterlockClient
from appliance.domain.ids import Bay
from appliance.domain.phases import Phase
from appliance.errors import IwatoError
from appliance.service.keeper import Keeper
from appliance.service.pulse import Pulse
from hw import profile

WORK_MS = {Phase.INTAKE: 30_000, Phase.SEAL: 1200}  # the intake is meant to be interrupted


def main() -> None:
    job = json.load(sys.stdin)
    console, clock, board = JsonConsole(), SystemClock(), profile.load("emulated")
    channel = board_channel.from_environment(board, clock)
    interlock = InterlockClient(
        channel,
        clock,
        pairing_key=bytes.fromhex(job["pairing_key"]),
        nonce=SystemEntropy()(8),
        bays=job["bays"],
    )
    keeper = Keeper(interlock, channel, clock, [Bay(bay) for bay in range(1, job["bays"] + 1)])
    facts = keeper.boot()
    console.say("up", phase=facts.phase, medium=facts.medium)
    if facts.phase is Phase.ISOLATED:
        if not job["wish"]:
            return
        interlock.heartbeat(0)
        keeper.request_link()
    work(keeper, Pulse(keeper, clock), console)


def work(keeper: Keeper, pulse: Pulse, console: JsonConsole) -> None:
    with pulse:
        while keeper.phase is Phase.CONTACT_TEST:
            pulse.wait(20)
        phase, left_ms = keeper.phase, WORK_MS.get(keeper.phase, 0)
        while keeper.phase is phase and left_ms > 0:
            pulse.wait(50)
            left_ms -= 50
        console.say("worked", phase=phase, ended=keeper.phase)
        keeper.work_done()


if __name__ == "__main__":
    try:
        main()
    except IwatoError as error:
        JsonConsole().say("failed", code=error.code, text=str(error))
