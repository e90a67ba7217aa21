"""ports.Console: one JSON object per line on a descriptor, whole lines only.

The reader is another process that treats every line as hostile. A reader that is gone is no reason to
stop work: the line is lost.
"""

from __future__ import annotations

import json
import os
import threading

LINE_BYTES_MAX = 60_000  # bytes; the reader takes 64 KiB at most


class JsonConsole:
    """Says events on `descriptor` (1 is standard output). Safe to use from several threads."""

    def __init__(self, descriptor: int = 1) -> None:
        self._descriptor = descriptor
        self._turn = threading.Lock()

    def say(self, event: str, **fields: object) -> None:
        """Values that JSON does not know are said as their text; a line that is too long loses its fields."""
        line = json.dumps({"event": event, **fields}, default=str).encode() + b"\n"
        if len(line) > LINE_BYTES_MAX:
            line = json.dumps({"event": event, "dropped": sorted(fields)}).encode() + b"\n"
        with self._turn:
            self._write(line)

    def _write(self, line: bytes) -> None:
        view = memoryview(line)
        try:
            while view:
                view = view[os.write(self._descriptor, view) :]
        except BrokenPipeError:
            return
