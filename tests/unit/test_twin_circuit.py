"""The copper: a coil needs both halves, contacts take time, and link and drives exclude each other."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hw import profile
from hw.twin import circuit, contact, faults
from hw.twin.circuit import Circuit, Drawn, Throw
from hw.twin.scenario import Deed, Trigger

BOARD = profile.load("emulated")
BAYS = 3
LINK_PINS = sum(1 << pin for pin in BOARD.pins.link)
DRIVE_PINS = sum(1 << pin for pin in BOARD.pins.drives[:BAYS])
POWERED = Drawn(controller_power=True)
LINK = replace(POWERED, permit_link=True, k3_on_link=True, gpio=LINK_PINS)
DRIVES = replace(POWERED, permit_drives=True, drive_mask=0b111, gpio=DRIVE_PINS)

drawns = st.builds(
    Drawn,
    permit_link=st.booleans(),
    permit_drives=st.booleans(),
    drive_mask=st.integers(0, 7),
    k3_on_link=st.booleans(),
    controller_power=st.sampled_from([True, True, True, False]),
    gpio=st.one_of(
        st.sampled_from([LINK_PINS | DRIVE_PINS, LINK_PINS, DRIVE_PINS, 0]), st.integers(0, (1 << 28) - 1)
    ),
    cut_pressed=st.sampled_from([False, False, False, True]),
)
lives = st.lists(st.tuples(drawns, st.integers(1, 60)), min_size=1, max_size=30)


def settle(state: Circuit, drawn: Drawn, duration_ms: int = 1000, step_ms: int = 1) -> Circuit:
    for _ in range(0, duration_ms, step_ms):
        state = circuit.step(state, drawn, step_ms)
    return state


def fresh() -> Circuit:
    return circuit.build(BOARD, BAYS)


def both(state: Circuit) -> bool:
    return state.link_conducting and any(state.drives_live)


def weld(target: str, state: Circuit) -> Circuit:
    after = faults.on_copper(state, Deed(trigger=Trigger(after_ms=0), do="weld", target=target))
    assert after is not None
    return after


@pytest.mark.parametrize(
    "missing",
    [
        replace(LINK, permit_link=False),
        replace(LINK, k3_on_link=False),
        replace(LINK, gpio=0),
        replace(LINK, cut_pressed=True),
        replace(LINK, controller_power=False),
    ],
    ids=["permit", "changeover", "gpio", "cut", "controller supply"],
)
def test_the_link_conducts_only_with_both_halves_of_its_coils(missing: Drawn) -> None:
    assert not settle(fresh(), missing).link_conducting


def test_with_both_halves_the_link_conducts_and_carries() -> None:
    state = settle(fresh(), LINK)
    assert state.link_conducting
    assert state.carrier


@pytest.mark.parametrize(
    "missing",
    [
        replace(DRIVES, permit_drives=False),
        replace(DRIVES, k3_on_link=True),
        replace(DRIVES, gpio=0),
        replace(DRIVES, drive_mask=0),
        replace(DRIVES, cut_pressed=True),
        replace(DRIVES, controller_power=False),
    ],
    ids=["permit", "changeover", "gpio", "mask", "cut", "controller supply"],
)
def test_drives_are_live_only_with_both_halves_of_their_coils(missing: Drawn) -> None:
    assert not any(settle(fresh(), missing).drives_live)


def test_with_both_halves_drives_are_live_and_answer_after_spin_up() -> None:
    early = settle(fresh(), DRIVES, 100)
    assert early.drives_live == (True, True, True)
    assert early.drives_up == (False, False, False)
    assert settle(early, DRIVES).drives_up == (True, True, True)


def test_only_the_masked_group_gets_supply() -> None:
    assert settle(fresh(), replace(DRIVES, drive_mask=0b010)).drives_live == (False, True, False)


def test_one_contact_of_the_series_pair_does_not_carry() -> None:
    state = settle(fresh(), replace(LINK, gpio=1 << BOARD.pins.link[0]))
    assert state.k1.conducting
    assert not state.link_conducting


@given(lives)
def test_link_and_drives_are_never_both_live_whatever_permits_and_pins_do(
    life: list[tuple[Drawn, int]],
) -> None:
    state = fresh()
    for drawn, duration_ms in life:
        for _ in range(duration_ms):
            state = circuit.step(state, drawn, 1)
            assert not both(state)


@pytest.mark.planted
def test_planted_a_changeover_that_makes_before_it_breaks_is_caught() -> None:
    hasty = replace(
        BOARD,
        changeover=replace(BOARD.changeover, operate_ms=0, release_ms=0),
        relay=replace(BOARD.relay, release_ms=80),
    )
    state = settle(circuit.build(hasty, BAYS), replace(LINK, gpio=LINK_PINS | DRIVE_PINS))
    to_drives = replace(DRIVES, gpio=LINK_PINS | DRIVE_PINS)
    seen = []
    for _ in range(100):
        state = circuit.step(state, to_drives, 1)
        seen.append(both(state))
    assert any(seen)


@given(lives)
def test_the_longest_exact_step_agrees_with_single_milliseconds(life: list[tuple[Drawn, int]]) -> None:
    fine = coarse = fresh()
    for drawn, duration_ms in life:
        left_ms = duration_ms
        while left_ms:
            step_ms = min(left_ms, circuit.due_ms(coarse, drawn) or left_ms)
            coarse = circuit.step(coarse, drawn, step_ms)
            left_ms -= step_ms
            fine = settle(fine, drawn, step_ms)
            assert (fine.link_conducting, fine.drives_live) == (coarse.link_conducting, coarse.drives_live)
            assert (fine.throw, fine.drives_up, fine.carrier) == (
                coarse.throw,
                coarse.drives_up,
                coarse.carrier,
            )


def test_contacts_take_their_operate_and_release_time() -> None:
    timing = BOARD.relay
    relay = contact.step(contact.RESTING, energised=True, dt_ms=timing.operate_ms - 1, timing=timing)
    assert not relay.conducting
    relay = contact.step(relay, energised=True, dt_ms=1 + timing.bounce_ms, timing=timing)
    assert relay.conducting
    relay = contact.step(relay, energised=False, dt_ms=timing.release_ms - 1, timing=timing)
    assert relay.conducting
    assert not contact.step(relay, energised=False, dt_ms=1, timing=timing).conducting


def test_a_fresh_contact_chatters_before_it_rests() -> None:
    timing = BOARD.relay
    relay, seen = contact.RESTING, []
    for _ in range(timing.operate_ms + timing.bounce_ms + 5):
        relay = contact.step(relay, energised=True, dt_ms=1, timing=timing)
        seen.append(relay.conducting)
    made = seen.index(True)
    assert False in seen[made : made + timing.bounce_ms + 1]
    assert all(seen[made + timing.bounce_ms :])


def test_a_permit_that_stops_is_dead_within_50_ms() -> None:
    state = settle(fresh(), LINK)
    after = settle(state, replace(LINK, permit_link=False), 50)
    assert not after.link_conducting


def test_the_cut_button_needs_no_electronics() -> None:
    state = settle(fresh(), LINK)
    assert not settle(state, replace(LINK, cut_pressed=True), BOARD.relay.release_ms).link_conducting


def test_a_welded_contact_conducts_without_supply_and_its_mirror_tells() -> None:
    state = weld("k1", settle(fresh(), LINK))
    dead = settle(state, Drawn())
    assert dead.k1.conducting
    assert not dead.k2.conducting
    assert not dead.link_conducting


def test_a_broken_contact_never_conducts() -> None:
    broken = faults.on_copper(fresh(), Deed(trigger=Trigger(after_ms=0), do="break", target="k2"))
    assert broken is not None
    assert not settle(broken, LINK).link_conducting


def test_a_changeover_in_its_gap_feeds_nothing() -> None:
    stuck = replace(fresh(), k3_stuck=Throw.GAP)
    assert not settle(stuck, LINK).link_conducting
    assert not any(settle(stuck, DRIVES).drives_live)


def test_a_drive_that_loses_supply_for_a_moment_has_to_spin_up_again() -> None:
    state = settle(fresh(), DRIVES)
    state = settle(state, replace(DRIVES, gpio=0), 20)
    state = settle(state, DRIVES, 50)
    assert any(state.drives_live)
    assert not any(state.drives_up)


def test_a_pulled_drive_has_supply_but_does_not_answer() -> None:
    pulled = faults.on_copper(fresh(), Deed(trigger=Trigger(after_ms=0), do="pull", bay=2))
    assert pulled is not None
    assert settle(pulled, DRIVES).drives_up == (True, False, True)


def test_pins_of_a_controller_without_supply_rest() -> None:
    state = settle(fresh(), LINK)
    assert not settle(state, replace(LINK, controller_power=False), 100).link_conducting
