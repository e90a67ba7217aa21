"""Which call fails, how, and for how long; what a run did is read back from its trace."""

from __future__ import annotations

import errno
import re
import subprocess
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

SOURCE = Path(__file__).with_name("failing_calls.c")
SHORT, KILL, HANG = -1, -2, -3  # as in failing_calls.c
ONCE, DISK, WORLD = range(3)  # likewise
FULL, BROKEN = errno.ENOSPC, errno.EIO

# Kinds of calls, and how they can fail. EIO stands for a broken disk, ENOSPC for a full one.
WAYS: dict[str, tuple[int, ...]] = {
    "write": (BROKEN, FULL, SHORT, KILL),
    "sync": (BROKEN, FULL, KILL),
    "create": (BROKEN, FULL, KILL),
    "rename": (BROKEN, FULL, KILL),
    "link": (BROKEN, FULL, KILL),
    "truncate": (BROKEN, FULL, KILL),
    "mkdir": (BROKEN, FULL, KILL),
    "unlink": (BROKEN, KILL),
    "close": (BROKEN, KILL),
    "read": (BROKEN, SHORT, KILL),
    "open": (BROKEN, KILL),
    "list": (BROKEN, KILL),
    "statvfs": (BROKEN, KILL),
}
_SAID = {BROKEN: "EIO", FULL: "ENOSPC", SHORT: "short", KILL: "SIGKILL", HANG: "hang"}
_LINE = re.compile(rb"(\w+) (\d+) (ok|fail|short|kill|hang) (.*)", re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Order:
    """The `number`-th call of `kind` fails with `way`, and with it later ones as far as `lasting` reaches."""

    kind: str
    number: int
    way: int
    lasting: int

    def __str__(self) -> str:
        """As it is typed: write:17:EIO, write:17+:EIO (the disk), write:17++:EIO (every disk)."""
        return f"{self.kind}:{self.number}{'+' * self.lasting}:{_SAID[self.way]}"


NOTHING = Order(kind="write", number=0, way=BROKEN, lasting=ONCE)  # only counts


def typed(text: str) -> Order:
    """Inverse of str(order). ValueError, KeyError for anything else."""
    kind, number, way = text.split(":")
    ways = {word: way for way, word in _SAID.items()}
    lasting = number.count("+")
    order = Order(kind=kind, number=int(number.rstrip("+")), way=ways[way], lasting=lasting)
    if order.way not in (*WAYS[kind], HANG) or lasting > WORLD:
        raise ValueError(f"{text}: no such fault")
    return order


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One call that counted: the `number`-th of its kind, and how it ended."""

    kind: str
    number: int
    end: str
    path: str


def calls(trace: bytes) -> Iterator[Call]:
    """The lines of a trace. A line that a name with a newline broke off is no call."""
    for line in trace.split(b"\n"):
        found = _LINE.fullmatch(line)
        if found:
            kind, number, end, path = (part.decode(errors="surrogateescape") for part in found.groups())
            yield Call(kind=kind, number=int(number), end=end, path=path)


def every(counted: Iterable[Call]) -> list[Order]:
    """Every order that a run with these calls can be given: each call, each way, once and lasting. A killed
    process makes no second call."""
    return [
        Order(kind=call.kind, number=call.number, way=way, lasting=lasting)
        for call in counted
        for way in WAYS[call.kind]
        for lasting in (ONCE, DISK, WORLD)
        if not (lasting and way == KILL)
    ]


def named_after_a_fault(trace: Iterable[Call]) -> list[str]:
    """Files that got their name although a write, a truncate or an fsync of theirs had failed: what a disk
    gives back of them is anybody's guess. A rename is told with the old name."""
    spoiled, found = set(), []
    for call in trace:
        if call.end == "fail" and call.kind in {"write", "sync", "truncate"}:
            spoiled.add(call.path)
        elif call.end == "ok" and call.kind == "rename" and call.path in spoiled:
            found.append(call.path)
        elif call.end == "ok" and call.kind in {"create", "unlink"}:
            spoiled.discard(call.path)  # written anew
    return found


@cache
def library() -> Path:
    """The compiled failing_calls.c; it lies in a folder that goes with this process."""
    folder = tempfile.TemporaryDirectory(prefix="failing-calls-")
    _KEPT.append(folder)
    made = Path(folder.name, "failing_calls.so")
    flags = ("-O2", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC")
    subprocess.run(["cc", *flags, "-o", str(made), str(SOURCE), "-ldl"], check=True)
    return made


_KEPT: list[tempfile.TemporaryDirectory[str]] = []
