"""Whether a board's values can be true together: each check names what is wrong, and decides nothing else.

The limits are the interlock's own (firmware/model/limits.py, 20-interlock) and the physics of the parts.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from firmware.model import limits
from hw.wired import Wired

DECAY_MS_MAX = 50  # ms; 20-interlock: a stuck, floating or reset permit is off at the coil supply within that
EXTERNAL_OHM_MAX = 10_000  # ohm; a fifth of the pins' own pull of some 50 kilohm, so that it wins
RELAYS_OF_LINK = ("K1", "K2")


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """What the profile says of the whole board, in ms."""

    decay_ms: int
    supply_fall_ms: int


def findings(
    wired: Wired, *, outputs: Mapping[str, int], inputs: Mapping[str, int], radio: bool, timing: Timing
) -> Iterator[str]:
    """What is wrong with a board of copper. `outputs` and `inputs` name the controller's pins."""
    yield from radios(wired.use, radio=radio)
    yield from pins(wired, outputs, inputs)
    yield from pulls(wired, outputs)
    yield from relays(wired, bays=len(outputs) - len(RELAYS_OF_LINK))
    yield from pump(wired, timing.decay_ms)
    yield from reactions(wired, timing)
    yield from bays(wired, bays=len(outputs) - len(RELAYS_OF_LINK))


def radios(use: str, *, radio: bool) -> Iterator[str]:
    """A radio is a way around the relays that nobody can cut."""
    if use == "production" and radio:
        yield "[controller] use: a board with a radio is for the bench only, production needs one without"


def pins(wired: Wired, outputs: Mapping[str, int], inputs: Mapping[str, int]) -> Iterator[str]:
    """One purpose for each pin, of the controller and of the interlock."""
    transmit, receive = wired.uart
    named = {**outputs, **inputs, "UART transmit": transmit, "UART receive": receive}
    for name, pin in named.items():
        if pin in wired.reserved:
            yield f"[pins] GPIO {pin} ({name}) is reserved: [pulls] reserved"
    yield from _twice("[pins] GPIO", named)
    inside = {name: pin for name, pin in wired.interlock.items() if not name.endswith("bay_1")}
    count = inside.pop("bays")
    for first in ("bay_1", "sense_bay_1"):
        inside |= {f"{first}+{bay}": wired.interlock[first] + bay for bay in range(count)}
    yield from _twice("[interlock] GPIO", inside)


def _twice(place: str, named: Mapping[str, int]) -> Iterator[str]:
    seen: dict[int, str] = {}
    for name, pin in named.items():
        if pin in seen:
            yield f"{place} {pin} serves {seen[pin]} and {name}"
        seen[pin] = name


def pulls(wired: Wired, outputs: Mapping[str, int]) -> Iterator[str]:
    """A pin that nobody drives must leave its coil released: the low-side switch conducts on a high level."""
    for name, pin in outputs.items():
        pull = wired.pulls.of(pin)
        if pull == "up":
            yield f"[pins] GPIO {pin} ({name}): its pull at power-on is up, which energises the coil"
        if pull == "none":
            yield f"[pins] GPIO {pin} ({name}): [pulls] does not say what it does at power-on"
    if not 0 < wired.pulls.external_ohm <= EXTERNAL_OHM_MAX:
        yield f"[pulls] external_ohm: 1 to {EXTERNAL_OHM_MAX}, so that it wins against the pin's own pull"


def relays(wired: Wired, *, bays: int) -> Iterator[str]:
    """Every relay has a type, and one make's common fault cannot hold both link relays."""
    needed = [*RELAYS_OF_LINK, "K3", *(f"D{bay}" for bay in range(1, bays + 1))]
    served = [ref for make in wired.relays for ref in make.serves]
    for ref in needed:
        if served.count(ref) != 1:
            yield f"[[relay_make]] {ref} is served by {served.count(ref)} types, one is needed"
    for ref in sorted(set(served) - set(needed)):
        yield f"[[relay_make]] {ref} is no relay of this board"
    if all(served.count(ref) == 1 for ref in RELAYS_OF_LINK):
        makers = {wired.make_of(ref).maker for ref in RELAYS_OF_LINK}
        if len(makers) == 1:
            yield f"[[relay_make]] K1 and K2 are both by {makers.pop()}: two makes are needed"


def pump(wired: Wired, decay_ms: int) -> Iterator[str]:
    """It lets go in time, and holds while edges come."""
    worst_ms = wired.pump.decay_ms
    if worst_ms >= DECAY_MS_MAX:
        yield f"[pump] its decay is {worst_ms} ms, it must be below {DECAY_MS_MAX} ms"
    if worst_ms != decay_ms:
        yield f"[permit] decay_ms is {decay_ms}, [pump] gives {worst_ms}"
    trough_mv, need_mv = wired.pump.trough_mv, wired.pump.threshold_max_mv
    if trough_mv <= need_mv:
        yield f"[pump] it falls to {trough_mv} mV between two edges, its transistor needs {need_mv} mV"


def reactions(wired: Wired, timing: Timing) -> Iterator[str]:
    """What the senses show follows an order before the interlock calls it a fault."""
    for make in wired.relays:
        off_ms = timing.decay_ms + max(make.release_ms, make.mirror_ms)
        on_ms = make.operate_ms + make.bounce_ms
        if off_ms >= limits.MISMATCH_MS:
            yield (
                f"[[relay_make]] {make.part}: decay and release take {off_ms} ms, the interlock waits"
                f" {limits.MISMATCH_MS} ms"
            )
        if on_ms >= limits.MISMATCH_MS:
            yield (
                f"[[relay_make]] {make.part}: operating takes {on_ms} ms, the interlock waits"
                f" {limits.MISMATCH_MS} ms"
            )
    if timing.supply_fall_ms >= limits.SUPPLY_MS:
        fall_ms = timing.supply_fall_ms
        yield f"[controller] supply_fall_ms is {fall_ms}, the interlock waits {limits.SUPPLY_MS} ms"


def bays(wired: Wired, *, bays: int) -> Iterator[str]:
    """A port for each bay, and as many bays as the interlock has."""
    if bays != wired.interlock["bays"]:
        yield f"[pins] drives: {bays} pins, the interlock has {wired.interlock['bays']} bays"
    if len(wired.ports) != bays:
        yield f"[bays] ports: {len(wired.ports)} ports for {bays} bays"
    if len(set(wired.ports)) != len(wired.ports):
        yield "[bays] ports: a port is named twice"
