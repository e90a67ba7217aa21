"""Makes a small vault with the real command line: how tests/golden/v1 was made, and fresh ones in tests.

    python -m tests.golden.make_vault NEW_DIR

The committed corpus is frozen (FORMAT 12.1): this makes another vault and never writes over that one.
"""

from __future__ import annotations

import json
import random
import shutil
import subprocess
import sys
from pathlib import Path

from tests.golden import tree

PROJECT = Path(__file__).resolve().parents[2]


def iwato(home: Path, *words: str) -> dict[str, object]:
    """Run a command of the product; its document."""
    done = subprocess.run(
        [sys.executable, "-m", "appliance", *words, "--home", str(home), "--json"],
        cwd=PROJECT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return dict(json.loads(done.stdout))


def make(place: Path, drives: int = 3, data: int = 2, bulk: int = 0) -> list[str]:
    """Into the new folder `place`: `home` with two windows, the source with a file of `bulk` bytes that do
    not compress, and per snapshot its listing. Ids of the snapshots, oldest first."""
    source, home = place / "source", place / "home"
    source.mkdir(parents=True)
    tree.fill(source)
    if bulk:
        (source / "mail" / "bulk").write_bytes(random.Random(bulk).randbytes(bulk))
    sources = [f"--source={name}={source / name}" for name in ("docs", "mail")]
    counts = [f"--drives={drives}", f"--data-shards={data}", "--holders=3", "--quorum=2"]
    iwato(home, "init", *counts, *sources)
    found = []
    for number in range(2):
        if number:
            tree.change(source)
        found.append(str(iwato(home, "bench", "run-window")["snapshot"]))
        text = json.dumps(tree.listing(source), indent=1, ensure_ascii=True)
        (place / f"{found[-1]}.json").write_text(text + "\n", encoding="ascii")
    return found


def _corpus(place: Path) -> None:
    """What is committed of it: drives without ROSETTA, tokens, and the listings."""
    made = place.with_name(place.name + ".made")
    for snapshot in make(made):
        shutil.copy(made / f"{snapshot}.json", place)
    leave_out = shutil.ignore_patterns("ROSETTA")
    shutil.copytree(made / "home" / "bay", place / "drives", ignore=leave_out)
    shutil.copytree(made / "home" / "tokens", place / "tokens")
    shutil.rmtree(made)


if __name__ == "__main__":
    target = Path(sys.argv[1])
    target.mkdir()
    _corpus(target)
