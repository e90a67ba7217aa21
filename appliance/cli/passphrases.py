"""Where the holders' passphrases come from: lines of a descriptor, or a hidden prompt (`ports.Ask`).

Never an argument, never the environment; no error here quotes what was read. Judges no passphrase.
"""

from __future__ import annotations

import fcntl
import getpass
import os
import warnings
from dataclasses import dataclass

from appliance.cli.face import Face
from appliance.cli.live import LiveScreen
from appliance.errors import UsageError
from appliance.words import N_

DESCRIPTOR_MAX = (1 << 31) - 1  # descriptors are C ints
LINE_BYTES_MAX = 1024  # bytes; a generated passphrase takes 71, and a line without end must not fill memory


class Lines:
    """One line of a descriptor for each token, UTF-8, ended by LF or CRLF."""

    def __init__(self, descriptor: int) -> None:
        """UsageError where nothing can be read. To be made before this program opens files of its own,
        one of which could get that number."""
        self._descriptor = descriptor
        try:
            mode = fcntl.fcntl(descriptor, fcntl.F_GETFL) & os.O_ACCMODE
        except OSError as error:
            raise self._unusable(error.strerror) from None
        if mode == os.O_WRONLY:
            raise self._unusable("it is not open for reading")

    def __call__(self, token: str, holder: int | None) -> str | None:  # noqa: ARG002 - as ports.Ask has them
        """The next line, also for what is no token: the lines after it belong to the tokens after it."""
        line = bytearray()
        while not line.endswith(b"\n"):
            byte = self._byte()
            if not byte:
                break
            line += byte
            if len(line) > LINE_BYTES_MAX:
                raise self._unusable(f"a line is longer than {LINE_BYTES_MAX} bytes")
        # What is not UTF-8 is a wrong passphrase; the decoder's own error would carry the line about.
        return line.decode("utf-8", "replace").removesuffix("\n").removesuffix("\r")

    def _byte(self) -> bytes:
        """One at a time: what follows our lines stays for others who have the descriptor."""
        try:
            return os.read(self._descriptor, 1)
        except OSError as error:
            raise self._unusable(error.strerror) from None

    def _unusable(self, reason: str | None) -> UsageError:
        return UsageError(detail=f"--passphrase-fd {self._descriptor}: {reason}")


@dataclass(frozen=True, slots=True)
class Prompt:
    """A hidden prompt on the terminal."""

    face: Face
    screen: LiveScreen

    def __call__(self, token: str, holder: int | None) -> str | None:
        """None at the end of input, and where the terminal would show what is typed."""
        if holder is None:
            return None
        question = self.face.text(
            N_("Passphrase of the token of holder {holder} ({token}): "), holder=holder, token=token
        )
        try:
            with self.screen.aside(), warnings.catch_warnings():
                warnings.simplefilter("error", getpass.GetPassWarning)
                return getpass.getpass(question)
        except (EOFError, getpass.GetPassWarning):
            return None
        except UnicodeDecodeError:
            return "\N{REPLACEMENT CHARACTER}"  # no passphrase has other letters than ASCII: a wrong one
