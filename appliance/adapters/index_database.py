"""The SQLite file of the dedup index: its tables, and whether it may be used at all.

Durable on every commit. Another version or damage is an error: the caller forgets such a file.
"""

from __future__ import annotations

import errno
import os
import secrets
import sqlite3
import stat

VERSION = 1
_OWN_FILE = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC

SCHEMA = f"""
CREATE TABLE packs (number INTEGER PRIMARY KEY AUTOINCREMENT, id BLOB NOT NULL UNIQUE,
                    acknowledged BLOB NOT NULL);
CREATE TABLE chunks (name BLOB PRIMARY KEY, place BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE scans (folder BLOB NOT NULL, leaf BLOB NOT NULL, record BLOB NOT NULL,
                    PRIMARY KEY (folder, leaf)) WITHOUT ROWID;
CREATE TABLE facts (name TEXT PRIMARY KEY, value INTEGER NOT NULL);
PRAGMA user_version = {VERSION};
"""


def opened(path: str) -> sqlite3.Connection:
    """The database, made if it is not there. sqlite3.DatabaseError or ValueError when it is not to be
    used. Any thread may use the connection, one at a time."""
    _require_file(path)
    database = sqlite3.connect(path, isolation_level="IMMEDIATE", check_same_thread=False)
    try:
        database.execute("PRAGMA temp_store = MEMORY")
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("PRAGMA synchronous = FULL")
        version = database.execute("PRAGMA user_version").fetchone()[0]
        if version == 0:
            database.executescript(f"BEGIN IMMEDIATE; {SCHEMA} COMMIT;")
        elif version != VERSION:
            raise ValueError(f"it is of version {version}")
        elif database.execute("PRAGMA quick_check(1)").fetchone()[0] != "ok":
            raise ValueError("it is damaged")
    except BaseException:
        database.close()
        raise
    return database


def remove(path: str) -> None:
    """Forget the file and its journals. A folder that somebody planted under such a name is moved away."""
    for suffix in ("", "-wal", "-shm"):
        name = path + suffix
        if os.path.isdir(name) and not os.path.islink(name):
            os.rename(name, f"{name}-strange-{secrets.token_hex(8)}")
        elif os.path.lexists(name):
            os.unlink(name)


def _require_file(path: str) -> None:
    """Make it for its owner's eyes if it is not there. ValueError for a link, a folder or a FIFO."""
    try:
        number = os.open(path, _OWN_FILE, 0o600)
    except OSError as error:
        if error.errno in {errno.ELOOP, errno.EISDIR, errno.ENXIO}:
            raise ValueError(f"it is no file: {error.strerror}") from None
        raise
    is_file = stat.S_ISREG(os.fstat(number).st_mode)
    os.close(number)
    if not is_file:
        raise ValueError("it is no file")
