"""Disks that give errors, lose writes or are pulled out while a window is sealed, on real ext4.

The drive ends its part and the window commits on the others (I15); the entry counts on no drive that lacks
its shards (I9); after the power cut that ends it, everything acknowledged restores (I6) and the drive, back
again, is made up for.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from appliance.errors import StateFailed
from appliance.service import pack_placing
from appliance.service.shard_writer import ShardWriter
from tests.block import broken_window, private_mounts, recovery
from tests.block.broken_window import BrokenWindow, Trigger
from tests.block.disk_wire import Fault
from tests.block.rack import Rack
from tests.depth import many

pytestmark = pytest.mark.needs("block_disk")

BAY = 3  # of the drive that breaks; the controller's own disk is 0
OTHERS = (1, 2, 4)
AFTERS = (0, 3, 9)[:: many(2, 1)]  # writes of that disk that still succeed; a shard is not whole by then


def breaking(fault: Fault, after: int, disk: int = BAY) -> Callable[[Rack, Trigger], None]:
    return lambda rack, _: rack.break_disk(disk, fault, after)


def yanking(number: int) -> Callable[[Rack, Trigger], None]:
    """The drive is pulled out after so many writes of shards, on whatever drive."""

    def yank(rack: Rack, trigger: Trigger) -> None:
        trigger.word, trigger.number, trigger.act = "write shards/", number, lambda: rack.yank(BAY)

    return yank


def judged(place: Path, break_it: Callable[[Rack, Trigger], None]) -> tuple[BrokenWindow, list[str]]:
    """The window that was sealed meanwhile, and what does not hold when the power is back."""

    def work() -> tuple[BrokenWindow, list[str]]:
        window = broken_window.seal(place, break_it)
        return window, [*wrong_before_recovery(window), *wrong_after_recovery(window)]

    return private_mounts.privately(place, work)


def wrong_before_recovery(window: BrokenWindow) -> list[str]:
    """I9: the drives that the entry names hold what it says, whichever k of them are read."""
    if not window.named:
        return []
    is_whole = window.rack.mount(doubtful=BAY)
    try:
        if not is_whole and BAY in window.named:
            return ["the entry counts on a drive without a file system"]
        return recovery.unreadable(window.bench, window.named, window.windows[1])
    finally:
        window.rack.unmount()


def wrong_after_recovery(window: BrokenWindow) -> list[str]:
    """With the drive back, everything holds that holds after a mere power cut; without its file system,
    the others have all that was acknowledged."""
    is_whole = window.rack.mount(doubtful=BAY)
    try:
        if is_whole:
            return recovery.wrong_after(window.bench, window.windows, window.acknowledged)
        return recovery.unreadable(window.bench, OTHERS, window.acknowledged)
    finally:
        window.rack.unmount()


def assert_went_on_without_it(window: BrokenWindow, wrong: list[str]) -> None:
    assert window.error is None
    assert window.named == set(OTHERS), "the window commits on the drives that are well, and names no other"
    assert window.failed == {BAY}
    assert not wrong, wrong


@pytest.mark.invariant("I6", "I9", "I15")
@pytest.mark.parametrize("after", AFTERS)
@pytest.mark.parametrize("fault", [Fault.ERROR, Fault.ERROR_ONCE])
def test_a_drive_that_gives_a_write_error_ends_its_part_and_the_window_commits(
    tmp_path: Path, fault: Fault, after: int
) -> None:
    assert_went_on_without_it(*judged(tmp_path, breaking(fault, after)))


@pytest.mark.invariant("I6", "I9", "I15")
def test_a_drive_that_cannot_be_read_back_ends_its_part_and_the_window_commits(tmp_path: Path) -> None:
    assert_went_on_without_it(*judged(tmp_path, breaking(Fault.READ_ERROR, 2)))


@pytest.mark.invariant("I6", "I9", "I15")
@pytest.mark.parametrize("after", AFTERS)
def test_a_drive_that_throws_writes_away_is_found_by_the_read_back(tmp_path: Path, after: int) -> None:
    assert_went_on_without_it(*judged(tmp_path, breaking(Fault.LOST, after)))


@pytest.mark.invariant("I6", "I9", "I15")
@pytest.mark.parametrize("number", [1, 4, 7][:: many(2, 1)])
def test_a_drive_that_is_yanked_in_the_middle_of_a_write_ends_its_part_and_the_window_commits(
    tmp_path: Path, number: int
) -> None:
    assert_went_on_without_it(*judged(tmp_path, yanking(number)))


@pytest.mark.invariant("I6", "I7")
@pytest.mark.parametrize("fault", [Fault.ERROR, Fault.ERROR_ONCE])
@pytest.mark.parametrize("after", range(0, 12, many(6, 1)))
def test_an_error_of_the_controllers_own_disk_loses_nothing(
    tmp_path: Path, fault: Fault, after: int
) -> None:
    window, wrong = judged(tmp_path, breaking(fault, after, disk=0))
    assert window.error is None or isinstance(window.error, StateFailed)
    assert not window.failed
    assert not wrong, wrong


# Planted bugs -----------------------------------------------------------------------------------------


@pytest.mark.planted
@pytest.mark.invariant("I9")
@pytest.mark.parametrize("fault", [Fault.ERROR, Fault.LOST, Fault.READ_ERROR, None])
def test_a_box_that_counts_on_the_drive_although_it_failed_is_caught(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: Fault | None
) -> None:
    """Errors at the end of a shard are swallowed, and nothing is read back. None: the drive is yanked."""
    place = ShardWriter.place

    def claimed(self: ShardWriter, *arguments: object) -> frozenset[object]:
        place(self, *arguments)  # type: ignore[arg-type]
        self._drives.failures.clear()
        return frozenset(self._names)

    monkeypatch.setattr(ShardWriter, "place", claimed)
    monkeypatch.setattr(pack_placing, "read_back", lambda *_: True)
    window, wrong = judged(tmp_path, breaking(fault, 0) if fault is not None else yanking(1))
    with pytest.raises(AssertionError):
        assert_went_on_without_it(window, wrong)
    lacks_it = fault is not Fault.READ_ERROR  # which ends with the run: the shard is good
    assert any("from the drives" in line or "counts on" in line for line in wrong) == lacks_it, wrong
