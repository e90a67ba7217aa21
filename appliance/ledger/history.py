"""The one history of a vault, put together from any drives' files and held against the witness.

Takes bytes, gives the history and a verdict; reads no drive and repairs nothing. Without the interlock's
head or a checkpoint from outside, whoever holds all drives could have written everything anew, so the
best that can be said then is "self-consistent only". FORMAT 7.5.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from appliance.errors import LedgerMalformed
from appliance.format import ledger_entry, ledger_segment
from appliance.format.ledger_entry import AnyEntry
from appliance.format.ledger_segment import Gap, Record, Segment
from appliance.ledger import copies, diagnosis, growth, tree
from appliance.ledger.checkpoint import Keys, Witnessed
from appliance.ledger.copies import Copy, Holding, Truth
from appliance.ledger.growth import Growth, Key, Link, State
from appliance.ledger.shelf import Shelf
from appliance.ledger.tree import Frontier, Tree
from appliance.ledger.verdict import Finding, Kind, Standing, Verdict

GAP_MARK = b'"kind":"gap"'


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """The interlock's own word: entries, root, and the hash of the last leaf (unused when empty)."""

    size: int
    root: bytes
    last_leaf: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """All entries in order. The first `witnessed` are covered by the head or a signed checkpoint; the
    rest is the tail that a crash left, to be witnessed next."""

    records: tuple[Record, ...]
    leaves: tuple[bytes, ...]
    frontier: Frontier
    witnessed: int

    @property
    def size(self) -> int:
        return len(self.records)

    @property
    def tail(self) -> tuple[Record, ...]:
        """Records that are not yet witnessed."""
        return self.records[self.witnessed :]

    def entries(self) -> Iterator[tuple[int, AnyEntry | Gap]]:
        """(index, entry) from the oldest. LedgerMalformed if a witnessed entry is not of this format."""
        for index, record in enumerate(self.records):
            yield index, record if isinstance(record, Gap) else ledger_entry.decode(record)

    def tree(self) -> Tree:
        """The whole tree, for proofs."""
        return Tree(self.leaves)

    def segments(self, begin: int, end: int, edition: int = 0) -> Iterator[Segment]:
        """Entries `begin` to `end` as segments within the format's limits, to heal or fill a copy."""
        frontier = Frontier().extended(self.leaves[:begin])
        while begin < end:
            count = _fitting(self.records[begin:end])
            yield Segment(
                first=begin,
                root_before=frontier.root(),
                records=self.records[begin : begin + count],
                edition=edition,
            )
            frontier = frontier.extended(self.leaves[begin : begin + count])
            begin += count


@dataclass(frozen=True, slots=True, kw_only=True)
class Assembly:
    """The history, the verdict on it, what each copy holds in the order the copies came in, and the
    checkpoint `notes` that verify, by size."""

    history: History
    verdict: Verdict
    holdings: tuple[Holding, ...]
    notes: Mapping[int, bytes]


def assemble(
    found: Sequence[Copy], keys: Keys, *, head: Head | None = None, outside: Witnessed | None = None
) -> Assembly:
    """The one history that the copies tell, held against the interlock's `head`, a verified checkpoint
    from `outside`, both or neither. Never raises for what a drive holds."""
    shelf = Shelf.read(found, keys)
    anchors = [(mark.size, mark.root) for mark in (head, outside) if mark is not None]
    known = {*anchors, *shelf.witnessed}
    marks = {size for size, _ in known} | ({head.size - 1} if head and head.size else set())
    grown = growth.grow(shelf.links, marks)
    gap = _known_by_hash(grown, head) if head else None
    if gap:
        grown.states[gap.key] = gap
    tip = _choose(grown, shelf, known, anchors)
    targets = anchors or sorted(shelf.witnessed)[-1:]
    tampering = _judge(grown, tip, targets, shelf.witnessed)
    if head:
        tampering += _head_behind(head, shelf.witnessed)
    history, gaps = _history(tip, shelf.links, known)
    excused = frozenset(_excused(history)) if shelf.gapped or gaps else frozenset[int]()
    lost = gaps - excused | ({tip.size - 1} if tip is gap else set())
    tampering += [Finding(kind=Kind.ENTRY_MISSING, index=index) for index in sorted(lost)]
    truth = Truth(
        leaves=history.leaves,
        gaps=gaps,
        laid=frozenset(shelf.links) - frozenset(grown.loose),
        excused=excused,
        intact=not tampering,
    )
    holdings = [
        copies.survey(copy.label, shelf.segments(copy), shelf.checkpoints(copy), truth) for copy in found
    ]
    forks = [index for holding in holdings for index in holding.forks]
    if forks and not targets:
        tampering.append(Finding(kind=Kind.FORKED, index=min(forks)))
    intact = bool(anchors) and not tampering
    tampering += [finding for holding in holdings for finding in holding.tampering]
    notices = _notices(history, gaps & excused) + [f for holding in holdings for f in holding.notices]
    good = Standing.VERIFIED if anchors else Standing.SELF_CONSISTENT
    return Assembly(
        history=history,
        verdict=Verdict(
            standing=Standing.TAMPERED if tampering else good,
            tampering=tuple(tampering),
            notices=tuple(notices),
            intact=intact,
        ),
        holdings=tuple(holdings),
        notes=shelf.notes(),
    )


