"""The image's drivers for memory, clock and bus against chips that are cut off, absent, stuck and lying."""

import zlib

import pytest

from tests.depth import many
from tests.firmware.chip import Chip
from tests.firmware.drivers_board import NOW_S, Board, contents

pytestmark = pytest.mark.needs("arm-none-eabi-gcc")

RECORD = 20  # bytes; with the length WRITTEN is 1 more than a multiple of 3, so the last cut is quick too
WRITTEN = RECORD + 8  # bytes on the bus for it: the length taken away, the record, the length
BUS_US = 5000
SLACK_US = 300  # us; clearing the bus by hand takes nine clocks


def crc(seed: int, count: int) -> tuple[int, int]:
    return count, zlib.crc32(contents(seed, count))


@pytest.mark.parametrize("count", [1, 63, 64, 65, many(300, 2048)])
def test_a_record_of_any_length_is_read_as_it_was_written(count: int) -> None:
    board = Board().boot()
    assert board.write(1, 7, count) == "kept"
    assert board.read(1) == crc(7, count)
    assert board.read(0) == (0, 0)
    assert bytes(board.fram.data[0x4004 : 0x4004 + count]) == contents(7, count)


@pytest.mark.parametrize(("slot", "count"), [(0, 0), (0, 0x3FFD), (2, 10)])
def test_a_record_that_does_not_fit_is_refused_and_touches_nothing(slot: int, count: int) -> None:
    board = Board().boot()
    assert board.write(slot, 1, count) == "unkept"
    assert not any(board.fram.data)


def test_a_power_cut_at_any_byte_of_a_write_keeps_the_other_slot_and_never_half_a_record() -> None:
    board = Board().boot()
    assert board.write(0, 1, RECORD) == board.write(1, 2, RECORD) == "kept"
    before = bytes(board.fram.data)
    outcomes = set()
    for cut in range(1, WRITTEN + 1, many(3, 1)):
        board.fram.data[:] = before
        board.fram.writes, board.fram.cut_at = 0, cut
        board.chip.send(f"w003{RECORD:04x}".encode())
        board.chip.run(100)
        assert board.fram.writes == cut
        board.chip.power_cut()
        board.fram.cut_at = None
        board.chip.power_on()
        board.boot()
        assert board.read(1) == crc(2, RECORD)
        found = board.read(0)
        assert found in {(0, 0), crc(1, RECORD), crc(3, RECORD)}
        outcomes.add(found)
    assert crc(3, RECORD) in outcomes
    assert (0, 0) in outcomes


def test_a_memory_that_forgets_what_it_acknowledged_is_noticed() -> None:
    board = Board().boot()
    board.fram.protected = True
    assert board.write(0, 1, 10) == "unkept"
    board.fram.protected = False
    assert board.write(0, 1, 10) == "kept"


def test_an_absent_chip_is_an_answer_and_not_a_wait() -> None:
    board = Board().boot()
    word, result, took_us = board.chip.ask("a")
    assert (word, int(result, 16)) == ("bus", 1)
    assert int(took_us, 16) < 200
    board.fram.present = board.clock.present = False
    assert board.write(0, 1, 10) == "unkept"
    assert board.read(0) == (0, 0)
    assert board.time()[:2] == ("lost", 0)
    board.fram.present = board.clock.present = True
    assert board.time()[:2] == ("time", NOW_S)


def test_a_bus_that_somebody_holds_is_clocked_free_in_bounded_time() -> None:
    board = Board().boot()
    board.chip.bus.hold(5)
    word, _, took_us = board.time()
    assert (word, board.chip.bus.held) == ("lost", 0)
    assert took_us <= BUS_US + SLACK_US
    assert board.time()[:2] == ("time", NOW_S)


def test_a_bus_that_is_never_let_go_costs_bounded_time_each_time_and_no_reset() -> None:
    board = Board().boot()
    board.chip.bus.hold(1 << 30)
    for _ in range(many(2, 10)):
        word, _, took_us = board.time()
        assert word == "lost"
        assert took_us <= BUS_US + SLACK_US
    assert not board.chip.resets_ns
    board.chip.bus.hold(0)
    assert board.time()[:2] == ("time", NOW_S)


def test_a_chip_that_hung_through_the_reset_is_clocked_free_at_boot() -> None:
    board = Board()
    board.chip.bus.hold(7)
    board.boot()
    assert board.chip.bus.held == 0
    assert board.time()[:2] == ("time", NOW_S)


@pytest.mark.parametrize(
    "unix_s",
    [946_684_800, 951_782_399, 951_782_400, 1_709_164_800, 1_709_251_199, 1_767_225_599, 4_102_444_799],
)
def test_the_clock_is_set_and_read_over_leap_days_and_turns_of_the_year(unix_s: int) -> None:
    board = Board().boot()
    board.clock.stopped = True
    assert board.time()[0] == "lost"
    assert board.chip.ask(f"T{unix_s:08x}") == ["set"]
    assert board.clock.unix_s == unix_s
    assert board.time()[:2] == ("time", unix_s)


@pytest.mark.parametrize("unix_s", [0, 946_684_799, 4_102_444_800, 0xFFFF_FFFF])
def test_a_time_that_the_clock_cannot_hold_is_refused(unix_s: int) -> None:
    board = Board().boot()
    assert board.chip.ask(f"T{unix_s:08x}") == ["unset"]
    assert board.clock.unix_s == NOW_S


@pytest.mark.parametrize(
    ("register", "value"),
    [
        (0, 0x60), (0, 0x5A), (1, 0x60), (2, 0x24), (2, 0x52), (4, 0x00), (4, 0x32),
        (5, 0x00), (5, 0x13), (5, 0x91), (6, 0xA0), (0x0F, 0x80),
    ],
)  # fmt: skip
def test_a_clock_that_shows_what_no_clock_shows_is_lost(register: int, value: int) -> None:
    board = Board().boot()
    board.clock.spoilt[register] = value
    assert board.time()[0] == "lost"


@pytest.mark.planted
def test_a_write_that_puts_the_length_first_is_caught_by_the_cut() -> None:
    board = Board().boot()
    assert board.write(0, 1, RECORD) == "kept"
    board.fram.data[4] = contents(3, 1)[0]  # what such a driver leaves after a cut: a length, half a record
    assert board.read(0) not in {(0, 0), crc(1, RECORD), crc(3, RECORD)}


def test_memory_outlives_the_chip() -> None:
    board = Board().boot()
    board.write(0, 9, 40)
    board.chip.power_cut()
    board.chip.power_on()
    assert isinstance(board.chip, Chip)
    assert board.boot().read(0) == crc(9, 40)
