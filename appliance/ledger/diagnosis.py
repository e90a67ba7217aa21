"""Why a history does not lead to the tree that was witnessed, in the plainest words that can be proven.

Says "entry N" where a witnessed checkpoint or the segments' own roots pin it down, else a range.
Runs only when something is wrong already; it never clears anything. FORMAT 7.5.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import combinations

from appliance.ledger import growth
from appliance.ledger.growth import Growth, Key, State
from appliance.ledger.tree import Frontier
from appliance.ledger.verdict import Finding, Kind

EXCHANGE_ENTRIES_MAX = 48  # entries; every pair of a range this long is tried in a fraction of a second


def explain(grown: Growth, tip: State, target: Key, witnessed: Iterable[Key]) -> Finding:
    """Why `tip`, the best history that the segments tell, does not pass through `target`. `witnessed`
    are the trees of the checkpoints whose signatures hold."""
    size = target[0]
    known = [growth.START, *witnessed]
    next_roots = {link.segment.root_before for link in grown.loose if link.segment.first == tip.size}
    later = [link.segment.first for link in grown.loose if link.segment.first > tip.size]
    contradicted = [key for key in known if key[0] <= tip.size and not _passes(tip, key)]
    if tip.size >= size:
        return _locate(tip, known, [*contradicted, target], proven=True)
    if contradicted:
        return _locate(tip, known, contradicted, proven=True)
    if next_roots:
        return _locate(tip, known, [(tip.size, root) for root in next_roots], proven=False)
    if later:
        return _missing(tip, known, min(later) - 1)
    return Finding(kind=Kind.ROLLED_BACK, index=tip.size, other=size)


def _missing(tip: State, known: Iterable[Key], last: int) -> Finding:
    """Entries are lacking before one that is there; exact if what is before the hole was witnessed."""
    low = max(key[0] for key in known if _passes(tip, key))
    if low == tip.size == last:
        return Finding(kind=Kind.ENTRY_MISSING, index=low)
    return Finding(kind=Kind.MISSING_BETWEEN, index=low, other=last)


def _locate(tip: State, known: Iterable[Key], wrong: Sequence[Key], *, proven: bool) -> Finding:
    """The range that changed: after the last tree that agrees, before the first in `wrong`. Without a
    witness's word, the last segment before the break is the one that does not lead on."""
    high, _ = min(wrong)
    low = max(key[0] for key in known if key[0] < high and _passes(tip, key))
    path = tip.path()
    if not proven and path and path[-1].link is not None:
        low = max(low, path[-1].link.segment.first)
    if high - low == 1:
        return Finding(kind=Kind.ENTRY_ALTERED, index=low)
    pair = _exchanged(tip, low, high, {root for size, root in wrong if size == high})
    if pair:
        return Finding(kind=Kind.REORDERED, index=pair[0], other=pair[1])
    return Finding(kind=Kind.ALTERED_BETWEEN, index=low, other=high - 1)


def _exchanged(tip: State, low: int, high: int, roots: set[bytes]) -> tuple[int, int] | None:
    """The two entries of a short range that lead to one of `roots` once they are exchanged back."""
    if high - low > EXCHANGE_ENTRIES_MAX:
        return None
    leaves = growth.leaves(tip)
    base = Frontier().extended(leaves[:low])
    for left, right in combinations(range(low, high), 2):
        tried = leaves[low:high]
        tried[left - low], tried[right - low] = tried[right - low], tried[left - low]
        if base.extended(tried).root() in roots:
            return left, right
    return None


def _passes(tip: State, key: Key) -> bool:
    """Whether the history passes through this tree; every size that is asked for was a mark."""
    return key == growth.START or any(state.key == key for state in tip.path())
