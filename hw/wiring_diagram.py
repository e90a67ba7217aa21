"""The wiring diagram of a board of copper, from its profile. Draws; decides nothing.

Wires that leave a part for a pin end in a flag with the pin's name: blue ones are the controller's, violet
ones the interlock's. All contacts are drawn at rest, without any supply.
"""

from __future__ import annotations

from hw import symbols
from hw.drawing import Drawing
from hw.profile import BoardProfile
from hw.wired import Wired

WIDTH, HEIGHT = 1500, 1320
_LEFT = 96  # where the supplies begin


def draw(board: BoardProfile) -> str:
    """The sheet. The board is one of copper."""
    wired = board.wired
    assert wired is not None
    sheet = Drawing(WIDTH, HEIGHT, f"Wiring of {wired.title}")
    sheet.text((40, 44), "Iwato: lines, coils, senses", size=24, bold=True)
    sheet.text((40, 70), f"{wired.title}. Everything at rest: no supply, nothing conducts.", "soft")
    _legend(sheet)
    _link(sheet)
    _drives(sheet, wired)
    _coils(sheet, board, wired)
    _pump(sheet, wired)
    _mirrors(sheet, board, wired)
    _logic(sheet, wired)
    return sheet.svg()


def _legend(sheet: Drawing) -> None:
    for x, owner in ((930, "controller"), (1190, "interlock")):
        symbols.tag(sheet, (x, 40), "GPIO", owner)
        sheet.text((x + 72, 45), f"pin of the {owner}", "soft")


def _link(sheet: Drawing) -> None:
    """The supply of the media converter, and the way to the network."""
    y = 150
    sheet.text((40, 112), "1  Network: the supply of the only way out", bold=True, size=17)
    x, _ = symbols.source(sheet, (_LEFT, y), "24 V", "link")
    sheet.line([(x, y), (x + 50, y)], "link")
    x, _ = symbols.fuse(sheet, (x + 50, y), "F2", "link")
    for label in ("K1", "K2"):
        sheet.line([(x, y), (x + 70, y)], "link")
        x, _ = symbols.contact(sheet, (x + 70, y), label, closed=False, ink="link")
    sheet.line([(x, y), (840, y)], "link")
    sheet.dot((700, y), "link")
    symbols.lamp(sheet, (700, y), "L1 CONNECTED", "link")
    symbols.block(sheet, (840, 118), (190, 64), ("A1", "copper to fibre"))
    sheet.line([(1030, y), (1260, y)], "soft", thick=4)
    sheet.text((1145, y - 10), "glass fibre", "soft", anchor="middle")
    symbols.block(sheet, (1260, 118), (190, 64), ("network", "outside the case"), "soft")
    sheet.line([(935, 182), (935, 214)], "soft")
    sheet.line([(935, 214), (1030, 214)], "soft")
    sheet.text((1036, 219), "Ethernet of the controller, inside the case", "soft")


def _drives(sheet: Drawing, wired: Wired) -> None:
    """The supply of the bays."""
    y = 300
    sheet.text((40, 262), "2  Drives: one supply for each bay", bold=True, size=17)
    x, _ = symbols.source(sheet, (_LEFT, y), "bays", "drives")
    sheet.line([(x, y), (x + 50, y)], "drives")
    x, _ = symbols.fuse(sheet, (x + 50, y), "F3", "drives")
    last = _column(len(wired.ports) - 1)
    sheet.line([(x, y), (last, y)], "drives")
    for place, port in enumerate(wired.ports):
        at = _column(place)
        sheet.dot((at, y), "drives")
        _, low = symbols.falling_contact(sheet, (at, y), f"D{place + 1}", "drives")
        words = (f"bay {place + 1}", f"port {port}", f"sense U{place + 5}")
        symbols.block(sheet, (at - 60, low), (120, 74), words, "drives")
        symbols.tag(sheet, (at - 60, low + 92), f"{wired.interlock['sense_bay_1'] + place}", "interlock")
        sheet.line([(at - 60, low + 66), (at - 60, low + 92)], "interlock", thick=1)


def _column(place: int) -> int:
    return 360 + place * 200


