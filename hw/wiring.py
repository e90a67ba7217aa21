"""`python -m hw.wiring` writes WIRING.md, wiring.svg and BOM.md from the profiles; `--check` only compares.

A wire that is on the page and not in the profile, or the other way round, cannot be: a test compares the
committed page with a fresh one. Text only; wiring_diagram.py draws.
"""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from hw import bill, profile, wiring_diagram
from hw.profile import BoardProfile
from hw.wired import Wired

PAGE = Path(__file__).parent / "WIRING.md"
DIAGRAM = Path(__file__).parent / "wiring.svg"
PARTS = Path(__file__).parent / "BOM.md"
BOX = "cm4"  # the board of the diagram and of the pin tables; the others differ where the page says so
WRITE, CHECK = "--write", "--check"
STATUS_STALE, STATUS_USAGE = 1, 64


def main(arguments: Sequence[str]) -> int:
    """The command; its exit status."""
    if list(arguments) not in ([], [WRITE], [CHECK]):
        _say(f"python -m hw.wiring [{WRITE}|{CHECK}]")
        return STATUS_USAGE
    fresh = files()
    if list(arguments) == [CHECK]:
        stale = [path.name for path, text in fresh.items() if _read(path) != text]
        _say(f"not as the profiles say: {', '.join(stale)}" if stale else "the pages are as the profiles say")
        return STATUS_STALE if stale else 0
    for path, text in fresh.items():
        path.write_text(text, encoding="utf-8")
        _say(f"{path.name} written")
    return 0


def files() -> dict[Path, str]:
    """The page, its diagram and the list of parts, made now."""
    board = profile.load(BOX)
    return {PAGE: page(), DIAGRAM: wiring_diagram.draw(board), PARTS: bill.page(_copper(board))}


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.is_file() else ""


def _say(words: str) -> None:
    sys.stdout.write(words + "\n")


def page() -> str:
    """WIRING.md."""
    board = profile.load(BOX)
    wired = _copper(board)
    parts = (_boards(), _controller(board, wired), _interlock(wired), _relays(wired), _pump(wired))
    return "\n".join([_HEAD, *(line for part in parts for line in part), _RULES])


def _copper(board: BoardProfile) -> Wired:
    assert board.wired is not None
    return board.wired


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    yield "| " + " | ".join(head) + " |"
    yield "|" + " --- |" * len(head)
    for row in rows:
        yield "| " + " | ".join(cell.replace("|", "/") for cell in row) + " |"
    yield ""


def _wrapped(words: str) -> str:
    return textwrap.fill(words, width=120, break_long_words=False, break_on_hyphens=False)


def _boards() -> Iterator[str]:
    copper = [profile.load(name) for name in profile.names() if name != "emulated"]
    yield "## 1 Boards\n"
    head = ("profile", "controller", "for", "radio", "pulls at power-on", "hub port of bay 1 to 6")
    yield from _table(head, (_board_row(board) for board in copper))
    for board in copper:
        wired = _copper(board)
        yield _wrapped(f"**`{board.name}`**: {wired.reason}") + "\n"
        yield _wrapped(f"Its pulls: {wired.pulls.source}.") + "\n"
        confirm = [*([wired.pulls.confirm] if wired.pulls.confirm else []), *wired.confirm]
        yield "To be confirmed on the bench:\n"
        yield "\n".join(f"- {item}" for item in confirm) + "\n"


def _board_row(board: BoardProfile) -> tuple[str, ...]:
    wired = _copper(board)
    pulls = f"GPIO {_ranges(wired.pulls.up)} up, {_ranges(wired.pulls.down)} down"
    pulls += ", to be confirmed" if wired.pulls.confirm else ""
    use = "boxes" if board.production else "benches only"
    radio = "yes" if board.radio else "no"
    return f"`{board.name}`", wired.controller, use, radio, pulls, ", ".join(wired.ports)


def _ranges(pins: Iterable[int]) -> str:
    ordered = sorted(pins)
    return f"{ordered[0]} to {ordered[-1]}" if ordered else "none"