def _known_by_hash(grown: Growth, head: Head) -> State | None:
    """The head's own state, if all that is lacking is the last entry, whose hash the interlock kept."""
    if not head.last_leaf or (head.size, head.root) in grown.states:
        return None
    for state in grown.states.values():
        if state.size == head.size - 1:
            frontier = state.frontier.extended([head.last_leaf])
            if frontier.root() == head.root:
                gap = Segment(first=state.size, root_before=state.root, records=(Gap(leaf=head.last_leaf),))
                return State(frontier, head.root, state, growth.link_of(gap))
    return None


def _choose(grown: Growth, shelf: Shelf, known: set[Key], anchors: Sequence[Key]) -> State:
    """The tip of the best history: through the anchors, then to the newest witnessed tree, then along
    what most copies hold, so that a few altered drives cannot lead the unwitnessed tail away."""
    promise: dict[Key, tuple[int, int, int]] = {}  # the best that lies at or behind a state
    children: dict[Key, list[State]] = defaultdict(list)
    for key, state in reversed(grown.states.items()):  # children come before parents
        own = (anchors.count(key), key[0] if key in known else 0, key[0])
        behind = [promise[child.key] for child in children[key]]
        ahead = max(behind, default=(0, 0, 0))
        promise[key] = (own[0] + ahead[0], max(own[1], ahead[1]), max(own[2], ahead[2]))
        if state.parent:
            children[state.parent.key].append(state)

    def rank(state: State) -> tuple[int, int, int, int, bytes]:
        passed, newest, longest = promise[state.key]
        return passed, newest, shelf.holders(grown.through[state.key]), longest, state.root

    tip = grown.states[growth.START]
    while children[tip.key]:
        tip = max(children[tip.key], key=rank)
    return tip


def _judge(
    grown: Growth, tip: State, targets: Sequence[Key], witnessed: frozenset[Key]
) -> list[Finding]:
    """What is wrong with the history as a whole."""
    passed = {growth.START, *(state.key for state in tip.path())}
    for target in targets:
        if target not in passed:
            return [diagnosis.explain(grown, tip, target, witnessed)]
    findings: list[Finding] = []
    for size, _ in sorted(witnessed - passed):
        if size > tip.size:
            findings.append(Finding(kind=Kind.ROLLED_BACK, index=tip.size, other=size))
        else:
            findings.append(Finding(kind=Kind.WITNESS_FORKED, index=size))
    return findings


def _head_behind(head: Head, witnessed: frozenset[Key]) -> list[Finding]:
    """A witness that signed more than it remembers was rolled back, or is another one."""
    newest = max((size for size, _ in witnessed), default=0)
    if newest <= head.size:
        return []
    return [Finding(kind=Kind.HEAD_BEHIND, index=head.size, other=newest)]


def _history(tip: State, links: Sequence[Link], known: set[Key]) -> tuple[History, frozenset[int]]:
    """The history that ends in `tip`, bare hashes replaced by any copy's entry, and what stays bare."""
    records, leaves = growth.records(tip), growth.leaves(tip)
    bare = {record.leaf for record in records if isinstance(record, Gap)}
    if bare:
        entries = {
            leaf: record
            for link in links
            for leaf, record in zip(link.leaves, link.segment.records, strict=True)
            if leaf in bare and not isinstance(record, Gap)
        }
        records = [entries.get(r.leaf, r) if isinstance(r, Gap) else r for r in records]
    gaps = frozenset(index for index, record in enumerate(records) if isinstance(record, Gap))
    witnessed = max((state.size for state in tip.path() if state.key in known), default=0)
    history = History(
        records=tuple(records), leaves=tuple(leaves), frontier=tip.frontier, witnessed=witnessed
    )
    return history, gaps


def _excused(history: History) -> Iterator[int]:
    """The entries that a later entry says are lost, by their right hash."""
    for index, record in enumerate(history.records):
        if isinstance(record, Gap) or GAP_MARK not in record:
            continue
        try:
            entry = ledger_entry.decode(record)
        except LedgerMalformed:
            continue
        if not isinstance(entry, ledger_entry.Gap) or entry.index >= index:
            continue
        if history.leaves[entry.index].hex() == entry.leaf:
            yield entry.index


def _notices(history: History, gaps: frozenset[int]) -> list[Finding]:
    notices = [Finding(kind=Kind.GAP_EXPLAINED, index=index) for index in sorted(gaps)]
    if not history.size:
        notices.append(Finding(kind=Kind.EMPTY))
    if history.tail:
        last = history.size - 1
        notices.append(Finding(kind=Kind.UNWITNESSED, index=history.witnessed, other=last))
    return notices


def _fitting(records: Sequence[Record]) -> int:
    """How many of the first records fit into one segment; at least one."""
    room = ledger_segment.SEGMENT_BYTES_MAX // 2
    count = 0
    for record in records[: ledger_segment.RECORDS_MAX]:
        room -= tree.HASH_BYTES if isinstance(record, Gap) else len(record)
        if room < 0 and count:
            break
        count += 1
    return count
