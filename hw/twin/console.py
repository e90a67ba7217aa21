"""The controller's console, read as hostile: bounded lines, one JSON object each, the rest counted.

A captured controller can print anything. Nothing here is shown as it came: faces escape it.
"""

from __future__ import annotations

import json
import os

from hw.twin.slot import Said

LINE_BYTES_MAX = 64 << 10  # bytes; the longest honest line is a list of copies, some KB
LINES_MAX = 256  # lines looked at at once; honest programs say some ten a second
READ_BYTES_MAX = 128 << 10  # bytes taken at once, so that a flood cannot hold up the board
TAIL_BYTES_MAX = 64 << 10  # bytes of error output kept, the newest


class Console:
    """The reading end of a console pipe."""

    def __init__(self, descriptor: int) -> None:
        os.set_blocking(descriptor, False)
        self._descriptor = descriptor
        self._rest = bytearray()
        self._overlong = False
        self.garbage = 0

    def read(self) -> list[Said]:
        """What arrived since the last call."""
        said: list[Said] = []
        lines = self._lines(drain(self._descriptor, READ_BYTES_MAX))
        self.garbage += len(lines[LINES_MAX:])
        for line in lines[:LINES_MAX]:
            event = _parse(line)
            if event is None:
                self.garbage += 1
            said.append(Said(event=event, garbage=self.garbage))
        return said

    def _lines(self, data: bytes) -> list[bytes]:
        self._rest += data
        *whole, rest = bytes(self._rest).split(b"\n")
        if self._overlong and whole:
            whole, self._overlong = whole[1:], False
        if len(rest) > LINE_BYTES_MAX:
            rest, self._overlong = b"", True
            self.garbage += 1
        self._rest = bytearray(b"" if self._overlong else rest)
        return [line for line in whole if line.strip()]


class Tail:
    """The newest bytes of an error output."""

    def __init__(self, descriptor: int) -> None:
        os.set_blocking(descriptor, False)
        self._descriptor = descriptor
        self._kept = b""

    def read(self) -> str:
        """Everything kept so far, as text with unreadable bytes escaped."""
        self._kept = (self._kept + drain(self._descriptor, READ_BYTES_MAX))[-TAIL_BYTES_MAX:]
        return self._kept.decode(errors="backslashreplace")


def drain(descriptor: int, most: int) -> bytes:
    """What is there now, without waiting, `most` bytes at the most."""
    parts: list[bytes] = []
    left = most
    while left > 0:
        try:
            part = os.read(descriptor, min(left, 1 << 16))
        except BlockingIOError:
            break
        if not part:
            break
        parts.append(part)
        left -= len(part)
    return b"".join(parts)


def _parse(line: bytes) -> dict[str, object] | None:
    if len(line) > LINE_BYTES_MAX:
        return None
    try:
        event = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return event if isinstance(event, dict) else None
