"""The machine in one line, as far as a reader needs it to judge a measurement. Changes nothing."""

from __future__ import annotations

import os
import platform
from pathlib import Path


def _field(path: str, key: str) -> str:
    try:
        lines = Path(path).read_text(errors="replace").splitlines()
    except OSError:
        return ""
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith(key)), "")


def _disk(place: Path) -> str:
    """File system and block device below `place`, by the longest mount point that leads there."""
    best = ("", "unknown", "unknown")
    for line in Path("/proc/self/mounts").read_text(errors="replace").splitlines():
        device, point, kind = line.split(" ")[:3]
        if place.is_relative_to(point) and len(point) >= len(best[0]):
            best = (point, kind, device)
    return f"{best[1]} on {Path(best[2]).name}"


def described(place: Path) -> str:
    """CPU, cores that may be used, memory, kernel, disk, and how busy it is at this moment."""
    model = _field("/proc/cpuinfo", "model name") or _field("/proc/cpuinfo", "Model") or platform.machine()
    memory_kib = int((_field("/proc/meminfo", "MemTotal") or "0").split()[0])
    return (
        f"{model}, {len(os.sched_getaffinity(0))} cores, {memory_kib / 2**20:.0f} GiB RAM, "
        f"Linux {platform.release()}, {_disk(place.resolve())}; load average before the run "
        f"{os.getloadavg()[0]:.1f}"
    )
