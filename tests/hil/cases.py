"""The causes of the reaction table, and the box that they strike."""

from __future__ import annotations

import random
from pathlib import Path

from firmware.wire.codes import Cause, Phase
from hw.twin.plant import Plant
from tests.hil import bench
from tests.hil.bench import Reaction
from tests.hil.image_device import ImageDevice
from tests.hil.strike import Strike, deed
from tests.simulation import virtual_box
from tests.simulation.virtual_box import VirtualBox

SOURCE_BYTES = 24 << 20  # bytes; intake has to be at work when it is struck
SOON_MS = 50  # ms after the coils were fed for the phase's work


def _half_over(plant: Plant) -> None:
    """The clock shows the end of what the present phase may have."""
    left_s = plant.measured().phase_left_s
    assert left_s is not None
    plant.jump(plant.unix_ms // 1000 + left_s)


def _foreground_sleeps(plant: Plant) -> None:
    """The golden model has no foreground that could hang by itself; there it hangs as a whole."""
    device = plant.device
    if isinstance(device, ImageDevice):
        device.sleep()
    else:
        device.hang()


def _link(limit_ms: int, act: str) -> Strike:
    return Strike(phase=Phase.INTAKE, act=deed(act), limit_ms=limit_ms, after_ms=SOON_MS)


def _drives(limit_ms: int, act: str) -> Strike:
    return Strike(phase=Phase.SEAL, act=deed(act), limit_ms=limit_ms, after_ms=SOON_MS)


# Beside each strike: the cause that the interlock names, None where it cannot name one any more.
CASES: dict[str, tuple[Strike, Cause | None]] = {
    "controller killed, link live": (_link(2000, "kill_controller"), Cause.HEARTBEAT_LOST),
    "controller frozen, link live": (_link(2000, "hang_controller"), Cause.HEARTBEAT_LOST),
    "controller frozen, drives live": (_drives(2000, "hang_controller"), Cause.HEARTBEAT_LOST),
    "serial line unplugged, link live": (_link(2000, "unplug_serial"), Cause.HEARTBEAT_LOST),
    "link half ends": (
        Strike(phase=Phase.INTAKE, act=_half_over, limit_ms=1000, after_ms=SOON_MS),
        Cause.LINK_HALF_OVER,
    ),
    "window ends, drives live": (
        Strike(phase=Phase.SEAL, act=_half_over, limit_ms=1000, after_ms=SOON_MS),
        Cause.TIME_OVER,
    ),
    "CUT, link live": (_link(1000, "press_cut"), Cause.CUT_PRESSED),
    "interlock: interrupts off": (_link(50, "hang_interlock"), None),
    "interlock: foreground hangs": (
        Strike(phase=Phase.INTAKE, act=_foreground_sleeps, limit_ms=700, after_ms=SOON_MS),
        None,
    ),
    "interlock: reset": (_link(50, "reset_interlock"), None),
}


def born(folder: Path) -> VirtualBox:
    """A box that was born with the golden model; the real image takes over its memory."""
    source = folder / "source"
    source.mkdir(parents=True)
    (source / "noise").write_bytes(random.Random("noise").randbytes(SOURCE_BYTES))
    return virtual_box.born(folder / "born", source)


def struck(box: VirtualBox, folder: Path, name: str, *, golden: bool = False) -> Reaction:
    """One case on a copy of the box, under `folder`."""
    strike, _ = CASES[name]
    return bench.reaction(box.copy(folder / "box").root, folder / "clock", strike, golden=golden)


def table(found: dict[str, Reaction]) -> str:
    """One line a case."""
    lines = ["| cause | no coil is fed after | limit | the interlock's word |", "|---|---|---|---|"]
    for name, reaction in found.items():
        strike, _ = CASES[name]
        after = "never" if reaction.after_ms is None else f"{reaction.after_ms} ms"
        lines.append(f"| {name} | {after} | {strike.limit_ms} ms | {reaction.cause.name} |")
    return "\n".join(lines)


def within(name: str, reaction: Reaction) -> str:
    """The empty string, or what is wrong with this reaction."""
    strike, cause = CASES[name]
    if reaction.after_ms is None or reaction.after_ms > strike.limit_ms:
        return f"{name}: {reaction.after_ms} ms, limit {strike.limit_ms} ms"
    if cause is not None and reaction.cause is not cause:
        return f"{name}: ended by {reaction.cause.name}, not by {cause.name}"
    return ""