def _coils(sheet: Drawing, board: BoardProfile, wired: Wired) -> None:
    """The coil supplies: CUT, pumps, changeover, bay switches, low sides."""
    y, lower = 540, 720
    title = "3  Coils: each needs the interlock's half and the controller's half"
    sheet.text((40, 496), title, bold=True, size=17)
    x, _ = symbols.source(sheet, (_LEFT, y), "24 V")
    sheet.line([(x, y), (x + 16, y)])
    x, _ = symbols.fuse(sheet, (x + 16, y), "F1")
    sheet.line([(x, y), (x + 14, y)])
    x, _ = symbols.contact(sheet, (x + 14, y), "S1 CUT", closed=True)
    sheet.line([(x, y), (x + 24, y)])
    node = x + 24
    sheet.dot((node, y))
    sheet.line([(node, y), (node, lower)])
    for place, (level, name, pin, ink, closed) in enumerate(
        (
            (y, "Q1", "permit_link", "link", False),
            (lower, "Q2", "permit_drives", "drives", True),
        )
    ):
        sheet.line([(node, level), (node + 30, level)], ink)
        sheet.box((node + 30, level - 16), (54, 32), ink)
        sheet.text((node + 57, level + 6), name, ink, anchor="middle", bold=True)
        symbols.tag(sheet, (node + 40, level + 38), f"{wired.interlock[pin]}: pump {place + 1}", "interlock")
        sheet.line([(node + 40, level + 16), (node + 40, level + 38)], "interlock", thick=1)
        sheet.line([(node + 84, level), (node + 150, level)], ink)
        label = "K3 closed at rest" if closed else "K3 open at rest"
        symbols.contact(sheet, (node + 150, level), label, closed=closed, ink=ink)
    start = node + 196
    _link_coils(sheet, board, start, y)
    _drive_coils(sheet, board, wired, start, lower)


def _link_coils(sheet: Drawing, board: BoardProfile, start: int, y: int) -> None:
    ends = [640, 880]
    sheet.line([(start, y), (ends[-1], y)], "link")
    for place, at in enumerate(ends):
        sheet.line([(at, y), (at, y + 14)], "link")
        _, low = symbols.coil(sheet, (at, y + 14), f"K{place + 1}", "link")
        _, low = _wire(sheet, at, low, 12, "link")
        _, end = symbols.switch(sheet, (at, low), f"Q{place + 3}", "link")
        symbols.tag(sheet, (at + 22, low + 13), f"{board.pins.link[place]}", "controller")
        _, end = _wire(sheet, at, end, 10, "link")
        symbols.ground(sheet, (at, end), "link")


def _drive_coils(sheet: Drawing, board: BoardProfile, wired: Wired, start: int, y: int) -> None:
    columns = [520 + place * 172 for place in range(board.bays_max)]
    sheet.line([(start, y), (columns[-1], y)], "drives")
    for place, at in enumerate(columns):
        sheet.dot((at, y), "drives")
        _, low = _wire(sheet, at, y, 12, "drives")
        symbols.tag(sheet, (at + 22, low + 13), f"{wired.interlock['bay_1'] + place}", "interlock")
        _, low = symbols.switch(sheet, (at, low), f"Q{place + 11}", "drives")
        _, low = _wire(sheet, at, low, 10, "drives")
        _, low = symbols.coil(sheet, (at, low), f"D{place + 1}", "drives")
        _, low = _wire(sheet, at, low, 10, "drives")
        symbols.tag(sheet, (at + 22, low + 13), f"{board.pins.drives[place]}", "controller")
        _, low = symbols.switch(sheet, (at, low), f"Q{place + 5}", "drives")
        _, low = _wire(sheet, at, low, 8, "drives")
        symbols.ground(sheet, (at, low), "drives")


def _wire(sheet: Drawing, x: int, y: int, length: int, ink: str) -> tuple[int, int]:
    sheet.line([(x, y), (x, y + length)], ink)
    return x, y + length


