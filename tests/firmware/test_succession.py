"""From one policy to the next: who must sign, who may object, and when it takes effect (PROTOCOL 12)."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import pytest

from firmware.model import limits
from firmware.wire.codes import Cause, EventKind, Phase, UploadKind
from firmware.wire.messages import (
    Authority,
    AuthorityRead,
    Refused,
    RequestPhase,
    UploadAccepted,
    UploadCommit,
)
from tests.firmware.box import HOLDERS, KEYS, Box
from tests.firmware.papers import Pen, entering, replaced, votes

POLICY, VETO, OVERRIDE = UploadKind.POLICY, UploadKind.VETO, UploadKind.OVERRIDE
DELAY_S = 72 * 3600


def cause(answer: object) -> Cause:
    assert isinstance(answer, Refused), answer
    return answer.cause


def accepted(answer: object) -> bool:
    return isinstance(answer, UploadAccepted)


def pen() -> Pen:
    box = Box()
    box.ready(0)
    return Pen(box)


def proposed(**changes: object) -> Pen:
    """A second policy waits for its delay."""
    made = pen()
    assert accepted(made.hand_in(POLICY, made.successor(**(changes or {"delay": "48h"}))))
    return made


def wait(box: Box, seconds: int) -> None:
    """The bench moves the crystal; then the box looks on for longer than a glitch lasts."""
    assert box.rtc_s is not None
    box.rtc_s += seconds
    box.run(limits.RIPE_MS + 200)


def version(box: Box) -> int:
    policy = box.state.fram.policy
    assert policy is not None
    return policy.version


@pytest.mark.clause("PROTOCOL 12.1")
@pytest.mark.clause("PROTOCOL 12.4")
def test_a_policy_signed_by_k_takes_effect_after_the_old_delay_and_not_a_second_before() -> None:
    made = proposed()
    box = made.box
    answer = box.answer(AuthorityRead())
    assert isinstance(answer, Authority)
    assert (answer.policy_version, answer.pending_version) == (1, 2)
    assert answer.pending_due_s == (box.rtc_s or 0) + DELAY_S
    wait(box, DELAY_S - 20)
    assert version(box) == 1
    wait(box, 10)
    assert version(box) == 2
    assert box.state.fram.policy == replace(made.policy, delay_s=48 * 3600)
    kinds = [event.kind for event in box.state.fram.journal.events]
    assert EventKind.POLICY_PENDING in kinds
    assert kinds.count(EventKind.POLICY) == 2


@pytest.mark.clause("PROTOCOL 12.1")
@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"version": 3}, Cause.POLICY_NOT_NEXT),
        ({"previous": bytes(32)}, Cause.POLICY_NOT_NEXT),
        ({"generations": ("generation 1 vault=sha256:" + "ee" * 32,)}, Cause.POLICY_GENERATION),
        ({"delay": "0h"}, Cause.POLICY_MALFORMED),
    ],
)
def test_what_is_not_the_next_policy_is_refused(changes: dict[str, object], expected: Cause) -> None:
    made = pen()
    assert cause(made.hand_in(POLICY, made.successor(**changes))) is expected
    assert made.box.state.fram.pending is None


@pytest.mark.clause("PROTOCOL 12.1")
@pytest.mark.invariant("I5")
def test_a_generation_never_decreases_and_a_newer_one_may_come() -> None:
    made = proposed(generations=(*GENERATIONS, "generation 4 vault=sha256:" + "44" * 32))
    wait(made.box, DELAY_S)
    assert made.policy.generation == 4
    assert cause(made.hand_in(POLICY, made.successor(generations=GENERATIONS))) is Cause.POLICY_GENERATION


GENERATIONS = (f"generation 1 vault=sha256:{'cd' * 32}",)


@pytest.mark.clause("PROTOCOL 12.1")
def test_another_vaults_policy_is_refused() -> None:
    made = pen()
    text = made.successor().replace(made.policy.vault_id.hex().encode(), b"00" * 16)
    assert cause(made.hand_in(POLICY, text)) is Cause.POLICY_FOREIGN


@pytest.mark.clause("PROTOCOL 12.1")
def test_another_witness_is_refused_by_any_policy() -> None:
    made = pen()
    text = made.successor()
    line = next(one for one in text.splitlines() if one.startswith(b"witness"))
    other = next(one for one in text.splitlines() if one.startswith(b"log")).replace(b"log", b"witness")
    wrong = text.replace(line, other).replace(
        other.replace(b"witness", b"log"), line.replace(b"witness", b"log")
    )
    assert cause(made.hand_in(POLICY, wrong)) is Cause.POLICY_WITNESS


@pytest.mark.clause("THREATS 3.9")
@pytest.mark.clause("PROTOCOL 12.2")
def test_fewer_than_k_old_holders_change_nothing_however_many_new_ones_sign() -> None:
    made = pen()
    text = made.successor(holders=replaced(1, 2, 3, 4))
    fresh = entering(POLICY, text, {n: KEYS[n + 8] for n in (1, 2, 3, 4)})
    assert (
        cause(made.box.upload(POLICY, text, [*votes(POLICY, text, (1, 2)), *fresh]))
        is Cause.SIGNATURES_MISSING
    )
    assert accepted(made.box.upload(POLICY, text, [*votes(POLICY, text, (1, 2, 5)), *fresh]))


@pytest.mark.clause("PROTOCOL 12.2")
def test_everybody_who_enters_has_to_prove_the_new_key() -> None:
    made = pen()
    text = made.successor(holders=replaced(4, 5))
    old = votes(POLICY, text, (1, 2, 3))
    only = entering(POLICY, text, {4: KEYS[12]})
    both = entering(POLICY, text, {4: KEYS[12], 5: KEYS[13]})
    assert cause(made.box.upload(POLICY, text, old)) is Cause.ENTERING_MISSING
    assert cause(made.box.upload(POLICY, text, [*old, *only])) is Cause.ENTERING_MISSING
    assert accepted(made.box.upload(POLICY, text, [*old, *both]))


@pytest.mark.clause("PROTOCOL 12.2")
def test_a_raised_quorum_is_met_by_the_new_holders_too() -> None:
    made = pen()
    text = made.successor(quorum=4)
    assert cause(made.hand_in(POLICY, text, (1, 2, 3))) is Cause.SIGNATURES_MISSING
    assert accepted(made.hand_in(POLICY, text, (1, 2, 3, 4)))


@pytest.mark.clause("PROTOCOL 12.2")
def test_one_person_is_not_counted_as_old_and_as_new_holder() -> None:
    made = pen()
    text = made.successor()
    double = [*votes(POLICY, text, (1, 2)), *entering(POLICY, text, {2: HOLDERS[1]})]
    assert cause(made.box.upload(POLICY, text, double)) is Cause.SIGNER_TWICE
    unknown = [*votes(POLICY, text, (1, 2, 3)), (0x80 | 6, bytes(64))]
    assert cause(made.box.upload(POLICY, text, unknown)) is Cause.SIGNER_UNKNOWN
    spoilt = [*votes(POLICY, text, (1, 2, 3)), (4, bytes(64))]
    assert cause(made.box.upload(POLICY, text, spoilt)) is Cause.SIGNATURE_BAD


@pytest.mark.clause("PROTOCOL 12.2")
def test_a_whole_new_set_of_sixteen_fits_one_upload() -> None:
    made = pen()
    text = made.successor(holders=KEYS[5:21], quorum=8)
    fresh = entering(POLICY, text, dict(enumerate(KEYS[5:21], start=1)))
    assert accepted(made.box.upload(POLICY, text, [*votes(POLICY, text, (1, 2, 3)), *fresh]))
    wait(made.box, DELAY_S)
    assert len(made.policy.holders) == 16


@pytest.mark.clause("PROTOCOL 12.3")
@pytest.mark.clause("PROTOCOL 6.5")
def test_a_pending_policy_survives_a_reset_and_its_commit_is_answered_again() -> None:
    made = proposed()
    box = made.box
    text = made.successor(delay="48h")
    before = box.state.fram.pendings
    assert before[0].policy.digest == hashlib.sha256(text).digest()
    box.power_on()
    box.boot()
    assert box.state.fram.pendings == before
    assert accepted(box.upload(POLICY, text, []))
    assert box.state.fram.pendings == before
    wait(box, DELAY_S)
    assert version(box) == 2
    assert accepted(box.upload(POLICY, text, []))


@pytest.mark.clause("PROTOCOL 12.3")
def test_another_text_replaces_the_pending_one_for_good_and_waits_anew() -> None:
    made = proposed()
    box = made.box
    first, second = made.successor(delay="48h"), made.successor(delay="24h")
    wait(box, DELAY_S - 100)
    assert accepted(made.hand_in(POLICY, second))
    wait(box, 200)
    assert version(box) == 1
    assert cause(made.hand_in(POLICY, first)) is Cause.POLICY_DROPPED
    wait(box, DELAY_S)
    assert made.policy.digest == hashlib.sha256(second).digest()


@pytest.mark.clause("PROTOCOL 12.3")
def test_the_memory_of_replaced_texts_is_bounded_and_ends_with_the_version() -> None:
    made = proposed(delay="1h")
    for hours in range(2, limits.DROPPED_MAX + 2):
        assert accepted(made.hand_in(POLICY, made.successor(delay=f"{hours}h")))
    assert cause(made.hand_in(POLICY, made.successor(delay="50h"))) is Cause.POLICIES_FULL
    wait(made.box, DELAY_S)
    assert version(made.box) == 2
    assert made.box.state.fram.dropped == ()


@pytest.mark.clause("PROTOCOL 12.5")
def test_any_one_holder_stops_a_pending_policy_also_over_a_reset() -> None:
    made = proposed()
    box = made.box
    veto = made.veto()
    assert accepted(made.hand_in(VETO, veto, (4,)))
    wait(box, DELAY_S + 3600)
    assert version(box) == 1
    before = box.state.fram
    assert accepted(made.hand_in(VETO, veto, (4,)))
    assert box.state.fram.pendings == before.pendings
    assert box.state.fram.journal.newest == before.journal.newest
    box.power_on()
    box.boot()
    wait(box, DELAY_S)
    assert version(box) == 1


@pytest.mark.clause("PROTOCOL 12.5")
def test_somebody_who_is_being_removed_has_no_veto_and_everybody_else_has() -> None:
    made = pen()
    text = made.successor(holders=replaced(5))
    fresh = entering(POLICY, text, {5: KEYS[13]})
    assert accepted(made.box.upload(POLICY, text, [*votes(POLICY, text), *fresh]))
    assert cause(made.hand_in(VETO, made.veto(), (5,))) is Cause.SIGNER_REMOVED
    assert accepted(made.hand_in(VETO, made.veto(), (1,)))


@pytest.mark.clause("PROTOCOL 12.5")
def test_a_veto_against_nothing_or_another_text_or_without_a_signature_is_refused() -> None:
    made = proposed()
    veto = made.veto()
    pending = made.box.state.fram.pending
    assert pending is not None
    other = veto.replace(pending.policy.digest.hex().encode(), b"00" * 32)
    assert cause(made.hand_in(VETO, other, (4,))) is Cause.ORDER_FOREIGN
    assert cause(made.hand_in(VETO, veto, ())) is Cause.SIGNATURES_MISSING
    assert cause(made.hand_in(VETO, veto + b"more\n", (4,))) is Cause.ORDER_MALFORMED
    wait(made.box, DELAY_S)
    assert cause(made.hand_in(VETO, veto, (4,))) is Cause.NO_PENDING


@pytest.mark.clause("PROTOCOL 12.6")
def test_k_others_override_a_veto_and_a_new_veto_needs_a_new_override() -> None:
    made = proposed()
    box = made.box
    assert cause(made.hand_in(OVERRIDE, made.override(4), (1, 2, 3))) is Cause.NO_VETO
    assert accepted(made.hand_in(VETO, made.veto(), (4,)))
    assert cause(made.hand_in(OVERRIDE, made.override(4), (1, 2, 4))) is Cause.SIGNATURES_MISSING
    assert cause(made.hand_in(OVERRIDE, made.override(5), (1, 2, 3))) is Cause.ORDER_FOREIGN
    first = made.override(4)
    assert accepted(made.hand_in(OVERRIDE, first, (1, 2, 3)))
    assert accepted(made.hand_in(VETO, made.veto(), (4,)))
    assert accepted(made.hand_in(VETO, made.veto(), (5,)))
    assert cause(made.hand_in(OVERRIDE, first, (1, 2, 3))) is Cause.ORDER_FOREIGN
    wait(box, DELAY_S)
    assert version(box) == 1
    assert accepted(made.hand_in(OVERRIDE, made.override(4, 5), (1, 2, 3)))
    box.run(limits.RIPE_MS + 200)
    assert version(box) == 2


@pytest.mark.clause("PROTOCOL 12.6")
def test_too_few_others_override_nothing() -> None:
    made = proposed()
    assert accepted(made.hand_in(VETO, made.veto(), (3, 4, 5)))
    assert cause(made.hand_in(OVERRIDE, made.override(3, 4, 5), (1, 2))) is Cause.SIGNATURES_MISSING


@pytest.mark.clause("PROTOCOL 12.4")
def test_a_policy_takes_effect_in_ISOLATED_only_and_never_on_a_glitch_of_the_clock() -> None:
    made = proposed(windows=("window 11:00:00-11:02:00 daily +00:00 link=60s",))
    box = made.box
    assert box.rtc_s is not None
    now_s = box.rtc_s
    box.rtc_s = now_s + DELAY_S + 50
    box.tick()
    box.rtc_s = now_s
    box.run(limits.RIPE_MS + 200)
    assert version(box) == 1
    box.rtc_s = now_s + DELAY_S + 60
    box.jump_to(13 * 3600)
    box.beat()
    box.say(RequestPhase(phase=Phase.SCRUB))
    box.until(lambda: box.phase is Phase.SCRUB, 3000)
    box.run(limits.RIPE_MS + 200, box.beat)
    assert version(box) == 1
    box.done()
    box.until(lambda: box.phase is Phase.ISOLATED, 3000)
    box.run(limits.RIPE_MS + 200)
    assert version(box) == 2


@pytest.mark.clause("PROTOCOL 12.4")
def test_CUT_held_keeps_a_pending_policy_from_taking_effect_without_the_controller() -> None:
    made = proposed()
    box = made.box
    box.cut = True
    box.run(3200)
    box.cut = False
    wait(box, 2 * DELAY_S)
    assert box.state.phase is Phase.SECURED
    assert version(box) == 1
    box.key = True
    box.tick()
    assert accepted(made.hand_in(UploadKind.RELEASE_ORDER, made.release(secured=True)))
    box.key = False
    box.until(lambda: box.state.phase is Phase.ISOLATED, 5000)
    box.run(limits.RIPE_MS + 200)
    assert version(box) == 1, "the release gave it its whole delay again"
    wait(box, DELAY_S)
    assert version(box) == 2


@pytest.mark.clause("PROTOCOL 12.4")
def test_orders_and_uploads_of_the_old_policy_end_with_it() -> None:
    made = proposed()
    box = made.box
    wait(box, DELAY_S - 60)
    assert accepted(made.hand_in(UploadKind.RECOVERY_ORDER, made.recovery()))
    late = made.recovery()
    wait(box, 100)
    assert version(box) == 2
    assert box.state.order is None
    assert cause(made.hand_in(UploadKind.RECOVERY_ORDER, late)) is Cause.ORDER_FOREIGN
    assert cause(box.answer(UploadCommit())) is Cause.UPLOAD_SEQUENCE


@pytest.mark.clause("PROTOCOL 12.1")
def test_no_policy_is_accepted_without_a_clock_or_outside_ISOLATED() -> None:
    made = pen()
    text = made.successor()
    made.box.rtc_s = None
    made.box.run(200)
    assert cause(made.hand_in(POLICY, text)) is Cause.CLOCK_LOST
    other = pen()
    other.box.say(RequestPhase(phase=Phase.SECURED))
    assert cause(other.hand_in(POLICY, other.successor())) is Cause.NOT_NOW


@pytest.mark.clause("PROTOCOL 12.1")
def test_refusals_of_a_flood_of_policies_are_coalesced() -> None:
    made = pen()
    newest = made.box.state.fram.journal.newest
    for _ in range(30):
        assert cause(made.hand_in(POLICY, made.successor(version=9))) is Cause.POLICY_NOT_NEXT
    assert made.box.state.fram.journal.newest - newest <= 2
