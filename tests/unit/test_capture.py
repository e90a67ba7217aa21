"""The last-key analyser: nothing without force takes fewer than k people, and what must fail does."""

from __future__ import annotations

from dataclasses import replace

import pytest

from appliance.compose import capture_document
from appliance.custody import capture
from appliance.custody.capture import Board, Capture
from appliance.custody.policy import Holder, Policy
from appliance.custody.trust_graph import EDGES, MEANINGS, SHUT, Atom, Edge, Goal
from appliance.domain.ids import HolderNumber
from hw import profile
from hw.profile import BoardProfile
from tests.unit.test_policy import POLICY, key, point

TWIN = Board(name="emulated", emulated=True, radio=False)
REAL = Board(name="real", emulated=False, radio=False)
PROFILES = [profile.load(name) for name in ("emulated", "cm4", "pi4", "pi5")]
BOXES = [found for found in PROFILES if found.emulated or found.production]
BENCHES = [found for found in PROFILES if found not in BOXES]


def holders(count: int, hardware: int) -> tuple[Holder, ...]:
    """The first `hardware` of them have hardware tokens."""
    made = []
    for n in range(1, count + 1):
        ssh_key = point(n + 30) if n <= hardware else key(n + 50)
        unseal, share = bytes([n] * 32), bytes([n + 90] * 32)
        made.append(Holder(number=HolderNumber(n), ssh_key=ssh_key, unseal=unseal, share=share))
    return tuple(made)


def policy(quorum: int = 3, count: int = 5, hardware: int = 0) -> Policy:
    return replace(POLICY, quorum=quorum, holders=holders(count, hardware))


def weak(rules: Policy, board: Board) -> list[Capture]:
    return capture.weak(capture.sets(rules, board), rules)


@pytest.mark.clause("THREATS 9.1")
@pytest.mark.parametrize("found", BOXES, ids=lambda found: str(found.name))
@pytest.mark.parametrize(("quorum", "count"), [(2, 3), (3, 5)])
def test_on_every_board_of_a_box_the_default_policies_take_k_people_for_everything(
    found: BoardProfile, quorum: int, count: int
) -> None:
    board = capture_document.board_of(found)
    rules = policy(quorum, count, hardware=0 if board.emulated else count)
    assert weak(rules, board) == []
    reachable = {one.goal for one in capture.sets(rules, board) if not one.force}
    assert {Goal.READ, Goal.DESTROY, Goal.OPEN, Goal.STALL} <= reachable, "who finds nothing proves nothing"


def test_boxes_and_benches_are_all_the_profiles_there_are() -> None:
    names = {path.stem for path in profile.BOARDS.glob("*.toml")}
    assert {found.name for found in PROFILES} == names
    assert {"emulated", "cm4"} <= {found.name for found in BOXES}


@pytest.mark.clause("THREATS 9.1")
@pytest.mark.parametrize("found", BENCHES, ids=lambda found: str(found.name))
def test_a_profile_with_a_radio_is_for_the_bench_only_and_fails(found: BoardProfile) -> None:
    assert found.radio
    assert Goal.OPEN in {one.goal for one in weak(policy(hardware=5), capture_document.board_of(found))}


@pytest.mark.clause("THREATS 9.1")
@pytest.mark.planted
def test_a_board_with_a_radio_connects_by_software_alone() -> None:
    found = weak(policy(), replace(TWIN, radio=True))
    assert [(one.goal, one.people, one.software_only) for one in found] == [(Goal.OPEN, 0, True)]


@pytest.mark.clause("THREATS 9.2")
@pytest.mark.planted
@pytest.mark.parametrize("hardware", [0, 1, 2])
def test_a_real_board_with_fewer_than_k_hardware_tokens_fails(hardware: int) -> None:
    found = weak(policy(hardware=hardware), REAL)
    assert {Goal.READ, Goal.OPEN} <= {one.goal for one in found}
    assert min(one.people for one in found if one.goal is Goal.READ) < 3


