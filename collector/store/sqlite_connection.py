"""How a connection to SQLite behaves: write-ahead log, transactions that begin where we say so.

Rule: a transaction that will write takes SQLite's one write lock when it begins (`writing`). One that read first and
then had to wait for the lock could only fail.
"""

from __future__ import annotations

import sqlite3
from typing import Final

from sqlalchemy import Connection

_WRITE_AHEAD: Final = "PRAGMA journal_mode = WAL"
_TRIES: Final = 100


def writing(connection: Connection) -> Connection:
    """This connection, whose next transactions will write. Means nothing to other databases."""
    return connection.execution_options(writes=True)


def set_pragmas(connection: sqlite3.Connection, _record: object) -> None:
    """Called with every new connection."""
    # Transactions begin in begin(), not where the driver guesses that one is needed.
    connection.isolation_level = None
    # Readers and the writer do not wait for each other; a crash of the machine may cost the newest commits, never the
    # file: their events are read from Kafka again, since the offset went with them.
    _write_ahead(connection)
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute("PRAGMA cache_size = -65536")


def _write_ahead(connection: sqlite3.Connection) -> None:
    """Of several that turn a new file to its log at once, some are told without a wait that it is locked.

    To begin a transaction waits for that lock, no longer than the connection waits for any; then it is asked again.
    """
    for _ in range(_TRIES):
        try:
            connection.execute(_WRITE_AHEAD)
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY:
                raise
            connection.execute("BEGIN IMMEDIATE")
            connection.execute("ROLLBACK")
        else:
            return
    connection.execute(_WRITE_AHEAD)


def begin(connection: Connection) -> None:
    """Called when a transaction begins."""
    connection.exec_driver_sql("BEGIN IMMEDIATE" if connection.get_execution_options().get("writes") else "BEGIN")
