"""One process from start to end: wall, CPU and memory of it and of all it waited for.

Memory is `ru_maxrss` of wait4: the largest resident set of any single process of the tree, at its own
peak. It is not a sum; and a process begins with this program's own, so that up to `own_rss_mib` a figure
is an upper bound. A process that does not end well is a failure with the last line that it said.
"""

from __future__ import annotations

import os
import resource
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

STOP_S = 10  # seconds that an interrupted tool may take to put its house in order


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """A command line, where it is run, and what it finds in the environment beside ours."""

    words: Sequence[str]
    cwd: Path
    env: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """Seconds, seconds, MiB; and what the process wrote on stdout."""

    wall_s: float
    cpu_s: float
    rss_mib: float
    out: str = ""


class Failed(Exception):
    """The tool ended badly; the text says how."""


def own_rss_mib() -> float:
    """The peak of this program: a figure below it may be its own and not the tool's."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def run(order: Order, log: Path) -> Usage:
    """Run to the end. What it says goes to files beside `log`, so that a full pipe never slows it."""
    out, err = log.with_suffix(".out"), log.with_suffix(".err")
    with out.open("wb") as out_file, err.open("wb") as err_file:
        os.sync()  # what the last tool left in the page cache is not this one's to write
        began = time.perf_counter()
        process = subprocess.Popen(
            order.words,
            cwd=order.cwd,
            env={**os.environ, **order.env},
            stdin=subprocess.DEVNULL,
            stdout=out_file,
            stderr=err_file,
        )
        try:
            _, status, used = os.wait4(process.pid, 0)
        except BaseException:
            _end(process)
            raise
        wall_s = time.perf_counter() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        said = err.read_text(errors="replace").splitlines()
        last = next((line for line in reversed(said) if line.strip()), "")
        raise Failed(f"{Path(order.words[0]).name} ended with {process.returncode}: {last.strip()[:160]}")
    return Usage(
        wall_s=wall_s,
        cpu_s=used.ru_utime + used.ru_stime,
        rss_mib=used.ru_maxrss / 1024,
        out=out.read_text(errors="replace"),
    )


def _end(process: subprocess.Popen[bytes]) -> None:
    """Interrupted: nothing that was started stays."""
    process.terminate()
    try:
        process.wait(STOP_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
