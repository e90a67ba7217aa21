"""Bombs: refused with a code, within little memory, wherever they are found."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.attack import bombs
from tests.depth import many

# Bytes of address space: copies of a ledger segment of 32 MiB; at full depth the longest list of packs.
ROOM_BYTES = many(192 << 20, 320 << 20)
CHILD = """
import sys
import zstandard
from appliance.format import zstd_frame
from tests.attack import bombs
zstd_frame.decode = lambda frame, raw: zstandard.ZstdDecompressor().decompress(frame)
sys.argv[1:] = ["{room}"]
bombs.main()
"""


def gone_off(*arguments: str) -> dict[str, str]:
    """What a process with little room says of every bomb."""
    done = subprocess.run(
        [sys.executable, *arguments],
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).parents[2],
    )
    assert done.returncode == 0, done.stderr
    said: dict[str, str] = json.loads(done.stdout)
    assert said.keys() == bombs.BOMBS.keys()
    return said


@pytest.mark.clause("FORMAT 1.4", "FORMAT 3.3", "FORMAT 8.1")
def test_every_bomb_is_refused_with_a_code_in_little_memory() -> None:
    said = gone_off("-m", "tests.attack.bombs", str(ROOM_BYTES))
    assert {name: code for name, code in said.items() if not code.startswith("IW-")} == {}


@pytest.mark.planted
def test_a_decoder_that_makes_whatever_a_frame_holds_is_caught() -> None:
    said = gone_off("-c", CHILD.format(room=ROOM_BYTES))
    assert said["frame: it says and holds a gibibyte"] == "MemoryError"
