"""Small files share a block: read one behind the other into a buffer, and stored a block at a time.

Named here, in the reader's own thread: so many short pieces cost two threads that take turns at the
interpreter more than they save. The crew compresses and seals whole blocks. Reads nothing itself.
"""

from __future__ import annotations

from collections.abc import Iterable

from appliance.pipeline import chunk, dedup, flow
from appliance.service.crew import Crew, Job

BLOCK_BYTES = chunk.SOLID_BYTES  # bytes; then the block is handed over


class SmallFiles:
    """The block that is being filled. `window` claims, as the crew's lanes do."""

    def __init__(self, crew: Crew, window: dedup.Window) -> None:
        self._crew = crew
        self._window = window
        self._buffer: memoryview | None = None
        self._fill = 0
        self._chunks: list[flow.NewChunk] = []

    def room(self) -> memoryview:
        """Where the next file is to be read to. What is not kept is read over by the next."""
        if self._buffer is None:
            self._buffer = self._crew.buffer()
        return self._buffer[self._fill :]

    def keep(self, lengths: Iterable[int]) -> list[dedup.Where]:
        """Chunks of so many bytes lie at the beginning of `room`: where each of them is or will be. Only
        what is new stays in the block."""
        buffer = self._buffer
        assert buffer is not None
        start, places = self._fill, []
        for length in lengths:
            raw = buffer[start : start + length]
            where, new = flow.claim(self._window, raw)
            if new is not None:
                if start != self._fill:
                    buffer[self._fill : self._fill + length] = raw
                self._fill += length
                self._chunks.append(new)
            places.append(where)
            start += length
        if self._fill >= BLOCK_BYTES:
            self.flush()
        return places

    def flush(self) -> None:
        """Hand over what there is."""
        if self._chunks and self._buffer is not None:
            self._crew.submit(Job(self._buffer, block=self._chunks, fill=self._fill))
            self._buffer, self._fill, self._chunks = None, 0, []
