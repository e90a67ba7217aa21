"""The source trees of the golden corpus, and what is written down of a tree: all that a restore owes."""

from __future__ import annotations

import hashlib
import os
import stat
from pathlib import Path
from typing import Any

BLOCK = 512  # bytes; the unit of st_blocks
_NANOSECOND = 1_234_567_890_123_456_789  # a time that only nanoseconds hold


def fill(root: Path) -> None:
    """Two sources with every kind of object that needs no privilege, and names that break programs."""
    docs, mail = os.fsencode(root / "docs"), os.fsencode(root / "mail")
    for folder in (docs, mail, docs + b"/deep", docs + b"/deep/er", docs + b"/empty folder"):
        os.mkdir(folder, 0o755)
    contents = {
        b"plain.txt": b"The cave opens only when it should.\n",
        b"empty": b"",
        b"deep/er/random": b"".join(hashlib.sha256(bytes([n])).digest() for n in range(256)) * 2,
        b"deep/er/repeats": b"again and again\n" * 40_000,
        "天岩戸.txt".encode(): "天の岩戸\n".encode(),
        b"not \xff\xfe utf-8": b"bytes\n",
        b"line\nend \x1b[31mescape": b"steers no terminal\n",
        b"-rf": b"an option?\n",
        b"n" * 255: b"the longest name\n",
    }
    for name, content in contents.items():
        _write(docs + b"/" + name, content)
    with open(docs + b"/holes", "wb") as file:
        file.truncate(3_000_000)
        file.seek(2_000_000)
        file.write(b"an island")
    os.link(docs + b"/plain.txt", docs + b"/deep/second name")
    os.symlink(b"plain.txt", docs + b"/link")
    os.symlink(b"../../nowhere", docs + b"/deep/dangling")
    os.mkfifo(docs + b"/fifo", 0o620)
    os.setxattr(docs + b"/plain.txt", b"user.iwato", b"kept\0as bytes")
    os.setxattr(docs + b"/deep", b"user.folder", b"")
    _write(mail + b"/inbox", b"From: a\n\n" * 100)
    modes = {b"plain.txt": 0o640, b"empty": 0o400, b"-rf": 0o755, b"deep/er": 0o1777, b"empty folder": 0o500}
    for name, mode in modes.items():
        os.chmod(docs + b"/" + name, mode)
    _set_times(root)


def change(root: Path) -> None:
    """What the second window finds: one file new, one changed, one gone, the rest as it was."""
    _write(os.fsencode(root / "mail" / "inbox"), b"From: b\n\n" * 120)
    _write(os.fsencode(root / "docs" / "new"), b"new in the second snapshot\n")
    (root / "docs" / "-rf").unlink()
    for path in (root / "mail" / "inbox", root / "docs" / "new", root / "docs", root / "mail"):
        os.utime(path, ns=(_NANOSECOND + 5, _NANOSECOND + 5))


def listing(root: Path) -> list[dict[str, Any]]:
    """Every object below `root`, by path. Hard links are told by the first of their paths."""
    top = os.fsencode(root)
    first: dict[tuple[int, int], bytes] = {}
    return [_facts(path, path[len(top) + 1 :], first) for path in sorted(_walk(top)) if path != top]


def _facts(path: bytes, name: bytes, first: dict[tuple[int, int], bytes]) -> dict[str, Any]:
    found = os.lstat(path)
    kind = stat.S_IFMT(found.st_mode)
    facts: dict[str, Any] = {"path": text(name), "kind": f"{kind:o}", "mtime_ns": found.st_mtime_ns}
    if stat.S_ISLNK(kind):
        return facts | {"target": text(os.readlink(path))}
    facts["mode"] = f"{stat.S_IMODE(found.st_mode):o}"
    kept = (key for key in sorted(os.listxattr(path)) if key.startswith("user."))
    facts["attributes"] = {key: os.getxattr(path, key).hex() for key in kept}
    if stat.S_ISREG(kind):
        with open(path, "rb") as file:
            facts |= {"size": found.st_size, "sha256": hashlib.sha256(file.read()).hexdigest()}
        facts["sparse"] = found.st_blocks * BLOCK < found.st_size
    if not stat.S_ISDIR(kind) and found.st_nlink > 1:
        facts["same as"] = text(first.setdefault((found.st_dev, found.st_ino), name))
    return facts


def text(name: bytes) -> str:
    """A name of any bytes, as JSON can hold it."""
    return name.decode("utf-8", "backslashreplace")


def _write(path: bytes, content: bytes) -> None:
    with open(path, "wb") as file:
        file.write(content)


def _walk(top: bytes) -> list[bytes]:
    return [top] + [
        os.path.join(folder, name) for folder, folders, files in os.walk(top) for name in folders + files
    ]


def _set_times(root: Path) -> None:
    """Whole and odd nanoseconds, and a time before 1970; children before their folders."""
    for number, path in enumerate(sorted(_walk(os.fsencode(root)), reverse=True)):
        when = -1_500_000_000 if path.endswith(b"/empty") else _NANOSECOND + number
        os.utime(path, ns=(when, when), follow_symlinks=False)
