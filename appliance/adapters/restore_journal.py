"""What a restore has finished, kept in its target so that `--resume` can go on.

One line of JSON per finished step, behind a first line that names the restore; each ends with its hash, so
that a flipped bit makes no step finished that is not. Lies in the target's root under a name that no source
can have (a source's name has no dot). Knows no files of the restore.
"""

from __future__ import annotations

import errno
import io
import json
import os
import stat
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import BinaryIO

from blake3 import blake3

NAME = b".iwato-restore"
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC  # a planted FIFO is not waited for
_APPEND = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_MODE = 0o600
# bytes; a line for each batch of 65,536 objects and the name of whatever was left out of it, in hex. Where
# no owner can be set that is everything: 4 million objects with names of 100 bytes.
JOURNAL_BYTES_MAX = 1 << 30
LINE_BYTES_MAX = 1 << 26  # bytes; one such batch with names of 400 bytes. A longer line's step is done again.
_SPOIL = b" torn\n"  # ends a torn line so that it stays none, also where only its end was missing

LeftOut = list[tuple[bytes, str]]


@dataclass(slots=True, kw_only=True)
class Journal:
    """The journal as it was found. `what` is None where there is none; `left_out` is what finished
    steps could not make; `torn` that its last line was cut off."""

    what: str | None = None
    steps: set[str] = field(default_factory=set)
    left_out: LeftOut = field(default_factory=list)
    torn: bool = False

    def begin(self, root_fd: int, what: str) -> None:
        """The first line, durable before anything else is made."""
        self._append(root_fd, {"iwato-restore": 1, "what": what})
        self.what = what

    def add(self, root_fd: int, step: str, left_out: Sequence[tuple[bytes, str]]) -> None:
        """A finished step, whose files are durable already."""
        assert self.what is not None
        self._append(root_fd, {"step": step, "left_out": [[path.hex(), why] for path, why in left_out]})
        self.steps.add(step)

    def _append(self, root_fd: int, line: dict[str, object]) -> None:
        text = sealed(json.dumps(line).encode("ascii"))
        fd = os.open(NAME, _APPEND, _MODE, dir_fd=root_fd)
        try:
            rest = memoryview(_SPOIL + text if self.torn else text)
            while rest:
                rest = rest[os.write(fd, rest) :]
            os.fsync(fd)
        finally:
            os.close(fd)
        self.torn = False
        os.fsync(root_fd)


def sealed(text: bytes) -> bytes:
    """The line that says this: the text, a blank, its BLAKE3 in hexadecimal, and the line's end."""
    return b"%s %s\n" % (text, _hash(text))


def _hash(text: bytes) -> bytes:
    return blake3(text).hexdigest().encode("ascii")


def read(root_fd: int) -> Journal:
    """The journal in this directory. OSError for something else under its name. A line that is not
    one, as a power cut leaves it, counts as not written: its step is done again."""
    try:
        fd = os.open(NAME, _READ, dir_fd=root_fd)
    except FileNotFoundError:
        return Journal()
    with os.fdopen(fd, "rb") as file:
        facts = os.fstat(fd)
        if not stat.S_ISREG(facts.st_mode):
            raise OSError(errno.EINVAL, "the journal is no regular file", os.fsdecode(NAME))
        if facts.st_size > JOURNAL_BYTES_MAX:
            raise OSError(errno.EFBIG, "the journal is longer than any restore's", os.fsdecode(NAME))
        return _parsed(file)


def parse(content: bytes) -> Journal:
    """What the file's bytes say. Nothing is refused: a line that is not one is left out."""
    return _parsed(io.BytesIO(content))


def _parsed(file: BinaryIO) -> Journal:
    journal = Journal()
    while line := file.readline(LINE_BYTES_MAX):
        # The rest of a line that is too long is taken for lines, none of which is one of ours.
        journal.torn = not line.endswith(b"\n")
        if not journal.torn:
            _take(journal, line.removesuffix(b"\n"))
    return journal


def _take(journal: Journal, line: bytes) -> None:
    text, _, told = line.rpartition(b" ")
    if told != _hash(text):
        return
    try:
        content = json.loads(text)
        if journal.what is None:
            journal.what = str(content["what"])
        else:
            left_out = [(bytes.fromhex(path), str(why)) for path, why in content["left_out"]]
            journal.steps.add(str(content["step"]))
            journal.left_out += left_out
    except (ValueError, KeyError, TypeError, RecursionError):
        return
