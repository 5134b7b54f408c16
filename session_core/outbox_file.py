"""The file that an outbox is kept in: SQLite, one a publisher, locked for as long as its process lives.

Not here: threads, and when anything is written (disk.py); what the rows mean (kept.py).

Rules:
1. `outbox-….db` is an outbox, `outbox-….lock` beside it its lock (flock), which the system lets go of when the process
   dies, however it dies. Who has the lock may read what is left, send it, and remove both.
2. Only their owner may read them: they hold names and identities.
3. A lock file without content says that the disk failed the process in the middle, or was behind when it died (cut):
   what waits in the outbox is sent, but how its sessions ended is not known from it.
4. Who takes an outbox over writes its name into the own file in the same transaction as what was in it. A file that
   another one names was taken over already.
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
import tempfile
from collections.abc import Iterable
from contextlib import closing, suppress
from pathlib import Path
from typing import Any, Final, Self
from uuid import UUID

import msgspec

from session_core import wire
from session_core.errors import OutboxFileError, WireError
from session_core.kept import Left, Leftovers, Standing

VERSION: Final = 1
APPLICATION: Final = 0x524D5743
PAGES_MAX: Final = 65_536
"""Of 4 KiB each. What waits is bounded by the outbox; the rest is a kilobyte for each session that is open."""
BUSY_TIMEOUT_S: Final = 10.0

Statement = tuple[str, tuple[Any, ...]]

SCHEMA: Final = f"""
PRAGMA application_id = {APPLICATION};
CREATE TABLE waiting (ordinal INTEGER PRIMARY KEY, value BLOB NOT NULL);
CREATE TABLE sessions (
    session_id BLOB PRIMARY KEY, next_seq INTEGER NOT NULL, n INTEGER NOT NULL, state TEXT, ended INTEGER NOT NULL,
    last BLOB NOT NULL, lost TEXT
);
CREATE TABLE adopted (name TEXT PRIMARY KEY);
PRAGMA user_version = {VERSION};
"""

_decode_lost: Final = msgspec.json.Decoder(wire.Lost).decode


class Lock:
    """The lock of an outbox. `path` is that of the outbox."""

    def __init__(self, path: Path, descriptor: int) -> None:
        self.path = path
        self._descriptor = descriptor

    @classmethod
    def take(cls, path: Path) -> Self | None:
        """The lock of the outbox at `path`; None when somebody has it. Raises OSError."""
        descriptor = os.open(path.with_suffix(".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            there = path.with_suffix(".lock").stat()
        except OSError:  # somebody has it, or has just removed it with its outbox
            os.close(descriptor)
            return None
        if there.st_ino != os.fstat(descriptor).st_ino:
            os.close(descriptor)
            return None
        return cls(path, descriptor)

    @property
    def is_cut(self) -> bool:
        """Whether the file does not tell all there is."""
        return os.fstat(self._descriptor).st_size == 0

    def cut(self) -> None:
        """Says so. Works on a full disk too."""
        with suppress(OSError):
            os.ftruncate(self._descriptor, 0)

    def whole(self) -> None:
        """Says that the file tells all there is. Raises OSError."""
        os.pwrite(self._descriptor, b"roomwatch outbox\n", 0)

    def release(self) -> None:
        """Leaves the outbox to whoever comes next."""
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)

    def remove(self) -> None:
        """Removes the outbox and the lock. What cannot be removed stays."""
        with suppress(OSError):
            for ending in ("-wal", "-shm", ""):
                Path(f"{self.path}{ending}").unlink(missing_ok=True)
            self.path.with_suffix(".lock").unlink(missing_ok=True)
        self.release()


def create(folder: Path) -> tuple[sqlite3.Connection, Lock]:
    """A new outbox in this folder. Raises OSError and sqlite3.Error."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(prefix="outbox-", suffix=".lock", dir=folder)
    os.close(descriptor)
    path = Path(name).with_suffix(".db")
    lock = Lock.take(path)
    if lock is None:  # a newcomer took it for a dead one's in this very moment, and removes it
        return create(folder)
    try:
        lock.whole()
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
        connection = sqlite3.connect(path, timeout=BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False)
        connection.executescript(
            f"PRAGMA max_page_count = {PAGES_MAX}; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; "
            f"PRAGMA journal_size_limit = 4194304; {SCHEMA}"
        )
    except (OSError, sqlite3.Error):
        lock.remove()
        raise
    return connection, lock


def apply(connection: sqlite3.Connection, statements: Iterable[Statement]) -> None:
    """All of them or none. Raises sqlite3.Error."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        for sql, values in statements:
            connection.execute(sql, values)
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:  # a disk that is full has rolled back already
            connection.execute("ROLLBACK")
        raise


def read(path: Path, *, ends_sessions: bool = True) -> tuple[Leftovers, frozenset[str]]:
    """What is in an outbox, and the names of the outboxes that it took over. Raises OutboxFileError."""
    try:
        with closing(_open_to_read(path)) as connection:
            _check(connection, path)
            sessions = tuple(_left(row) for row in connection.execute("SELECT * FROM sessions ORDER BY rowid"))
            values = connection.execute("SELECT value FROM waiting ORDER BY ordinal")
            waiting = tuple((wire.decode(value).message, value) for (value,) in values)
            names = frozenset(name for (name,) in connection.execute("SELECT name FROM adopted"))
    except sqlite3.OperationalError as error:
        raise OutboxFileError(str(path), "unavailable", str(error)) from error
    except (sqlite3.Error, WireError, msgspec.DecodeError, ValueError, TypeError) as error:
        raise OutboxFileError(str(path), "unreadable", str(error)) from error
    return Leftovers(path.name, sessions, waiting, ends_sessions), names


def is_nobodys(path: Path) -> bool:
    """Whether the process died before it wrote anything: there is no file, or nothing in it."""
    try:
        return path.stat().st_size == 0 and not Path(f"{path}-wal").exists()
    except FileNotFoundError:
        return True


def _open_to_read(path: Path) -> sqlite3.Connection:
    if not path.is_file():
        raise OutboxFileError(str(path), "missing", "there is no such file")
    # Not read-only: what is still in its journal has to be put in order first.
    return sqlite3.connect(path.resolve().as_uri() + "?mode=rw", uri=True, timeout=1, isolation_level=None)


def _check(connection: sqlite3.Connection, path: Path) -> None:
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if application != APPLICATION:
        raise OutboxFileError(str(path), "unreadable", "it is not an outbox")
    if version > VERSION:
        raise OutboxFileError(str(path), "newer", f"of version {version}; this program knows {VERSION}")


def _left(row: tuple[Any, ...]) -> Left:
    session_id, next_seq, n, state, ended, last, lost = row
    standing = Standing(UUID(bytes=session_id), next_seq, n, state, bool(ended), last)
    return Left(standing, wire.decode(last).message, _decode_lost(lost) if lost else {})
