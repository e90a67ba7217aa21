"""The image's outputs in the emulator: edges while permitted, none otherwise, none after any hang."""

from itertools import pairwise

import pytest

from tests.depth import FULL, many
from tests.firmware import images
from tests.firmware.chip import Chip, ImageError
from tests.firmware.drivers_board import (
    BAY_1,
    DRIVES,
    K3,
    LINK,
    MEDIUM,
    ORDER_DRIVES,
    ORDER_K3,
    ORDER_LINK,
    ORDER_POWER,
    ORDER_SEALING,
    OUTPUTS,
    POWER,
    SENSE_BAY_1,
    SENSE_CUT,
    SENSE_K1,
    SENSE_K2,
    SENSE_K3,
    SENSE_KEY,
    SENSE_SUPPLY,
    Board,
)

pytestmark = pytest.mark.needs("arm-none-eabi-gcc")

HANGS = {"h": "interrupts off", "u": "an undefined instruction"}
DARK_IMAGE = 0x4441524C
WATCHDOG_NS = 50_000_000


def live(permit: int) -> Board:
    board = Board(k3_on_link=permit == ORDER_LINK).boot()
    board.order(permit | (ORDER_K3 if permit == ORDER_LINK else 0) | ORDER_POWER, bays=0b101)
    board.chip.run(20)
    return board


@pytest.mark.parametrize(
    ("permit", "pin", "other"), [(ORDER_LINK, LINK, DRIVES), (ORDER_DRIVES, DRIVES, LINK)]
)
def test_a_permit_is_a_wave_of_1_kHz_and_the_other_output_rests(permit: int, pin: int, other: int) -> None:
    board = live(permit)
    since = board.chip.now_ns
    board.chip.run(300)
    times = [edge.at_ns for edge in board.wave(pin, since)]
    gaps = [after - before for before, after in pairwise(times)]
    assert 599 <= len(times) <= 601
    assert 499_000 <= min(gaps) <= max(gaps) <= 501_000
    assert not board.wave(other, since)
    board.order(0)
    since = board.chip.now_ns
    board.chip.run(20)
    assert not board.wave(pin, since)
    assert board.chip.level(pin) == 0


def test_nothing_is_fed_that_was_not_ordered() -> None:
    board = Board().boot()
    board.chip.run(100)
    assert not [edge for edge in board.chip.edges if edge.level == 1]


def test_every_order_reaches_its_own_pin_and_no_other() -> None:
    board = Board().boot()
    orders = {K3: (ORDER_K3, 0), POWER: (ORDER_POWER, 0), MEDIUM: (ORDER_SEALING, 0)}
    orders |= {BAY_1 + bay: (0, 1 << bay) for bay in range(6)}
    for pin, (bits, bays) in orders.items():
        board.order(bits, bays)
        assert [p for p in OUTPUTS if board.chip.level(p) == 1] == [pin]


def test_every_sense_line_is_read_from_its_own_pin() -> None:
    board = Board(k3_on_link=False).boot()
    bays = range(SENSE_BAY_1, SENSE_BAY_1 + 6)
    pins = (SENSE_K1, SENSE_K2, SENSE_K3, SENSE_CUT, SENSE_KEY, SENSE_SUPPLY, *bays)
    for bit, pin in enumerate(pins):
        board.sense(pin, on=True)
        assert int(board.chip.ask("i")[1], 16) == 1 << bit
        board.sense(pin, on=False)


@pytest.mark.parametrize(
    ("permit", "pin", "line", "level"),
    [
        (ORDER_LINK, LINK, SENSE_CUT, True),
        (ORDER_LINK, LINK, SENSE_BAY_1 + 5, True),
        (ORDER_LINK, LINK, SENSE_K3, False),
        (ORDER_DRIVES, DRIVES, SENSE_CUT, True),
        (ORDER_DRIVES, DRIVES, SENSE_K1, True),
        (ORDER_DRIVES, DRIVES, SENSE_K2, True),
        (ORDER_DRIVES, DRIVES, SENSE_K3, True),
    ],
)
def test_CUT_and_a_foreign_live_line_stop_the_wave_within_one_edge(
    permit: int, pin: int, line: int, level: bool
) -> None:
    board = live(permit)
    board.sense(line, on=level)
    since = board.chip.now_ns
    board.chip.run(30)
    assert len(board.wave(pin, since)) <= 1  # the pump's pin falls back to low
    assert board.chip.level(pin) == 0
    board.sense(line, on=not level)
    board.chip.run(5)
    assert len(board.wave(pin, board.chip.now_ns - 4_000_000)) >= 7


def test_both_permits_at_once_feed_neither() -> None:
    board = Board().boot()
    board.order(ORDER_LINK | ORDER_DRIVES | ORDER_K3)
    since = board.chip.now_ns
    board.chip.run(50)
    assert not board.wave(LINK, since)
    assert not board.wave(DRIVES, since)


