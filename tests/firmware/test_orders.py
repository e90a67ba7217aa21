"""Orders of a quorum: release, unsealing, and that none of them is ever another one (PROTOCOL 13)."""

from __future__ import annotations

import itertools

import pytest

from firmware.model import limits, order_lines
from firmware.wire.codes import Cause, EventKind, Phase, UploadKind
from firmware.wire.messages import Authority, AuthorityRead, Granted, Refused, RequestPhase, UploadAccepted
from tests.firmware.box import Box, policy_text
from tests.firmware.papers import TWO_GROUPS, Pen, votes

RELEASE, UNSEAL, RECOVERY = UploadKind.RELEASE_ORDER, UploadKind.UNSEAL_ORDER, UploadKind.RECOVERY_ORDER
LATE = "2099-12-31T23:59:59Z"


def cause(answer: object) -> Cause:
    assert isinstance(answer, Refused), answer
    return answer.cause


def accepted(answer: object) -> bool:
    return isinstance(answer, UploadAccepted)


def pen(*, groups: bool = False, second: int = 0) -> Pen:
    box = Box()
    box.boot()
    box.birth(policy_text(drives=TWO_GROUPS) if groups else None)
    box.jump_to(second)
    box.beat()
    box.key = True
    box.tick()
    return Pen(box)


def secured() -> Pen:
    made = pen()
    made.box.say(RequestPhase(phase=Phase.SECURED))
    return made


def at(made: Pen) -> Phase:
    return made.box.state.phase


@pytest.mark.clause("PROTOCOL 13.2")
@pytest.mark.clause("PROTOCOL 5.1")
def test_a_quorum_releases_the_box_from_SECURED_through_a_restart_that_proves_it_dark() -> None:
    made = secured()
    box = made.box
    assert accepted(made.hand_in(RELEASE, made.release(secured=True)))
    assert at(made) is Phase.AIRLOCK
    box.run(500)
    assert not box.orders.controller_power
    box.until(lambda: at(made) is Phase.ISOLATED, 5000)
    assert not box.state.fram.secured
    assert EventKind.RELEASED in [event.kind for event in box.state.fram.journal.events]
    box.power_on()
    box.boot()
    assert at(made) is Phase.ISOLATED


@pytest.mark.clause("PROTOCOL 13.2")
@pytest.mark.parametrize(
    ("holders", "key", "expected"),
    [((1, 2), True, Cause.SIGNATURES_MISSING), ((1, 2, 3), False, Cause.KEY_NOT_TURNED)],
)
def test_fewer_than_k_or_nobody_at_the_box_release_nothing(
    holders: tuple[int, ...], key: bool, expected: Cause
) -> None:
    made = secured()
    made.box.key = key
    made.box.tick()
    assert cause(made.hand_in(RELEASE, made.release(secured=True), holders)) is expected
    assert at(made) is Phase.SECURED


@pytest.mark.clause("PROTOCOL 13.2")
def test_a_quorum_clears_the_fault_that_it_names_and_no_other() -> None:
    made = pen()
    box = made.box
    box.weld.k1 = True
    box.run(400)
    box.weld.k1 = False
    box.until(lambda: bool(box.state.senses.controller_supplied), 6000)
    box.beat()
    assert at(made) is Phase.FAULT
    for wrong in (
        made.release(secured=False),
        made.release(secured=True, fault=Cause.LINK_WITHOUT_ORDER),
        made.release(secured=False, fault=Cause.CHANGEOVER_STUCK),
    ):
        assert cause(made.hand_in(RELEASE, wrong)) is Cause.NOTHING_LATCHED
    right = made.release(secured=False, fault=Cause.LINK_WITHOUT_ORDER)
    assert accepted(made.hand_in(RELEASE, right))
    box.until(lambda: at(made) is Phase.ISOLATED, 6000)
    box.jump_to(43_800)
    box.connect()


@pytest.mark.clause("PROTOCOL 13.2")
@pytest.mark.invariant("I2")
def test_a_contact_that_is_still_welded_latches_again_before_anything_is_fed() -> None:
    made = pen()
    box = made.box
    box.weld.k1 = True
    box.run(6000)
    box.beat()
    text = made.release(secured=False, fault=Cause.LINK_WITHOUT_ORDER)
    assert accepted(made.hand_in(RELEASE, text))
    box.run(40)
    assert at(made) is Phase.FAULT
    assert box.state.fram.fault is Cause.LINK_WITHOUT_ORDER
    box.run(2000)
    box.beat()
    assert cause(made.hand_in(RELEASE, text)) is Cause.ORDER_REPLAYED


