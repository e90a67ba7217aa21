"""The controller as real processes: confined, watched over one socket, ended with all they started.

Every boot is a fresh guard (guard.py) and a fresh `exec`. One SOCK_SEQPACKET pair carries serial
bytes, pins and inputs; the console is a pipe. The job comes on standard input.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from hw import channel
from hw.channel import Packet
from hw.twin import processes
from hw.twin.confine import Rules
from hw.twin.console import Console, Tail, drain
from hw.twin.slot import Ended, Implant, Removal, Said

_ROOT = Path(__file__).resolve().parents[2]
_GUARD = (
    "import sys; sys.path.insert(0, sys.argv.pop(1)); from hw.twin import guard; guard.main(sys.argv[1:])"
)
REMOVAL_S = 10  # s; the guard needs some ms; afterwards the plant itself kills what is left
_ENVIRONMENT_KEPT = ("LANG", "LC_ALL", "TZ", "PATH", "COVERAGE_PROCESS_START")


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """What a boot runs. `argv[0]` is an absolute path; `job` is given as JSON on standard input.

    `cwd` must be readable under `rules`. `env` is added to the few variables that are passed on.
    """

    name: str
    argv: tuple[str, ...]
    job: object = field(repr=False)  # a recovery's holds what the holders typed
    rules: Rules
    cwd: str = "/"
    env: Mapping[str, str] = field(default_factory=dict)


class ProcessController:
    """One boot. Must be made by a thread that lives as long as the boot does."""

    def __init__(self, program: Program) -> None:
        self._program = program
        self._names: dict[int, str] = {}
        self._first = 0
        self._ended: list[Ended] = []
        self._reported = bytearray()
        self._killed: tuple[tuple[int, str], ...] = ()
        self._last_said: list[Said] = []
        self._last_errors: str | None = None
        self.garbage = 0
        processes.become_subreaper()  # should the guard itself be killed, its wards come to us
        self._children_before = {process.pid for process in processes.descendants(os.getpid())}
        self._socket, far = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._socket.setblocking(False)
        self._guard, self._leash, self._report = self._start_guard(far)
        assert self._guard.stdout is not None
        assert self._guard.stderr is not None
        self._console = Console(self._guard.stdout.fileno())
        self._errors = Tail(self._guard.stderr.fileno())
        self._order(program.name, program.argv, json.dumps(program.job), program.env)

    def _start_guard(self, far: socket.socket) -> tuple[subprocess.Popen[bytes], int, int]:
        leash_end, leash = os.pipe()
        report, report_end = os.pipe()
        given = (leash_end, report_end, far.fileno())
        guard = subprocess.Popen(
            [sys.executable, "-I", "-S", "-c", _GUARD, str(_ROOT), *map(str, given)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            pass_fds=given,
            start_new_session=True,
            cwd="/",
        )
        far.close()
        os.close(leash_end)
        os.close(report_end)
        os.set_blocking(report, False)
        return guard, leash, report

    def _order(self, name: str, argv: Sequence[str], stdin: str, env: Mapping[str, str]) -> None:
        kept = {key: os.environ[key] for key in _ENVIRONMENT_KEPT if key in os.environ}
        order = {
            "name": name,
            "argv": list(argv),
            "stdin": stdin,
            "cwd": self._program.cwd,
            "env": {**kept, **env},
            "rules": self._program.rules.as_json(),
        }
        with contextlib.suppress(BrokenPipeError):  # a dead guard is found by `ended`
            _write_all(self._leash, json.dumps(order).encode() + b"\n")

    def descriptors(self) -> tuple[int, ...]:
        """What to wait on."""
        assert self._guard.stdout is not None
        return self._socket.fileno(), self._guard.stdout.fileno(), self._report

    def arrived(self, most: int) -> Sequence[Packet]:
        packets: list[Packet] = []
        for _ in range(most):
            try:
                raw = self._socket.recv(channel.PACKET_BYTES_MAX + 1)
            except (BlockingIOError, ConnectionResetError):
                break
            if not raw:
                break
            try:
                packets.append(channel.decode(raw))
            except channel.ChannelGarbage:
                self.garbage += 1
        return packets

    def push(self, packet: Packet) -> None:
        with contextlib.suppress(BlockingIOError, BrokenPipeError, ConnectionResetError):
            self._socket.send(channel.encode(packet))

    def said(self) -> Sequence[Said]:
        if self._last_errors is None:
            return self._console.read()
        said, self._last_said = self._last_said, []
        return said

    def errors(self) -> str:
        """The newest part of what the programs wrote to their error output, also after the end."""
        return self._errors.read() if self._last_errors is None else self._last_errors

    def ended(self) -> Sequence[Ended]:
        self._read_reports()
        ended, self._ended = self._ended, []
        return ended

    def hang(self) -> None:
        self._read_reports()
        self._signal(signal.SIGSTOP)

    def crash(self) -> None:
        self._read_reports()
        self._signal(signal.SIGKILL)

    def plant(self, implant: Implant) -> None:
        self._order(implant.name, implant.argv, implant.stdin, implant.env)

    def remove_supply(self) -> Removal:
        """Ends every descendant and proves it: everything that was seen alive before is dead after."""
        before = [*processes.descendants(self._guard.pid)]
        os.close(self._leash)
        try:
            self._guard.wait(REMOVAL_S)
        except subprocess.TimeoutExpired:
            self._guard.kill()
            self._guard.wait()
        strays = self._kill_strays()
        self._read_reports()
        self._close()
        left = tuple((process.pid, process.name) for process in before if processes.alive(process))
        return Removal(killed=(*self._killed, *strays), left=left)

    def _close(self) -> None:
        self._last_said = self._console.read()
        self._last_errors = self._errors.read()
        self._socket.close()
        os.close(self._report)
        for pipe in (self._guard.stdout, self._guard.stderr):
            assert pipe is not None
            pipe.close()

    def _kill_strays(self) -> tuple[tuple[int, str], ...]:
        """What came to us because the guard had died before its wards."""
        if self._guard.returncode == 0:
            return ()
        strays: dict[int, str] = {}
        for _ in range(processes.SWEEPS_MAX):  # what forks while it is being killed needs another round
            fresh = [c for c in processes.descendants(os.getpid()) if c.pid not in self._children_before]
            if not fresh:
                break
            for child in fresh:
                strays[child.pid] = child.name
                with contextlib.suppress(ProcessLookupError):
                    os.kill(child.pid, signal.SIGKILL)
        return tuple(strays.items())

    def _signal(self, number: int) -> None:
        if self._first in self._names:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._first, number)

    def _read_reports(self) -> None:
        self._reported += drain(self._report, 1 << 20)
        *whole, rest = bytes(self._reported).split(b"\n")
        self._reported = bytearray(rest)
        for line in whole:
            report = json.loads(line)  # from our own guard, so it is well-formed
            if "started" in report:
                self._names[report["started"]] = report["name"]
                self._first = self._first or report["started"]
            elif "exited" in report and report["exited"] in self._names:
                name = self._names.pop(report["exited"])
                self._ended.append(Ended(name=name, status=report["status"]))
            elif "killed" in report:
                self._killed = tuple((pid, name) for pid, name in report["killed"])


def _write_all(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]
