"""The controller's program on a board of copper: the machine of one boot, from its profile and the settings.

Drives are mounted where only this process sees them; with its end they are gone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

from appliance.adapters import mount
from appliance.adapters.block_drives import BlockDrives, Devices, Judge
from appliance.adapters.console import JsonConsole
from appliance.adapters.directory import Directory
from appliance.adapters.entropy import SystemEntropy
from appliance.adapters.header_pins import HeaderPins
from appliance.adapters.kernel_link import KernelLink
from appliance.adapters.serial_port import SerialPort
from appliance.compose import config_file, wired_board
from appliance.compose.home import Home
from appliance.compose.machine import Machine
from appliance.compose.wired_board import Ends
from appliance.domain.ids import Bay
from appliance.errors import DiskNotMounted
from appliance.ports import Console, Files
from appliance.service import drive_phase
from appliance.service.pulse import Pulse


@dataclass(frozen=True, slots=True, kw_only=True)
class WiredParts:
    """compose.machine.Board."""

    relays: HeaderPins
    link: KernelLink
    line: SerialPort
    devices: Devices
    console: Console
    ends: ExitStack = field(default_factory=ExitStack)

    def drives(self, home: Home, count: int, judge: Judge, steps: Callable[[str], None]) -> BlockDrives:  # noqa: ARG002
        """Disks on the bays' ports. OSError where this process may not mount."""

        def files(path: str, alive: Callable[[], bool]) -> Files:
            return Directory(path, steps=steps, alive=alive)

        def refused(bay: Bay, reason: str) -> None:
            drive_phase.warn(self.console, DiskNotMounted(bay=bay, detail=reason))

        mount.keep_private()
        home.bays.mkdir(parents=True, exist_ok=True)
        drives = BlockDrives(self.devices, judge, str(home.bays), files, refused)
        self.ends.callback(drives.close)
        return drives


@contextmanager
def opened(home: Home, board: str, ends: Ends | None = None) -> Iterator[Machine]:
    """Every coil released before and after. BoardUnknown, PinsUnusable, SerialUnusable, SerialBusy,
    ToolMissing, ConfigInvalid."""
    ends, settings = ends or Ends(), config_file.read(home).board
    parts, clock, console = wired_board.profile_of(board), ends.clock(), JsonConsole()
    with ExitStack() as stack, wired_board.released_at_the_end(parts, ends.pins) as pins:
        line = SerialPort(settings.serial, clock)
        stack.callback(line.close)
        line.open()
        wired = WiredParts(
            relays=pins,
            link=KernelLink(settings.link, ends.networks),
            line=line,
            devices=ends.disks(wired_board.ports_of(parts)),
            console=console,
            ends=stack,
        )
        yield Machine(
            clock=clock,
            console=console,
            board=wired,
            entropy=SystemEntropy(),
            pulse=lambda keeper: Pulse(keeper, clock),
        )
