"""Every history that a heap of segments can tell, as a tree of states grown from the empty ledger.

A state is (size, root). A segment fits on exactly the state that it names, so each segment is laid once
and the cost is linear in the bytes, however many forks somebody planted. Judges nothing: history.py
chooses among the states. FORMAT 7.5.
"""

from __future__ import annotations

import bisect
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from appliance.format.ledger_segment import Gap, Record, Segment
from appliance.ledger import tree
from appliance.ledger.tree import Frontier

Key: TypeAlias = tuple[int, bytes]
"""(size, root) of a tree."""

START: Key = (0, tree.EMPTY_ROOT)


@dataclass(frozen=True, slots=True, eq=False)
class Link:
    """A distinct segment and the leaf hashes of its records. Compared by identity."""

    segment: Segment
    leaves: tuple[bytes, ...]


@dataclass(frozen=True, slots=True, eq=False)
class State:
    """A tree that the segments lead to. `link` led here from `parent`; both absent at the start."""

    frontier: Frontier
    root: bytes
    parent: State | None = None
    link: Link | None = None

    @property
    def size(self) -> int:
        return self.frontier.size

    @property
    def key(self) -> Key:
        return self.frontier.size, self.root

    def path(self) -> list[State]:
        """The states from the first one after the start up to this one."""
        states: list[State] = []
        state: State | None = self
        while state is not None and state.parent is not None:
            states.append(state)
            state = state.parent
        return states[::-1]


@dataclass(frozen=True, slots=True)
class Growth:
    """All states by key, parents before children; the links that pass `through` each; and the `loose`
    links that no state leads to."""

    states: dict[Key, State]
    through: dict[Key, list[Link]]
    loose: tuple[Link, ...]


def link_of(segment: Segment) -> Link:
    """A segment with its leaf hashes."""
    leaves = tuple(
        record.leaf if isinstance(record, Gap) else tree.leaf_hash(record) for record in segment.records
    )
    return Link(segment, leaves)


def grow(links: Sequence[Link], marks: Iterable[int] = ()) -> Growth:
    """All states at the ends of segments, where other segments begin, and at the sizes in `marks`."""
    waiting: dict[int, list[Link]] = defaultdict(list)
    for link in links:
        waiting[link.segment.first].append(link)
    stops = sorted({*waiting, *marks})
    start = State(Frontier(), tree.EMPTY_ROOT)
    grown = Growth({start.key: start}, defaultdict(list), ())
    open_states, laid = [start], set[Link]()
    while open_states:
        base = open_states.pop()
        for link in waiting.get(base.size, ()):
            if link.segment.root_before == base.root:
                laid.add(link)
                open_states += _lay(base, link, stops, grown)
    return replace(grown, loose=tuple(link for link in links if link not in laid))


def _lay(base: State, link: Link, stops: Sequence[int], grown: Growth) -> Iterator[State]:
    """Lay one segment; yields the states that are new. A state that is known already is the same
    history, since equal roots of equal size mean equal leaves."""
    first, end = link.segment.first, link.segment.end
    low, high = bisect.bisect_right(stops, first), bisect.bisect_left(stops, end)
    for stop in (*stops[low:high], end):
        frontier = base.frontier.extended(link.leaves[base.size - first : stop - first])
        state = State(frontier, frontier.root(), base, link)
        base = grown.states.setdefault(state.key, state)
        grown.through[base.key].append(link)
        if base is state:
            yield state


def records(tip: State) -> list[Record]:
    """The records of the history that ends in `tip`."""
    found: list[Record] = []
    for state in tip.path():
        assert state.link is not None
        assert state.parent is not None
        first = state.link.segment.first
        found += state.link.segment.records[state.parent.size - first : state.size - first]
    return found


def leaves(tip: State) -> list[bytes]:
    """The leaf hashes of the history that ends in `tip`."""
    found: list[bytes] = []
    for state in tip.path():
        assert state.link is not None
        assert state.parent is not None
        first = state.link.segment.first
        found += state.link.leaves[state.parent.size - first : state.size - first]
    return found
