"""How the rootkit of the drills gets into the controller's slot: source text and plan. Starts nothing."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from hw.twin.slot import Implant

_SOURCE = Path(__file__).with_name("rootkit.py")
FUSE_S = 120  # s; longer than any drill leaves it alive


def implant(
    *,
    forbidden: Sequence[Path],
    writable: Sequence[Path],
    packages: Sequence[Path] = (),
    pairing_key: bytes | None = None,
) -> Implant:
    """An implant that tries to reach `forbidden`, drops files in `writable`, floods and stays.

    With `pairing_key` (root on the controller has it) and the `packages` to import from, it also takes
    over the serial line, which costs the honest controller its heartbeat.
    """
    plan = {
        "forbidden": [str(path) for path in forbidden],
        "secrets": [str(path) for folder in forbidden for path in _first_file(folder)],
        "writable": [str(path) for path in writable],
        "packages": [str(path) for path in packages],
        "pairing_key": pairing_key.hex() if pairing_key is not None else "",
        "plant_pid": os.getpid(),
        "seconds": FUSE_S,
    }
    return Implant(
        name="rootkit",
        argv=(sys.executable, "-I", "-S", "-", json.dumps(plan)),
        stdin=_SOURCE.read_text(encoding="utf-8"),
    )


def _first_file(folder: Path) -> list[Path]:
    """Something to read: lookups are not forbidden, so only a file that is there shows a refusal."""
    return [path for path in sorted(folder.rglob("*")) if path.is_file()][:1]
