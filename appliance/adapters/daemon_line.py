"""A client's end of the daemon's socket: one request, one answer; or a stream of them. DAEMON.md 2."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from appliance.domain import request as words
from appliance.domain.request import Answer, AnyRequest, AskWatch
from appliance.errors import DaemonSilent, IwatoError, MessageRefused, by_code

ANSWER_S = 30  # s; reading 10^5 entries of the ledger on a slow card takes some 10
SILENCE_S = 10  # s between two lines of a stream; the daemon sends one a second
_CHUNK = 1 << 16  # bytes


class DaemonLine:
    """See the module. DaemonSilent where nobody answers."""

    def __init__(self, path: Path, answer_s: float = ANSWER_S) -> None:
        self._path, self._answer_s = path, answer_s

    @property
    def present(self) -> bool:
        """Somebody listens there. Where the daemon was killed its socket stays, and nobody does."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC) as line:
            line.settimeout(SILENCE_S)
            try:
                with _address(self._path) as address:
                    line.connect(address)
            except (ConnectionRefusedError, FileNotFoundError, NotADirectoryError):
                return False
            except OSError:
                return True  # somebody is there who does not take us
            return True

    def ask(self, request: AnyRequest) -> Mapping[str, Any]:
        """The answer's document; the error that the daemon answered with is raised."""
        with self._connected(self._answer_s) as line:
            return self._read(line, bytearray(), request)

    def watch(self) -> Iterator[Mapping[str, Any]]:
        """The status, about once a second, until the daemon goes: DaemonSilent then."""
        with self._connected(SILENCE_S) as line:
            rest = bytearray()
            yield self._read(line, rest, AskWatch())
            while True:
                yield self._read(line, rest, None)

    def _connected(self, timeout_s: float) -> socket.socket:
        line = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
        line.settimeout(timeout_s)
        try:
            with _address(self._path) as address:
                line.connect(address)
        except OSError as error:
            line.close()
            raise DaemonSilent(detail=error.strerror or str(error)) from None
        return line

    def _read(self, line: socket.socket, rest: bytearray, request: AnyRequest | None) -> Mapping[str, Any]:
        try:
            if request is not None:
                line.sendall(words.encode(request))
            while b"\n" not in rest:
                chunk = line.recv(_CHUNK)
                if not chunk:
                    raise DaemonSilent(detail="it hung up")
                rest += chunk
                if len(rest) > words.ANSWER_BYTES_MAX:
                    raise MessageRefused(detail="an answer without end")
        except OSError as error:
            raise DaemonSilent(detail=error.strerror or "no answer in time") from None
        text, _, after = bytes(rest).partition(b"\n")
        rest[:] = after
        found = words.decode_answer(text)
        if isinstance(found, Answer):
            return found.document
        raise _error(found.code, found.values)


@contextmanager
def _address(path: Path) -> Iterator[str]:
    """The socket's address by its folder's descriptor: an address has room for 107 bytes, a home may lie
    deeper. OSError where there is no such folder."""
    folder = os.open(path.parent, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)


def _error(code: str, values: Mapping[str, str | int]) -> IwatoError:
    """The daemon's refusal as the error that it is; only codes that we know, with all their values."""
    kind = by_code().get(code)
    try:
        return kind(**values) if kind is not None else MessageRefused(detail=f"it said {code}")
    except (KeyError, IndexError, TypeError, ValueError):
        return MessageRefused(detail=f"it said {code} without its values")
