"""Whether a drive's shard of a pack is whole, and which of its revisions counts. Reads only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from appliance.format import shard
from appliance.format.shard import ShardName
from appliance.service import shard_writer
from appliance.service.drive_set import Drive
from appliance.service.pack_shards import PackShards, ShardFile, open_shards
from appliance.service.stripe_buffer import StripeBuffer


@dataclass(slots=True, kw_only=True)
class DriveCount:
    """Of one drive: parts read (blocks and footers), parts bad, shards missing."""

    blocks: int = 0
    bad: int = 0
    missing: int = 0


def find(
    drive: Drive, shards: PackShards, recorded: int, count: DriveCount, buffer: StripeBuffer
) -> ShardName | None:
    """The shard file that counts, if it is whole: the `recorded` revision, else a newer one that a cut
    repair left. Every other revision is known to be damaged and does not count."""
    files = list(open_shards(drive, shards.facts.pack))
    try:
        candidates = [file for file in files if file.name.revision >= recorded]
        candidates.sort(key=lambda file: file.name.revision)
        return _first_sound(candidates, shards, count, buffer)
    finally:
        for file in files:
            file.close()


def _first_sound(
    files: Sequence[ShardFile], shards: PackShards, count: DriveCount, buffer: StripeBuffer
) -> ShardName | None:
    if not files:
        count.missing += 1
    for file in files:
        count.blocks += shard.stripe_count(shards.geometry, shards.facts.size) + 1
        bad = shard_writer.damaged_parts(file, shards.hashes, buffer)
        if not bad:
            return file.name
        count.bad += bad
    return None
