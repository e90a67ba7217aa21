"""A board of copper, up to its pins, its terminal and its networks: behind them the twin lives in real time.

The production code is given the device of a pty, gpiozero's pins, and a folder that stands for the kernel's
networks. A thread of the test's is the box.
"""

from __future__ import annotations

import os
import select
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from appliance.adapters.bay_devices import BayDevice
from appliance.compose import operational_keys
from appliance.compose.home import Home
from appliance.compose.line_desk import LineDesk
from appliance.compose.wired_board import Ends
from hw.twin.loopback import LoopbackController
from tests.contract.man_in_the_middle import Cable
from tests.contract.pin_bench import factory_of
from tests.firmware import box
from tests.unit.twin_bench import Bench, Boot

BOARD = "cm4"  # its pins are those of the emulated profile; test_wired_board compares
SLICE_MS = 5  # ms of both clocks


@dataclass
class Disks:
    """block_drives.Devices: what is on the ports of the bays."""

    up: list[BayDevice] = field(default_factory=list)

    def present(self) -> list[BayDevice]:
        return self.up

    def is_there(self, device: BayDevice) -> bool:
        return device in self.up


@dataclass
class WiredBox:
    """A born box and the home of a controller beside it. `lives` runs it."""

    root: Path
    bench: Bench = field(default_factory=Bench)
    cable: Cable = field(default_factory=Cable)
    boot: Boot | None = None
    disks: Disks = field(default_factory=Disks)

    def __post_init__(self) -> None:
        self.bench.birth()
        home = Home(self.root / "home")
        home.seal_state.mkdir(parents=True)
        operational_keys.write(home.seal_state, operational_keys.PAIRING, box.PAIRING_KEY)
        self.networks = self.root / "net"
        (self.networks / "eth0").mkdir(parents=True)
        (self.networks / "eth0" / "type").write_text("1\n")
        settings = f'[board]\nname = "{BOARD}"\nserial = "{self.cable.path}"\n'
        (home.root / "config.toml").write_text(settings)

    @property
    def home(self) -> Path:
        return self.root / "home"

    def desk(self) -> LineDesk:
        boot = self.boot
        assert boot is not None
        ends = Ends(
            pins=lambda: factory_of(boot), networks=str(self.networks), disks=lambda _: self.disks
        )
        return LineDesk(self.home, None, ends)

    @contextmanager
    def lives(self) -> Iterator[None]:
        """Switched on, until the end: the far end of the serial line and the box's clock."""
        ended, ready, thread_errors = threading.Event(), threading.Event(), []

        def program(_: LoopbackController) -> None:
            ready.set()
            self._carry(ended)

        def programs(boot: Boot) -> Callable[[LoopbackController], None]:
            self.boot = boot
            return program

        def life() -> None:
            try:
                self.bench.run(lambda _: ended.is_set(), 600)
            except BaseException as error:  # noqa: BLE001 - carried to the test's thread
                thread_errors.append(error)
                ready.set()

        self.bench.restart()
        self.bench.programs = programs
        thread = threading.Thread(target=life, name="box")
        thread.start()
        assert ready.wait(60)
        try:
            yield
        finally:
            ended.set()
            thread.join()
        assert not thread_errors, thread_errors

    def _carry(self, ended: threading.Event) -> None:
        """The serial line, and one millisecond of the box for each of ours. A starved box slows down."""
        assert self.boot is not None
        poll = select.poll()
        poll.register(self.cable.far, select.POLLIN)
        while not ended.is_set():
            begin = time.monotonic()
            if any(mask & select.POLLIN for _, mask in poll.poll(SLICE_MS)):
                self.boot.channel.write(os.read(self.cable.far, 4096))
            passed_ms = round((time.monotonic() - begin) * 1000)
            said = self.boot.channel.read(min(max(1, passed_ms), 10 * SLICE_MS))
            if said:
                os.write(self.cable.far, said)

    def close(self) -> None:
        os.close(self.cable.far)
