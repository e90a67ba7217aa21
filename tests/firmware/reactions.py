"""How long the image takes to let go: `python -m tests.firmware.reactions` prints the table (PROTOCOL 5.7).

All times are the emulated chip's own, from the cause to the last edge of the permit that was live; the charge
pump behind it is dead PUMP_MS later at the latest. Emulated, not measured on silicon.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from firmware.wire.messages import Heartbeat
from tests.firmware import lives
from tests.firmware.bus_chips import BIT_NS
from tests.firmware.drivers_board import DRIVES, LINK
from tests.firmware.image_box import ImageBox
from tests.firmware.image_stages import WINDOW_S, linked, sealing
from tests.firmware.probe import PC

PUMP_MS = 50  # ms until a stopped wave no longer holds a coil, at most (20-interlock)
QUIET_MS = 60  # ms without an edge: it was the last one
SLICE_MS = 5
WAIT_MS = 2500
BEAT_SLICES = 60  # 300 ms
WFI = (0xBF30).to_bytes(2, "little")


@dataclass(frozen=True)
class Case:
    """A cause, where it strikes, how long the coils may be fed, whether the controller goes on beating."""

    limit_ms: int
    stage: Callable[[], ImageBox]
    strike: Callable[[ImageBox], None]
    beating: bool = True


def _hang(box: ImageBox, address: int, *, masked: bool) -> None:
    """The foreground stands at `address` from its next tick on, with or without interrupts."""
    assert box.board is not None
    chip = box.board.chip

    def stand() -> None:
        chip.chip.core.registers[PC], chip.chip.core.pm = address, masked
        stood.append(chip.now_ns)

    stood: list[int] = []
    plain = chip.on_call("interlock_tick", stand)
    while not stood:
        chip.run(0.25)
    chip.on_call("interlock_tick", plain)


def foreground_hangs(box: ImageBox) -> None:
    """It sleeps for ever, interrupts go on."""
    assert box.board is not None
    chip = box.board.chip
    place = chip.symbol("stay_dark")
    _hang(box, place + chip.memory(place, 64).index(WFI), masked=False)


def interrupts_off(box: ImageBox) -> None:
    assert box.board is not None
    _hang(box, box.board.chip.symbol("fault"), masked=True)


def reset(box: ImageBox) -> None:
    assert box.board is not None
    box.board.chip.bite()


def clock_is_gone(box: ImageBox) -> None:
    assert box.board is not None
    box.board.clock.present = False


def bus_is_held(box: ImageBox) -> None:
    assert box.board is not None
    box.board.chip.bus.hold(1 << 30)


def shows(second_of_day: int) -> Callable[[ImageBox], None]:
    """The clock goes to the last second before, and 1,000 ms later the cause is there."""

    def strike(box: ImageBox) -> None:
        box.jump_to(second_of_day - 1)
        box.beat()
        box.rtc_s, box.rtc_part_ms = (box.rtc_s or 0) + 1, 0

    return strike


def _nothing(_: ImageBox) -> None: ...


def _press(box: ImageBox) -> None:
    box.cut = True


def _weld_drive(box: ImageBox) -> None:
    box.weld.drives = 1


def _weld_link(box: ImageBox) -> None:
    box.weld.k1 = True


def _k3_falls(box: ImageBox) -> None:
    box.weld.k3 = not box.orders.k3_on_link


CASES: dict[str, Case] = {
    "controller dies, link live": Case(2000, linked, _nothing, beating=False),
    "controller dies, drives live": Case(2000, sealing, _nothing, beating=False),
    "link half ends": Case(1000, linked, shows(WINDOW_S + 60)),
    "window ends, drives live": Case(1000, sealing, shows(WINDOW_S + 120)),
    "CUT, link live": Case(1000, linked, _press),
    "CUT, drives live": Case(1000, sealing, _press),
    "a drive conducts beside the link": Case(300, linked, _weld_drive),
    "a link contact beside the drives": Case(300, sealing, _weld_link),
    "changeover leaves the link": Case(300, linked, _k3_falls),
    "clock chip gone": Case(1000, linked, clock_is_gone),
    "bus held for ever": Case(1000, linked, bus_is_held),
    "foreground hangs": Case(700, linked, foreground_hangs),
    "interrupts off": Case(50, linked, interrupts_off),
    "reset": Case(50, linked, reset),
}


def _after_ms(box: ImageBox, case: Case, wait_ms: int = WAIT_MS) -> float:
    """From the cause to the last edge."""
    assert box.board is not None
    chip = box.board.chip
    pin = LINK if box.orders.permit_link else DRIVES
    chip.bus.bit_ns = BIT_NS
    box.run(40)
    begin_count = len(chip.edges)
    case.strike(box)
    cause_ns = chip.now_ns
    for n in range(wait_ms // SLICE_MS):
        edges = [edge.at_ns for edge in chip.edges[begin_count:] if edge.pin == pin and edge.level < 2]
        last_ns = max((at for at in edges if at >= cause_ns), default=cause_ns)
        if chip.resets_ns or chip.now_ns - last_ns > QUIET_MS * 1e6:
            return (last_ns - cause_ns) / 1e6
        box.uptime_ms += SLICE_MS
        box.pass_ms(SLICE_MS, box.senses())
        if case.beating and n % BEAT_SLICES == 0:  # without waiting: the image may be past answering
            chip.send(box.outer.send(Heartbeat(progress=box.uptime_ms, stamp_ms=box.stamp_ms)))
    raise AssertionError("no reaction")


def measured(names: Sequence[str] = tuple(CASES)) -> dict[str, float]:
    """Milliseconds from each cause to the last edge, each in forks of the moment before."""
    found: dict[str, float] = {}
    for stage in (linked, sealing):
        chosen = [name for name in names if CASES[name].stage is stage]

        def act() -> dict[str, float]:
            box = stage()  # noqa: B023 - it runs at once
            return {name: lives.apart(lambda: _after_ms(box, CASES[name])) for name in chosen}  # noqa: B023

        if chosen:
            found |= lives.apart(act)
    return {name: found[name] for name in names}


def measured_case(case: Case, wait_ms: int = WAIT_MS) -> float:
    """One case by itself."""
    return lives.apart(lambda: _after_ms(case.stage(), case, wait_ms))


def table(found: dict[str, float]) -> str:
    """One line a case: last edge, coil supply dead at the latest, limit."""
    lines = ["| cause | last edge after | coil supply dead by | limit |", "|---|---|---|---|"]
    for name, after_ms in found.items():
        dead_ms = after_ms + PUMP_MS
        lines.append(f"| {name} | {after_ms:.1f} ms | {dead_ms:.1f} ms | {CASES[name].limit_ms} ms |")
    return "\n".join(lines)


if __name__ == "__main__":
    print(table(measured()))
    sys.exit(0)
