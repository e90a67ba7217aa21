"""Reading packs back from the drives: any k of n will do, damage is replaced on the fly (FORMAT 5.9).

`Gatherer.open` gives a pack as a ports.Readable. Only the stripes that are asked for are read, every
block is verified against the ledger's facts, and what was damaged is reported, not repaired (scrub
does that). Knows no key and writes nothing.
"""

from __future__ import annotations

import threading
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass

from appliance.domain.geometry import Stripe
from appliance.domain.ids import DriveIndex, PackId
from appliance.errors import PackLost
from appliance.format.shard import PackFacts
from appliance.pipeline.scatter import Code
from appliance.service.drive_set import DriveSet
from appliance.service.pack_shards import PackShards
from appliance.service.stripe_buffer import StripeBuffer

STRIPES_CACHED = 2  # stripes per open pack: a sequential reader's chunk may straddle a border


@dataclass(frozen=True, slots=True, kw_only=True)
class Damage:
    """A block that was replaced from the others while it was read."""

    pack: PackId
    drive: DriveIndex
    stripe: int


class GatheredPack:
    """ports.Readable over one pack. One thread at a time; close it."""

    def __init__(self, shards: PackShards, report: Gatherer) -> None:
        self.size = shards.facts.size
        self._shards = shards
        self._report = report
        self._stripes = list(shards.geometry.stripes(self.size))
        self._begins = [stripe.offset for stripe in self._stripes]
        self._cache: OrderedDict[int, StripeBuffer] = OrderedDict()

    def pread_into(self, buffer: memoryview, offset: int) -> int:
        """Fill `buffer` from `offset`; fewer bytes only at the pack's end. Raises PackLost."""
        done = 0
        while done < buffer.nbytes and offset + done < self.size:
            piece = self._piece(offset + done)[: buffer.nbytes - done]
            buffer[done : done + piece.nbytes] = piece
            done += piece.nbytes
        return done

    def read(self, offset: int, length: int) -> bytes:
        """`length` bytes from `offset`, fewer only at the pack's end. Raises PackLost."""
        content = bytearray(max(0, min(length, self.size - offset)))
        self.pread_into(memoryview(content), offset)
        return bytes(content)

    def close(self) -> None:
        self._cache.clear()
        self._shards.close()

    def _piece(self, offset: int) -> memoryview:
        """What the stripe at `offset` holds from there to its end."""
        stripe = self._stripes[bisect_right(self._begins, offset) - 1]
        return self._loaded(stripe).data(stripe)[offset - stripe.offset :]

    def _loaded(self, stripe: Stripe) -> StripeBuffer:
        buffer = self._cache.pop(stripe.number, None)
        if buffer is None:
            buffer = self._spare()
            self._shards.load(stripe, buffer, range(self._shards.geometry.data))
            self._report.note(self._shards)
        self._cache[stripe.number] = buffer
        return buffer

    def _spare(self) -> StripeBuffer:
        """The oldest cached buffer, or a new one."""
        if len(self._cache) >= STRIPES_CACHED:
            return self._cache.popitem(last=False)[1]
        return StripeBuffer(self._shards.geometry)


class Gatherer:
    """Opens packs that the ledger names. `damages` collects what readers found. Thread-safe."""

    def __init__(self, drives: DriveSet, code: Code, packs: Mapping[PackId, PackFacts]) -> None:
        self._drives, self._code, self._packs = drives, code, packs
        self._lock = threading.Lock()
        self._damages: set[Damage] = set()

    @property
    def damages(self) -> frozenset[Damage]:
        with self._lock:
            return frozenset(self._damages)

    def open(self, pack: PackId) -> GatheredPack:
        """The pack, to be read. PackLost when no set of hashes or too few shards are left; also for a
        pack that no ledger entry names."""
        facts = self._packs.get(pack)
        if facts is None:
            raise PackLost(pack=pack.hex(), left=0, needed=self._drives.geometry.data)
        return GatheredPack(PackShards(self._drives, self._code, facts), self)

    def note(self, shards: PackShards) -> None:
        """Take over what a reader found damaged so far."""
        if shards.damaged:
            pack = shards.facts.pack
            found = {Damage(pack=pack, drive=drive, stripe=stripe) for drive, stripe in shards.damaged}
            with self._lock:
                self._damages |= found
