"""Shard files of one pack while they are written to several drives, and their read-back.

A drive that gives an error drops out of the run (DriveSet.fail) and the others go on. Nothing has a
name before it is whole, and nothing that has a name is changed: a shard that has to be written anew
becomes the next revision. Computes no parity; who calls hands in the columns.
"""

from __future__ import annotations

import errno
from collections.abc import Mapping, Sequence
from typing import Self

from appliance.domain.geometry import Stripe
from appliance.domain.ids import DriveIndex, PackId
from appliance.format import shard
from appliance.format.shard import BlockHashes, ShardFooter, ShardName
from appliance.pipeline import place
from appliance.ports import Placing
from appliance.service import pack_shards
from appliance.service.drive_set import Drive, DriveSet
from appliance.service.pack_shards import ShardFile
from appliance.service.stripe_buffer import StripeBuffer


class ShardWriter:
    """Writes the shards `names` (by drive); use it in a `with`. Columns may come in any order of stripes."""

    def __init__(self, drives: DriveSet, names: Mapping[DriveIndex, ShardName]) -> None:
        self._drives = drives
        self._names = names
        self._open: dict[DriveIndex, Placing] = {}
        for index, name in names.items():
            drive = drives.get(index)
            assert drive is not None
            try:
                self._open[index] = drive.files.begin(name.path)
            except OSError as error:
                drives.fail(index, error)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Give back what is still open and touch no drive any more. Drives have no sweep: what is left
        under a temporary name is replaced when the same shard is written again."""
        for placing in self._open.values():
            placing.close()
        self._open.clear()

    def write(self, stripe: Stripe, columns: Sequence[memoryview]) -> None:
        """Write the stripe's column to every drive that is still with us."""
        for index, placing in list(self._open.items()):
            try:
                placing.pwrite(columns[index], stripe.shard_offset)
            except OSError as error:
                self._drop(index, error)

    def place(self, hashes: BlockHashes) -> frozenset[DriveIndex]:
        """Write the footers and bring every file under its name; the drives that have it now."""
        facts, begin = hashes.facts(), shard.columns_bytes(hashes.geometry, hashes.size)
        for index, placing in list(self._open.items()):
            footer = shard.encode(ShardFooter(index=index, facts=facts, hashes=hashes))
            try:
                placing.pwrite(footer, begin)
                placing.place(begin + len(footer))
            except OSError as error:
                self._drop(index, error)
        placed = frozenset(self._open)
        self._open.clear()
        return placed

    def abandon(self) -> None:
        """Leave nothing behind under any name."""
        for index, placing in list(self._open.items()):
            try:
                placing.abandon()
            except OSError as error:
                self._drop(index, error)
        self._open.clear()

    def _drop(self, index: DriveIndex, error: OSError) -> None:
        self._open.pop(index).close()
        self._drives.fail(index, error)


def read_back(drives: DriveSet, name: ShardName, hashes: BlockHashes, buffer: StripeBuffer) -> bool:
    """Whether the drive gives, around its cache, exactly the shard that these hashes describe."""
    drive = drives.get(name.index)
    assert drive is not None
    try:
        file = ShardFile(name, drive.files.read_direct(name.path))
    except OSError:
        return False
    try:
        return damaged_parts(file, hashes, buffer) == 0
    finally:
        file.close()


def damaged_parts(file: ShardFile, hashes: BlockHashes, buffer: StripeBuffer) -> int:
    """How many of the shard file's parts (blocks, footer, length) are not what they should be."""
    geometry, size, index = hashes.geometry, hashes.size, file.name.index
    bad = 0
    for stripe in geometry.stripes(size):
        column = buffer.columns(stripe)[index]
        whole = file.read(column, stripe.shard_offset)
        bad += not (whole and place.block_hash(column) == hashes.of(stripe.number, index))
    expected = shard.encode(ShardFooter(index=index, facts=hashes.facts(), hashes=hashes))
    bad += file.footer(geometry, size) != expected
    return bad + (file.size != shard.shard_bytes(geometry, size))


def read_back_failed(drives: DriveSet, index: DriveIndex) -> None:
    """A drive that gives back other bytes than it took is not written again in this run."""
    drives.fail(index, OSError(errno.EIO, "it gave back other bytes than were written"))


def next_name(drive: Drive, pack: PackId, revision_min: int = 0) -> ShardName:
    """The name under which a shard of `pack` can be written on this drive now, of this revision at least.
    Raises OSError when its revisions are used up."""
    found = pack_shards.revisions(drive.files, pack, drive.index)
    revision = max(found[0].revision + 1 if found else 0, revision_min)
    if revision > shard.REVISIONS_MAX:
        raise OSError(errno.EMLINK, "too many revisions of one shard")
    return ShardName(pack=pack, index=drive.index, revision=revision)
