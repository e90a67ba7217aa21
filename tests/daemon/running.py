"""A real `iwatod` process on a real home, waited for by what it says, never by sleeping."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from appliance.adapters.daemon_line import DaemonLine
from hw.twin import processes
from tests.attack.command_line import PROJECT
from tests.simulation.virtual_box import VirtualBox

LIMIT_S = 60  # s; the longest wait here takes about 10 on a loaded machine
SPEED = 100


@dataclass
class Running:
    """One life of the daemon."""

    process: subprocess.Popen[str]
    line: DaemonLine
    notes: socket.socket
    lines: list[str] = field(default_factory=list)

    def wait_ready(self) -> str:
        """What it told the service manager first."""
        while True:
            said = self.notes.recv(4096).decode()
            if "READY=1" in said:
                return said

    def wait_line(self, part: str) -> str:
        """The next journal line with `part` in it."""
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.lines.append(line)
            if part in line:
                return line
        raise AssertionError(f"it ended before it said {part!r}:\n{''.join(self.lines)}")

    def wait_link(self) -> None:
        """Until the link is measured CONNECTED in a window."""
        for document in self.line.watch():
            if document["link"]["measured"]:
                return

    def tree(self) -> list[int]:
        """The daemon and everything that it started."""
        return [self.process.pid, *(child.pid for child in processes.descendants(self.process.pid))]

    def end(self, number: int = signal.SIGTERM) -> int:
        """The exit status after this signal."""
        self.process.send_signal(number)
        status = self.process.wait(LIMIT_S)
        assert self.process.stderr is not None
        self.lines += self.process.stderr.readlines()
        return status


@contextmanager
def running(box: VirtualBox, speed: int = SPEED) -> Iterator[Running]:
    """The daemon of this home; killed at the end if it still lives."""
    notes = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    place = str(box.root / "notify")
    notes.bind(place)
    notes.settimeout(LIMIT_S)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("IWATO_")}
    process = subprocess.Popen(
        [sys.executable, "-m", "appliance.compose.iwatod", "--home", str(box.root), "--speed", str(speed)],
        cwd=PROJECT, env=environment | {"NOTIFY_SOCKET": place}, stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
    )
    try:
        yield Running(process, DaemonLine(box.home.socket), notes)
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGCONT)
            process.kill()
            process.wait(LIMIT_S)
        assert process.stderr is not None
        process.stderr.close()
        notes.close()
        os.unlink(place)
