"""What `init` was told of the emulated world, kept beside its hardware: `emulated/bench.json`."""

from __future__ import annotations

import json
from typing import Annotated

import msgspec

from appliance.adapters import small_file
from appliance.compose.home import Home
from appliance.errors import EmulationDamaged

NAME = "bench.json"
BYTES_MAX = 4096  # bytes; it has some 20


class _Bench(msgspec.Struct):
    link_rate: Annotated[int, msgspec.Meta(ge=0)]


def write_bench(home: Home, link_rate: int) -> None:
    """What `init` was told of the emulated world."""
    (home.emulated / NAME).write_text(json.dumps({"link_rate": link_rate}), encoding="ascii")


def link_rate(home: Home) -> int:
    """Bytes per second of the emulated source; 0 for no brake."""
    try:
        content = small_file.read(home.emulated / NAME, BYTES_MAX)
        return msgspec.json.decode(content, type=_Bench).link_rate
    except FileNotFoundError:
        return 0
    except (OSError, ValueError, msgspec.MsgspecError, RecursionError) as error:
        raise EmulationDamaged(detail=f"{NAME}: {error}") from None
