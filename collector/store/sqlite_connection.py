"""How a connection to SQLite behaves: write-ahead log, transactions that begin where we say so.

Rule: a transaction that will write takes SQLite's one write lock when it begins (`writing`). One that read first and
then had to wait for the lock could only fail.
"""

from __future__ import annotations

import sqlite3

from sqlalchemy import Connection


def writing(connection: Connection) -> Connection:
    """This connection, whose next transactions will write. Means nothing to other databases."""
    return connection.execution_options(writes=True)


def set_pragmas(connection: sqlite3.Connection, _record: object) -> None:
    """Called with every new connection."""
    # Transactions begin in begin(), not where the driver guesses that one is needed.
    connection.isolation_level = None
    # Readers and the writer do not wait for each other; a crash of the machine may cost the newest commits, never the
    # file: their events are read from Kafka again, since the offset went with them.
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute("PRAGMA cache_size = -65536")


def begin(connection: Connection) -> None:
    """Called when a transaction begins."""
    connection.exec_driver_sql("BEGIN IMMEDIATE" if connection.get_execution_options().get("writes") else "BEGIN")
