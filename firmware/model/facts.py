"""What the interlock keeps of the holders' policy: facts, not text (PROTOCOL 6)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from firmware.model.limits import DAY_S


class KeyKind(IntEnum):
    """Signature algorithms of holders."""

    ED25519 = 1
    P256 = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class HolderKey:
    """`raw`: 32 bytes (Ed25519) or 65 bytes (P-256, uncompressed point)."""

    kind: KeyKind
    raw: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """Seconds of Unix time, begin included, end not."""

    begin_s: int
    end_s: int

    def holds(self, now_s: int) -> bool:
        return self.begin_s <= now_s < self.end_s


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """One interval a day. `begin_s`, `end_s`: seconds of the local day; `offset_s`: local minus UTC."""

    begin_s: int
    end_s: int
    offset_s: int

    @property
    def length_s(self) -> int:
        """1 to 86,400 s; an end at or before the begin lies on the next day."""
        return (self.end_s - self.begin_s - 1) % DAY_S + 1

    def latest(self, now_s: int) -> Span:
        """The instance that began last, at or before `now_s`; it may be over."""
        first = (self.begin_s - self.offset_s) % DAY_S
        begin = now_s - (now_s - first) % DAY_S
        return Span(begin_s=begin, end_s=begin + self.length_s)

    def next(self, now_s: int) -> Span:
        """The instance that runs at `now_s`, else the next to come."""
        latest = self.latest(now_s)
        if latest.holds(now_s):
            return latest
        return Span(begin_s=latest.begin_s + DAY_S, end_s=latest.end_s + DAY_S)


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """A slot whose first `link_s` seconds are the link half."""

    slot: Slot
    link_s: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Drives that are fed together, in consecutive bays. A sealed group is fed by a quorum order only."""

    bays: int
    sealed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """A valid policy. `digest`: SHA-256 of its text. `groups` in the order of their bays, bay 1 first,
    exactly one of them not sealed. `generation` is the newest and `vault` what its line names (0 and zeros
    where an old record did not say)."""

    version: int
    digest: bytes
    vault_id: bytes
    quorum: int
    holders: tuple[HolderKey, ...]
    log_key: bytes
    witness_key: bytes
    windows: tuple[Window, ...]
    scrubs: tuple[Slot, ...]
    groups: tuple[Group, ...]
    generation: int
    vault: bytes
    delay_s: int

    @property
    def current(self) -> int:
        """The number, from 1, of the one group that is not sealed."""
        return next(number for number, group in enumerate(self.groups, start=1) if not group.sealed)

    def mask(self, number: int) -> int:
        """The bays of group `number`, bit 0 for bay 1; 0 when there is no such group."""
        first = sum(group.bays for group in self.groups[: number - 1])
        bays = self.groups[number - 1].bays if 1 <= number <= len(self.groups) else 0
        return ((1 << bays) - 1) << first

    def window_at(self, now_s: int) -> tuple[Span, Span] | None:
        """The running window and its link half. Windows never overlap, so there is at most one."""
        for window in self.windows:
            whole = window.slot.latest(now_s)
            if whole.holds(now_s):
                return whole, Span(begin_s=whole.begin_s, end_s=whole.begin_s + window.link_s)
        return None

    def scrub_at(self, now_s: int) -> Span | None:
        """The running scrub slot; of several the one that ends last."""
        running = [slot.latest(now_s) for slot in self.scrubs if slot.latest(now_s).holds(now_s)]
        return max(running, key=lambda span: span.end_s, default=None)

    def next_window(self, now_s: int) -> Span | None:
        """The running or the next window."""
        return min(
            (one.slot.next(now_s) for one in self.windows), key=lambda span: span.begin_s, default=None
        )

    def next_scrub(self, now_s: int) -> Span | None:
        """The running or the next scrub slot."""
        return min((slot.next(now_s) for slot in self.scrubs), key=lambda span: span.begin_s, default=None)
