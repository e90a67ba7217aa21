"""`copies verify` without tokens: is every pack that a snapshot can need still there, and how often?

Which packs of earlier windows a snapshot refers to, only its sealed list of files says; so every pack that
was committed up to it is read. Repairs nothing (scrub does) and shows nothing about decryption.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice

from appliance.domain.ids import PackId
from appliance.errors import EXIT_FAILED, EXIT_OK, EXIT_WARNINGS, PackLost
from appliance.format.shard import PackFacts
from appliance.pipeline.scatter import Code
from appliance.service import drive_jobs, snapshots, sound_shard, stripe_workers
from appliance.service.drive_phase import DrivePhase
from appliance.service.drive_set import DriveSet
from appliance.service.pack_catalogue import PackCatalogue
from appliance.service.pack_shards import PackShards
from appliance.service.sound_shard import DriveCount
from appliance.service.stripe_buffer import StripeBuffer

LISTED_MAX = 256  # packs beyond help that are named; the count is exact


def check(phase: DrivePhase, name: str) -> None:
    """Read every shard of the packs up to the snapshot `name`. Says `checked` on the console."""
    entries = list(phase.ledger.history.entries())
    snapshot = snapshots.meant(snapshots.listed(entries), name)
    catalogue = PackCatalogue(entries)
    last = max(index for index, seal in catalogue.seals.items() if seal.snapshot == snapshot.snapshot)
    packs = [facts for pack, facts in catalogue.facts.items() if catalogue.sealed_by[pack] <= last]
    geometry, total = phase.drives.geometry, sum(facts.size for facts in packs)
    sound: dict[PackId, int] = {}
    done = 0
    for facts, count in _counted(phase.drives, phase.shop.code, catalogue, packs, phase):
        sound[facts.pack] = count
        done += facts.size
        phase.moved()
        phase.shop.console.say("progress", stage="verify", done=done, total=total)
    lost = [pack.hex() for pack, count in sound.items() if count < geometry.data]
    phase.shop.console.say(
        "checked",
        snapshot=snapshot.snapshot,
        packs=len(packs),
        read=len(sound),
        bytes=total,
        drives=len(phase.drives.readable),
        missing=[index + 1 for index in phase.drives.missing],
        spare=min(sound.values(), default=geometry.drives) - geometry.data,
        short=sum(count < geometry.drives for count in sound.values()),
        lost=list(islice(lost, LISTED_MAX)),
        lost_packs=len(lost),
        exit=_exit(sound, len(packs), phase.drives),
    )
    drive_jobs.record_drives(phase)


def _exit(sound: Mapping[PackId, int], packs: int, drives: DriveSet) -> int:
    """0: everything is there as often as it was written. 3: with less to spare, or not all was read."""
    geometry = drives.geometry
    if any(count < geometry.data for count in sound.values()):
        return EXIT_FAILED
    whole = len(sound) == packs and all(count == geometry.drives for count in sound.values())
    return EXIT_OK if whole else EXIT_WARNINGS


def _counted(
    drives: DriveSet, code: Code, catalogue: PackCatalogue, packs: list[PackFacts], phase: DrivePhase
) -> Iterator[tuple[PackFacts, int]]:
    """How many drives hold each pack's shard whole. Ends early with the phase."""

    def count(facts: PackFacts, buffer: StripeBuffer) -> int:
        try:
            shards = PackShards(drives, code, facts)
        except PackLost:
            return 0
        try:
            found = (
                sound_shard.find(
                    drive, shards, catalogue.revision(facts.pack, drive.index), DriveCount(), buffer
                )
                for drive in drives.readable
            )
            return sum(name is not None for name in found)
        finally:
            shards.close()

    return stripe_workers.run(drives.geometry, packs, count, phase.stop)
