"""The arithmetic of k of n: what is accepted as a sharing, how much may still be lost, who tries what.

Knows numbers of holders only, no keys. THREATS 2.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

from appliance.custody.policy_facts import HOLDERS_MAX, QUORUM_MIN
from appliance.domain.ids import HolderNumber
from appliance.errors import SharingRefused

ALL_SUBSETS_MAX = 64  # subsets; each costs some 10 ms at birth, and 3-of-5 has 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Margin:
    """"3 needed, 5 exist, 5 proven": `proven` tokens have shown their share lately."""

    needed: int
    exist: int
    proven: int


def check(quorum: int, holders: int) -> None:
    """SharingRefused unless 2 <= k < n <= 16: one holder would be the last key, and with k = n one
    lost token would be the end of the vault."""
    if not QUORUM_MIN <= quorum < holders <= HOLDERS_MAX:
        raise SharingRefused(quorum=quorum, holders=holders)


def subsets_to_prove(quorum: int, holders: Sequence[HolderNumber]) -> tuple[tuple[HolderNumber, ...], ...]:
    """Which k holders try together at birth: every k-subset where they are few, else each run of k
    neighbours in a ring. In both cases every holder takes part."""
    if math.comb(len(holders), quorum) <= ALL_SUBSETS_MAX:
        return tuple(itertools.combinations(holders, quorum))
    ring = (*holders, *holders)
    return tuple(tuple(sorted(ring[start : start + quorum])) for start in range(len(holders)))
