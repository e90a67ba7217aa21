"""The firmware's C and the golden model, event by event: same outputs, records and bytes (PROTOCOL 1.2)."""

from __future__ import annotations

import random
import subprocess
from collections.abc import Callable

import pytest

from firmware.model import limits
from firmware.wire.codes import Phase, UploadKind
from firmware.wire.messages import Cosign
from tests import depth
from tests.firmware import host_build
from tests.firmware.papers import TWO_GROUPS, Pen, votes
from tests.firmware.recording import Record, RecordingBox, replay
from tests.firmware.walk import Pool, Walk

pytestmark = pytest.mark.needs("interlock_host")

BATCH = 100  # walks to one start of the program
WALKS = depth.many(60, 100_000)
LONG_EVERY = 50  # every so many walks is a long one
STEPS, STEPS_LONG = 3, 60
# One changed row, limit, condition or order of outputs: file, what stands there, what is planted.
PLANTED = (
    (
        "tables.c",
        "[PHASE_INTAKE][TURN_DONE] = {1, PHASE_AIRLOCK",
        "[PHASE_INTAKE][TURN_DONE] = {1, PHASE_SEAL",
    ),
    ("tables.h", "#define HEARTBEAT_LOST_MS INT64_C(1500)", "#define HEARTBEAT_LOST_MS INT64_C(1900)"),
    ("tables.h", "#define GAP_S INT64_C(60)", "#define GAP_S INT64_C(59)"),
    (
        "acts.c",
        "(box.uptime_ms - box.link_since_ms + 999) / 1000",
        "(box.uptime_ms - box.link_since_ms) / 1000",
    ),
    ("permits.c", "larger(span->begin_s, now - DAY_S)", "span->begin_s"),
    ("session.c", "if (bit == 0 || channel->seen & bit)", "if (bit == 0)"),
    (
        "step.c",
        "if (changed && first) platform_drive(&drive);",
        "if (changed && !first) platform_drive(&drive);",
    ),
    ("witness.c", "(size & 1) != 0; size >>= 1", "(size & 3) == 3; size >>= 1"),
    ("journal.c", "one.last_s - last_s >= REFUSAL_QUIET_S", "one.last_s - last_s > REFUSAL_QUIET_S"),
    ("authority.c", "if (*seen & bit) return CAUSE_SIGNER_TWICE;", ""),
)


def walks(seed: int, count: int) -> list[Record]:
    dice = random.Random(seed)
    pool = Pool(dice)
    made = []
    for number in range(count):
        steps = STEPS_LONG if number % LONG_EVERY == 0 else STEPS
        made.append(Walk(random.Random(dice.getrandbits(64)), pool).run(steps).record)
    return made


def honest_night() -> RecordingBox:
    """Birth, a window with intake and sealing, cosignatures, home again."""
    box = RecordingBox()
    box.ready()
    box.connect()
    box.done()
    box.until(lambda: box.phase is Phase.SEAL, 5000)
    for size in (1, 2, 3, 4, 5, 6, 7, 8, 9, 9):
        box.beat()
        box.say(Cosign(size=size, leaf_hash=bytes([size]) * 32))
    box.say(Cosign(size=9, leaf_hash=bytes(32)))
    box.until(lambda: box.phase is Phase.ISOLATED, 300_000, beating=True)
    return box


def holders_papers() -> RecordingBox:
    """A second policy, vetoed and overridden; time set, a group unsealed, a recovery ordered, a release."""
    box = RecordingBox()
    box.ready()
    pen = Pen(box)
    box.key = True
    box.tick()
    pen.hand_in(UploadKind.POLICY, pen.successor(drives=TWO_GROUPS, delay="5s"))
    pen.hand_in(UploadKind.VETO, pen.veto(), (5,))
    pen.hand_in(UploadKind.OVERRIDE, pen.override(5), (1, 2, 3))
    assert box.rtc_s is not None
    pen.hand_in(UploadKind.TIME_ORDER, pen.time(box.rtc_s + 86_400))
    box.rtc_s += 3 * 86_400
    box.run(20_000)
    assert box.state.fram.policy is not None
    assert box.state.fram.policy.version == 2
    pen.hand_in(UploadKind.UNSEAL_ORDER, pen.unseal(2))
    pen.hand_in(UploadKind.RECOVERY_ORDER, pen.recovery())
    box.cut = True
    box.run(4000)
    box.cut = False
    box.run(1000)
    assert box.phase is Phase.SECURED
    pen.hand_in(UploadKind.RELEASE_ORDER, pen.release(secured=True))
    box.run(5000)
    return box


