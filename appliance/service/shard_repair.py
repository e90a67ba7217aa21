"""Writing anew what a drive lacks of a pack, computed from the other drives. Nothing is overwritten.

Used by scrub for damaged shards and by every drive phase for shards that a drive missed. A shard is
counted as repaired only after it was read back.
"""

from __future__ import annotations

from collections.abc import Callable, Collection

from appliance.domain.ids import DriveIndex
from appliance.errors import PackLost
from appliance.format.shard import ShardName
from appliance.service.drive_set import DriveSet
from appliance.service.pack_shards import PackShards
from appliance.service.shard_writer import ShardWriter, next_name, read_back, read_back_failed
from appliance.service.stripe_buffer import StripeBuffer


def rebuild(
    drives: DriveSet,
    shards: PackShards,
    lacking: Collection[DriveIndex],
    buffer: StripeBuffer,
    recorded: Callable[[DriveIndex], int],
) -> tuple[ShardName, ...]:
    """Write the shards `lacking` anew; the names of those that were read back whole. None of a revision below
    the `recorded` one, which would not count: a disk may have taken the place of a drive that was repaired.
    A drive that fails drops out. Raises PackLost, having placed nothing, when a block cannot be computed."""
    names: dict[DriveIndex, ShardName] = {}
    for drive in drives.writable:
        if drive.index in lacking:
            try:
                names[drive.index] = next_name(drive, shards.facts.pack, recorded(drive.index))
            except OSError as error:
                drives.fail(drive.index, error)
    with ShardWriter(drives, names) as writer:
        try:
            for stripe in shards.geometry.stripes(shards.facts.size):
                shards.load(stripe, buffer, names)
                writer.write(stripe, buffer.columns(stripe))
        except PackLost:
            writer.abandon()
            raise
        placed = writer.place(shards.hashes)
    repaired = []
    for index in sorted(placed):
        if read_back(drives, names[index], shards.hashes, buffer):
            repaired.append(names[index])
        else:
            read_back_failed(drives, index)
    return tuple(repaired)
