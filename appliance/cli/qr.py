"""QR codes: on the terminal in half blocks, or as an SVG or PNG file.

Half blocks are two modules in one cell, so a short checkpoint takes 23 of 24 lines. Colours are set where
there is a terminal, so that the code is dark on light whatever its theme; without colours the light
modules are drawn, for the dark screens that consoles have.
"""

from __future__ import annotations

import io
from collections.abc import Iterator

import segno

BORDER = 2  # modules on each side; the standard asks for 4, which does not fit into 24 lines
_FILE_BORDER = 4
_SCALE = 8  # pixels of a module
_DARK_ON_LIGHT, _RESET = "\x1b[30;107m", "\x1b[0m"
_BLOCKS = {(False, False): " ", (True, False): "▀", (False, True): "▄", (True, True): "█"}  # upper, lower


def lines(text: str, *, colours: bool) -> Iterator[str]:
    """The code's lines for a terminal."""
    code = segno.make_qr(text, error="l", boost_error=False)
    rows = [[bool(module) for module in row] for row in code.matrix_iter(border=BORDER)]
    rows += [[False] * len(rows[0])] * (len(rows) % 2)
    for upper, lower in zip(rows[::2], rows[1::2], strict=True):
        pairs = zip(upper, lower, strict=True)
        if colours:
            yield _DARK_ON_LIGHT + "".join(_BLOCKS[pair] for pair in pairs) + _RESET
        else:
            yield "".join(_BLOCKS[not above, not below] for above, below in pairs)


def image(text: str, kind: str) -> bytes:
    """An `svg` or `png` file."""
    out = io.BytesIO()
    code = segno.make_qr(text, error="m", encoding="utf-8")
    if kind == "svg":
        code.save(out, kind=kind, scale=_SCALE, border=_FILE_BORDER, light="#fff")
    else:
        code.save(out, kind=kind, scale=_SCALE, border=_FILE_BORDER)
    return out.getvalue()