def a_stopped_clock() -> RecordingBox:
    """The clock stands still in the middle of an intake: the uptime counts the exposure."""
    box = RecordingBox()
    box.ready()
    box.connect()
    box.run(1200, box.beat)
    stands_at_s = box.rtc_s

    def hold() -> None:
        box.rtc_s, box.rtc_part_ms = stands_at_s, 0
        box.beat()

    box.run(6000, hold)
    assert box.phase is not Phase.INTAKE
    return box


def refusals() -> RecordingBox:
    """Orders that k holders did not sign, and equal refusals a whole hour apart."""
    box = RecordingBox()
    box.ready()
    pen = Pen(box)
    for holders in ((1, 1, 2), (1, 2), (), (5, 4, 3, 3)):
        pen.hand_in(UploadKind.RECOVERY_ORDER, pen.recovery(), holders)
    for signer in (0, 6, 128, 255):
        text = pen.recovery()
        forged = votes(UploadKind.RECOVERY_ORDER, text, (1, 2))
        box.upload(UploadKind.RECOVERY_ORDER, text, [*forged, (signer, forged[0][1])])
    for life_s in (-1, 0, 1, 7 * 86_400, 7 * 86_400 + 1):
        pen.hand_in(UploadKind.RECOVERY_ORDER, pen.recovery(life_s))
    pen.hand_in(UploadKind.RECOVERY_ORDER, pen.recovery(), (1, 2))
    assert box.rtc_s is not None
    box.rtc_s, box.rtc_part_ms = box.rtc_s + limits.REFUSAL_QUIET_S, 0
    box.tick()
    pen.hand_in(UploadKind.RECOVERY_ORDER, pen.recovery(), (1, 2))
    box.run(2 * limits.REFUSAL_FLUSH_MS)  # mere refusals are written later
    return box


VOYAGES = (honest_night, holders_papers, a_stopped_clock, refusals)


@pytest.mark.clause("PROTOCOL 1.2")
@pytest.mark.parametrize("voyage", VOYAGES, ids=lambda one: one.__name__)
def test_a_voyage_is_the_same_in_c(voyage: Callable[[], RecordingBox]) -> None:
    assert not replay(host_build.program(), [voyage().record])


@pytest.mark.parametrize("part", range(depth.many(1, 20)))
def test_random_and_adversarial_walks_have_no_difference(part: int) -> None:
    left = WALKS // depth.many(1, 20)
    dice = random.Random(f"walks {part}")
    pool = Pool(dice)
    while left:
        records = []
        for number in range(min(BATCH, left)):
            steps = STEPS_LONG if number % LONG_EVERY == 0 else STEPS
            records.append(Walk(random.Random(dice.getrandbits(64)), pool).run(steps).record)
        left -= len(records)
        assert not replay(host_build.program(), records)


@pytest.mark.planted
@pytest.mark.parametrize(
    "planted", PLANTED[: depth.many(2, len(PLANTED))], ids=lambda one: f"{one[0]}: {one[1][:40]}"
)
def test_one_changed_row_or_limit_in_c_is_caught(planted: tuple[str, str, str]) -> None:
    program = host_build.program(planted=[planted])
    directed = [voyage().record for voyage in VOYAGES]
    if replay(program, directed):
        return
    assert any(replay(program, walks(seed, 100)) for seed in range(10)), "nobody noticed"


@pytest.mark.planted
def test_a_read_behind_the_end_is_seen_by_the_sanitizer() -> None:
    broken = (
        "memory.c",
        "struct Reader r = {slot, 8, bytes - 4, false};",
        "struct Reader r = {slot, 8, bytes + 99, false};",
    )
    program = host_build.program(planted=[broken])
    slot = RecordingBox().slots[0][:100]
    done = subprocess.run(
        [str(program)], input=b"F" + len(slot).to_bytes(4, "big") + slot, capture_output=True, check=False
    )
    assert b"heap-buffer-overflow" in done.stderr
