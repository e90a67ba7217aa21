"""How long the stand-alone verifier takes for a long exported ledger.

    python -m tests.bench.ledger_verify [ENTRIES]

Entries are those of an ordinary seal without packs (`--bytes`), a checkpoint stands behind every 1,000th.
The whole process is measured, its highest resident memory too; two checkpoints are from outside.
"""

import argparse
import hashlib
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from appliance.format import ledger_export
from appliance.format.ledger_export import ENTRY, KEY, NOTE, record
from appliance.ledger import tree
from appliance.ledger.tree import Frontier
from appliance.rosetta import iwato_ledger
from tests.bench import machine
from tests.bench.ledger_years import WATCH
from tests.unit.ledger_box import KEYS, issue

ENTRIES = 10_000_000
CHECKPOINT_EVERY = 1_000
RUNS = 3  # the median of them
TARGET_S = 60  # 60-reliability: 10^7 entries


def pieces(entries: int, size: int, kept: dict[int, bytes]) -> Iterator[bytes]:
    """The file; `kept` gets the notes of the middle and the end."""
    yield ledger_export.HEADER
    for key in (KEYS.log, KEYS.witness):
        yield record(KEY, key.text().encode())
    frontier = Frontier()
    for begin in range(0, entries, CHECKPOINT_EVERY):
        batch = [
            (b'{"kind":"note","phase":"SEAL","text":"%d' % number).ljust(size - 2, b".") + b'"}'
            for number in range(begin, min(begin + CHECKPOINT_EVERY, entries))
        ]
        frontier = frontier.extended(map(tree.leaf_hash, batch))
        note = issue(frontier)
        if begin == entries // 2 // CHECKPOINT_EVERY * CHECKPOINT_EVERY or frontier.size == entries:
            kept[frontier.size] = note
        yield b"".join(record(ENTRY, entry) for entry in batch) + record(NOTE, note)


def write(place: Path, entries: int, size: int) -> list[Path]:
    """Write the ledger; gives the papers from outside."""
    kept: dict[int, bytes] = {}
    hashed = hashlib.sha256()
    with (place / "ledger").open("wb") as file:
        for piece in pieces(entries, size, kept):
            hashed.update(piece)
            file.write(piece)
        file.write(ledger_export.end(entries, hashed.digest()))
    papers = []
    for covered, note in kept.items():
        papers.append(place / f"paper-{covered}")
        papers[-1].write_bytes(note)
    return papers


def processor_s() -> float:
    """Seconds of processor time of all commands so far."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def measured(place: Path, papers: list[Path]) -> tuple[float, float, int]:
    """Seconds, seconds of processor time, and highest resident MiB."""
    program = [sys.executable, "-I", str(iwato_ledger.__file__), str(place / "ledger"), "--checkpoint"]
    begun, used = time.perf_counter(), processor_s()
    done = subprocess.run(
        [sys.executable, "-c", WATCH, *program, *map(str, papers)], capture_output=True, text=True, check=True
    )
    took = time.perf_counter() - begun
    return took, processor_s() - used, int(done.stderr.split()[-1]) >> 10


def main() -> None:
    """See the module."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.ledger_verify")
    parser.add_argument("entries", type=int, nargs="?", default=ENTRIES)
    parser.add_argument("--bytes", type=int, default=160, help="of one entry")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        print(machine.described(place))
        papers = write(place, options.entries, options.bytes)
        runs = sorted(measured(place, papers) for _ in range(RUNS))
        took, used, most_mib = runs[RUNS // 2]
        size = (place / "ledger").stat().st_size
        spread = f"median of {RUNS}, {runs[0][0]:.1f} to {runs[-1][0]:.1f}"
        print(
            f"{options.entries:,} entries, {size / 1e9:.2f} GB, {len(papers)} checkpoints from outside: "
            f"verified in {took:.1f} s (the whole process, {spread}; {used:.1f} s of one processor), "
            f"resident {most_mib} MiB; the target for 10,000,000 is {TARGET_S} s"
        )


if __name__ == "__main__":
    main()