def _controller(board: BoardProfile, wired: Wired) -> Iterator[str]:
    resistor = f"{wired.pulls.external_ohm // 1000} kΩ"
    yield "## 2 Pins of the controller\n"
    yield _wrapped(
        "GPIO: BCM number. Header: pin of the 40-pin header of `pi4` and `pi5`, and of a carrier for `cm4`"
        " that has one; ground is on 6, 9, 14, 20, 25, 30, 34 and 39. On the carrier each coil pin has"
        f" {resistor} to ground, each sense {resistor} to the level that an open wire shall read. The pins'"
        " own pulls are applied at power-on only and survive a reset, so they are not trusted alone."
    ) + "\n"
    rows: list[tuple[str, ...]] = []
    for place, (name, pin) in enumerate(profile.output_names(board.pins).items()):
        pull = wired.pulls.of(pin)
        gate = f"gate of Q{place + 3}"
        rows.append((f"{pin}", HEADER[pin], "out", f"coil of {name}", gate, pull, "low: coil released"))
    for name, pin in profile.input_names(board.pins).items():
        kind, part, high, low = _SENSES[name]
        level = f"high: {high}" if kind in board.open_reads_high else f"low: {low}"
        rows.append((f"{pin}", HEADER[pin], "in", name, part, wired.pulls.of(pin), level))
    for direction, pin in zip(("out", "in"), wired.uart, strict=True):
        pull = wired.pulls.of(pin)
        rows.append((f"{pin}", HEADER[pin], direction, "serial line", "U4", pull, "high: idle"))
    head = ("GPIO", "header", "direction", "what", "to", "own pull", "undriven, or wire broken")
    yield from _table(head, rows)


# BCM number → pin of the 40-pin header, the same on every board since 2014; a test asks gpiozero.
_ORDER = (
    *(27, 28, 3, 5, 7, 29, 31, 26, 24, 21, 19, 23, 32, 33),  # GPIO 0 to 13
    *(8, 10, 36, 11, 12, 35, 38, 40, 15, 16, 18, 22, 37, 13),  # GPIO 14 to 27
)
HEADER = {pin: str(header) for pin, header in enumerate(_ORDER)}

# name → kind in the profile, part, what high means, what low means
_SENSES = {
    "sense K1": ("k1", "U11", "conducting", "not conducting"),
    "sense K2": ("k2", "U12", "conducting", "not conducting"),
    "sense K3": ("k3", "U13", "on link", "on drives"),
    "sense CUT": ("cut", "S1, second contact", "pressed", "not pressed"),
    "sense key": ("key", "S2", "turned", "not turned"),
}


def _interlock(wired: Wired) -> Iterator[str]:
    yield "## 3 Pins of the interlock\n"
    yield "GPIO numbers of the RP2040, the same as in `firmware/interlock/rp2040/pins.h` (a test compares).\n"
    pins = wired.interlock
    rows = [(f"{pins[name]}", direction, what, to) for name, direction, what, to in _INTERLOCK]
    bays = range(pins["bays"])
    group = "belongs to the group that may be live"
    supply = "has supply (also with a broken wire)"
    rows += [(f"{pins['bay_1'] + bay}", "out", f"bay {bay + 1} {group}", f"Q{bay + 11}") for bay in bays]
    rows += [(f"{pins['sense_bay_1'] + bay}", "in", f"bay {bay + 1} {supply}", f"U{bay + 5}") for bay in bays]
    yield from _table(("GPIO", "direction", "what", "to"), rows)