@pytest.mark.clause("PROTOCOL 13.1")
@pytest.mark.invariant("I5")
def test_a_release_serves_once_also_after_a_reset_and_expires() -> None:
    made = secured()
    box = made.box
    text, late = made.release(secured=True), made.release(secured=True, life_s=60)
    long = made.release(secured=True, life_s=limits.ORDER_LIFE_S_MAX + 10)
    assert cause(made.hand_in(RELEASE, long)) is Cause.ORDER_TOO_LONG_LIVED
    assert accepted(made.hand_in(RELEASE, text))
    box.until(lambda: at(made) is Phase.ISOLATED, 5000)
    box.beat()
    assert cause(made.hand_in(RELEASE, text)) is Cause.UPLOAD_SEQUENCE, "its beginning was refused"
    box.say(RequestPhase(phase=Phase.SECURED))
    box.power_on()
    box.boot()
    assert cause(made.hand_in(RELEASE, text)) is Cause.ORDER_REPLAYED
    box.run(61_000)
    assert cause(made.hand_in(RELEASE, late)) is Cause.ORDER_EXPIRED


@pytest.mark.clause("PROTOCOL 13.2")
def test_lost_memory_and_an_older_firmware_are_forgiven_by_nobody() -> None:
    for fault in (Cause.MEMORY_LOST, Cause.FIRMWARE_OLD, Cause.NOT_NOW):
        made = pen()
        text = made.release(secured=False, fault=fault)
        with pytest.raises(order_lines.OrderMalformedError):
            order_lines.read(text, RELEASE)


@pytest.mark.clause("PROTOCOL 13.1")
def test_no_signature_of_one_meaning_is_one_of_another() -> None:
    assert len(set(order_lines.NAMESPACES.values())) == len(UploadKind)
    made = pen(groups=True)
    assert accepted(made.hand_in(UploadKind.POLICY, made.successor(delay="1h")))
    texts = {
        UploadKind.POLICY: made.successor(delay="2h"),
        RECOVERY: made.recovery(),
        UploadKind.VETO: made.veto(),
        UploadKind.OVERRIDE: made.override(4),
        RELEASE: made.release(secured=True),
        UploadKind.TIME_ORDER: made.time((made.box.rtc_s or 0) + 5),
        UNSEAL: made.unseal(2),
    }
    for given, meant in itertools.permutations(UploadKind, 2):
        text = texts[meant]
        if meant in (UploadKind.POLICY, RECOVERY, UploadKind.VETO, UploadKind.TIME_ORDER, UNSEAL):
            answer = made.box.upload(meant, text, votes(given, text))
            assert cause(answer) is Cause.SIGNATURE_BAD, (given, meant)
        if given is not UploadKind.POLICY:
            with pytest.raises(order_lines.OrderMalformedError):
                order_lines.read(text, given)


@pytest.mark.clause("PROTOCOL 13.1")
@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"secured yes", b"secured maybe"),
        (b"secured yes", b"secured  yes"),
        (b"fault -", b"fault link"),
        (b"why drill", b"why "),
        (b"iwato-release-order 1", b"iwato-release-order 2"),
        (b"expires 2", b"expires 02"),
    ],
)
def test_every_other_spelling_of_an_order_is_refused(old: bytes, new: bytes) -> None:
    text = pen().release(secured=True)
    order_lines.read(text, RELEASE)
    assert old in text
    with pytest.raises(order_lines.OrderMalformedError):
        order_lines.read(text.replace(old, new, 1), RELEASE)


@pytest.mark.clause("PROTOCOL 13.1")
@pytest.mark.parametrize("named", ["4,3", "3,3", "17", "0", "3,"])
def test_an_override_names_its_vetoes_in_one_way(named: str) -> None:
    made = pen()
    made.hand_in(UploadKind.POLICY, made.successor(delay="1h"))
    text = made.override(3, 4)
    assert order_lines.read(text, UploadKind.OVERRIDE).vetoes == 0b1100
    with pytest.raises(order_lines.OrderMalformedError):
        order_lines.read(text.replace(b"3,4", named.encode()), UploadKind.OVERRIDE)


# Drive groups ------------------------------------------------------------------------------------------


def fed(made: Pen, phase: Phase) -> int:
    """The bays that are live in `phase` when the controller asks for all of them."""
    box = made.box
    box.beat()
    assert box.answer(RequestPhase(phase=phase)) == Granted(phase=Phase.AIRLOCK)
    box.until(lambda: at(made) is phase, 3000)
    box.beat()
    box.coils.drives = 0b111111
    box.run(200)
    mask = box.state.senses.drives_mask
    assert mask == box.orders.drive_mask
    box.done()
    box.until(lambda: at(made) is Phase.ISOLATED, 14_000)
    return mask


@pytest.mark.clause("PROTOCOL 13.7")
@pytest.mark.parametrize(("phase", "second"), [(Phase.SEAL, 43_800), (Phase.SCRUB, 46_800)])
def test_a_sealed_group_stays_dark_whatever_the_controller_drives(phase: Phase, second: int) -> None:
    assert fed(pen(groups=True, second=second), phase) == 0b000111


