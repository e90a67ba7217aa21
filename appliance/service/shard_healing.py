"""Shards that a drive missed while it was away or had failed, made up for from the other drives.

Looks at names only, so that it is quick when nothing is missing; scrub looks at content. Each shard is
read back before it counts. Stops at a pack's border when its time is over.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from functools import partial

from appliance.domain.ids import DriveIndex, PackId
from appliance.errors import PackLost
from appliance.format import shard
from appliance.format.shard import ShardName
from appliance.pipeline.scatter import Code
from appliance.service import shard_repair, stripe_workers
from appliance.service.drive_set import Drive, DriveSet
from appliance.service.pack_catalogue import PackCatalogue
from appliance.service.pack_shards import PackShards
from appliance.service.stripe_buffer import StripeBuffer

FOLDERS = tuple(f"{number:02x}" for number in range(256))


@dataclass(slots=True, kw_only=True)
class Healed:
    """What was made up for, and the packs of which too few shards are here to do so. `forgotten`: how many
    shards a drive lacked that it held by the ledger."""

    shards: list[ShardName] = field(default_factory=list)
    lost: list[PackId] = field(default_factory=list)
    forgotten: Counter[DriveIndex] = field(default_factory=Counter)


def held(drive: Drive) -> frozenset[PackId]:
    """Packs of which this drive has a shard file. A folder that cannot be listed holds none."""
    found = set()
    for folder in FOLDERS:
        try:
            names = drive.files.names(f"{shard.FOLDER}/{folder}")
        except OSError:
            continue
        parsed = (shard.parse_name(name) for name in names)
        found |= {name.pack for name in parsed if name is not None and name.index == drive.index}
    return frozenset(found)


def heal(
    drives: DriveSet,
    code: Code,
    catalogue: PackCatalogue,
    stop: Callable[[], bool],
    moved: Callable[[], None],
) -> Healed:
    """Give every drive the shards of committed packs that it does not have. `moved` is called after
    every drive that was looked through and every pack that was made up for."""
    holdings = {}
    for drive in drives.writable:
        holdings[drive.index] = held(drive)
        moved()
    lacking: dict[PackId, set[DriveIndex]] = {}
    for pack in catalogue.facts:
        indices = {index for index, has in holdings.items() if pack not in has}
        if indices:
            lacking[pack] = indices

    def one(pack: PackId, buffer: StripeBuffer) -> tuple[ShardName, ...] | None:
        try:
            shards = PackShards(drives, code, catalogue.facts[pack])
        except PackLost:
            return None
        try:
            recorded = partial(catalogue.revision, pack)
            return shard_repair.rebuild(drives, shards, lacking[pack], buffer, recorded)
        except PackLost:
            return None
        finally:
            shards.close()

    healed = Healed(forgotten=_forgotten(lacking, catalogue))
    for pack, names in stripe_workers.run(drives.geometry, lacking, one, stop):
        moved()
        if names is None:
            healed.lost.append(pack)
        else:
            healed.shards += names
    return healed


def _forgotten(
    lacking: Mapping[PackId, Collection[DriveIndex]], catalogue: PackCatalogue
) -> Counter[DriveIndex]:
    """How much each drive lacks of what the ledger says it holds: nothing of a drive that was only away."""
    return Counter(
        index for pack, indices in lacking.items() for index in indices if catalogue.held(pack, index)
    )
