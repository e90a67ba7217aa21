"""Telling the service manager: ready, alive, stopping. Does nothing where none listens."""

from __future__ import annotations

import contextlib
import os
import socket


def tell(text: str) -> None:
    """One datagram to NOTIFY_SOCKET, as sd_notify(3) describes."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address:
        return
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as line:
        line.setblocking(False)
        line.sendto(text.encode("ascii", "replace"), "\0" + address[1:] if address[0] == "@" else address)