@pytest.mark.clause("THREATS 9.2")
def test_a_real_board_with_hardware_tokens_for_everybody_passes() -> None:
    assert weak(policy(hardware=5), REAL) == []


@pytest.mark.planted
@pytest.mark.parametrize(("quorum", "count"), [(3, 4), (4, 5), (4, 6)])
def test_a_quorum_that_fewer_than_k_can_break_by_losing_their_tokens_fails(quorum: int, count: int) -> None:
    found = weak(policy(quorum, count), TWIN)
    assert [(one.goal, one.people) for one in found] == [(Goal.DESTROY, count - quorum + 1)]


@pytest.mark.clause("THREATS 9.1")
@pytest.mark.planted
@pytest.mark.parametrize("place", range(len(SHUT)))
def test_a_way_that_no_test_shuts_counts_as_open(place: int) -> None:
    shut = [replace(edge, test="") if n == place else edge for n, edge in enumerate(SHUT)]
    rules = policy()
    captures = capture.sets(rules, TWIN, EDGES, shut)
    assert capture.weak(captures, rules)


def test_every_set_is_minimal() -> None:
    for board in (TWIN, REAL, replace(TWIN, radio=True)):
        captures = capture.sets(policy(), board)
        for one in captures:
            same = [other for other in captures if (other.goal, other.scope) == (one.goal, one.scope)]
            assert not [other for other in same if other.atoms < one.atoms]


@pytest.mark.planted
def test_a_way_with_a_part_more_than_another_is_no_set_of_its_own() -> None:
    longer = Edge(gives=Goal.OPEN, needs=(Atom.QUORUM, Atom.DELAY, Atom.AT_BOX), claim="longer")
    before = capture.sets(policy(), TWIN)
    assert capture.sets(policy(), TWIN, (*EDGES, longer)) == before


def test_force_is_kept_apart_and_one_person_with_a_hammer_is_said() -> None:
    captures = capture.sets(policy(), TWIN)
    assert {one.goal for one in captures if one.force and one.people == 1} == {
        Goal.DESTROY, Goal.OPEN, Goal.BLIND,
    }
    assert all(one.people >= 3 for one in captures if one.force and one.goal is Goal.READ)


@pytest.mark.clause("THREATS 9.3")
def test_what_rests_on_copper_is_unproven_on_a_real_board() -> None:
    def unproven(board: Board) -> set[str]:
        captures = capture.sets(policy(hardware=5), board)
        return {proof.claim for one in captures for proof in one.proofs if not proof.test}

    copper = {edge.claim for edge in EDGES if edge.copper and edge.test}
    assert copper
    assert unproven(REAL) >= copper
    assert not unproven(TWIN) & copper


def test_the_graph_has_no_cycle_and_every_need_is_an_atom_or_is_given() -> None:
    given = {edge.gives for edge in EDGES}
    steps = given - {goal.value for goal in Goal}

    def depth(step: str, above: tuple[str, ...] = ()) -> None:
        assert step not in above, step
        for edge in EDGES:
            if edge.gives == step:
                for need in edge.needs:
                    assert need in set(Atom) or need in steps, need
                    depth(need, (*above, step))

    for goal in Goal:
        depth(goal)
    assert set(MEANINGS) == set(Atom)


def test_a_changed_delay_shows_in_the_sets_before_and_after() -> None:
    old = policy()
    new = replace(old, version=2, previous=bytes(range(32)), delay=replace(old.delay, amount=1))
    found = capture_document.before_and_after(old, new)
    assert not found["same"]
    delays = [
        {one["delay_s"] for one in found[side]["OPEN"] if one["delay_s"]} for side in ("before", "after")
    ]
    assert delays == [{72 * 3600}, {3600}]
    assert capture_document.before_and_after(old, replace(old, sources=old.sources[:1]))["same"]
