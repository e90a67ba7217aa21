"""One client's line as bytes: whole requests out of it, answers into it, all of it bounded. No socket."""

from __future__ import annotations

from appliance.domain.request import ANSWER_BYTES_MAX, REQUEST_BYTES_MAX

WAITING_MAX = 4  # requests of one client that wait; a face asks one at a time


class LineBroken(Exception):
    """The client does not keep to DAEMON.md: it is hung up on."""


class Line:
    """See the module. `half_since_ms`: since when the newest request has been incomplete; None if none is."""

    def __init__(self) -> None:
        self._in, self._out = bytearray(), bytearray()
        self.half_since_ms: int | None = None
        self.waits = False
        """An answer is being made: further requests wait."""

    def take(self, data: bytes, now_ms: int) -> None:
        """What was read. LineBroken where too much waits or a request is too long."""
        self._in += data
        if len(self._in) > REQUEST_BYTES_MAX * WAITING_MAX:
            raise LineBroken
        end = self._in.find(b"\n")
        if (end if end >= 0 else len(self._in)) >= REQUEST_BYTES_MAX:
            raise LineBroken
        if end >= 0 or not self._in:
            self.half_since_ms = None
        elif self.half_since_ms is None:
            self.half_since_ms = now_ms

    def request(self) -> bytes | None:
        """The next whole request, unless one is being answered."""
        end = self._in.find(b"\n")
        if self.waits or end < 0:
            return None
        found = bytes(self._in[:end])
        del self._in[: end + 1]
        return found

    def answer(self, text: bytes) -> None:
        """To be written. LineBroken where the client does not read."""
        if len(self._out) + len(text) > ANSWER_BYTES_MAX:
            raise LineBroken
        self._out += text

    @property
    def pending(self) -> memoryview | None:
        """What is still to be written."""
        return memoryview(bytes(self._out[: 1 << 16])) if self._out else None

    def wrote(self, count: int) -> None:
        """So many bytes of it went."""
        del self._out[:count]
