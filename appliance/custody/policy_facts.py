"""What a policy says: who, with which key, under which condition. Values, and the rules between them.

A Policy that exists is valid. Knows no text (custody/policy.py), checks no signatures (custody/votes.py),
does not know what time it is (window/calendar.py). THREATS 3.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from appliance.domain.geometry import Geometry
from appliance.domain.ids import HolderNumber, SourceName, VaultId
from appliance.domain.schedule import DAY_S, LINK_S_MAX, Duration, Slot, Window
from appliance.errors import PolicyInvalid, SigningKeyRefused
from appliance.format import ed25519_key

HOLDERS_MAX = 16  # holders; SLIP-39's limit for members of a group
QUORUM_MIN = 2  # holders; one would be the last key. k = n is refused too: one lost token would end it
GENERATIONS_MAX = 16  # generations
WINDOWS_MAX = 8  # windows a day; more than anybody should expose a box
SCRUBS_MAX = 8  # scrub slots a day
SOURCES_MAX = 32  # sources
TIER_MAX = 3  # tiers 0 (identity and keys, first) to 3
PATH_BYTES_MAX = 1024  # bytes of a source's path before encoding
LINK_DAY_S_MAX = 4 * 3600  # s per day; the firmware's hard cap (20-interlock)
DELAY_S_MAX = 30 * DAY_S  # s; a policy change that takes longer would be forgotten
VERSION_MAX = 2**32 - 1  # the interlock keeps it in 32 bits
_NAME = re.compile(r"[a-z0-9_-]{1,32}", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """One person. `ssh_key` is the raw 32-byte Ed25519 key, `unseal` SHA-256 of the raw age recipient,
    `share` SHA-256 of the share's words joined by single spaces."""

    number: HolderNumber
    ssh_key: bytes
    unseal: bytes
    share: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Generation:
    """A vault key: `vault` is SHA-256 of the raw recipient, whose text lies beside the policy."""

    number: int
    vault: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceLine:
    """A tree to pull. `path` as bytes, absolute; tier 0 goes first."""

    name: SourceName
    tier: int
    path: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """Everything that k holders signed. PolicyInvalid when a rule between the parts is broken.

    `previous` is the hash of the policy before, empty for version 1. The share commitments belong to
    the newest generation."""

    version: int
    previous: bytes
    vault_id: VaultId
    quorum: int
    holders: tuple[Holder, ...]
    generations: tuple[Generation, ...]
    log_key: bytes
    witness_key: bytes
    windows: tuple[Window, ...]
    scrubs: tuple[Slot, ...]
    geometry: Geometry
    sources: tuple[SourceLine, ...]
    delay: Duration

    def __post_init__(self) -> None:
        _check(self)

    @property
    def generation(self) -> Generation:
        """The newest one: new packs are sealed to it."""
        return self.generations[-1]

    def holder(self, number: int) -> Holder | None:
        """The holder with this number, if there is one."""
        return next((holder for holder in self.holders if holder.number == number), None)


# Rules between the parts ----------------------------------------------------------------------------


def is_source_name(text: str) -> bool:
    """1 to 32 of the characters a-z 0-9 _ -."""
    return _NAME.fullmatch(text) is not None


def _check(policy: Policy) -> None:
    broken = next((sentence for holds, sentence in _rules(policy) if not holds), None)
    if broken is not None:
        raise PolicyInvalid(detail=broken)


def _rules(policy: Policy) -> Iterator[tuple[bool, str]]:
    """(holds, what is broken) for every rule; lazily, so that later rules may rely on earlier ones."""
    yield 1 <= policy.version <= VERSION_MAX, f"version {policy.version}"
    yield (policy.version == 1) == (not policy.previous), "only version 1 has no policy before it"
    yield from _holder_rules(policy)
    yield 1 <= len(policy.generations) <= GENERATIONS_MAX, "the number of generations"
    numbers = [item.number for item in policy.generations]
    yield numbers == sorted(set(numbers)) and numbers[0] >= 1, "generations do not ascend"
    yield _distinct(item.vault for item in policy.generations), "two generations share a vault key"
    yield from _schedule_rules(policy)
    yield 1 <= len(policy.sources) <= SOURCES_MAX, f"1 to {SOURCES_MAX} sources are needed"
    yield _distinct(item.name for item in policy.sources), "two sources have one name"
    for item in policy.sources:
        sound = item.path.startswith(b"/") and b"\0" not in item.path and len(item.path) <= PATH_BYTES_MAX
        yield sound, f"the path of source {item.name} is not an absolute path of 1-{PATH_BYTES_MAX} bytes"
        yield is_source_name(item.name), "the name of a source"
        yield 0 <= item.tier <= TIER_MAX, f"the tier of source {item.name} is not 0 to {TIER_MAX}"
    yield 0 < policy.delay.seconds <= DELAY_S_MAX, "the delay is not 1 second to 30 days"


def _holder_rules(policy: Policy) -> Iterator[tuple[bool, str]]:
    count = len(policy.holders)
    yield count <= HOLDERS_MAX, f"more than {HOLDERS_MAX} holders"
    yield QUORUM_MIN <= policy.quorum < count, f"a quorum of {policy.quorum} of {count} holders is refused"
    yield [holder.number for holder in policy.holders] == list(range(1, count + 1)), "holders are not 1..n"
    keys = [*(holder.ssh_key for holder in policy.holders), policy.log_key, policy.witness_key]
    yield all(_sound(key) for key in keys), "a key is no Ed25519 key, or one with which anybody could sign"
    yield _distinct(keys), "two signers share one key"
    yield _distinct(holder.unseal for holder in policy.holders), "two holders share one unseal key"
    yield _distinct(holder.share for holder in policy.holders), "two holders share one share"


def _schedule_rules(policy: Policy) -> Iterator[tuple[bool, str]]:
    yield 1 <= len(policy.windows) <= WINDOWS_MAX, f"1 to {WINDOWS_MAX} windows are needed"
    yield 1 <= len(policy.scrubs) <= SCRUBS_MAX, f"1 to {SCRUBS_MAX} scrub slots are needed"
    for item in policy.windows:
        yield 0 < item.link_s < item.slot.length_s, "a window has no link half or no drive half"
        yield item.link_s <= LINK_S_MAX, "a link half of more than 2 hours"
    yield sum(item.link_s for item in policy.windows) <= LINK_DAY_S_MAX, "link halves of more than 4 h a day"
    yield not _overlap([item.slot for item in policy.windows]), "two windows overlap"


def _overlap(slots: Sequence[Slot]) -> bool:
    """Whether two daily slots share a second, also across midnight."""
    ordered = sorted(slots, key=lambda slot: slot.begin_utc_s)
    following = [*ordered[1:], *ordered[:1]]
    if len(ordered) == 1:
        return False
    return any(
        (after.begin_utc_s - slot.begin_utc_s) % DAY_S < slot.length_s
        for slot, after in zip(ordered, following, strict=True)
    )


def _sound(key: bytes) -> bool:
    try:
        ed25519_key.check(key)
    except SigningKeyRefused:
        return False
    return True


def _distinct(items: Iterable[object]) -> bool:
    seen = list(items)
    return len(set(seen)) == len(seen)