_INTERLOCK = (
    ("uart_tx", "out", "serial line", "U4"),
    ("uart_rx", "in", "serial line", "U4"),
    ("permit_link", "out", "permit of the link: edges, no level", "pump 1, Q1"),
    ("permit_drives", "out", "permit of the drives: edges, no level", "pump 2, Q2"),
    ("sda", "both", "clock and memory", "U2, U3"),
    ("scl", "out", "clock and memory", "U2, U3"),
    ("k3_on_link", "out", "changeover to the link", "Q17, coil of K3"),
    ("controller_power", "out", "the controller's supply", "Q18"),
    ("boot_sealing", "out", "boot medium: low intake, high sealing", "MUX1"),
    ("sense_k1", "in", "K1 conducts (also with a broken wire)", "U11"),
    ("sense_k2", "in", "K2 conducts (also with a broken wire)", "U12"),
    ("sense_k3", "in", "K3 is on the link (also with a broken wire)", "U13"),
    ("sense_cut", "in", "CUT is pressed (also with a broken wire)", "S1, second contact"),
    ("sense_key", "in", "the key is turned; a broken wire is not", "S2"),
    ("sense_supply", "in", "the controller has supply (also with a broken wire)", "Q18, output"),
)


def _relays(wired: Wired) -> Iterator[str]:
    yield "## 4 Relays\n"
    head = ("serves", "type", "operate", "release", "mirror back", "bounce")
    rows = []
    for make in wired.relays:
        times = (make.operate_ms, make.release_ms, make.mirror_ms, make.bounce_ms)
        rows.append((", ".join(make.serves), f"{make.maker} {make.part}", *(f"{time} ms" for time in times)))
    yield from _table(head, rows)
    for make in wired.relays:
        yield _wrapped(f"**{make.maker} {make.part}**: {make.contacts}. {make.source}.") + "\n"
        if make.confirm:
            yield _wrapped(f"To be confirmed on the bench: {make.confirm}.") + "\n"


def _pump(wired: Wired) -> Iterator[str]:
    pump = wired.pump
    slowest = max(max(make.release_ms, make.mirror_ms) for make in wired.relays)
    least_mv, most_mv = pump.swing_mv - pump.diodes_max_mv, pump.swing_mv - pump.diodes_min_mv
    yield "## 5 Pump, and how fast it is dark\n"
    rows = (
        ("coupling capacitor", f"{pump.coupling_nf} nF"),
        ("hold capacitor", f"{pump.hold_nf} nF"),
        ("bleed resistor", f"{pump.bleed_ohm} Ω"),
        ("tolerance of each", f"{pump.tolerance_percent} %"),
        ("swing, less both diodes", f"{least_mv} to {most_mv} mV"),
        ("threshold of the transistor", f"{pump.threshold_min_mv} to {pump.threshold_max_mv} mV"),
        ("**from the last edge to no coil supply**", f"**{pump.decay_ms} ms at most**"),
        ("lowest voltage while edges come", f"{pump.trough_mv} mV"),
        ("from the last edge to senses that say so", f"{pump.decay_ms + slowest} ms at most"),
    )
    yield from _table(("value", "figure"), rows)
    yield _wrapped(
        f"{pump.source}. With these times whole windows pass in the twin, and a hung controller is cut in"
        " time (`tests/simulation/test_copper_times.py`)."
    ) + "\n"


_HEAD = """# Wiring

Made by `python -m hw.wiring` from `carrier.toml` and `boards/*.toml`; edit those, never this page. No such
board has been built: every figure has a source or is marked *to be confirmed on the bench*
([COMMISSIONING.md](COMMISSIONING.md)). Why each part is there stands in [BOM.md](BOM.md).

![The wiring: network, drives, coils, pump, senses, interlock](wiring.svg)
"""

_RULES = """## 6 Rules that no table shows

1. A coil gets current only through CUT, a pump, K3 and the controller's low side; a bay's also through its
   bay switch.
2. The wires of K1, K2 and the converter's supply run apart from all others, in a duct of their own: a bridge
   from 24 V to the converter, behind K2, is beyond every sense (THREATS 8.1).
3. The mirror contacts' loops share no wire with the contacts that they watch.
4. With the lid on, no socket of the controller can be reached: no USB, no Ethernet; HDMI and a keyboard
   where the console is used.
5. The seal is over the lid's screws; the interlock lies below a cover of its own.
"""


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
