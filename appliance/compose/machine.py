"""The machine that the controller's program runs on: clock, console, board, interlock.

`real` is the emulated board's process; tests compose one over the loopback (tests/simulation). Holds
no appliance logic.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from appliance.adapters import board_channel, key_process
from appliance.adapters.board_channel import BoardChannel
from appliance.adapters.clock import SystemClock
from appliance.adapters.console import JsonConsole
from appliance.adapters.entropy import SystemEntropy
from appliance.adapters.interlock import InterlockClient
from appliance.adapters.link import BoardLink
from appliance.errors import ConnectionUnexplained, NetworkForeign
from appliance.ports import Clock, Console, Entropy, Interlock, Link, Relays
from appliance.service.keeper import Keeper
from appliance.service.pulse import Pulse, Pulsing
from hw import profile

BOARD = "emulated"
NONCE_BYTES = 8  # bytes; the controller's half of the session nonce (firmware/PROTOCOL.md)


def no_step(_label: str) -> None:
    """Outside tests nobody counts the durable steps."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """One boot. `steps` is called after every durable step; `threads` is intake's number of workers.
    `harden` protects the process before a key comes into it."""

    clock: Clock
    console: Console
    channel: BoardChannel
    entropy: Entropy
    pulse: Callable[[Keeper], Pulsing]
    steps: Callable[[str], None] = no_step
    threads: int = 3
    harden: Callable[[], object] = key_process.harden

    @property
    def relays(self) -> Relays:
        return self.channel

    @property
    def link(self) -> Link:
        return BoardLink(self.channel)

    def require_no_other_network(self) -> None:
        """NetworkForeign where anything but the box's own link carries."""
        count = self.link.others()
        if count:
            raise NetworkForeign(count=count)

    def require_silence(self) -> None:
        """No network at all, as a drive phase needs it. ConnectionUnexplained, NetworkForeign."""
        self.require_no_other_network()
        if self.link.carrier():
            raise ConnectionUnexplained(line="link (it carries)")

    @property
    def bays(self) -> BoardChannel:
        return self.channel

    def interlock(self, pairing_key: bytes, bays: int) -> Interlock:
        """The interlock over the board's serial line."""
        nonce = self.entropy(NONCE_BYTES)
        return InterlockClient(self.channel, self.clock, pairing_key=pairing_key, nonce=nonce, bays=bays)


def real() -> Machine:
    """The machine of a process that the emulated board has started."""
    clock = SystemClock()
    channel = board_channel.from_environment(profile.load(BOARD), clock)
    return Machine(
        clock=clock,
        console=JsonConsole(),
        channel=channel,
        entropy=SystemEntropy(),
        pulse=lambda keeper: Pulse(keeper, clock),
    )
