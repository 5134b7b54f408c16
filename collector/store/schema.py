"""Brings a store to the schema of this program, and refuses one that has another.

Migrations are Alembic's and lie in `migrations/`; locks and time-outs are taken in its env.py, so that they hold for
whoever runs it.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, NamedTuple

from alembic import command
from sqlalchemy import Connection, Engine, column, inspect, select, table
from sqlalchemy.exc import SQLAlchemyError

from collector.errors import SchemaMismatch, StoreUnreachable
from collector.store.failures import meaning, plainly
from collector.store.schema_version import MIGRATE, expected_version, is_known, migrations_config
from collector.store.sqlite_connection import writing
from collector.store.tables import SCHEMA_VERSION_TABLE
from collector.store.url import masked

_UPGRADE = "pip install --upgrade roomwatch"
# Alembic keeps what it is at in the module, one for the process.
_ALEMBIC: Final = threading.Lock()
_version = table(SCHEMA_VERSION_TABLE, column("version_num"))


class SchemaState(NamedTuple):
    """The version that the store has, None without tables, and the one that this program needs."""

    found: str | None
    expected: str

    @property
    def mend(self) -> str | None:
        """The command that makes the two equal; None where they are."""
        if self.found == self.expected:
            return None
        return MIGRATE if self.found is None or is_known(self.found) else _UPGRADE


def schema_state(engine: Engine) -> SchemaState:
    """Asks the store for its version. Raises StoreUnreachable where nobody answers or lets us in."""
    with reached(engine) as connection, plainly(engine):
        if not inspect(connection).has_table(SCHEMA_VERSION_TABLE):
            return SchemaState(None, expected_version())
        return SchemaState(connection.scalar(select(_version.c.version_num)), expected_version())


def require_schema(engine: Engine) -> None:
    """Raises SchemaMismatch with the command that mends it, unless the store has the schema of this program."""
    state = schema_state(engine)
    if state.mend is not None:
        raise SchemaMismatch(state.found, state.expected, state.mend)


def migrate(engine: Engine) -> SchemaState:
    """Brings the store to this program's schema and returns the state it was in before.

    Does nothing where it is there already; two processes at once take turns. Raises StoreUnreachable; SchemaMismatch
    for a store of a newer program; StoreUnavailable where a lock could not be had in time.
    """
    before = schema_state(engine)
    if before.mend == _UPGRADE:
        raise SchemaMismatch(before.found, before.expected, _UPGRADE)
    if before.mend is not None:
        config = migrations_config()
        with _ALEMBIC, reached(engine) as connection, plainly(engine):
            config.attributes["connection"] = writing(connection)
            command.upgrade(config, "head")
    return before


@contextmanager
def reached(engine: Engine) -> Iterator[Connection]:
    """A connection; where there is none to be had, StoreUnreachable says why."""
    try:
        connection = _connect(engine)
    except (SQLAlchemyError, OSError) as error:
        meant = meaning(engine, error)
        detail = getattr(meant, "detail", None) or str(error)
        raise StoreUnreachable(masked(engine.url), detail) from error
    with connection:
        yield connection


def _connect(engine: Engine) -> Connection:
    connection = engine.connect()
    try:
        # SQLite opens its file, and PostgreSQL may let us in, only with the first statement.
        connection.exec_driver_sql("SELECT 1")
        connection.rollback()
    except BaseException:
        connection.close()
        raise
    return connection
