"""Reads the first layout of the memory, `IWATOFR1`: an emulated home from before policies could change.

No hardware ever carried it, so only the model reads it; it is never written (PROTOCOL 8.6).
"""

from __future__ import annotations

from dataclasses import dataclass

from firmware.model.facts import Group, HolderKey, Policy, Slot, Window
from firmware.wire.fields import Kind, Many, Record, UInt

MAGIC = b"IWATOFR1"
_LATER = ("groups", "generation", "vault")
_NEW = ("firmware", "pendings", "dropped", "orders_after_s")


@dataclass(frozen=True, slots=True, kw_only=True)
class FirstPolicy:
    """A policy as it was kept: `drives` bays, and nothing about generations."""

    version: int
    digest: bytes
    vault_id: bytes
    quorum: int
    holders: tuple[HolderKey, ...]
    log_key: bytes
    witness_key: bytes
    windows: tuple[Window, ...]
    scrubs: tuple[Slot, ...]
    drives: int
    delay_s: int

    def today(self) -> Policy:
        """The same in today's words: one group, and a generation that any other may follow."""
        kept = {name: getattr(self, name) for name in self.__slots__ if name != "drives"}
        return Policy(**kept, groups=(Group(bays=self.drives),), generation=0, vault=bytes(32))


def layout(record: Record, policy: Record) -> Record:
    """The first layout, from today's `record` and `policy`: what came later is taken out."""
    was: list[tuple[str, Kind]] = []
    for name, kind in policy.fields:
        if name == "groups":
            was.append(("drives", UInt(1)))
        elif name not in _LATER:
            was.append((name, kind))
    policies = Many(Record(FirstPolicy, tuple(was)), 1)
    rows = [(name, kind) for name, kind in record.fields if name not in _NEW]
    return Record(
        record.shape, tuple((name, policies if name == "policies" else kind) for name, kind in rows)
    )
