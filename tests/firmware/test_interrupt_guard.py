"""The interrupt's judgement while the foreground is busy: it takes away at once and never gives."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from firmware.model import limits
from firmware.model.state import Drive, Senses
from firmware.wire.codes import Phase
from tests.firmware import host_build
from tests.firmware.host_program import HostProgram
from tests.firmware.recording import RecordingBox, drive_bytes

pytestmark = pytest.mark.needs("interlock_host")
LEASE_MS = 600  # 20-interlock: the wave stops when the foreground's progress is older


def in_intake() -> RecordingBox:
    box = RecordingBox()
    box.ready()
    box.connect()
    box.beat()
    return box


def in_seal() -> RecordingBox:
    box = in_intake()
    box.done()
    box.until(lambda: box.phase is Phase.SEAL, 5000)
    box.beat()
    box.coils.drives = 7
    box.run(100)
    box.beat()
    return box


def lines(levels: bytes) -> tuple[int, int, int]:
    """Link permit, drives permit, mask."""
    return levels[0], levels[1], int.from_bytes(levels[5:], "big")


@pytest.fixture
def host() -> Iterator[HostProgram]:
    with HostProgram(host_build.program()) as program:
        yield program


def follow(host: HostProgram, box: RecordingBox) -> Senses:
    """The program has gone the box's way; the senses of now."""
    host.go(box.record.events)
    return box.senses()


LINK_BARS = {
    "CUT": {"cut_pressed": True},
    "a live drive": {"drives_live": (True,)},
    "K3 away": {"k3_on_link": False},
    "no supply": {"controller_supplied": False},
}
DRIVE_BARS = {
    "CUT": {"cut_pressed": True},
    "a link contact": {"k1_conducting": True},
    "K3 on link": {"k3_on_link": True},
    "no supply": {"controller_supplied": False},
    "a drive of another group": {"drives_live": (True, True, True, True)},
}


@pytest.mark.parametrize("name", LINK_BARS)
def test_the_interrupt_takes_the_link_away_by_itself_and_keeps_it_away(host: HostProgram, name: str) -> None:
    box = in_intake()
    senses = follow(host, box)
    assert lines(host.guard(senses, box.uptime_ms)) == (1, 0, 0)
    barred = replace(senses, **LINK_BARS[name])  # type: ignore[arg-type]
    assert lines(host.guard(barred, box.uptime_ms)) == (0, 0, 0)
    assert lines(host.guard(senses, box.uptime_ms)) == (0, 0, 0), (
        "no flicker before the foreground has looked"
    )


@pytest.mark.parametrize("name", DRIVE_BARS)
def test_the_interrupt_takes_the_drives_away_by_itself(host: HostProgram, name: str) -> None:
    box = in_seal()
    senses = follow(host, box)
    assert lines(host.guard(senses, box.uptime_ms)) == (0, 1, 7)
    barred = replace(senses, **DRIVE_BARS[name])  # type: ignore[arg-type]
    assert lines(host.guard(barred, box.uptime_ms)) == (0, 0, 0)


def test_a_foreground_that_hangs_has_its_lease_ended(host: HostProgram) -> None:
    box = in_intake()
    senses = follow(host, box)
    assert lines(host.guard(senses, box.uptime_ms + LEASE_MS - 1)) == (1, 0, 0)
    assert lines(host.guard(senses, box.uptime_ms + LEASE_MS)) == (0, 0, 0)


def test_the_lease_ends_with_the_heartbeat(host: HostProgram) -> None:
    box = in_intake()
    box.run(limits.HEARTBEAT_LOST_MS - 300)
    senses = follow(host, box)
    assert box.state.heard_ms is not None
    last_ms = box.state.heard_ms + limits.HEARTBEAT_LOST_MS
    assert last_ms < box.uptime_ms + LEASE_MS
    assert lines(host.guard(senses, last_ms)) == (1, 0, 0)
    assert lines(host.guard(senses, last_ms + 1)) == (0, 0, 0)


def test_the_lease_ends_with_the_link_half_to_the_second(host: HostProgram) -> None:
    box = in_intake()
    box.until(lambda: box.state.rtc_s == 43_859 + box.state.rtc_s // 86_400 * 86_400, 70_000, beating=True)  # type: ignore[operator]
    box.run(700)
    senses = follow(host, box)
    ends_ms = box.state.rtc_moved_ms + 1000
    assert lines(host.guard(senses, ends_ms - 1)) == (1, 0, 0)
    assert lines(host.guard(senses, ends_ms)) == (0, 0, 0)


def test_the_interrupt_never_gives(host: HostProgram) -> None:
    box = RecordingBox()
    box.ready()
    senses = follow(host, box)
    tempting = replace(senses, k3_on_link=True)
    for after_ms in (0, 100, 1000):
        assert host.guard(tempting, box.uptime_ms + after_ms) == drive_bytes(Drive(controller_power=True))


def test_a_record_is_found_in_a_slot_that_is_longer(host: HostProgram) -> None:
    slots = RecordingBox().slots
    newest = next(slot for slot in slots if slot)
    assert host.record_bytes(newest + b"\xff" * 100) == len(newest)
    assert host.record_bytes(newest[:-1]) == 0
    assert host.record_bytes(b"\xff" * 16_384) == 0
    assert host.record_bytes(b"") == 0
