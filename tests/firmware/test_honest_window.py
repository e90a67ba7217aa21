"""Liveness: an honest controller gets its window, seals, and is isolated again."""

from __future__ import annotations

import pytest

from firmware.wire.codes import Cause, Medium, Phase, UploadKind
from firmware.wire.messages import Cosign, Cosigned, Done, Granted, Refused, RequestPhase, UploadAccepted
from tests.firmware.box import Box, order_text, sign


@pytest.mark.clause("PROTOCOL 5.1")
def test_an_honest_controller_gets_its_window_seals_and_is_isolated_again() -> None:
    box = Box()
    box.ready()
    box.connect()
    assert box.state.senses.link_conducting
    box.until(lambda: box.uptime_ms % 5000 == 0, 6000, beating=True)
    assert box.done() == Granted(phase=Phase.AIRLOCK)
    box.until(lambda: box.phase is Phase.SEAL, 3000)
    box.beat()
    assert box.state.supply.medium == "sealing"
    box.coils.drives = 0b111
    box.until(lambda: box.state.senses.drives_mask == 0b111, 1000, beating=True)
    assert isinstance(box.answer(Cosign(size=1, leaf_hash=b"\x11" * 32)), Cosigned)
    assert box.done() == Granted(phase=Phase.AIRLOCK)
    box.until(lambda: box.phase is Phase.ISOLATED, 3000)
    box.beat()
    assert box.status is not None
    assert box.status.boot_medium is Medium.INTAKE
    assert box.status.log_size == 1
    assert box.status.window_number == 1


@pytest.mark.clause("PROTOCOL 5.1")
def test_a_scrub_slot_powers_the_drives_and_ends_dark() -> None:
    box = Box()
    box.ready(13 * 3600)
    assert box.answer(RequestPhase(phase=Phase.SCRUB)) == Granted(phase=Phase.AIRLOCK)
    box.until(lambda: box.phase is Phase.SCRUB, 3000)
    box.beat()
    box.coils.drives = 0b111
    box.until(lambda: box.state.senses.drives_mask == 0b111, 1000)
    box.say(Done(phase=Phase.SCRUB))
    box.until(lambda: box.phase is Phase.ISOLATED, 3000)
    assert box.state.senses.drives_mask == 0


@pytest.mark.clause("PROTOCOL 7.3")
def test_recovery_needs_the_key_switch_and_an_order_and_leaves_the_link_impossible_until_a_long_restart() -> (
    None
):
    box = Box()
    box.ready()
    policy = box.state.fram.policy
    assert policy is not None
    text = order_text(policy)
    accepted = box.upload(UploadKind.RECOVERY_ORDER, text, sign(text, b"iwato-recovery-order@v1", (2, 4, 5)))
    assert isinstance(accepted, UploadAccepted)
    refused = box.answer(RequestPhase(phase=Phase.RECOVERY))
    assert refused == Refused(request=3, cause=Cause.KEY_NOT_TURNED)
    box.key = True
    box.tick()
    assert box.answer(RequestPhase(phase=Phase.RECOVERY)) == Granted(phase=Phase.AIRLOCK)
    box.until(lambda: box.phase is Phase.RECOVERY, 3000)
    box.beat()
    box.coils.drives = 0b111
    box.until(lambda: box.state.senses.drives_mask == 0b111, 1000)
    box.done()
    left_ms = box.uptime_ms
    box.until(lambda: box.phase is Phase.ISOLATED, 12_000)
    assert box.uptime_ms - left_ms >= 10_000
    assert not box.state.fram.recovery_latched


@pytest.mark.clause("PROTOCOL 5.8")
def test_a_failed_contact_test_that_never_conducted_may_be_retried_at_once() -> None:
    box = Box()
    box.ready()
    assert box.answer(RequestPhase(phase=Phase.INTAKE)) == Granted(phase=Phase.CONTACT_TEST)
    box.until(lambda: box.phase is Phase.ISOLATED, 700)
    assert box.state.cause is Cause.CONTACT_TEST_FAILED
    box.run(200)
    box.connect()
