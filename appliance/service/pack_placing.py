"""One staged pack onto the drives: checked, scattered, written, read back around the cache.

The pack is read once; its name is checked while it is scattered, before any shard has a name. Shards
that are there from an interrupted run are verified and kept; a damaged one is written anew as the next
revision. Commits nothing: that is sealing's. FORMAT 5, 6.6.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from appliance.domain.ids import DriveIndex, PackId
from appliance.errors import AgeFormatError, StagedBatchRefused
from appliance.format import age_header, age_recipient, batch, shard
from appliance.format.shard import BlockHashes, PackFacts, ShardName
from appliance.pipeline import place
from appliance.pipeline.scatter import Code
from appliance.ports import Files, Readable
from appliance.service import pack_shards
from appliance.service.drive_set import DriveSet
from appliance.service.shard_writer import ShardWriter, next_name, read_back, read_back_failed
from appliance.service.stripe_buffer import StripeBuffer

HEADER_READ_BYTES = 4096  # bytes; a header with the one stanza that is allowed has 1627 (FORMAT 2.8)


@dataclass(frozen=True, slots=True, kw_only=True)
class PlacedPack:
    """`holders` gave the whole shard back; `stored` is what their shard files take, in bytes."""

    facts: PackFacts
    holders: frozenset[DriveIndex]
    stored: int


class PackPlacer:
    """Places packs of `staging` on the drives. Thread-safe; each thread brings its buffer."""

    def __init__(self, staging: Files, drives: DriveSet, code: Code) -> None:
        self._staging, self._drives, self._code = staging, drives, code

    def place(
        self, pack: PackId, size: int, only: Collection[DriveIndex], buffer: StripeBuffer
    ) -> PlacedPack:
        """Place the staged pack on the drives `only`. StagedBatchRefused when it is not the pack of
        `size` bytes that it is named for, with nothing placed. Drives that fail drop out; the caller
        counts the holders."""
        name = batch.pack_name(pack)
        try:
            source = self._staging.read_direct(name)
        except OSError as error:
            raise StagedBatchRefused(detail=f"{name}: {error.strerror}") from error
        try:
            if source.size != size or not 0 < size <= shard.PACK_BYTES_MAX:
                raise StagedBatchRefused(detail=f"{name} has {source.size} bytes, not {size}")
            self._check_header(name, source)
            return self._scatter_and_verify(name, source, pack, only, buffer)
        finally:
            source.close()

    def _scatter_and_verify(
        self, name: str, source: Readable, pack: PackId, only: Collection[DriveIndex], buffer: StripeBuffer
    ) -> PlacedPack:
        kept: dict[DriveIndex, ShardName] = {}
        wanted: dict[DriveIndex, ShardName] = {}
        for drive in self._drives.writable:
            if drive.index not in only:
                continue
            found = pack_shards.revisions(drive.files, pack, drive.index)
            if found:
                kept[drive.index] = found[0]
            else:
                wanted[drive.index] = ShardName(pack=pack, index=drive.index)
        hashes, holders = self._write(name, source, pack, wanted, buffer)
        whole = {index for index, old in kept.items() if read_back(self._drives, old, hashes, buffer)}
        again = self._next_names(pack, set(kept) - whole)
        anew: frozenset[DriveIndex] = frozenset()
        if again:
            _, anew = self._write(name, source, pack, again, buffer)
        everyone = holders | whole | anew
        stored = len(everyone) * shard.shard_bytes(hashes.geometry, hashes.size)
        return PlacedPack(facts=hashes.facts(), holders=everyone, stored=stored)

    def _write(
        self,
        name: str,
        source: Readable,
        pack: PackId,
        names: Mapping[DriveIndex, ShardName],
        buffer: StripeBuffer,
    ) -> tuple[BlockHashes, frozenset[DriveIndex]]:
        """Scatter the whole pack, write the shards `names`, read them back; who holds them now."""
        geometry = self._drives.geometry
        placement = place.Placement(geometry, source.size)
        with ShardWriter(self._drives, names) as writer:
            try:
                for stripe in geometry.stripes(source.size):
                    columns = buffer.columns(stripe)
                    _fill(name, source, buffer.data(stripe), stripe.offset)
                    buffer.pad(stripe)
                    self._code.scatter(columns)
                    placement.record(stripe, columns)
                    writer.write(stripe, columns)
                hashes = placement.hashes()
                if hashes.facts().pack != pack:
                    raise StagedBatchRefused(detail=f"{name} is not the pack that it is named for")
            except StagedBatchRefused:
                writer.abandon()
                raise
            placed = writer.place(hashes)
        holders = set()
        for index in placed:
            if read_back(self._drives, names[index], hashes, buffer):
                holders.add(index)
            else:
                read_back_failed(self._drives, index)
        return hashes, frozenset(holders)

    def _next_names(self, pack: PackId, indices: set[DriveIndex]) -> dict[DriveIndex, ShardName]:
        names = {}
        for drive in self._drives.writable:
            if drive.index in indices:
                try:
                    names[drive.index] = next_name(drive, pack)
                except OSError as error:
                    self._drives.fail(drive.index, error)
        return names

    def _check_header(self, name: str, source: Readable) -> None:
        """Only what is sealed to exactly one post-quantum key reaches a drive: it needs no key to see
        that intake did not leave plaintext or another kind of recipient (FORMAT 2.8)."""
        head = bytearray(HEADER_READ_BYTES)
        _fill(name, source, memoryview(head)[: min(source.size, len(head))], 0)
        try:
            age_recipient.require_single_pq_stanza(age_header.parse(head))
        except AgeFormatError as error:
            raise StagedBatchRefused(detail=f"{name}: {error}") from error


def _fill(name: str, source: Readable, into: memoryview, offset: int) -> None:
    try:
        count = source.pread_into(into, offset)
    except OSError as error:
        raise StagedBatchRefused(detail=f"{name} cannot be read: {error.strerror}") from error
    if count != into.nbytes:
        raise StagedBatchRefused(detail=f"{name} is shorter than it was")
