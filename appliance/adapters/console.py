"""ports.Console: one JSON object per line on a descriptor, whole lines only.

The reader is another process that treats every line as hostile. A reader that is gone is no reason to
stop work: the line is lost.
"""

from __future__ import annotations

import json
import os
import threading
from itertools import islice

LINE_BYTES_MAX = 60_000  # bytes; the reader takes 64 KiB at most


class JsonConsole:
    """Says events on `descriptor` (1 is standard output). Safe to use from several threads."""

    def __init__(self, descriptor: int = 1) -> None:
        self._descriptor = descriptor
        self._turn = threading.Lock()

    def say(self, event: str, **fields: object) -> None:
        """Values that JSON does not know are said as their text. Of a line that is too long the longest
        lists, mappings and texts are cut, and `shortened` names them."""
        line = _line({"event": event, **fields})
        shortened: set[str] = set()
        while len(line) > LINE_BYTES_MAX:
            name = max(fields, key=lambda name: len(_line(fields[name])))
            fields[name] = _half(fields[name])
            shortened.add(name)
            line = _line({"event": event, **fields, "shortened": sorted(shortened)})
        with self._turn:
            self._write(line)

    def _write(self, line: bytes) -> None:
        view = memoryview(line)
        try:
            while view:
                view = view[os.write(self._descriptor, view) :]
        except BrokenPipeError:
            return


def _line(value: object) -> bytes:
    return json.dumps(value, default=str).encode() + b"\n"


def _half(value: object) -> object:
    """The first half of what can be cut; anything else as its text, which can."""
    if isinstance(value, dict):
        return dict(islice(value.items(), len(value) // 2))
    if isinstance(value, list | tuple | str):
        return value[: len(value) // 2]
    return _half(str(value))
