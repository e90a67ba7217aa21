"""The interlock's memory: two slots, torn writes, and what must never be forgotten."""

from __future__ import annotations

import itertools
from dataclasses import replace
from pathlib import Path

import pytest

from firmware.model import fram, fram_first, journal, limits, step
from firmware.model.facts import Group
from firmware.model.fram import Fram
from firmware.model.state import Drive, Output, Persist, PowerOn, State
from firmware.wire.codes import Cause, EventKind, Phase, UploadKind
from firmware.wire.messages import (
    Cosign,
    Cosigned,
    Event,
    EventRead,
    NoEvent,
    Refused,
    RequestPhase,
    UploadAccepted,
)
from tests.depth import many
from tests.firmware import drawing
from tests.firmware.box import NOON_S, PAIRING_KEY, WITNESS_SEED, Box
from tests.firmware.papers import Pen
from tests.firmware.voyage import Voyage

FIRST = Path(__file__).parent / "records" / "first-layout.fram"  # written by the model of 26 November 2026


def at(box: Box) -> Phase:
    return box.phase


Result = tuple[State, tuple[Output, ...]]


def rich() -> Fram:
    """A record in which every part holds something."""
    voyage = Voyage(3)
    voyage.go(60)
    return voyage.box.state.saved


@pytest.mark.clause("PROTOCOL 8.1")
def test_a_record_comes_back_and_no_changed_or_shortened_one_does() -> None:
    record = rich()
    data = record.encode()
    assert fram.decode(data) == record
    changed = bytearray(data)
    for bit in range(0, 8 * len(data), many(11, 1)):
        changed[bit // 8] ^= 1 << bit % 8
        assert fram.decode(bytes(changed)) is None, bit
        changed[bit // 8] ^= 1 << bit % 8
    for length in range(len(data)):
        assert fram.decode(data[:length]) is None, length


@pytest.mark.clause("PROTOCOL 8.1", "PROTOCOL 8.2")
def test_a_flipped_bit_in_either_slot_leaves_the_other_record_and_in_both_none() -> None:
    new = rich()
    old = replace(new, sequence=new.sequence - 1)
    slots = [b"", b""]
    slots[new.slot], slots[old.slot] = new.encode(), old.encode()
    for bit in range(0, 8 * min(map(len, slots)), many(61, 1)):
        spoilt = [bytearray(slot) for slot in slots]
        for slot in spoilt:
            slot[bit // 8] ^= 1 << bit % 8
        one, other = map(bytes, spoilt)
        assert fram.newest(slots[0], other) == fram.decode(slots[0])
        assert fram.newest(one, slots[1]) == fram.decode(slots[1])
        assert fram.newest(one, other) is None


@pytest.mark.clause("PROTOCOL 8.1")
def test_power_cut_at_any_byte_of_a_write_keeps_the_old_record() -> None:
    old = rich()
    new = replace(old, sequence=old.sequence + 1, time_floor_s=old.time_floor_s + 5)
    slots = [b"", b""]
    slots[old.slot] = old.encode()
    before, data = b"\xff" * len(new.encode()), new.encode()
    for cut in range(0, len(data), many(7, 1)):
        slots[new.slot] = data[:cut] + before[cut:]
        assert fram.newest(*slots) == (old if data[:cut] + before[cut:] != data else new)
    slots[new.slot] = data
    assert fram.newest(*slots) == new


@pytest.mark.clause("PROTOCOL 8.1")
def test_a_record_is_never_written_over_the_one_before_it() -> None:
    voyage = Voyage(11)
    slots: list[int] = []
    inner = voyage.inner
    voyage.inner = lambda state, event: _noting(inner(state, event), slots)
    voyage.go(90)
    assert len(slots) > 10
    assert all(one != other for one, other in itertools.pairwise(slots))


def _noting(result: Result, slots: list[int]) -> Result:
    slots.extend(one.fram.slot for one in result[1] if isinstance(one, Persist))
    return result


@pytest.mark.clause("PROTOCOL 8.2")
def test_lost_memory_is_a_fault_that_permits_nothing_and_writes_nothing() -> None:
    state, outputs = step.step(step.blank(), PowerOn(fram_bytes_slot_a=b"junk", fram_bytes_slot_b=b""))
    assert not [one for one in outputs if isinstance(one, Persist)]
    assert outputs[0] == Drive()
    box = Box(slots=[b"", b"\x00" * 50])
    box.run(3000)
    assert box.phase is Phase.FAULT
    assert box.slots == [b"", b"\x00" * 50]
    assert state.fram.fault is Cause.MEMORY_LOST


@pytest.mark.clause("PROTOCOL 8.3")
def test_commissioning_makes_a_box_that_starts_and_refuses_a_clock_that_was_never_set() -> None:
    slot_a, slot_b = fram.commission(pairing_key=PAIRING_KEY, witness_seed=WITNESS_SEED, time_s=NOON_S)
    record = fram.newest(slot_a, slot_b)
    assert record is not None
    assert record.factory.pairing_key == PAIRING_KEY
    assert PAIRING_KEY.hex() not in repr(record)
    with pytest.raises(ValueError, match="never set"):
        fram.commission(pairing_key=PAIRING_KEY, witness_seed=WITNESS_SEED, time_s=1000)


@pytest.mark.clause("PROTOCOL 8.4")
def test_secured_fault_log_and_policy_survive_a_reset() -> None:
    box = Box()
    box.ready()
    assert isinstance(box.answer(Cosign(size=1, leaf_hash=b"\x01" * 32)), Cosigned)
    box.say(RequestPhase(phase=Phase.SECURED))
    before = box.state.fram
    box.power_on()
    box.boot()
    assert at(box) is Phase.SECURED
    after = box.state.fram
    assert (after.log, after.policies, after.secured) == (before.log, before.policies, True)
    box.weld.k1 = True
    box.run(400)
    box.weld.k1 = False
    box.power_on()
    box.boot()
    assert at(box) is Phase.FAULT
    assert box.state.fram.fault is Cause.LINK_WITHOUT_ORDER


@pytest.mark.clause("PROTOCOL 8.5")
def test_a_flood_of_refusals_becomes_counters_and_few_records_and_few_events() -> None:
    box = Box()
    box.ready(0)
    box.run(1200)
    before = (box.state.saved.sequence, box.state.fram.journal.newest)
    for _ in range(400):
        box.say(RequestPhase(phase=Phase.INTAKE))
        box.say(RequestPhase(phase=Phase.SCRUB))
    box.run(1200)
    after = box.state.fram
    assert journal.refused(after.journal) >= 800
    assert box.state.saved.sequence - before[0] <= 4
    assert after.journal.newest - before[1] <= 8
    assert fram.decode(box.state.saved.encode()) == box.state.saved


@pytest.mark.clause("PROTOCOL 8.5")
def test_the_event_log_is_read_in_order_and_says_when_it_ends() -> None:
    box = Box()
    box.ready()
    sequence, kinds = 0, []
    while isinstance(event := box.answer(EventRead(after=sequence)), Event):
        assert event.sequence > sequence
        sequence = event.sequence
        kinds.append(event.kind)
    assert event == NoEvent(newest=sequence)
    assert kinds[0] is EventKind.POWER_ON
    assert EventKind.POLICY in kinds


@pytest.mark.clause("PROTOCOL 8.6")
def test_the_longest_record_fits_its_slot_and_the_page_says_how_long_it_is() -> None:
    assert fram.RECORD_BYTES_MAX <= fram.SLOT_BYTES
    assert f"at most {fram.RECORD_BYTES_MAX:,} bytes" in drawing.PROTOCOL.read_text(encoding="utf-8")
    assert len(rich().encode()) <= fram.RECORD_BYTES_MAX


@pytest.mark.clause("PROTOCOL 8.6")
def test_a_record_of_the_first_layout_is_read_and_written_in_todays() -> None:
    first = FIRST.read_bytes()
    assert first.startswith(fram_first.MAGIC)
    record = fram.decode(first)
    assert record is not None
    assert record.policy is not None
    assert record.policy.groups == (Group(bays=3),)
    assert record.policy.generation == 0
    box = Box(slots=[first, b""], rtc_s=record.time_floor_s + 60)
    box.boot()
    assert at(box) is Phase.ISOLATED
    assert all(slot.startswith(fram.MAGIC) for slot in box.slots if slot != first)
    pen = Pen(box)
    answer = pen.hand_in(UploadKind.POLICY, pen.successor())
    assert isinstance(answer, UploadAccepted)


@pytest.mark.clause("PROTOCOL 8.7")
@pytest.mark.invariant("I5")
def test_an_older_firmware_permits_and_writes_nothing_and_the_newer_one_goes_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    box = Box(key=True)
    box.ready()
    monkeypatch.setattr(limits, "FIRMWARE_VERSION", 7)
    box.power_on()
    box.boot()
    assert box.state.fram.firmware == 7
    monkeypatch.setattr(limits, "FIRMWARE_VERSION", 6)
    before = list(box.slots)
    box.power_on()
    box.run(6000)
    box.key = True
    box.tick()
    box.beat()
    assert at(box) is Phase.FAULT
    assert box.state.fram.fault is Cause.FIRMWARE_OLD
    pen = Pen(box)
    for kind, text in (
        (UploadKind.TIME_ORDER, pen.time(NOON_S)),
        (UploadKind.RECOVERY_ORDER, pen.recovery()),
    ):
        assert isinstance(pen.hand_in(kind, text), Refused)
    assert box.slots == before
    monkeypatch.setattr(limits, "FIRMWARE_VERSION", 7)
    box.power_on()
    box.boot()
    assert at(box) is Phase.ISOLATED
