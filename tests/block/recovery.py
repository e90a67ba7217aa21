"""What has to hold when the power is back: judged on the mounted disks of a rack.

What was acknowledged restores from every k drives; the rest of the ingest is absent or whole; the recovery
overwrites nothing, raises no false alarm, finds nothing to do a second time; and the next window commits.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from itertools import combinations

from appliance.domain.ids import PackId
from appliance.errors import IwatoError
from tests.simulation.sealing_bench import Bench, assert_nothing_overwritten

NEXT_WINDOW = [3_000]  # plain bytes per pack


def wrong_after(
    bench: Bench,
    windows: Sequence[frozenset[PackId]],
    acknowledged: frozenset[PackId],
    *,
    goes_on: bool = True,
) -> list[str]:
    """Everything that does not hold; empty when all does. `windows` are the packs and segments of each;
    `goes_on`: another window is tried too."""
    try:
        wrong = [*_recovery(bench, windows, acknowledged), *_second_recovery(bench)]
        return [*wrong, *_next_window(bench)] if goes_on else wrong
    except (IwatoError, OSError, AssertionError) as error:
        return [repr(error)]


def unreadable(bench: Bench, bays: Collection[int], packs: Collection[PackId] | None = None) -> list[str]:
    """Every k drives of these alone give back these packs, byte by byte; all committed ones when absent."""
    wrong = []
    for some in combinations(sorted(bays), bench.geometry.data):
        try:
            booted = bench.boot(only=some)
            lost = set(packs or ()) - bench.committed(booted)
            wrong += [f"acknowledged and lost: {pack.hex()}" for pack in lost]
            bench.assert_readable(booted, list(packs) if packs is not None else None)
        except (IwatoError, OSError, AssertionError, KeyError) as error:
            wrong.append(f"from the drives {some}: {error!r}")
    return wrong


def _recovery(
    bench: Bench, windows: Sequence[frozenset[PackId]], acknowledged: frozenset[PackId]
) -> Iterator[str]:
    before = bench.drive_files()
    booted = bench.boot()
    if booted.ledger.alarms:
        yield f"false alarm: {booted.ledger.alarms}"
    report = booted.seal()
    if report.refused:
        yield f"refused: {report.refused}"
    assert_nothing_overwritten(before, bench.drive_files())
    committed = bench.committed(booted)
    for pack in acknowledged - committed:
        yield f"acknowledged and lost: {pack.hex()}"
    for number, window in enumerate(windows):
        if window & committed not in {frozenset(), window}:
            yield f"window {number + 1} is committed in part"
    if booted.ledger.history.size != bench.witness.memory.log.size:
        yield "the ledger and the interlock disagree"
    yield from unreadable(bench, range(1, bench.geometry.drives + 1))


def _second_recovery(bench: Bench) -> Iterator[str]:
    before, size = bench.drive_files(), bench.witness.memory.log.size
    report = bench.boot().seal()
    if report.sealed or report.healed.shards or bench.drive_files() != before:
        yield f"the second recovery still had to do: {report}"
    if bench.witness.memory.log.size != size:
        yield "the second recovery wrote into the ledger"


def _next_window(bench: Bench) -> Iterator[str]:
    bench.stage(NEXT_WINDOW)
    report = bench.boot().seal()
    if not report.sealed or report.degraded:
        yield f"the next window did not commit on all drives: {report}"
