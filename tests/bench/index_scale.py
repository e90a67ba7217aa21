"""What the dedup index costs in memory at a size that no test builds.

    python -m tests.bench.index_scale 1000000

Fills an index of so many chunks through its own door, acknowledges them, and opens it in a fresh process,
which says its resident memory before and after, and how long a miss and a hit take. Writes below TMPDIR.
"""

from __future__ import annotations

import argparse
import hashlib
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from appliance.adapters.dedup_index import SqliteIndex
from appliance.domain.ids import PackId
from tests.bench import machine

KEY = bytes(32)
CHUNKS_PER_PACK = 1 << 14
LOOKS = 20_000


def name_of(number: int) -> bytes:
    """The keyed hash that chunk `number` would have."""
    return hashlib.sha256(b"%d" % number).digest()


def packs(count: int) -> Iterator[tuple[PackId, list[tuple[bytes, int, int]]]]:
    """`count` chunks in packs."""
    for start in range(0, count, CHUNKS_PER_PACK):
        numbers = range(start, min(count, start + CHUNKS_PER_PACK))
        chunks = [(name_of(number), number - start, 1 << 20) for number in numbers]
        yield PackId(hashlib.sha256(b"pack %d" % start).digest()), chunks


def fill(path: Path, count: int) -> None:
    """An index of `count` acknowledged chunks."""
    index = SqliteIndex(path, KEY, warn=print)
    names = []
    for pack, chunks in packs(count):
        index.add(pack, chunks)
        names.append(pack)
    index.commit(names)
    index.close()


def rss_mib() -> float:
    """Of this process, at its highest so far. getrusage would count what its parent had, too."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmHWM")).split()[1]) / 1024


def look(path: Path, count: int) -> None:
    """Open the index in this process and say what that took."""
    empty = rss_mib()
    begun = time.perf_counter()
    index = SqliteIndex(path, KEY, warn=print)
    opened = time.perf_counter() - begun
    begun = time.perf_counter()
    missed = sum(index.find(name_of(count + number)) is None for number in range(LOOKS))
    misses = time.perf_counter() - begun
    begun = time.perf_counter()
    step = max(1, count // LOOKS)
    found = sum(index.find(name_of(number)) is not None for number in range(0, count, step))
    hits = time.perf_counter() - begun
    assert (missed, found) == (LOOKS, len(range(0, count, step)))
    print(
        f"{count:,} chunks: {path.stat().st_size / 2**20:.0f} MiB on disk, opened in {opened:.1f} s, "
        f"resident {empty:.0f} MiB before and {rss_mib():.0f} MiB after, "
        f"a miss {misses / LOOKS * 1e6:.1f} us, a hit {hits / found * 1e6:.1f} us"
    )


def main() -> None:
    """See the module."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.index_scale")
    parser.add_argument("chunks", type=int)
    parser.add_argument("--look", type=Path, help="only open this index, as the program itself does")
    options = parser.parse_args()
    if options.look is not None:
        look(options.look, options.chunks)
        return
    with tempfile.TemporaryDirectory() as folder:
        print(machine.described(Path(folder)))
        path = Path(folder) / "index.sqlite"
        begun = time.perf_counter()
        fill(path, options.chunks)
        print(f"filled in {time.perf_counter() - begun:.0f} s")
        again = [sys.executable, "-m", "tests.bench.index_scale", str(options.chunks), "--look", str(path)]
        subprocess.run(again, check=True)


if __name__ == "__main__":
    main()
