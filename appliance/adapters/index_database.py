"""The SQLite file of the dedup index: its tables, and whether it may be used at all.

Durable on every commit. Another version, other tables, a value of a wrong type or damage is an error: the
caller forgets such a file. What the disk fails with is none of these.
"""

from __future__ import annotations

import errno
import os
import secrets
import sqlite3
import stat
from collections.abc import Iterator
from contextlib import closing, contextmanager

from appliance.errors import StagingFailed

VERSION = 3
NUMBER_MAX = (1 << 32) - 1  # packs; 4 bytes in the rows that refer to them
_OWN_FILE = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_JOURNALS = ("-wal", "-shm", "-journal")
_DISK_FAILS = {
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_NOMEM,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_FULL,
}

# STRICT and CHECK: quick_check then vouches for every value that is read, whoever wrote the file.
SCHEMA = f"""
CREATE TABLE packs (number INTEGER PRIMARY KEY AUTOINCREMENT CHECK (number BETWEEN 1 AND {NUMBER_MAX}),
                    id BLOB NOT NULL UNIQUE CHECK (length(id) = 32), acknowledged BLOB NOT NULL) STRICT;
CREATE TABLE chunks (name BLOB PRIMARY KEY, place BLOB NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE scans (folder BLOB NOT NULL, leaf BLOB NOT NULL, record BLOB NOT NULL,
                    PRIMARY KEY (folder, leaf)) STRICT, WITHOUT ROWID;
CREATE TABLE facts (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT;
PRAGMA user_version = {VERSION};
"""

# The next pack gets the number after these. The first table is SQLite's own and knows no types.
_NUMBERS = "SELECT seq FROM sqlite_sequence UNION ALL SELECT coalesce(max(number), 0) FROM packs"


def opened(path: str) -> sqlite3.Connection:
    """The database, made if it is not there. sqlite3.DatabaseError or ValueError when it is not to be
    used. Any thread may use the connection, one at a time."""
    _require_file(path)
    for suffix in _JOURNALS:
        if os.path.lexists(path + suffix) and not stat.S_ISREG(os.lstat(path + suffix).st_mode):
            raise ValueError("its journal is no file")
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
        else:
            _require_sound(database)
    except BaseException:
        database.close()
        raise
    return database


def is_damage(error: Exception) -> bool:
    """The index is to blame. Otherwise the disk is full or fails, and a good index is left as it is."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF not in _DISK_FAILS


@contextmanager
def failing_as_staging() -> Iterator[None]:
    """Raise what the disk fails with as what it means to the person at the box."""
    try:
        yield
    except (sqlite3.Error, OSError) as error:
        raise StagingFailed(detail=str(error)) from error


def remove(path: str) -> None:
    """Forget the file and its journals. A folder that somebody planted under such a name is moved away."""
    for suffix in ("", *_JOURNALS):
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


def _require_sound(database: sqlite3.Connection) -> None:
    """ValueError unless it has our tables and nothing but, and every value in them is of its type."""
    with closing(sqlite3.connect(":memory:")) as model:
        model.executescript(SCHEMA)
        if _tables(database) != _tables(model):
            raise ValueError("it has other tables")
    if database.execute("PRAGMA quick_check(1)").fetchone()[0] != "ok":
        raise ValueError("it is damaged")
    numbers = database.execute(_NUMBERS).fetchall()
    if not all(isinstance(number, int) and 0 <= number <= NUMBER_MAX // 2 for (number,) in numbers):
        raise ValueError("it has no numbers left")


def _tables(database: sqlite3.Connection) -> list[tuple[str, ...]]:
    return database.execute("SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY name").fetchall()
