"""The machine that the controller's program runs on: clock, console, board, interlock.

`real` is the emulated board's process; a board of copper is composed by wired_machine.py, and tests
compose one over the loopback (tests/simulation). Holds no appliance logic.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from appliance.adapters import board_channel, key_process
from appliance.adapters.block_drives import Judge
from appliance.adapters.board_channel import BoardChannel
from appliance.adapters.clock import SystemClock
from appliance.adapters.console import JsonConsole
from appliance.adapters.directory import Directory
from appliance.adapters.drives_emulated import EmulatedDrives
from appliance.adapters.entropy import SystemEntropy
from appliance.adapters.interlock import InterlockClient, SerialLine
from appliance.adapters.link import BoardLink
from appliance.compose.home import Home
from appliance.errors import ConnectionUnexplained, NetworkForeign
from appliance.ports import Clock, Console, Drives, Entropy, Files, Interlock, Link, Relays
from appliance.service.keeper import Keeper
from appliance.service.pulse import Pulse, Pulsing
from hw import profile

BOARD = "emulated"
NONCE_BYTES = 8  # bytes; the controller's half of the session nonce (firmware/PROTOCOL.md)


def no_step(_label: str) -> None:
    """Outside tests nobody counts the durable steps."""


class Board(Protocol):
    """What the program is wired to."""

    @property
    def relays(self) -> Relays: ...

    @property
    def link(self) -> Link: ...

    @property
    def line(self) -> SerialLine: ...

    def drives(self, home: Home, count: int, judge: Judge, steps: Callable[[str], None]) -> Drives: ...


@dataclass(frozen=True, slots=True)
class EmulatedParts:
    """The emulated board: everything comes over its channel, and drives are directories."""

    channel: BoardChannel

    @property
    def relays(self) -> Relays:
        return self.channel

    @property
    def link(self) -> Link:
        return BoardLink(self.channel)

    @property
    def line(self) -> SerialLine:
        return self.channel

    def drives(self, home: Home, count: int, judge: Judge, steps: Callable[[str], None]) -> Drives:  # noqa: ARG002
        """Directories carry no file system that could attack: any may be opened."""

        def files(path: Path, alive: Callable[[], bool]) -> Files:
            return Directory(path, steps=steps, alive=alive)

        return EmulatedDrives(home.bays, count, self.channel, files)


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """One boot. `steps` is called after every durable step; `threads` is intake's number of workers.
    `harden` protects the process before a key comes into it."""

    clock: Clock
    console: Console
    board: Board
    entropy: Entropy
    pulse: Callable[[Keeper], Pulsing]
    steps: Callable[[str], None] = no_step
    threads: int = 3
    harden: Callable[[], object] = key_process.harden

    @property
    def relays(self) -> Relays:
        return self.board.relays

    @property
    def link(self) -> Link:
        return self.board.link

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

    def drives(self, home: Home, count: int, judge: Judge) -> Drives:
        """The drives that are up; of disks, those that `judge` takes."""
        return self.board.drives(home, count, judge, self.steps)

    def interlock(self, pairing_key: bytes, bays: int) -> Interlock:
        """The interlock over the board's serial line."""
        nonce = self.entropy(NONCE_BYTES)
        return InterlockClient(self.board.line, self.clock, pairing_key=pairing_key, nonce=nonce, bays=bays)


def real() -> Machine:
    """The machine of a process that the emulated board has started."""
    clock = SystemClock()
    channel = board_channel.from_environment(profile.load(BOARD), clock)
    return Machine(
        clock=clock,
        console=JsonConsole(),
        board=EmulatedParts(channel),
        entropy=SystemEntropy(),
        pulse=lambda keeper: Pulse(keeper, clock),
    )
