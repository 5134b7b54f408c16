"""What the write path is compared with: the least that a database could be asked to do with the same event rows."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from pathlib import Path

import psycopg
from sqlalchemy.engine import make_url

from collector.store.changes import EVENT_COLUMNS, EventRow

POSTGRESQL_TYPES = (
    "uuid", "int4", "text", "int8", "int8", "int8", "int4", "int8", "text", "text", "text", "text", "text", "text",
    "text", "int4", "text", "text", "int4", "int4", "int8", "text",
)  # fmt: skip
"""Of EVENT_COLUMNS, in their order; times as µs."""


def bare_insert(rows: Sequence[EventRow], size: int, path: Path) -> None:
    """The event rows into one SQLite table with their key, a transaction a batch."""
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=NORMAL")
    columns = ", ".join(EVENT_COLUMNS)
    connection.execute(f"CREATE TABLE events ({columns}, PRIMARY KEY (session_id, seq)) WITHOUT ROWID")
    insert = f"INSERT INTO events VALUES ({', '.join('?' * len(EVENT_COLUMNS))})"
    for begin in range(0, len(rows), size):
        connection.executemany(insert, [(row[0].bytes, *row[1:]) for row in rows[begin : begin + size]])
        connection.commit()
    connection.close()


def bare_copy(rows: Sequence[EventRow], size: int, url: str) -> None:
    """The event rows by binary COPY into one PostgreSQL table with their key, a transaction a batch."""
    place = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(place) as connection:
        columns = ", ".join(f"{name} {kind}" for name, kind in zip(EVENT_COLUMNS, POSTGRESQL_TYPES, strict=True))
        connection.execute(f"CREATE TABLE events ({columns}, PRIMARY KEY (session_id, seq))")
        connection.commit()
        for begin in range(0, len(rows), size):
            with connection.cursor().copy("COPY events FROM STDIN (FORMAT BINARY)") as copy:
                copy.set_types(POSTGRESQL_TYPES)
                for row in rows[begin : begin + size]:
                    copy.write_row(row)
            connection.commit()
