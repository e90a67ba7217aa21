"""Dedup stage: what a chunk is called inside this box, and whether it is stored already. 05-settled 6.

A chunk's name is a keyed hash, so that an index on disk tells nothing to whoever lacks the key. Earlier
chunks count only when the witness acknowledged their pack; that is the business of whoever answers
`known`. Restore needs none of this: the way back is a manifest.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NewType, TypeAlias

from blake3 import blake3

from appliance.domain.file_entry import ChunkRef
from appliance.domain.ids import PackId
from appliance.format.zstd_frame import Bytes

ChunkId = NewType("ChunkId", bytes)
"""32 bytes: BLAKE3 of the chunk under the generation's dedup key."""

KEY_BYTES = 32  # bytes; BLAKE3's key length


@dataclass(slots=True, kw_only=True, eq=False)
class PackInWork:
    """A pack that is being filled. Its `id` is known when it is closed."""

    id: PackId | None = None


@dataclass(slots=True, kw_only=True, eq=False)
class Placement:
    """Where a new chunk of this window goes. `pack` and `slot` are known once its block is stored."""

    length: int
    pack: PackInWork | None = None
    slot: int = field(default=-1)

    def ref(self) -> ChunkRef | None:
        """The final reference; None while the pack is not closed."""
        if self.pack is None or self.pack.id is None:
            return None
        return ChunkRef(pack=self.pack.id, slot=self.slot, length=self.length)


Where: TypeAlias = Placement | ChunkRef


class Window:
    """The chunks of one window, above an index of earlier ones. Workers share it: claiming is one
    atomic step, so a chunk that two of them meet at once is stored by one."""

    def __init__(self, key: bytes, known: Callable[[ChunkId], ChunkRef | None]) -> None:
        if len(key) != KEY_BYTES:
            raise ValueError(f"a dedup key of {len(key)} bytes")
        self._key = key
        self._known = known
        self._claimed: dict[ChunkId, Placement] = {}

    def name(self, chunk: Bytes) -> ChunkId:
        """The chunk's keyed hash."""
        return ChunkId(blake3(chunk, key=self._key).digest())

    def claim(self, name: ChunkId, length: int) -> tuple[Where, bool]:
        """Where the chunk is or will be, and whether the caller has to store it."""
        earlier = self._claimed.get(name)
        if earlier is not None:
            return earlier, False
        known = self._known(name)
        if known is not None and known.length == length:
            return known, False
        mine = Placement(length=length)
        holder = self._claimed.setdefault(name, mine)
        return holder, holder is mine
