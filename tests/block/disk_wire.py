"""What the server of a disk and its user share: the log's records, the control file's faults, one name.

Apart from the server, so that a machine without libfuse can collect the tests that it skips.
"""

from __future__ import annotations

import struct
from enum import IntEnum

NAME = "disk"  # the one file that a server serves
HEADER = struct.Struct("<cBQI")  # of the log: kind, disk, offset, length; a write's bytes follow
WRITE, FLUSH = b"W", b"F"
FAULT = struct.Struct("<II")  # of the control file, per disk: kind, how many further writes succeed before it


class Fault(IntEnum):
    """What a disk does wrong."""

    NONE = 0
    ERROR = 1  # writes, flushes and reads are EIO
    ERROR_ONCE = 2  # one write is EIO, and the disk is well again
    LOST = 3  # writes are acknowledged and thrown away
    READ_ERROR = 4  # reads are EIO, writes succeed
