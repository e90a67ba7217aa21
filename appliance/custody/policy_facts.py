"""What a policy says: who, with which key, under which condition. Values only.

The rules between them are custody/policy_rules.py. Knows no text (custody/policy.py), checks no signatures
(custody/votes.py), does not know what time it is (window/calendar.py). THREATS 3.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from appliance.domain.geometry import Geometry
from appliance.domain.ids import HolderNumber, SourceName, VaultId
from appliance.domain.schedule import DAY_S, Duration, Slot, Window
from appliance.format.ssh_key import P256_POINT_BYTES

HOLDERS_MAX = 16  # holders; SLIP-39's limit for members of a group
QUORUM_MIN = 2  # holders; one would be the last key. k = n is refused too: one lost token would end it
GENERATIONS_MAX = 16  # generations
WINDOWS_MAX = 8  # windows a day; more than anybody should expose a box
SCRUBS_MAX = 8  # scrub slots a day
SOURCES_MAX = 32  # sources
GROUPS_MAX = 5  # drive groups; the smallest has three drives
TIER_MAX = 3  # tiers 0 (identity and keys, first) to 3
PATH_BYTES_MAX = 1024  # bytes of a source's path before encoding
LINK_DAY_S_MAX = 4 * 3600  # s per day; the firmware's hard cap (20-interlock)
DELAY_S_MAX = 30 * DAY_S  # s; a policy change that takes longer would be forgotten
VERSION_MAX = 2**32 - 1  # the interlock keeps it in 32 bits
_NAME = re.compile(r"[a-z0-9_-]{1,32}", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """One person. `ssh_key` is the raw key: 32 bytes of Ed25519, or 65 of P-256, which only hardware tokens
    have; `unseal` SHA-256 of the raw age recipient, `share` SHA-256 of the share's words joined by single
    spaces."""

    number: HolderNumber
    ssh_key: bytes
    unseal: bytes
    share: bytes

    @property
    def has_hardware(self) -> bool:
        """The key is of the kind that PIV cards keep; a file token's can be copied."""
        return len(self.ssh_key) == P256_POINT_BYTES


@dataclass(frozen=True, slots=True, kw_only=True)
class Generation:
    """A vault key: `vault` is SHA-256 of the raw recipient, whose text lies beside the policy."""

    number: int
    vault: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class DriveGroup:
    """One line `drives`. A `sealed` group stays dark without an order of a quorum (decision 0007)."""

    geometry: Geometry
    sealed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceLine:
    """A tree to pull. `path` as bytes, absolute; tier 0 goes first."""

    name: SourceName
    tier: int
    path: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyParts:
    """All facts of a policy, not yet held against the rules.

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
    groups: tuple[DriveGroup, ...]
    sources: tuple[SourceLine, ...]
    delay: Duration


def is_source_name(text: str) -> bool:
    """1 to 32 of the characters a-z 0-9 _ -."""
    return _NAME.fullmatch(text) is not None
