"""The serial line towards the interlock: a bounded rate and a bounded queue. Pure, no device.

A flood fills the queue and is dropped and counted; it costs the board no time, because no more bytes
reach the interlock than the line can carry.
"""

from __future__ import annotations


class SerialLine:
    """Bytes that are on their way. `dropped`: bytes lost because the queue was full."""

    def __init__(self, *, bytes_per_ms: int, queue_bytes: int) -> None:
        self._rate, self._room = bytes_per_ms, queue_bytes
        self._queue = bytearray()
        self.dropped = 0

    def put(self, data: bytes) -> None:
        """The sender writes; what has no room is lost."""
        room = self._room - len(self._queue)
        self._queue += data[:room]
        self.dropped += max(0, len(data) - room)

    def take(self, dt_ms: int) -> bytes:
        """What arrives within `dt_ms`."""
        count = self._rate * dt_ms
        arrived = bytes(self._queue[:count])
        del self._queue[:count]
        return arrived

    def due_ms(self) -> int | None:
        """Milliseconds until everything queued has arrived; None for an idle line."""
        return -(-len(self._queue) // self._rate) if self._queue else None

    def clear(self) -> None:
        """The sender lost its supply."""
        self._queue.clear()
