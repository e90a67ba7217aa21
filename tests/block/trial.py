"""Disk states of a recorded ingest, each mounted and recovered: what does not hold."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from tests.block import disk_states, recovery
from tests.block.disk_states import DiskState, Platters
from tests.block.rack import Rack
from tests.block.reference_ingest import Ingest


def states_of(ingest: Ingest) -> list[DiskState]:
    """All of them, in the order of the cuts."""
    record = ingest.record
    return list(disk_states.after_cuts(record, range(record.first, len(record.events) + 1)))


def wrong_states(ingest: Ingest, states: Iterable[DiskState], place: Path) -> Iterator[str]:
    """To be run in private_mounts.privately, with the folder that it gives."""
    rack = Rack(place, ingest.bench.geometry.drives + 1)
    platters = Platters(ingest.record, [rack.image(disk) for disk in range(rack.disks)])
    for state in states:
        for moment in ingest.moments_at(state.cut):
            platters.show(state)
            rack.mount()
            bench = ingest.bench_at(rack.root, moment)
            goes_on = state.how == "prefix"  # tried after a third of them
            found = recovery.wrong_after(bench, ingest.windows, moment.packs, goes_on=goes_on)
            rack.unmount()
            if found:
                memory = f"{len(moment.packs)} packs acknowledged"
                yield f"after {state.cut} of {len(ingest.record.events)}, {state.how}, {memory}: {found}"
