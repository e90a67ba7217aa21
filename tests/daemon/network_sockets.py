"""Which network sockets a process has: its descriptors against its own network namespace's tables."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterable
from pathlib import Path

TABLES = ("tcp", "tcp6", "udp", "udp6", "udplite", "udplite6", "raw", "raw6", "icmp", "icmp6", "packet")
_SOCKET = re.compile(r"socket:\[(\d+)\]")


def of(pids: Iterable[int]) -> list[str]:
    """Every socket of an internet or packet family, listening or not."""
    found = []
    for pid in pids:
        held = _held(pid)
        for table in TABLES:
            path = Path("/proc", str(pid), "net", table)
            rows = path.read_text(encoding="ascii").splitlines()[1:] if path.exists() else []
            found += [f"{pid} {table}: {row.strip()}" for row in rows if held & set(row.split())]
    return found


def _held(pid: int) -> set[str]:
    """The inodes of its sockets; none where it has ended meanwhile."""
    held: set[str] = set()
    folder = f"/proc/{pid}/fd"
    try:
        names = os.listdir(folder)
    except OSError:
        return held
    for name in names:
        with contextlib.suppress(OSError):  # one that was closed since: the folder's own, for instance
            match = _SOCKET.fullmatch(os.readlink(f"{folder}/{name}"))
            if match:
                held.add(match[1])
    return held
