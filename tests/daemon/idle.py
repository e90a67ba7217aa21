"""What an idle daemon takes: `python -m tests.daemon.idle [SECONDS]` prints CPU share and memory. No test."""

from __future__ import annotations

import os
import sys
import tempfile
import time
from pathlib import Path

from tests.daemon.running import running
from tests.simulation import virtual_box

SECONDS = 60
TICKS_PER_S = os.sysconf("SC_CLK_TCK")


def cpu_s(pid: int) -> float:
    """User and system seconds so far."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS_PER_S


def rss_mib(pid: int) -> float:
    """Resident memory now."""
    for line in Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise AssertionError(pid)


def main(seconds: int) -> None:
    with tempfile.TemporaryDirectory() as place:
        source = Path(place, "source")
        source.mkdir()
        (source / "file").write_text("x", encoding="ascii")
        box = virtual_box.born(Path(place, "home"), source)
        with running(box, speed=1) as daemon:
            daemon.wait_ready()
            daemon.wait_line("scrub: finished")  # a newborn box stands in its scrub slot
            begun_s, before_s = time.monotonic(), cpu_s(daemon.process.pid)
            time.sleep(seconds)
            used_s, passed_s = cpu_s(daemon.process.pid) - before_s, time.monotonic() - begun_s
            processes = len(daemon.tree())
            memory = rss_mib(daemon.process.pid)
            daemon.end()
    print(f"idle for {passed_s:.0f} s: {100 * used_s / passed_s:.2f} % of one core, {memory:.0f} MiB, "
          f"{processes} process")  # fmt: skip


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else SECONDS)
