"""The last-key analyser (最後の鍵): the smallest sets of people, devices, keys, time and access for a goal.

Computed from the policy, the board and the graph of custody/trust_graph.py, for the box as it is configured.
Force against the case is computed too and kept apart. Proves nothing itself: each edge names the test that
does. THREATS 9.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from appliance.custody.policy import Policy
from appliance.custody.trust_graph import EDGES, MEANINGS, SHUT, Atom, Edge, Goal, Kind

GUARDED = (Goal.READ, Goal.DESTROY, Goal.OPEN, Goal.BLIND)
"""What may take neither fewer than k people nor software alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Board:
    """What the analyser has to know of the hardware. `emulated`: its file tokens stand for people's tokens,
    and what rests on copper is shown in the twin."""

    name: str
    emulated: bool
    radio: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """A claim that a set relies on, and the test that backs it; empty: unproven on this board."""

    claim: str
    test: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Capture:
    """One minimal set. `people` is how many different persons it takes at least; `copied` tokens are files,
    of which a copy is as good as the holder. `scope` "window" is not about sealed data."""

    goal: Goal
    scope: str
    atoms: frozenset[Atom]
    people: int
    copied: int
    delay_s: int
    software_only: bool
    force: bool
    proofs: tuple[Proof, ...]

    def of_kind(self, *kinds: Kind) -> list[Atom]:
        """Its atoms of these kinds, in the graph's order."""
        return [atom for atom in Atom if atom in self.atoms and MEANINGS[atom].kind in kinds]


@dataclass(frozen=True, slots=True)
class _Way:
    atoms: frozenset[Atom]
    edges: tuple[Edge, ...]


def sets(
    policy: Policy, board: Board, edges: Sequence[Edge] = EDGES, shut: Sequence[Edge] = SHUT
) -> list[Capture]:
    """All minimal sets, goal by goal, those without force first."""
    graph = [edge for edge in edges if edge.board in ("", "radio" if board.radio else "")]
    graph += [edge for edge in shut if not edge.test]
    found = [
        _capture(goal, scope, way, policy, board)
        for goal in Goal
        for scope in ("sealed", "window")
        for way in _minimal(_ways(goal, scope, graph))
    ]
    return sorted(found, key=lambda one: (list(Goal).index(one.goal), one.force, one.scope == "window"))


def weak(captures: Iterable[Capture], policy: Policy) -> list[Capture]:
    """The sets that must not exist: without force, of sealed data, with fewer than k people or software
    alone."""
    return [
        one
        for one in captures
        if one.goal in GUARDED
        and one.scope == "sealed"
        and not one.force
        and (one.people < policy.quorum or one.software_only)
    ]


def shut_ways(board: Board, shut: Sequence[Edge] = SHUT) -> list[tuple[Goal, tuple[Atom, ...], Proof]]:
    """What was looked for and is not possible, and what shows it."""
    return [
        (Goal(edge.gives), tuple(Atom(need) for need in edge.needs), _proof(edge, board))
        for edge in shut
        if edge.test
    ]


def values(policy: Policy) -> dict[str, object]:
    """What the sentences of trust_graph.MEANINGS are filled with."""
    count = len(policy.holders)
    return {
        "quorum": policy.quorum,
        "holders": count,
        "spoilers": count - policy.quorum + 1,
        "fewer": policy.quorum - 1,
        "delay": f"{policy.delay.seconds / 3600:g}",
        "data": policy.geometry.data,
    }


def _ways(gives: str, scope: str, graph: Sequence[Edge]) -> Iterator[_Way]:
    """Every way to `gives`. The graph has no cycle (tests/unit/test_capture.py)."""
    for edge in graph:
        if edge.gives == gives and edge.scope == scope:
            for parts in itertools.product(*(_need(need, graph) for need in edge.needs)):
                atoms = frozenset[Atom]().union(*(part.atoms for part in parts))
                proofs = itertools.chain.from_iterable(part.edges for part in parts)
                yield _Way(atoms, tuple(dict.fromkeys((edge, *proofs))))


def _need(need: str, graph: Sequence[Edge]) -> list[_Way]:
    if need in set(Atom):
        return [_Way(frozenset({Atom(need)}), ())]
    return list(_ways(need, "sealed", graph))


def _minimal(ways: Iterable[_Way]) -> list[_Way]:
    """Those of which no other needs only a part. Of two with the same atoms the first stays."""
    every = list({way.atoms: way for way in reversed(list(ways))}.values())[::-1]
    return [way for way in every if not any(other.atoms < way.atoms for other in every)]


def _capture(goal: Goal, scope: str, way: _Way, policy: Policy, board: Board) -> Capture:
    files = 0 if board.emulated else sum(not holder.has_hardware for holder in policy.holders)
    counts = {
        Atom.QUORUM: policy.quorum,
        Atom.SPOILERS: len(policy.holders) - policy.quorum + 1,
        Atom.FEWER: policy.quorum - 1,
        Atom.ONE_HOLDER: 1,
    }
    tokens = max((counts[atom] for atom in way.atoms if atom in counts), default=0)
    copied = min(tokens, files)
    touched = any(MEANINGS[atom].kind is Kind.PHYSICAL or MEANINGS[atom].force for atom in way.atoms)
    people = max(tokens - copied, int(touched))
    return Capture(
        goal=goal,
        scope=scope,
        atoms=way.atoms,
        people=people,
        copied=copied,
        delay_s=policy.delay.seconds if Atom.DELAY in way.atoms else 0,
        software_only=people == 0,
        force=any(MEANINGS[atom].force for atom in way.atoms),
        proofs=tuple(_proof(edge, board) for edge in way.edges),
    )


def _proof(edge: Edge, board: Board) -> Proof:
    return Proof(claim=edge.claim, test="" if edge.copper and not board.emulated else edge.test)


