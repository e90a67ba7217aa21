"""The journal: lines on standard error, each with its priority as sd-daemon(3) spells it and a stable code.

In English, as logs are searched and compared; the faces translate by code. Escaped, because a source's
name is somebody else's.
"""

from __future__ import annotations

import contextlib
import sys

from appliance.daemon import alarms
from appliance.daemon.alarm_table import TABLE
from appliance.daemon.record import Alarm

EMERGENCY, WARNING, NOTICE = 2, 4, 5
LINE_MAX = 500  # characters


def line(priority: int, text: str) -> str:
    """As it is written, without its newline."""
    shown = "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)
    return f"<{priority}>iwatod: {shown[:LINE_MAX]}"


def write(text: str, priority: int = NOTICE) -> None:
    """A full disk or a closed pipe under the journal never stops the daemon."""
    with contextlib.suppress(OSError, ValueError):
        sys.stderr.write(line(priority, text) + "\n")
        sys.stderr.flush()


def alarm(found: Alarm) -> None:
    """An alarm that is news."""
    is_emergency = TABLE[found.kind].emergency
    text = alarms.document(found)["text"]
    write(f"{found.code} alarm {found.number} ({found.kind}): {text}", EMERGENCY if is_emergency else WARNING)
