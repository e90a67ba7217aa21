"""The shard files of one pack on the drives that are up: read, checked, and computed where damaged.

Every block that leaves here was verified against a hash that the ledger's entry proves. A shard may
exist in several revisions; any that holds the right bytes will do, the newest first. Reads only.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence

from appliance.domain.geometry import Geometry, Stripe
from appliance.domain.ids import DriveIndex, PackId
from appliance.errors import PackLost, ShardFormatError
from appliance.format import shard
from appliance.format.shard import BlockHashes, PackFacts, ShardName
from appliance.pipeline import place
from appliance.pipeline.scatter import Code, ColumnsTooFew
from appliance.ports import Files, Readable
from appliance.service.drive_set import Drive, DriveSet
from appliance.service.stripe_buffer import StripeBuffer

REVISIONS_TRIED = 4  # files of one shard that a reader opens, newest first; older ones were damaged


class ShardFile:
    """One revision of one shard, open for reading around the cache. Every failure reads as damage."""

    def __init__(self, name: ShardName, readable: Readable) -> None:
        self.name = name
        self._readable = readable

    @property
    def size(self) -> int:
        return self._readable.size

    def read(self, into: memoryview, offset: int) -> bool:
        """Fill `into`; False when the drive cannot give all of it."""
        try:
            return self._readable.pread_into(into, offset) == into.nbytes
        except OSError:
            return False

    def footer(self, geometry: Geometry, size: int) -> bytes:
        """The footer's bytes as far as they can be read."""
        content = bytearray(shard.footer_bytes(geometry, size))
        try:
            count = self._readable.pread_into(memoryview(content), shard.columns_bytes(geometry, size))
        except OSError:
            return b""
        return bytes(content[:count])

    def close(self) -> None:
        self._readable.close()


def revisions(files: Files, pack: PackId, index: DriveIndex) -> list[ShardName]:
    """The shard's revisions on a drive, newest first. A drive that cannot be listed has none."""
    try:
        names = files.names(shard.folder_of(pack))
    except OSError:
        return []
    found = (shard.parse_name(name) for name in names)
    mine = [name for name in found if name is not None and (name.pack, name.index) == (pack, index)]
    return sorted(mine, key=lambda name: name.revision, reverse=True)


def open_shards(drive: Drive, pack: PackId) -> Iterator[ShardFile]:
    """Every revision of the drive's shard of `pack` that can be opened, newest first."""
    for name in revisions(drive.files, pack, drive.index)[:REVISIONS_TRIED]:
        try:
            yield ShardFile(name, drive.files.read_direct(name.path))
        except OSError:
            continue


class PackShards:
    """One pack on the drives of the set. Not thread-safe; open one per thread. Close it."""

    def __init__(self, drives: DriveSet, code: Code, facts: PackFacts) -> None:
        self.facts = facts
        self.geometry = drives.geometry
        self.damaged: set[tuple[DriveIndex, int]] = set()
        self._code = code
        self._files: Mapping[DriveIndex, Sequence[ShardFile]] = {
            drive.index: list(open_shards(drive, facts.pack)) for drive in drives.readable
        }
        try:
            self.hashes = self._proven_hashes()
        except PackLost:
            self.close()
            raise

    @property
    def present(self) -> tuple[DriveIndex, ...]:
        """Drives on which some file of the shard can be opened."""
        return tuple(index for index, files in self._files.items() if files)

    def close(self) -> None:
        for files in self._files.values():
            for file in files:
                file.close()

    def load(self, stripe: Stripe, buffer: StripeBuffer, wanted: Collection[int]) -> None:
        """Have the columns `wanted` of `stripe` in `buffer`, verified. Reads other columns only when a
        wanted one is damaged. Raises PackLost when too few are left."""
        columns = buffer.columns(stripe)
        intact = self._read_intact(stripe, columns, wanted)
        others = [index for index in range(self.geometry.drives) if index not in wanted]
        while len(intact) < self.geometry.data and not set(wanted) <= intact and others:
            # One by one: each further column is read from a drive that did not have to work so far.
            intact |= self._read_intact(stripe, columns, [others.pop(0)])
        try:
            self._code.gather(columns, intact, wanted)
        except ColumnsTooFew:
            if not set(wanted) <= intact:
                raise PackLost(
                    pack=self.facts.pack.hex(), left=len(intact), needed=self.geometry.data
                ) from None
        computed = set(wanted) - intact
        assert not place.damaged(self.hashes, stripe, columns, computed)

    def _read_intact(
        self, stripe: Stripe, columns: Sequence[memoryview], numbers: Collection[int]
    ) -> set[int]:
        """Read these columns; those that were found intact. Notes the others in `damaged`."""
        intact = set()
        for number in numbers:
            if self._read_column(stripe, columns[number], DriveIndex(number)):
                intact.add(number)
            elif number in self._files:
                self.damaged.add((DriveIndex(number), stripe.number))
        return intact

    def _read_column(self, stripe: Stripe, column: memoryview, index: DriveIndex) -> bool:
        expected = self.hashes.of(stripe.number, index)
        return any(
            file.read(column, stripe.shard_offset) and place.block_hash(column) == expected
            for file in self._files.get(index, ())
        )

    def _proven_hashes(self) -> BlockHashes:
        """Block hashes that give the pack's id and parity hash, from whichever footer has them."""
        for files in self._files.values():
            for file in files:
                try:
                    footer = shard.decode(file.footer(self.geometry, self.facts.size))
                except ShardFormatError:
                    continue
                if footer.hashes.geometry.drives == self.geometry.drives and footer.hashes.proves(self.facts):
                    return footer.hashes
        return self._computed_hashes()

    def _computed_hashes(self) -> BlockHashes:
        """No footer is left: hash the columns themselves. Works when k whole columns are undamaged,
        which the pack id then proves; parity is computed, and proven by its own hash."""
        geometry, size = self.geometry, self.facts.size
        buffer = StripeBuffer(geometry)
        placement = place.Placement(geometry, size)
        whole = shard.columns_bytes(geometry, size)
        have = [index for index in self.present if self._files[index][0].size >= whole]
        lost = PackLost(pack=self.facts.pack.hex(), left=len(have), needed=geometry.data)
        if len(have) < geometry.data:
            raise lost
        for stripe in geometry.stripes(size):
            columns = buffer.columns(stripe)
            for index in have:
                self._files[index][0].read(columns[index], stripe.shard_offset)
            self._code.gather(columns, have[: geometry.data], range(geometry.drives))
            placement.record(stripe, columns)
        hashes = placement.hashes()
        if not hashes.proves(self.facts):
            raise lost
        return hashes
