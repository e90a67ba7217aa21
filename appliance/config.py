"""What an administrator may set: `config.toml` → values within limits. Reads no file.

    [intake]
    compression = 1      # zstd level, 1 to 19: higher ones cost time in which the link is connected
    chunk_kib = 1024     # average chunk, 256, 512 or 1024: smaller ones find more that is the same
    workers = 3          # threads that compress and seal, 1 to 16

    [board]
    name = "emulated"    # the profile in hw/boards; any other is a board of copper, for `iwato line`
    serial = "/dev/ttyAMA0"   # the line to the interlock
    link = "eth0"        # the box's own network interface; whatever else carries is a foreign network

Nothing here decides who may read, destroy, connect or hide anything: that is the policy, which holders sign.
Cipher, stripe and the tables' form are the format's (FORMAT 12), k+m the policy's.
"""

from __future__ import annotations

import tomllib
from typing import Annotated, Literal

import msgspec

from appliance.errors import ConfigInvalid

NAME = "config.toml"
TEXT_BYTES_MAX = 64 * 1024  # bytes; the whole of it has 200
COMPRESSION_MAX = 19  # zstd level; beyond it a compressor takes more memory than a small board has
WORKERS_MAX = 16  # threads; each has a read buffer of 10 MiB


class Intake(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Of the link half. Another `chunk_kib` makes everything look new once."""

    compression: Annotated[int, msgspec.Meta(ge=1, le=COMPRESSION_MAX)] = 1
    chunk_kib: Literal[256, 512, 1024] = 1024
    workers: Annotated[int, msgspec.Meta(ge=1, le=WORKERS_MAX)] = 3


class Board(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What this machine calls its parts. A wrong name connects nothing: it is an error, or darkness."""

    name: Annotated[str, msgspec.Meta(pattern="^[a-z][a-z0-9_]{0,31}$")] = "emulated"
    serial: Annotated[str, msgspec.Meta(pattern="^/dev/[A-Za-z0-9_./:-]{1,200}$")] = "/dev/ttyAMA0"
    link: Annotated[str, msgspec.Meta(pattern="^[A-Za-z0-9_.-]{1,15}$")] = "eth0"


class Config(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All of it; what is not set has its default."""

    intake: Intake = Intake()
    board: Board = Board()


def parse(text: bytes) -> Config:
    """ConfigInvalid, with the line, for anything else than the above."""
    try:
        found = tomllib.loads(text.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise ConfigInvalid(line=_line_of(str(error)), detail=str(error)) from None
    try:
        return msgspec.convert(found, Config)
    except msgspec.ValidationError as error:
        raise ConfigInvalid(line=_line_naming(text, str(error)), detail=str(error)) from None


def render(config: Config) -> str:
    """The same values as a text that `parse` takes."""
    lines = []
    for section, values in msgspec.to_builtins(config).items():
        lines += [f"[{section}]", *(f"{name} = {_toml(value)}" for name, value in values.items())]
    return "\n".join(lines) + "\n"


def _toml(value: object) -> str:
    """A text of ours has no letter that TOML would have to escape (see the patterns above)."""
    return f'"{value}"' if isinstance(value, str) else str(value)


def _line_of(message: str) -> int:
    """The line that tomllib names, "(at line 3, column 5)"; 0 where it names none."""
    _, _, rest = message.partition("at line ")
    number = rest.partition(",")[0]
    return int(number) if number.isdecimal() else 0


def _line_naming(text: bytes, message: str) -> int:
    """The first line of the field that msgspec names, "… - at `$.intake.workers`" or "unknown field `x`"."""
    name = message.rpartition("`")[0].rpartition("`")[2].rpartition(".")[2]
    if "unknown field" in message:
        name = message.partition("`")[2].partition("`")[0]
    for number, line in enumerate(text.decode("utf-8").splitlines(), 1):
        if line.strip().lstrip("[").startswith(name):
            return number
    return 0
