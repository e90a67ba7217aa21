"""The process table below one process: who descends from it, and an end to all of them.

Reads /proc. Meant for a child subreaper, to which double-forked descendants return instead of
escaping. Kills by id only, and only descendants.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
SWEEPS_MAX = 1000  # rounds; a fork bomb loses long before, and an endless loop would be worse
SWEEP_S = 0.001  # s between two rounds: a large process needs a moment to go


@dataclass(frozen=True, slots=True, kw_only=True)
class Process:
    """One process; `started` tells it apart from a later one with the same id."""

    pid: int
    parent: int
    name: str
    state: str
    started: int
    threads: int

    @property
    def is_alive(self) -> bool:
        """Whether any of it still runs. A process whose first thread has ended looks like a zombie
        while its other threads run on; only one that has nothing but the dead first thread is dead."""
        return self.state not in {"Z", "X"} or self.threads > 1


class Undead(RuntimeError):
    """Descendants are left although all were killed again and again."""


def become_subreaper() -> None:
    """Orphaned descendants are given to this process instead of to init."""
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def die_with_parent(parent: int) -> None:
    """SIGKILL for the calling process as soon as `parent`, which started it, is gone."""
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(1)


def table() -> Mapping[int, Process]:
    """All processes of the machine by id."""
    found = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            process = look(int(entry.name))
            if process is not None:
                found[process.pid] = process
    return found


def look(pid: int) -> Process | None:
    """One process, None when it is gone. Its name may hold blanks and brackets."""
    try:
        text = Path(f"/proc/{pid}/stat").read_bytes().decode(errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return None
    head, _, tail = text.rpartition(")")
    fields = tail.split()
    return Process(
        pid=pid,
        parent=int(fields[1]),
        name=head.partition("(")[2],
        state=fields[0],
        threads=int(fields[17]),
        started=int(fields[19]),
    )


def descendants(pid: int) -> list[Process]:
    """Everything alive below `pid`, nearest first."""
    processes = table()
    found: list[Process] = []
    parents = [pid]
    while parents:
        children = [process for process in processes.values() if process.parent in parents]
        found += [process for process in children if process.is_alive]
        parents = [process.pid for process in children]
    return found


def alive(process: Process) -> bool:
    """Whether this very process still runs."""
    now = look(process.pid)
    return now is not None and now.started == process.started and now.is_alive


def kill_descendants(pid: int) -> list[Process]:
    """End everything below `pid` and return what was there. Raises Undead.

    All are stopped before they are killed, so that none can fork while its siblings die. A look at the
    table can miss one that changes its parent meanwhile; for a subreaper the kernel's word that it has no
    child left is the proof.
    """
    killed: dict[int, Process] = {}
    for _ in range(SWEEPS_MAX):
        left = descendants(pid)
        if not left and _is_childless(pid):
            return list(killed.values())
        for order in (signal.SIGSTOP, signal.SIGKILL):
            for process in left:
                killed[process.pid] = process
                with contextlib.suppress(ProcessLookupError):
                    os.kill(process.pid, order)
        reap()
        time.sleep(SWEEP_S)
    raise Undead(f"{len(descendants(pid))} processes are left")


def _is_childless(pid: int) -> bool:
    """Whether the kernel knows of no child of this process; asked of another one, nothing is known."""
    if pid != os.getpid():
        return True
    try:
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return True
    return False


def reap() -> list[tuple[int, int]]:
    """(pid, exit code, negative for a signal) of own children that ended."""
    ended = []
    with contextlib.suppress(ChildProcessError):
        while (found := os.waitpid(-1, os.WNOHANG))[0]:
            ended.append((found[0], os.waitstatus_to_exitcode(found[1])))
    return ended
