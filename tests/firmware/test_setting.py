"""The clock is set by a quorum: fresh, forward, and nothing counted in time is won (PROTOCOL 13)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from firmware.model import exposure, limits
from firmware.model.facts import Span
from firmware.wire.codes import Cause, Phase, UploadKind
from firmware.wire.messages import Challenge, ChallengeRead, RequestPhase
from tests.firmware.box import Box
from tests.firmware.papers import Pen
from tests.firmware.test_orders import accepted, cause, pen
from tests.firmware.test_succession import DELAY_S

TIME, RECOVERY = UploadKind.TIME_ORDER, UploadKind.RECOVERY_ORDER
DAY_S = 86_400


def now_s(box: Box) -> int:
    assert box.rtc_s is not None
    return box.rtc_s


def set_to(made: Pen, unix_s: int) -> object:
    return made.hand_in(TIME, made.time(unix_s))


@pytest.mark.clause("PROTOCOL 13.4")
def test_the_clock_is_set_to_what_it_was_at_the_challenge_and_what_has_passed_since() -> None:
    made = pen()
    box = made.box
    wanted = now_s(box) + 5000
    text = made.time(wanted)
    box.run(30_000)
    assert accepted(made.hand_in(TIME, text))
    assert wanted + 29 <= now_s(box) <= wanted + 31
    box.run(2000)
    assert box.state.rtc_s == now_s(box)
    assert cause(made.hand_in(TIME, text)) is Cause.NO_CHALLENGE


@pytest.mark.clause("PROTOCOL 13.4")
def test_a_lost_clock_is_set_and_the_box_works_again_also_after_a_reset() -> None:
    made = pen()
    box = made.box
    known = now_s(box)
    box.rtc_s = None
    box.run(4000)
    box.say(RequestPhase(phase=Phase.SECURED))
    assert cause(set_to(made, known - limits.BACK_S_MAX - 100)) is Cause.TIME_BACKWARDS
    assert accepted(set_to(made, known + 3600))
    assert box.state.rtc_s == known + 3600
    assert accepted(made.hand_in(UploadKind.RELEASE_ORDER, made.release(secured=True)))
    box.until(lambda: box.phase is Phase.ISOLATED, 5000)
    box.power_on()
    box.boot()
    box.jump_to(43_800)
    box.connect()


@pytest.mark.clause("PROTOCOL 13.4")
@pytest.mark.parametrize(("holders", "key"), [((1, 2), True), ((1, 2, 3), False)])
def test_fewer_than_k_or_nobody_at_the_box_set_no_clock(holders: tuple[int, ...], key: bool) -> None:
    made = pen()
    box = made.box
    before = now_s(box)
    text = made.time(before + 5000)
    box.key = key
    box.tick()
    expected = Cause.SIGNATURES_MISSING if key else Cause.KEY_NOT_TURNED
    assert cause(made.hand_in(TIME, text, holders)) is expected
    assert now_s(box) - before < 2


@pytest.mark.clause("PROTOCOL 13.4")
def test_an_order_for_another_challenge_or_too_old_or_too_long_lived_is_refused() -> None:
    made = pen()
    box = made.box
    wanted = now_s(box) + 50
    assert cause(made.hand_in(TIME, made.time(wanted, challenge=bytes(16)))) is Cause.NO_CHALLENGE
    assert cause(made.hand_in(TIME, made.time(wanted, life_s=8 * DAY_S))) is Cause.ORDER_TOO_LONG_LIVED
    brief = made.time(wanted, life_s=5)
    box.run(6000)
    assert cause(made.hand_in(TIME, brief)) is Cause.ORDER_EXPIRED
    text = made.time(wanted)
    box.power_on()
    box.boot()
    assert cause(made.hand_in(TIME, text)) is Cause.NO_CHALLENGE, "a challenge ends with its power-on"


@pytest.mark.clause("PROTOCOL 13.4")
def test_a_challenge_is_the_same_until_it_is_used_or_old_and_never_comes_again() -> None:
    made = pen()
    box = made.box
    first = box.answer(ChallengeRead())
    box.run(3000)
    again = box.answer(ChallengeRead())
    assert isinstance(first, Challenge)
    assert isinstance(again, Challenge)
    assert again.challenge == first.challenge
    assert again.age_s == first.age_s + 3
    seen = {first.challenge}
    for _ in range(3):
        assert accepted(set_to(made, now_s(box)))
        seen.add(made.challenge())
    box.state = replace(box.state, challenge_ms=box.uptime_ms - limits.CHALLENGE_MS)
    box.tick()
    seen.add(made.challenge())
    box.power_on()
    box.boot()
    seen.add(made.challenge())
    assert len(seen) == 6


@pytest.mark.clause("PROTOCOL 13.5")
def test_a_running_clock_goes_back_a_little_and_no_further() -> None:
    made = pen()
    box = made.box
    assert cause(set_to(made, now_s(box) - limits.BACK_S_MAX - 5)) is Cause.TIME_BACKWARDS
    wanted = now_s(box) - limits.BACK_S_MAX + 5
    assert accepted(set_to(made, wanted))
    box.run(2000)
    assert box.state.rtc_s == now_s(box) == wanted + 2
    assert box.state.fram.time_floor_s == wanted + 2


@pytest.mark.clause("PROTOCOL 13.5")
def test_a_glitch_of_the_chip_locks_nobody_out_for_good() -> None:
    made = pen()
    box = made.box
    true_s = now_s(box)
    box.rtc_s = true_s + 40 * 365 * DAY_S
    box.run(2000)
    box.rtc_s = true_s
    box.run(200)
    before, fram = box.state.rtc_s, box.state.fram
    assert (before, fram.time_floor_s) == (None, true_s + 40 * 365 * DAY_S + 2)
    assert accepted(set_to(made, true_s))
    box.run(1000)
    assert box.state.fram.time_floor_s == now_s(box)
    box.power_on()
    box.boot()
    box.jump_to(43_800)
    box.connect()


@pytest.mark.clause("PROTOCOL 13.6")
@pytest.mark.invariant("I5")
def test_an_order_from_before_the_clock_went_far_back_serves_no_second_time() -> None:
    made = pen()
    box = made.box
    true_s = now_s(box)
    served = made.recovery(life_s=6 * DAY_S)
    assert accepted(made.hand_in(RECOVERY, served))
    box.rtc_s = true_s + 400 * DAY_S
    box.run(200)
    assert accepted(made.hand_in(RECOVERY, made.recovery()))
    assert len(box.state.fram.nonces) == 1, "the first nonce was forgotten: its order had expired"
    box.rtc_s = true_s
    box.run(200)
    assert accepted(set_to(made, true_s + 5))
    assert box.state.order is None
    assert cause(made.hand_in(RECOVERY, served)) is Cause.ORDER_EXPIRED
    box.run(2000)
    fresh = made.recovery(life_s=limits.ORDER_LIFE_S_MAX)
    assert accepted(made.hand_in(RECOVERY, fresh)), "a new order is possible at once"


@pytest.mark.clause("PROTOCOL 13.6")
@pytest.mark.invariant("I5")
def test_many_small_steps_back_revive_no_order_either() -> None:
    made = pen()
    box = made.box
    served = made.recovery(life_s=60)
    assert accepted(made.hand_in(RECOVERY, served))
    box.rtc_s = now_s(box) + 200
    box.run(200)
    assert accepted(made.hand_in(RECOVERY, made.recovery()))
    assert len(box.state.fram.nonces) == 1, "the first one's is forgotten"
    for _ in range(3):
        assert accepted(set_to(made, now_s(box) - limits.BACK_S_MAX + 20))
        assert cause(made.hand_in(RECOVERY, served)) is Cause.ORDER_EXPIRED
    assert accepted(made.hand_in(RECOVERY, made.recovery()))


@pytest.mark.clause("PROTOCOL 13.6")
@pytest.mark.parametrize("by_s", [-200, 3600, 10 * DAY_S])
def test_no_exposure_gap_or_delay_is_won_by_setting_the_clock(by_s: int) -> None:
    made = pen()
    box = made.box
    now = now_s(box)
    assert accepted(made.hand_in(UploadKind.POLICY, made.successor(delay="48h")))
    spans = (Span(begin_s=now - 9000, end_s=now - 1000), Span(begin_s=now - 500, end_s=now - 20))
    fram = replace(box.state.fram, exposure=spans, last_cut_s=now - 20)
    box.state = replace(box.state, fram=fram)
    assert accepted(set_to(made, now_s(box) + by_s))
    after, moved = now_s(box), box.state.fram
    assert exposure.used_s(moved.exposure, after) == 8480
    assert after - moved.last_cut_s <= 22
    pending = moved.pending
    assert pending is not None
    assert DELAY_S - 2 <= pending.due_s - after <= DELAY_S


@pytest.mark.clause("PROTOCOL 13.6")
def test_exposure_of_a_glitched_future_counts_as_spent_just_now() -> None:
    ring = (Span(begin_s=5_000_000, end_s=5_003_600), Span(begin_s=10, end_s=110))
    moved = exposure.moved(ring, -1000, 900_000)
    assert moved[0] == Span(begin_s=896_400, end_s=900_000)
    assert moved[1].begin_s >= 0
    assert moved[1].end_s - moved[1].begin_s == 100


@pytest.mark.clause("PROTOCOL 13.4")
@pytest.mark.parametrize("year", [1999, 2019, 2100])
def test_no_clock_is_set_to_a_time_that_the_chip_does_not_count(year: int) -> None:
    made = pen()
    text = made.time(now_s(made.box)).replace(b"time 2026", b"time %d" % year)
    assert cause(made.hand_in(TIME, text)) is Cause.ORDER_MALFORMED