@pytest.mark.clause("PROTOCOL 13.7")
@pytest.mark.clause("PROTOCOL 13.8")
def test_a_quorum_unseals_a_group_for_one_phase_in_which_the_current_group_is_dark() -> None:
    made = pen(groups=True, second=46_800)
    assert accepted(made.hand_in(UNSEAL, made.unseal(2)))
    assert accepted(made.hand_in(UNSEAL, made.unseal(2)))
    answer = made.box.answer(AuthorityRead())
    assert isinstance(answer, Authority)
    assert (answer.group, answer.unsealed, answer.orders) == (1, 2, 1 << UNSEAL)
    assert fed(made, Phase.SCRUB) == 0b111000
    assert fed(made, Phase.SCRUB) == 0b000111


@pytest.mark.clause("PROTOCOL 13.8")
def test_recovery_from_a_sealed_group_needs_both_orders() -> None:
    made = pen(groups=True)
    assert accepted(made.hand_in(UNSEAL, made.unseal(2)))
    made.box.beat()
    assert cause(made.box.answer(RequestPhase(phase=Phase.RECOVERY))) is Cause.NO_ORDER
    assert accepted(made.hand_in(RECOVERY, made.recovery()))
    assert fed(made, Phase.RECOVERY) == 0b111000


@pytest.mark.clause("PROTOCOL 13.8")
def test_sealing_never_touches_an_unsealed_group() -> None:
    made = pen(groups=True, second=43_800)
    assert accepted(made.hand_in(UNSEAL, made.unseal(2)))
    assert fed(made, Phase.SEAL) == 0b000111
    assert made.box.state.unseal is not None


@pytest.mark.clause("PROTOCOL 13.8")
def test_an_unsealing_that_nobody_used_expires_and_one_in_use_ends_its_phase() -> None:
    made = pen(groups=True, second=46_800)
    box = made.box
    assert accepted(made.hand_in(UNSEAL, made.unseal(2, life_s=5)))
    box.run(6000)
    assert box.state.unseal is None
    assert accepted(made.hand_in(UNSEAL, made.unseal(2, life_s=6)))
    box.beat()
    assert box.answer(RequestPhase(phase=Phase.SCRUB)) == Granted(phase=Phase.AIRLOCK)
    box.until(lambda: at(made) is Phase.SCRUB, 3000)
    box.beat()
    box.coils.drives = 0b111111
    masks = set()

    def look() -> None:
        masks.add(box.orders.drive_mask)
        box.beat()

    box.run(8000, look)
    assert masks == {0b111000, 0}
    assert box.state.unseal is None
    box.until(lambda: at(made) is Phase.ISOLATED, 3000)


@pytest.mark.clause("PROTOCOL 13.8")
@pytest.mark.parametrize("group", [1, 3, 9])
def test_only_a_sealed_group_of_the_policy_can_be_unsealed(group: int) -> None:
    made = pen(groups=True)
    assert cause(made.hand_in(UNSEAL, made.unseal(group))) is Cause.NO_SUCH_GROUP


@pytest.mark.clause("PROTOCOL 13.7")
@pytest.mark.invariant("I2")
def test_a_drive_of_a_sealed_group_that_is_live_ends_the_phase_at_once_and_is_a_latched_fault() -> None:
    made = pen(groups=True, second=46_800)
    box = made.box
    box.beat()
    box.say(RequestPhase(phase=Phase.SCRUB))
    box.until(lambda: at(made) is Phase.SCRUB, 3000)
    box.beat()
    box.weld.drives = 0b010000
    box.run(20)
    assert not box.orders.permit_drives
    box.run(200)
    assert at(made) is Phase.FAULT
    assert box.state.fram.fault is Cause.DRIVE_WITHOUT_ORDER


@pytest.mark.clause("PROTOCOL 6.2")
@pytest.mark.parametrize(
    "lines",
    [
        ("drives 2+1 write=3 sealed",),
        ("drives 2+1 write=3", "drives 2+1 write=3"),
        ("drives 4+2 write=5", "drives 4+2 write=5 sealed", "drives 4+2 write=5 sealed"),
        ("drives 2+1 write=3 Sealed",),
        ("drives 2+1 write=3 sealed ", "drives 2+1 write=3"),
    ],
)
def test_exactly_one_group_is_not_sealed_and_all_fit_the_case(lines: tuple[str, ...]) -> None:
    made = pen()
    answer = made.hand_in(UploadKind.POLICY, made.successor(drives=lines))
    assert cause(answer) is Cause.POLICY_MALFORMED


@pytest.mark.clause("PROTOCOL 13.7")
def test_the_current_group_may_be_any_of_them() -> None:
    made = pen()
    lines = ("drives 2+1 write=3 sealed", "drives 3+1 write=4", "drives 2+2 write=3 sealed")
    assert accepted(made.hand_in(UploadKind.POLICY, made.successor(drives=lines)))
    pending = made.box.state.fram.pending
    assert pending is not None
    assert pending.policy.current == 2
    assert [pending.policy.mask(n) for n in range(5)] == [0, 0b111, 0b1111000, 0b11110000000, 0]
