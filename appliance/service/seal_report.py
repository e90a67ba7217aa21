"""What a drive half did, as it tells it: while it works, and at its end."""

from __future__ import annotations

from dataclasses import dataclass, field

from appliance.errors import StagedBatchRefused, StagingFailed
from appliance.format.ledger_entry import Seal
from appliance.service.shard_healing import Healed


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """Bytes of staged packs done and in all, of the window that is being sealed."""

    window: int
    done: int
    total: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Sealed:
    """One entry that was witnessed in this run, and its index."""

    index: int
    entry: Seal


@dataclass(slots=True, kw_only=True)
class SealReport:
    """What this drive half did. `stopped`: its time ended first, and the next one goes on. `refused`:
    windows of which nothing was committed. `recycled`: windows whose staging was given back.
    `staging_failed`: receipts or recycling are left to the next drive half."""

    sealed: list[Sealed] = field(default_factory=list)
    refused: list[StagedBatchRefused] = field(default_factory=list)
    recycled: list[int] = field(default_factory=list)
    healed: Healed = field(default_factory=Healed)
    staging_failed: StagingFailed | None = None
    stopped: bool = False

    @property
    def bytes_stored(self) -> int:
        """Bytes of shard files of everything that was sealed."""
        return sum(item.entry.bytes_stored for item in self.sealed)

    @property
    def degraded(self) -> bool:
        """Not every drive of the set holds what was sealed."""
        return any(item.entry.degraded for item in self.sealed)
