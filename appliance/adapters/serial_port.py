"""The interlock's serial line on a real board: pyserial, opened again whenever it was gone.

Carries bytes; what they mean, and which to believe, is the frame protocol's (interlock.py). A line that is
unplugged, blocked or has not come up yet is silent, as PROTOCOL 4.4 expects of a line; only a port that
nobody can ever use is an error, at `open`.
"""

from __future__ import annotations

import errno
import fcntl
import select
import termios
from contextlib import suppress

from serial.serialposix import Serial

from appliance.errors import SerialBusy, SerialUnusable
from appliance.ports import Clock

BAUD = 115_200  # PROTOCOL 1.1
READ_BYTES_MAX = 4096  # bytes at once; several of the longest frames
REOPEN_MS = 200  # ms between two attempts; the interlock counts a controller as lost after 1500
WRITE_S = 0.2  # s; 2.3 KB at this rate, twice the longest frame, before a line counts as blocked
_BUSY = frozenset({errno.EAGAIN, errno.EBUSY})


class SerialPort:
    """`path`: the device, such as /dev/ttyAMA0 or a link in /dev/serial/by-path. Not opened yet. One thread
    at a time. `opened` counts how often the line came up."""

    def __init__(self, path: str, clock: Clock) -> None:
        self._path, self._clock = path, clock
        self._port: Serial | None = None
        self._tried_ms: int | None = None
        self.opened = 0

    def open(self) -> None:
        """The first time, where an error is for a person: SerialBusy, SerialUnusable."""
        try:
            self._open()
        except OSError as error:  # of which SerialException is one
            kind = SerialBusy if error.errno in _BUSY else SerialUnusable
            raise kind(path=self._path, detail=str(error)) from error

    def write(self, data: bytes) -> None:
        """Bytes for the interlock. Where there is no line they are lost, as on a cut wire."""
        port = self._reached()
        if port is None:
            return
        try:
            port.write(data)
        except (OSError, termios.error):
            self._drop()

    def read(self, timeout_ms: int) -> bytes:
        """What has come; none after `timeout_ms`. Waits also while there is no line, and tries to have it
        again."""
        end_ms = self._clock.monotonic_ms() + timeout_ms
        while True:
            left_ms = max(0, end_ms - self._clock.monotonic_ms())
            heard = self._heard(left_ms)
            if heard or not left_ms:
                return heard

    def close(self) -> None:
        """Give the device back. Repeatable; `write` and `read` would open it again."""
        self._drop()

    def _heard(self, left_ms: int) -> bytes:
        port = self._reached()
        if port is None:
            self._clock.sleep_ms(min(left_ms, REOPEN_MS))
            return b""
        try:
            if left_ms:
                poll = select.poll()
                poll.register(port.fileno(), select.POLLIN)
                poll.poll(left_ms)
            return bytes(port.read(READ_BYTES_MAX))
        except (OSError, termios.error):
            self._drop()
            return b""

    def _reached(self) -> Serial | None:
        """The open port; None while there is none, and not tried more often than REOPEN_MS."""
        if self._port is not None:
            return self._port
        now_ms = self._clock.monotonic_ms()
        if self._tried_ms is not None and now_ms - self._tried_ms < REOPEN_MS:
            return None
        with suppress(OSError):
            self._open()
        return self._port

    def _open(self) -> None:
        """OSError. Nobody else gets the device while it is ours: other programs of this kind by a file lock,
        all but root's by the terminal's own exclusive mode."""
        self._tried_ms = self._clock.monotonic_ms()
        try:
            port = Serial(
                self._path, BAUD, timeout=0, write_timeout=WRITE_S, exclusive=True, xonxoff=False
            )
        except (termios.error, ValueError) as error:  # no terminal, or one that does not know the rate
            raise OSError(errno.ENOTTY, str(error)) from error
        try:
            fcntl.ioctl(port.fileno(), termios.TIOCEXCL)
        except OSError:
            port.close()
            raise
        self._port = port
        self.opened += 1

    def _drop(self) -> None:
        port, self._port = self._port, None
        if port is None:
            return
        with suppress(OSError, termios.error):
            fcntl.ioctl(port.fileno(), termios.TIOCNXCL)
        with suppress(OSError, termios.error):
            port.close()