def _pump(sheet: Drawing, wired: Wired) -> None:
    """One of the two pumps, with its values and what they give."""
    pump, y = wired.pump, 970
    sheet.text((40, 904), "4  Pump: it needs edges", bold=True, size=17)
    sheet.box((40, 920), (430, 370), "faint", fill="panel")
    pins = f"{wired.interlock['permit_link']} or {wired.interlock['permit_drives']}"
    symbols.tag(sheet, (130, y), pins, "interlock", side="left")
    x, _ = symbols.capacitor(sheet, (130, y), f"{pump.coupling_nf} nF")
    sheet.dot((x + 8, y))
    sheet.line([(x, y), (x + 8, y)])
    symbols.rising_diode(sheet, (x + 8, y))
    x, _ = symbols.diode(sheet, (x + 8, y))
    sheet.line([(x, y), (400, y)])
    sheet.dot((x + 20, y))
    symbols.falling_capacitor(sheet, (x + 20, y), f"{pump.hold_nf} nF")
    sheet.dot((x + 100, y))
    symbols.falling_resistor(sheet, (x + 100, y), f"{pump.bleed_ohm // 1000} kΩ")
    sheet.text((408, y + 5), "Q1, Q2", bold=True)
    facts = (
        f"edges every {pump.period_us // 2} µs: at least {pump.trough_mv / 1000:.2f} V,",
        f"the transistor needs {pump.threshold_max_mv / 1000:.2f} V at most.",
        f"no edge: off after {pump.decay_ms} ms at the latest",
        f"(values {pump.tolerance_percent} % high, threshold {pump.threshold_min_mv / 1000:.2f} V).",
        "A pin that is stuck high, stuck low, floating",
        "or in reset gives no edge.",
    )
    for place, line in enumerate(facts):
        sheet.text((60, 1084 + place * 26), line, "ink" if place in (0, 2) else "soft")


def _mirrors(sheet: Drawing, board: BoardProfile, wired: Wired) -> None:
    """The sense loops and the two switches that people turn."""
    sheet.text((500, 904), "5  Senses: a broken wire reads as what forbids", bold=True, size=17)
    sheet.box((500, 920), (480, 370), "faint", fill="panel")
    pins = board.pins
    rows = (
        ("24 V", "K1 mirror", "U11", wired.interlock["sense_k1"], pins.sense_link[0]),
        ("24 V", "K2 mirror", "U12", wired.interlock["sense_k2"], pins.sense_link[1]),
        ("24 V", "K3 mirror", "U13", wired.interlock["sense_k3"], pins.sense_k3),
        ("0 V", "S1 CUT", "pull-up", wired.interlock["sense_cut"], pins.sense_cut),
        ("3.3 V", "S2 key", "pull-down", wired.interlock["sense_key"], pins.sense_key),
    )
    for place, (supply, label, between, inside, outside) in enumerate(rows):
        y = 960 + place * 58
        x, _ = symbols.source(sheet, (580, y), supply)
        x, _ = symbols.contact(sheet, (x, y), label, closed=label != "S2 key")
        sheet.line([(x, y), (700, y)])
        sheet.box((700, y - 14), (84, 28))
        sheet.text((742, y + 5), between, anchor="middle", size=14)
        sheet.line([(784, y), (880, y)], "soft", thick=1)
        symbols.tag(sheet, (800, y), f"{inside}", "interlock")
        symbols.tag(sheet, (876, y), f"{outside}", "controller")
    sheet.text((516, 1250), "A mirror contact is closed while its relay rests: low.", "soft", size=14)
    sheet.text((516, 1270), "Contact open, wire broken or CUT pressed: high.", "soft", size=14)


def _logic(sheet: Drawing, wired: Wired) -> None:
    """What hangs on the interlock: clock, memory, serial line, the controller's supply and boot medium."""
    sheet.text((1010, 904), "6  The interlock's own", bold=True, size=17)
    sheet.box((1010, 920), (450, 370), "faint", fill="panel")
    pins = wired.interlock
    transmit, receive = wired.uart
    rows = (
        (f"{pins['uart_tx']}, {pins['uart_rx']}", "U4 isolator", f"{receive}, {transmit}"),
        (f"{pins['sda']}, {pins['scl']}", "U2 clock with cell, U3 memory", ""),
        (f"{pins['k3_on_link']}", "Q17, coil of K3", ""),
        (f"{pins['controller_power']}, {pins['sense_supply']}", "Q18, the controller's supply", ""),
        (f"{pins['boot_sealing']}", "MUX1, its boot medium", ""),
    )
    for place, (inside, words, outside) in enumerate(rows):
        y = 960 + place * 58
        symbols.tag(sheet, (1120, y), inside, "interlock", side="left")
        sheet.line([(1120, y), (1136, y)], "interlock", thick=1)
        sheet.box((1136, y - 17), (220 if not outside else 130, 34))
        sheet.text((1146, y + 5), words, size=14)
        if outside:
            symbols.tag(sheet, (1266, y), outside, "controller")
    sheet.text((1030, 1244), "USB and SWD of the interlock end inside the case.", "soft", size=14)
