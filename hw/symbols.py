"""The signs of a circuit diagram, drawn onto a sheet. Each says where its wires go on; none knows a board."""

from __future__ import annotations

from hw.drawing import Drawing, Point, width_of

BLADE = 46  # length of a contact with its terminals
COIL = (44, 30)
TAG_HEIGHT = 24


def contact(sheet: Drawing, at: Point, label: str, *, closed: bool, ink: str = "ink") -> Point:
    """A contact in a wire that runs to the right, closed at rest or not. Returns where it goes on."""
    x, y = at
    sheet.dot((x + 8, y), ink, radius=3)
    sheet.dot((x + BLADE - 8, y), ink, radius=3)
    sheet.line([(x, y), (x + 8, y)], ink)
    sheet.line([(x + BLADE - 8, y), (x + BLADE, y)], ink)
    tip = (x + BLADE - 4, y - 5) if closed else (x + BLADE - 12, y - 16)
    sheet.line([(x + 8, y), tip], ink, thick=3)
    if closed:
        sheet.line([(x + BLADE - 8, y - 9), (x + BLADE - 8, y)], ink)
    sheet.text((x + BLADE // 2, y + 20), label, ink, size=14, anchor="middle", bold=True)
    return x + BLADE, y


def falling_contact(sheet: Drawing, at: Point, label: str, ink: str = "ink") -> Point:
    """A contact that is open at rest, in a wire that runs down."""
    x, y = at
    sheet.line([(x, y), (x, y + 8)], ink)
    sheet.dot((x, y + 8), ink, radius=3)
    sheet.line([(x, y + 8), (x - 15, y + BLADE - 12)], ink, thick=3)
    sheet.dot((x, y + BLADE - 8), ink, radius=3)
    sheet.line([(x, y + BLADE - 8), (x, y + BLADE)], ink)
    sheet.text((x + 8, y + 28), label, ink, size=14, bold=True)
    return x, y + BLADE


def fuse(sheet: Drawing, at: Point, label: str, ink: str = "ink") -> Point:
    """A fuse in a wire that runs to the right."""
    x, y = at
    sheet.box((x, y - 8), (40, 16), ink, fill="paper", round_=2)
    sheet.line([(x, y), (x + 40, y)], ink, thick=1)
    sheet.text((x + 20, y - 13), label, ink, size=14, anchor="middle", bold=True)
    return x + 40, y


def coil(sheet: Drawing, at: Point, label: str, ink: str = "ink") -> Point:
    """A relay's coil in a wire that runs down."""
    x, y = at
    width, height = COIL
    sheet.box((x - width // 2, y), (width, height), ink, fill="paper", round_=2)
    sheet.line([(x - width // 2, y + height), (x + width // 2, y)], ink, thick=1)
    sheet.text((x - width // 2 - 5, y + 20), label, ink, size=14, anchor="end", bold=True)
    return x, y + height


def switch(sheet: Drawing, at: Point, label: str, ink: str = "ink") -> Point:
    """A transistor as a box, in a wire that runs down."""
    x, y = at
    sheet.box((x - 22, y), (44, 26), ink, fill="panel", round_=4)
    sheet.text((x, y + 18), label, ink, size=14, anchor="middle")
    return x, y + 26


def block(sheet: Drawing, corner: Point, size: Point, words: tuple[str, ...], ink: str = "ink") -> None:
    """A box with its words in the middle, the first in bold."""
    sheet.box(corner, size, ink)
    x, y = corner[0] + size[0] // 2, corner[1] + size[1] // 2 - (len(words) - 1) * 9 + 5
    for place, line in enumerate(words):
        sheet.text((x, y + place * 18), line, ink, size=14, anchor="middle", bold=not place)


def ground(sheet: Drawing, at: Point, ink: str = "ink") -> None:
    """The end of a wire."""
    x, y = at
    for place, half in enumerate((12, 7, 3)):
        sheet.line([(x - half, y + place * 4), (x + half, y + place * 4)], ink)


def source(sheet: Drawing, at: Point, label: str, ink: str = "ink") -> Point:
    """Where a supply comes from."""
    x, y = at
    sheet.text((x - 4, y + 5), label, ink, size=14, anchor="end", bold=True)
    sheet.ring((x + 5, y), ink, radius=5)
    return x + 10, y


def lamp(sheet: Drawing, at: Point, label: str, ink: str = "ink") -> None:
    """A lamp from this point down to ground."""
    x, y = at
    sheet.line([(x, y), (x, y + 16)], ink)
    sheet.ring((x, y + 28), ink, radius=12)
    sheet.line([(x - 8, y + 20), (x + 8, y + 36)], ink)
    sheet.line([(x - 8, y + 36), (x + 8, y + 20)], ink)
    sheet.line([(x, y + 40), (x, y + 50)], ink)
    ground(sheet, (x, y + 50), ink)
    sheet.text((x + 18, y + 33), label, ink, size=14, bold=True)


def capacitor(sheet: Drawing, at: Point, label: str, ink: str = "ink") -> Point:
    """In a wire that runs to the right."""
    x, y = at
    sheet.line([(x, y), (x + 14, y)], ink)
    sheet.line([(x + 14, y - 12), (x + 14, y + 12)], ink)
    sheet.line([(x + 22, y - 12), (x + 22, y + 12)], ink)
    sheet.line([(x + 22, y), (x + 36, y)], ink)
    sheet.text((x + 18, y - 18), label, ink, size=13, anchor="middle")
    return x + 36, y


def falling_capacitor(sheet: Drawing, at: Point, label: str, ink: str = "ink") -> None:
    """From this point down to ground."""
    x, y = at
    sheet.line([(x, y), (x, y + 20)], ink)
    sheet.line([(x - 12, y + 20), (x + 12, y + 20)], ink)
    sheet.line([(x - 12, y + 28), (x + 12, y + 28)], ink)
    sheet.line([(x, y + 28), (x, y + 48)], ink)
    ground(sheet, (x, y + 48), ink)
    sheet.text((x + 16, y + 30), label, ink, size=13)


def falling_resistor(sheet: Drawing, at: Point, label: str, ink: str = "ink") -> None:
    """From this point down to ground."""
    x, y = at
    sheet.line([(x, y), (x, y + 12)], ink)
    sheet.box((x - 7, y + 12), (14, 26), ink, fill="paper", round_=1)
    sheet.line([(x, y + 38), (x, y + 48)], ink)
    ground(sheet, (x, y + 48), ink)
    sheet.text((x + 13, y + 30), label, ink, size=13)


def diode(sheet: Drawing, at: Point, ink: str = "ink") -> Point:
    """In a wire that runs to the right, conducting to the right."""
    x, y = at
    sheet.line([(x, y), (x + 10, y)], ink)
    sheet.line([(x + 10, y - 8), (x + 10, y + 8), (x + 24, y), (x + 10, y - 8)], ink)
    sheet.line([(x + 24, y - 8), (x + 24, y + 8)], ink)
    sheet.line([(x + 24, y), (x + 34, y)], ink)
    return x + 34, y


def rising_diode(sheet: Drawing, at: Point, ink: str = "ink") -> None:
    """From ground up to this point."""
    x, y = at
    sheet.line([(x, y), (x, y + 14)], ink)
    sheet.line([(x - 8, y + 14), (x + 8, y + 14)], ink)
    sheet.line([(x - 8, y + 28), (x + 8, y + 28), (x, y + 14), (x - 8, y + 28)], ink)
    sheet.line([(x, y + 28), (x, y + 48)], ink)
    ground(sheet, (x, y + 48), ink)


def tag(sheet: Drawing, at: Point, words: str, ink: str, *, side: str = "right") -> None:
    """A flag that names a pin: a wire goes from it to `at`, which lies on its other side."""
    x, y = at
    width = width_of(words, 13) + 14
    if side == "right":
        sheet.line([(x, y), (x + 10, y)], ink, thick=1)
        corner = (x + 10, y - TAG_HEIGHT // 2)
    else:
        sheet.line([(x, y), (x - 10, y)], ink, thick=1)
        corner = (x - 10 - width, y - TAG_HEIGHT // 2)
    sheet.box(corner, (width, TAG_HEIGHT), ink, fill="paper", thick=1, round_=11)
    sheet.text((corner[0] + width // 2, y + 5), words, ink, size=13, anchor="middle")
