"""The host program as a partner in a conversation: one event in, its outputs out."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from firmware.model.state import Drive, Senses
from tests.firmware.recording import blob, drive_bytes, senses_bytes

LEVELS_BYTES = len(drive_bytes(Drive()))
STRIDE = 4  # events between two flushes; what four events put out fits a pipe of 64 KiB
FLUSH = b"F" + bytes(4)  # an event that flushes and says little
HEAD = {b"D": LEVELS_BYTES, b"G": LEVELS_BYTES, b"C": 8, b"F": 4}


class HostProgram:
    """One running program; `outputs` are (kind, data)."""

    def __init__(self, program: Path) -> None:
        self._process = subprocess.Popen(
            [str(program)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=1 << 16
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        self._process.kill()
        self._process.communicate()

    def go(self, events: Sequence[bytes]) -> list[list[tuple[bytes, bytes]]]:
        """The outputs of each event."""
        made = []
        for at in range(0, len(events), STRIDE):  # few enough that neither pipe fills up
            part = events[at : at + STRIDE]
            self._give(b"".join(part) + FLUSH)
            made += [self.outputs() for _ in part]
            self.outputs()
        return made

    def _give(self, data: bytes) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(data)
        self._process.stdin.flush()

    def outputs(self) -> list[tuple[bytes, bytes]]:
        """Of one event."""
        found = []
        while (kind := self._read(1)) != b".":
            if kind in HEAD:
                found.append((kind, self._read(HEAD[kind])))
                continue
            slot = self._read(1) if kind == b"W" else b""
            found.append((kind, slot + self._read(int.from_bytes(self._read(4), "big"))))
        return found

    def guard(self, senses: Senses, uptime_ms: int) -> bytes:
        """What the interrupt lets through, as levels."""
        self._give(b"G" + senses_bytes(senses) + uptime_ms.to_bytes(8, "big"))
        [(_, levels)] = self.outputs()
        return levels

    def record_bytes(self, slot: bytes) -> int:
        self._give(b"F" + blob(slot))
        [(_, length)] = self.outputs()
        return int.from_bytes(length, "big")

    def _read(self, count: int) -> bytes:
        assert self._process.stdout is not None
        data = self._process.stdout.read(count)
        assert len(data) == count, "the program has ended"
        return data