@pytest.mark.parametrize("hang", HANGS, ids=HANGS.get)
def test_a_dead_processor_makes_no_edge_and_the_watchdog_bites_within_50_ms(hang: str) -> None:
    board = live(ORDER_LINK)
    board.chip.send(hang.encode())
    board.chip.run(0.6)  # the command is on the wire for 87 us, and a tick may still end
    since = board.chip.now_ns
    assert board.chip.run(60, lambda: bool(board.chip.resets_ns))
    reset = board.chip.resets_ns[0]
    assert reset - since <= WATCHDOG_NS
    assert not [edge for edge in board.wave(LINK, since) if edge.at_ns < reset]
    assert all(board.chip.level(pin) != 1 for pin in OUTPUTS)
    board.boot()


@pytest.mark.parametrize("hang", ["l", "z"] if FULL else ["l"])  # a spinning processor takes 16 s to emulate
def test_a_foreground_that_hangs_loses_every_output_within_0_7_s_although_interrupts_live(hang: str) -> None:
    board = live(ORDER_LINK)
    board.chip.send(hang.encode())
    begin = board.chip.now_ns
    assert board.chip.run(800, lambda: bool(board.chip.resets_ns))
    assert board.chip.resets_ns[0] - begin <= 700_000_000
    waves = [edge.at_ns for edge in board.wave(LINK, begin)]
    assert 550_000_000 <= waves[-1] - begin <= 610_000_000  # and not before: a signature takes 331 ms
    falls = [e.at_ns - begin for e in board.chip.edges if e.pin == POWER and e.at_ns > begin and e.level != 1]
    assert falls[0] <= 610_000_000
    board.boot()


def test_a_flipped_bit_of_the_image_keeps_everything_dark() -> None:
    sound = images.image("drivers").data
    for place in (len(sound) // 2, len(sound) - 20, len(sound) - 1):
        data = bytearray(sound)
        data[place] ^= 4
        # A bit of what runs before the check may stop the chip in another way; these places run later.
        board = Board(bytes(data))
        board.chip.run(100)
        assert not board.chip.said
        assert not [edge for edge in board.chip.edges if edge.level == 1]
        assert board.chip.chip.watchdog.scratch_data[0] == DARK_IMAGE
        assert not board.chip.resets_ns


def test_the_deepest_stack_stays_below_the_computed_bound() -> None:
    board = live(ORDER_LINK)
    board.write(0, 1, 300)
    board.read(0)
    board.time()
    board.chip.ask("T6a000000")
    _, used, lost, _ = board.chip.ask("s")
    assert 100 < int(used, 16) <= images.image("drivers").stack_bytes
    assert int(lost, 16) == 0


def test_a_flood_on_the_line_is_lost_and_counted_and_disturbs_no_edge() -> None:
    board = live(ORDER_LINK)
    since = board.chip.now_ns
    # Two records of 2 KiB take longer than the ring has room for; emulating that takes 10 s.
    board.chip.send(b"w0010800" * 2 + b"i" * 1500 if FULL else b"w0010100" + b"i" * 200)
    board.chip.run(many(60, 400))
    times = [edge.at_ns for edge in board.wave(LINK, since)]
    gaps = [after - before for before, after in pairwise(times)]
    assert 499_000 <= min(gaps) <= max(gaps) <= 501_000
    assert not board.chip.resets_ns
    board.chip.said.clear()
    assert (int(board.chip.ask("s")[2], 16) > 0) is FULL


# Negative controls of the harness -----------------------------------------------------------------------


@pytest.mark.planted
def test_a_watchdog_that_would_reset_nothing_on_silicon_is_a_failure() -> None:
    selected = (0x1FFFC).to_bytes(4, "little")
    board = Board(images.patched("drivers", selected, bytes(4))).boot()
    board.chip.send(b"h")
    with pytest.raises(ImageError, match="PSM_WDSEL"):
        board.chip.run(100)


@pytest.mark.planted
@pytest.mark.parametrize(("how", "named"), [("o", "undefined address"), ("x", "store into flash")])
def test_a_store_that_faults_or_does_nothing_on_silicon_is_a_failure(how: str, named: str) -> None:
    board = Board().boot()
    board.chip.send(how.encode())
    with pytest.raises(ImageError, match=named):
        board.chip.run(5)


@pytest.mark.planted
def test_a_tick_of_another_length_is_seen() -> None:
    board = live(ORDER_LINK)
    since = board.chip.now_ns
    board.chip.run(50)
    times = [edge.at_ns for edge in board.wave(LINK, since)]
    del times[10]  # one edge that did not come
    gaps = [after - before for before, after in pairwise(times)]
    assert max(gaps) > 501_000


def test_an_image_that_says_nothing_ends_as_a_failure_and_not_as_a_hanging_test() -> None:
    chip = Chip(b"\xff" * 1024)
    with pytest.raises(ImageError):
        chip.line(2)
