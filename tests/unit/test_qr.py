"""Checkpoints as QR codes: another program reads back what was meant, from the files and from the screen."""

import re
import subprocess
from collections.abc import Sequence
from pathlib import Path
from xml.etree.ElementTree import fromstring

import pytest
from rich.cells import cell_len

from appliance.cli import qr
from appliance.errors import SignatureMalformed
from appliance.format import short_checkpoint
from appliance.format.short_checkpoint import ShortCheckpoint
from appliance.ledger import outside
from tests import depth
from tests.unit.ledger_box import KEYS, VAULT, filled

PIXELS = 4  # of one module
HALVES = {" ": (0, 0), "▀": (1, 0), "▄": (0, 1), "█": (1, 1)}


def note(size: int = 3) -> str:
    box = filled([1] * size, drives=1)
    return max(box.drives[0].checkpoints.items())[1].decode()


def short(size: int = 3) -> str:
    return outside.shorten(note(size).encode(), KEYS).text()


def scanned(image: Path) -> str:
    done = subprocess.run(
        ["zbarimg", "--quiet", "--raw", "-Sdisable", "-Sqrcode.enable", str(image)],
        capture_output=True, check=False,
    )  # fmt: skip
    return done.stdout.decode().removesuffix("\n")


def photograph(lines: Sequence[str], path: Path, *, drawn_is_dark: bool) -> Path:
    """What a camera sees of a terminal: a cell is two square modules, around it is the screen's colour."""
    rows = [[HALVES[cell][half] for cell in line] for line in lines for half in (0, 1)]
    screen = 0 if not drawn_is_dark else 1  # outside the code
    rows = [[screen] * 6 + row + [screen] * 6 for row in rows]
    return picture([[(module == 1) == drawn_is_dark for module in row] for row in rows], path)


def picture(dark: Sequence[Sequence[bool]], path: Path) -> Path:
    """A grey picture of modules."""
    rows = [bytes(0 if module else 255 for module in row for _ in range(PIXELS)) for row in dark]
    width, height = len(rows[0]), len(rows) * PIXELS
    path.write_bytes(b"P5\n%d %d\n255\n" % (width, height) + b"".join(row * PIXELS for row in rows))
    return path


def drawn(svg: bytes) -> list[list[bool]]:
    """The modules that the strokes of an SVG of ours cover; its path has M, m and h only."""
    root = fromstring(svg)  # noqa: S314 -- our own
    stroke = next(element.get("d", "") for element in root.iter() if element.get("stroke") == "#000")
    side = int(root.get("width", "0")) // 8
    modules, x, y = [[False] * side for _ in range(side)], 0.0, 0.0
    for letter, numbers in re.findall(r"([Mmh])([-0-9. ]+)", stroke):
        steps = [float(number) for number in numbers.split()]
        if letter == "h":
            for at in range(int(x), int(x + steps[0])):
                modules[int(y)][at] = True
            x += steps[0]
        else:
            x, y = (steps[0], steps[1]) if letter == "M" else (x + steps[0], y + steps[1])
    return modules


@pytest.mark.needs("zbarimg")
def test_a_short_checkpoint_on_the_screen_is_read_by_another_program(tmp_path: Path) -> None:
    for size in range(1, depth.many(3, 20)):
        text = short(size)
        plain = list(qr.lines(text, colours=False))
        assert scanned(photograph(plain, tmp_path / "plain.pgm", drawn_is_dark=False)) == text
        coloured = [line.strip("\x1b[30;17m") for line in qr.lines(text, colours=True)]
        assert scanned(photograph(coloured, tmp_path / "colour.pgm", drawn_is_dark=True)) == text


def test_every_short_checkpoint_fits_80x24_with_a_line_for_the_prompt() -> None:
    largest = ShortCheckpoint(
        vault=VAULT, size=short_checkpoint.NUMBER_MAX, root=b"\xff" * 32,
        unix_s=short_checkpoint.NUMBER_MAX, signature=b"\xff" * 64,
    )  # fmt: skip
    for text in (largest.text(), short()):
        lines = list(qr.lines(text, colours=False))
        assert len(lines) <= 23
        assert {cell_len(line) for line in lines} <= set(range(81))


@pytest.mark.needs("zbarimg")
def test_a_whole_note_in_a_file_is_read_by_another_program(tmp_path: Path) -> None:
    image = tmp_path / "note.png"
    image.write_bytes(qr.image(note(), "png"))
    assert scanned(image) == note()
    assert scanned(picture(drawn(qr.image(note(), "svg")), tmp_path / "svg.pgm")) == note()


@pytest.mark.planted
@pytest.mark.needs("zbarimg")
def test_a_code_with_its_halves_exchanged_is_not_read(tmp_path: Path) -> None:
    lines = [line.translate(str.maketrans("▀▄", "▄▀")) for line in qr.lines(short(), colours=False)]
    assert scanned(photograph(lines, tmp_path / "wrong.pgm", drawn_is_dark=False)) != short()


@pytest.mark.clause("FORMAT 7.8")
def test_a_short_checkpoint_is_read_back_and_nothing_else_is() -> None:
    said = short_checkpoint.parse(short())
    assert said.text() == short()
    assert said.code() == short()[-8:]
    assert outside.read(short().encode(), KEYS) == outside.read(note().encode(), KEYS)
    for wrong in (short().lower(), short()[:-1], short() + "0", short_checkpoint.PREFIX + "Z" * 186, ""):
        with pytest.raises(SignatureMalformed):
            short_checkpoint.parse(wrong)


def test_a_size_or_time_beyond_the_short_form_is_not_written_wrongly() -> None:
    said = short_checkpoint.parse(short())
    with pytest.raises(SignatureMalformed):
        ShortCheckpoint(
            vault=said.vault, size=1 << 32, root=said.root, unix_s=said.unix_s, signature=said.signature
        ).text()
