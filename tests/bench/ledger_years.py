"""What `iwato copies list` takes after years of days.

    python -m tests.bench.ledger_years 1826

Makes an emulated appliance, gives its controller a ledger of so many days with the appliance's own keys,
a snapshot and a scrub on each, and runs the real command. Writes below TMPDIR.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from appliance.compose import operational_keys
from appliance.compose.home import Home
from appliance.compose.policy_files import PolicyFiles
from appliance.service.ledger_folder import CHECKPOINTS, LEDGER
from firmware.model import fram
from hw.twin.memory import FileMemory
from tests.bench import machine
from tests.unit.ledger_box import Box, Signers
from tests.unit.ledger_years import Years

RUNS = 3  # the median of them
# Runs a command and says the most memory that it had resident, in KiB, as the last word on stderr.
WATCH = (
    "import resource, subprocess, sys; ended = subprocess.run(sys.argv[1:]);"
    "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss, file=sys.stderr);"
    "sys.exit(ended.returncode)"
)


def iwato(home: Path, *words: str) -> tuple[float, int, str]:
    """Seconds, highest resident MiB, and what it said."""
    command = [sys.executable, "-m", "appliance", *words, "--json", "--home", str(home)]
    begun = time.perf_counter()
    done = subprocess.run([sys.executable, "-c", WATCH, *command], capture_output=True, text=True, check=True)
    took = time.perf_counter() - begun
    return took, int(done.stderr.split()[-1]) >> 10, done.stdout


def grown(home: Path, days: int) -> None:
    """Put a ledger of so many days in the place of the controller's."""
    own = Home(home)
    interlock = FileMemory(own.emulated)
    kept = fram.newest(interlock.slot(0), interlock.slot(1))
    assert kept is not None
    signers = Signers(
        keys=PolicyFiles(own.policy).keys,
        log=Ed25519PrivateKey.from_private_bytes(operational_keys.read(own.seal_state, operational_keys.LOG)),
        witness=Ed25519PrivateKey.from_private_bytes(kept.factory.witness_seed),
    )
    for folder in (LEDGER, CHECKPOINTS):
        shutil.rmtree(own.seal_state / folder, ignore_errors=True)
    Years(own.seal_state, Box(1, signers)).live(days)


def main() -> None:
    """See the module."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.ledger_years")
    parser.add_argument("days", type=int)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        print(machine.described(Path(folder)))
        home, source = Path(folder) / "home", Path(folder) / "source"
        source.mkdir()
        iwato(home, "init", "--source", f"docs={source}")
        _, empty_mib, _ = iwato(home, "copies", "list")
        grown(home, options.days)
        runs = sorted(iwato(home, "copies", "list") for _ in range(RUNS))
        took, most_mib, said = runs[RUNS // 2]
        assert len(json.loads(said)["snapshots"]) == options.days
        print(
            f"{options.days:,} days: listed in {took:.2f} s (the whole process, median of {RUNS}), "
            f"resident {most_mib} MiB, {empty_mib} MiB without any snapshot"
        )


if __name__ == "__main__":
    main()
