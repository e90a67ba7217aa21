"""The controller's supply as a process: starts confined programs, and ends all of them with itself.

The plant starts one guard per controller boot and holds its leash, a pipe: a line orders a program, the
end of the pipe (also by the plant's own SIGKILL, a whole-box power cut) takes the supply away. The guard
is the child subreaper, so a daemonised descendant returns to it. Reports go up another pipe as
JSON lines: started, exited, killed. Not confined itself; runs nothing of the appliance.
"""

from __future__ import annotations

import json
import os
import select
import signal
import sys
from typing import Any

from hw.twin import confine, processes

CHANNEL_FD = 3  # the descriptor at which a controller finds its end of the channel
ORDER_BYTES_MAX = 4 << 20  # bytes; an order carries the job of a controller, a few hundred KB at most
IGNORED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGPIPE)  # only the leash decides
NOT_STARTED = 126  # exit status of a program that could not be confined or run, as shells say it


class Guard:
    """One life of the controller's supply."""

    def __init__(self, leash: int, report: int, channel: int, console: tuple[int, int]) -> None:
        self._leash, self._report, self._channel, self._console = leash, report, channel, console
        self._orders = bytearray()
        self._wake, wakened = os.pipe()
        os.set_blocking(wakened, False)
        signal.set_wakeup_fd(wakened, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)

    def run(self) -> None:
        """Until the leash ends."""
        os.set_blocking(self._wake, False)
        poll = select.poll()
        for number in (self._leash, self._wake):
            poll.register(number, select.POLLIN)
        while True:
            ready = {number for number, _ in poll.poll()}
            if self._wake in ready:
                os.read(self._wake, 4096)
                self._bury()
            if self._leash in ready and not self._obey():
                break
        killed = processes.kill_descendants(os.getpid())
        self._bury()
        self._tell(killed=[[process.pid, process.name] for process in killed])

    def _obey(self) -> bool:
        data = os.read(self._leash, 1 << 16)
        self._orders += data
        if not data or len(self._orders) > ORDER_BYTES_MAX:
            return False
        *whole, rest = bytes(self._orders).split(b"\n")
        self._orders = bytearray(rest)
        for line in whole:
            self._start(json.loads(line))
        return True

    def _start(self, order: dict[str, Any]) -> None:
        pid = os.fork()
        if pid == 0:
            try:
                self._become(order)
            except BaseException as error:  # noqa: BLE001 - nothing of the guard may run on in the child
                os.write(2, f"guard: {error}\n".encode())
            os._exit(NOT_STARTED)
        self._tell(started=pid, name=order["name"])

    def _become(self, order: dict[str, Any]) -> None:
        guard = os.getppid()
        os.setsid()
        signal.set_wakeup_fd(-1)
        for number in (signal.SIGCHLD, *IGNORED):
            signal.signal(number, signal.SIG_DFL)
        job = os.memfd_create("job")
        with os.fdopen(os.dup(job), "wb") as file:
            file.write(order["stdin"].encode())
        os.lseek(job, 0, os.SEEK_SET)
        # All sources are moved out of the way first, so that none is overwritten by another's target.
        sources = (job, *self._console, self._channel)
        high = [os.dup2(source, 100 + place) for place, source in enumerate(sources)]
        for target, source in enumerate(high):
            os.dup2(source, target, inheritable=True)
        os.closerange(CHANNEL_FD + 1, 1 << 16)
        processes.die_with_parent(guard)
        os.chdir(order["cwd"])
        rules = {key: tuple(paths) for key, paths in order["rules"].items()}
        confine.apply(confine.Rules(**rules))
        os.execve(order["argv"][0], order["argv"], order["env"])  # noqa: S606 - that is the guard's purpose

    def _bury(self) -> None:
        for pid, status in processes.reap():
            self._tell(exited=pid, status=status)

    def _tell(self, **fields: object) -> None:
        try:
            os.write(self._report, json.dumps(fields).encode() + b"\n")
        except (BrokenPipeError, BlockingIOError):
            return  # the plant is gone, or does not read; ending everything matters more


def main(arguments: list[str]) -> None:
    """`arguments`: the numbers of leash, report and channel, inherited from the plant."""
    leash, report, channel = (int(number) for number in arguments)
    for number in IGNORED:
        signal.signal(number, signal.SIG_IGN)
    processes.become_subreaper()
    os.set_inheritable(channel, False)
    console = os.dup(1), os.dup(2)
    null = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(null, stream)
    os.set_blocking(report, False)
    Guard(leash, report, channel, console).run()


if __name__ == "__main__":
    main(sys.argv[1:])
