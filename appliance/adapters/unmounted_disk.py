"""What a disk says of itself before it is mounted: its header file, or that it is blank.

e2fsprogs' debugfs reads it, a program of its own that opens the disk for reading only: a crafted file system
meets no kernel driver before the header's signature held. Believes nothing of what it reads.
"""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import threading
from dataclasses import dataclass

from appliance.errors import ToolMissing
from appliance.format import drive_header

SECONDS_MAX = 20  # s; a disk that has spun up answers in a tenth of it
LIST_BYTES_MAX = 64 << 10  # bytes of a root folder's list; a vault drive has ten entries
PROBE_BYTES = 4096  # bytes; the beginning, with the superblock
_NAME_FIELD = 5  # of "/inode/mode/uid/gid/name/size/"
_BLANK = frozenset({".", "..", "lost+found"})


@dataclass(frozen=True, slots=True)
class Glance:
    """`header` is the file's content, None where there is none; `blank`: nothing but mkfs was here."""

    header: bytes | None
    blank: bool = False


def program() -> str:
    """Where debugfs is. ToolMissing."""
    found = shutil.which("debugfs", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
    if found is None:
        raise ToolMissing(program="debugfs", package="e2fsprogs")
    return found


def look(descriptor: int) -> Glance:
    """At an open disk. OSError where it does not answer, of which TimeoutError."""
    os.pread(descriptor, PROBE_BYTES, 0)  # debugfs says it in words only, if a disk fails
    header = _said(descriptor, f"cat {drive_header.FILE_NAME}", drive_header.HEADER_BYTES_MAX + 1)
    if header:
        return Glance(header)
    lines = _said(descriptor, "ls -p /", LIST_BYTES_MAX).decode("latin-1").split("\n")
    fields = [line.split("/") for line in lines if line]
    names = {parts[_NAME_FIELD] if len(parts) > _NAME_FIELD else "?" for parts in fields}
    return Glance(None, blank=bool(names) and names <= _BLANK)


def _said(descriptor: int, request: str, most: int) -> bytes:
    """What debugfs prints for one request, `most` bytes of it: a file may claim any length. Nothing where it
    finds no ext4."""
    ended = threading.Event()
    with subprocess.Popen(
        [program(), "-R", request, f"/dev/fd/{descriptor}"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        pass_fds=(descriptor,),
        env={"LC_ALL": "C", "PAGER": "cat", "DEBUGFS_PAGER": "cat"},
    ) as process:
        assert process.stdout is not None

        def end_late() -> None:
            if not ended.is_set():
                ended.set()
                process.kill()

        timer = threading.Timer(SECONDS_MAX, end_late)
        timer.start()
        said = process.stdout.read(most)
        is_late = ended.is_set()
        ended.set()
        timer.cancel()
        process.kill()
    if is_late:
        raise TimeoutError(errno.ETIMEDOUT, "the disk does not answer", f"/dev/fd/{descriptor}")
    return said
