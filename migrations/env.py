"""How migrations run: one at a time, each in a transaction of its own.

None may hold up a collector that writes, unless the changelog says that collectors are stopped for it.

`collector.store.schema.migrate` calls this with an open connection; it is not meant to be run by hand.

Rules:
1. Two that start at once take turns: an advisory lock in PostgreSQL, the write lock in SQLite. The second finds
   nothing to do.
2. A statement that cannot have its lock in time gives up instead of queueing: everyone behind it in the queue would
   wait too. Run `roomwatch migrate` again when it is calmer.
3. In PostgreSQL each migration is a transaction; in SQLite all of them are one.
"""

from __future__ import annotations

from typing import Any, Final

from alembic import context
from sqlalchemy import Connection

from collector.store.tables import metadata

# "roomwatc" as a number: whoever else uses advisory locks in this database chose another.
LOCK: Final = int.from_bytes(b"roomwatc") >> 1
LOCK_TIMEOUT: Final = "4s"
STATEMENT_TIMEOUT: Final = "60s"


def run(connection: Connection) -> None:
    if connection.dialect.name == "postgresql":
        run_on_postgresql(connection)
    else:
        run_on_sqlite(connection)


def run_on_postgresql(connection: Connection) -> None:
    connection.exec_driver_sql(f"SELECT pg_advisory_lock({LOCK})")
    try:
        connection.exec_driver_sql(f"SET lock_timeout TO '{LOCK_TIMEOUT}'")
        connection.exec_driver_sql(f"SET statement_timeout TO '{STATEMENT_TIMEOUT}'")
        connection.commit()
        configure(connection, transaction_per_migration=True)
        with context.begin_transaction():
            context.run_migrations()
    finally:
        connection.rollback()
        connection.exec_driver_sql("RESET lock_timeout")
        connection.exec_driver_sql("RESET statement_timeout")
        connection.exec_driver_sql(f"SELECT pg_advisory_unlock({LOCK})")
        connection.commit()


def run_on_sqlite(connection: Connection) -> None:
    with connection.begin():
        # SQLite cannot alter most things of a table: batch mode copies it.
        configure(connection, render_as_batch=True)
        context.run_migrations()


def configure(connection: Connection, **how: Any) -> None:
    context.configure(connection=connection, target_metadata=metadata, include_name=is_ours, compare_type=True, **how)


def is_ours(name: str | None, kind: str, _parents: object) -> bool:
    """Days of `events` come and go with the data; they are no part of the schema."""
    return not (kind == "table" and name is not None and name.startswith("events_"))


run(context.config.attributes["connection"])
