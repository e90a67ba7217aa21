"""The real image where memory, clock, bus or processor fail; model and image agree on what is left."""

from __future__ import annotations

import pytest

from firmware.model import fram as memory
from firmware.wire.codes import Cause, Phase
from firmware.wire.messages import RequestPhase
from tests.depth import FULL, many
from tests.firmware import lives, reactions
from tests.firmware.bus_chips import FramChip
from tests.firmware.drivers_board import DRIVES, LINK, OUTPUTS
from tests.firmware.image_box import ImageBox, PowerLostError
from tests.firmware.image_stages import begun, born, linked, sealing
from tests.firmware.image_walk import BIT_NS
from tests.firmware.interlock_board import HEAD, SLOT_BYTES, InterlockBoard, slots_of

pytestmark = pytest.mark.needs("arm-none-eabi-gcc", "interlock_host")

WATCHDOG_MS = 50
HELD = 1 << 30
Write = tuple[int, int]  # place, byte


def chips(box: ImageBox) -> InterlockBoard:
    assert box.board is not None
    return box.board


# Power cuts -------------------------------------------------------------------------------------------


def a_record() -> tuple[bytes, list[Write]]:
    """The memory before SECURED is recorded, and each byte that is then written, to the record's end."""
    box = begun()
    fram = chips(box).fram
    before, made, plain = bytes(fram.data), list[Write](), fram.on_write

    def written(place: int) -> None:
        made.append((place, fram.data[place]))
        plain(place)

    fram.on_write = written
    box.say(RequestPhase(phase=Phase.SECURED))
    assert box.state.fram.secured
    length = len(slots_of(fram)[made[0][0] // SLOT_BYTES])
    return before, made[: HEAD + length + HEAD]


def after(before: bytes, writes: list[Write]) -> FramChip:
    fram = FramChip()
    fram.data[:] = before
    for place, byte in writes:
        fram.data[place] = byte
    return fram


def torn(before: bytes, writes: list[Write]) -> list[int]:
    """The cuts that leave anything but the old record, none, or (behind the last write) the new one."""
    slot = writes[0][0] // SLOT_BYTES
    old, new = slots_of(after(before, [])), slots_of(after(before, writes))
    bad = []
    for number in range(len(writes) + 1):
        left = slots_of(after(before, writes[:number]))
        whole = left[slot] in (old[slot], b"", new[slot]) and (left == new) is (number == len(writes))
        if not whole or left[1 - slot] != old[1 - slot]:
            bad.append(number)
    return bad


def power_on(contents: bytes) -> tuple[bool, int, Cause]:
    """What the image makes of this memory (and the model of the same): SECURED, sequence, fault."""
    board = lives.tested()
    board.fram.data[:] = contents
    board.chip.bus.bit_ns = BIT_NS
    box = ImageBox(slots=slots_of(board.fram), rtc_s=born()[1], board=board)
    return box.state.fram.secured, box.state.fram.sequence, box.state.fram.fault


def cut(at: int) -> bytes:
    """The memory when the power really goes behind this many written bytes."""
    box = begun()
    fram = chips(box).fram

    def gone() -> None:
        raise PowerLostError

    fram.on_cut, fram.cut_at, fram.writes = gone, at, 0
    with pytest.raises(PowerLostError):
        box.say(RequestPhase(phase=Phase.SECURED))
    return bytes(fram.data)


@pytest.mark.invariant("I5")
@pytest.mark.clause("PROTOCOL 8.1")
def test_a_power_cut_at_any_write_of_a_record_leaves_the_old_memory_or_the_new_one() -> None:
    before, writes = lives.apart(a_record)
    assert not torn(before, writes)
    assert torn(before, writes[HEAD:]), "planted: a driver that does not take the old length away first"
    edges = {0, *range(1, HEAD + 1), len(writes) // 2, *range(len(writes) - HEAD, len(writes) + 1)}
    chosen = sorted(edges)[:: many(4, 1)]
    found = [lives.apart(lambda: power_on(bytes(after(before, writes[:n]).data))) for n in chosen]  # noqa: B023
    for number, (secured, sequence, fault) in zip(chosen, found, strict=True):
        assert fault is Cause.NONE
        assert secured is (number == len(writes))
        assert sequence >= found[0][1]
    for number in (3, len(writes) // 2, len(writes) - 1)[:: many(3, 1)]:
        really = lives.apart(lambda: cut(number))  # noqa: B023 - it runs at once
        assert really == bytes(after(before, writes[:number]).data)


# The bus ----------------------------------------------------------------------------------------------


def a_life_that_ends(trouble: str) -> tuple[float, list[int], list[bytes], list[bytes]]:
    """The memory fails while the link is live: ms to the reset, levels then, memory before and after."""
    box = linked()
    board = chips(box)
    before = slots_of(board.fram)
    if trouble == "held":
        board.chip.bus.hold(HELD)
    board.fram.present = trouble != "absent"
    board.fram.protected = trouble == "protected"
    board.chip.send(box.outer.send(RequestPhase(phase=Phase.ISOLATED)))
    begin = board.chip.now_ns
    assert board.chip.run(200, lambda: bool(board.chip.resets_ns))
    last = max(edge.at_ns for edge in board.chip.edges if edge.pin in (LINK, DRIVES) and edge.level < 2)
    assert last < board.chip.resets_ns[0]
    levels = [board.chip.level(pin) for pin in OUTPUTS]
    return (board.chip.resets_ns[0] - begin) / 1e6, levels, before, slots_of(board.fram)


@pytest.mark.clause("PROTOCOL 5.9")
@pytest.mark.parametrize("trouble", ["absent", "protected", "held"][: many(1, 3)])
def test_a_memory_that_takes_no_record_ends_the_life_and_nothing_follows_from_it(trouble: str) -> None:
    reset_ms, levels, before, left = lives.apart(lambda: a_life_that_ends(trouble))
    assert reset_ms < 100 + WATCHDOG_MS
    assert 1 not in levels
    assert left == before if trouble != "protected" else left[0] in (b"", before[0])


def a_clock_that_fails() -> tuple[Phase, Phase, Cause]:
    """Phase after two readings were spoilt, after none came for 200 ms, and why."""
    box = linked()
    clock = chips(box).clock
    clock.deaf = 2
    box.run(150)
    survived = box.phase
    clock.present = False
    box.run(200)
    clock.present = True
    box.run(200)
    return survived, box.phase, box.state.cause


@pytest.mark.clause("PROTOCOL 5.5")
def test_a_clock_that_fails_twice_ends_nothing_and_one_that_stays_away_ends_the_link() -> None:
    survived, phase, cause = lives.apart(a_clock_that_fails)
    assert survived is Phase.INTAKE
    assert (phase is Phase.INTAKE, cause) == (False, Cause.CLOCK_LOST)


def a_boot(trouble: str) -> tuple[Cause, int]:
    """A power-on with a disturbed bus: the fault, and the sequence that the image goes on from."""
    slots, rtc_s = born()
    board = lives.tested()
    board.chip.bus.bit_ns = BIT_NS
    board.put_slots(slots)
    record = memory.newest(*slots)
    assert record is not None
    newest = record.slot
    board.fram.deaf = 2 if trouble == "deaf" else 0
    board.fram.present = trouble != "absent"
    if trouble == "misread":
        board.fram.misread = {newest * SLOT_BYTES + 1, newest * SLOT_BYTES + HEAD + 40}
    box = ImageBox(slots=list(slots), rtc_s=rtc_s, board=board)
    return box.state.fram.fault, box.state.fram.sequence


@pytest.mark.invariant("I5")
@pytest.mark.parametrize("trouble", ["deaf", "misread"])
def test_a_disturbed_bus_at_power_on_puts_no_older_record_in_place_of_the_newest(trouble: str) -> None:
    sound = lives.apart(lambda: a_boot("none"))
    assert sound[0] is Cause.NONE
    assert lives.apart(lambda: a_boot(trouble)) == sound


@pytest.mark.clause("PROTOCOL 8.2")
def test_a_memory_that_does_not_answer_at_power_on_is_lost() -> None:
    assert lives.apart(lambda: a_boot("absent")) == (Cause.MEMORY_LOST, 0)


# The processor ----------------------------------------------------------------------------------------


def a_foreground_that_hangs() -> tuple[list[int], Phase]:
    """Drives live, the foreground asleep, until the watchdog bites; in full, the boot behind it too."""
    box = sealing()
    board = chips(box)
    reactions.foreground_hangs(box)
    assert board.chip.run(700, lambda: bool(board.chip.resets_ns))
    levels = [board.chip.level(pin) for pin in OUTPUTS]
    if FULL:  # the self-test of a second boot takes ten seconds to emulate
        box.restarted()
        box.boot()
    return levels, box.phase


@pytest.mark.clause("PROTOCOL 5.7")
def test_after_a_hang_everything_is_off_and_the_image_restarts_like_the_model() -> None:
    levels, phase = lives.apart(a_foreground_that_hangs)
    assert 1 not in levels
    assert phase is (Phase.ISOLATED if FULL else Phase.SEAL)
