"""A program that energises K1 and waits for its end, with the real handlers: for test_header_pins.

Says every change of its pins on standard output, a number a line.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

from appliance.adapters.header_pins import HeaderPins
from appliance.compose import wired_board
from hw import profile
from tests.contract.twin_pins import TwinFactory


def main() -> None:
    factory = TwinFactory(lambda levels: print(levels, flush=True), lambda: 0)
    with wired_board.released_at_the_end(profile.load("emulated"), lambda: factory) as pins:
        assert isinstance(pins, HeaderPins)
        pins.energise_link(k1=True, k2=False)
        while Path("/").exists():
            time.sleep(60)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
