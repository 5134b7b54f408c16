"""What an error of a database means to the collector: one table, so that nobody else looks at drivers' errors.

Rules:
1. What may pass is StoreUnavailable: the same batch again. An error that nobody knows counts as that too: a collector
   that waits loses nothing.
2. Data that no attempt can store is RowRefused; tables that are not those of tables.py are SchemaMismatch.
3. The driver's sentence is kept as detail; it names no password.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from collector.errors import RowRefused, SchemaMismatch, StoreError, StoreUnavailable
from collector.store.schema_version import MIGRATE, expected_version
from collector.store.tables import metadata

# https://www.postgresql.org/docs/current/errcodes-appendix.html; everything else may pass.
_REFUSED_CLASSES: Final = ("22", "23")  # data exception, integrity constraint violation
_SCHEMA_CLASS: Final = "42"  # syntax error or access rule violation
_NOT_ALLOWED: Final = "42501"  # a right can be granted while we wait
_ABOUT_THE_SESSION: Final = "42P"  # prepared statements and cursors that a pooler mixed up; but:
_UNDEFINED: Final = ("42P01", "42P10")  # table, and what ON CONFLICT should find
_NOT_NULL: Final = "23502"
_QUERY_CANCELED: Final = "57014"

# https://www.sqlite.org/rescode.html, primary codes.
_SQLITE_NOT_NULL: Final = re.compile(r"NOT NULL constraint failed: (\w+)\.(\w+)")
_SQLITE_ERROR: Final = 1  # nearly always: no such table or column
_SQLITE_INTERRUPT: Final = 9
_SQLITE_REFUSED: Final = (18, 19, 20)  # too big, constraint, mismatch

# What a driver says before it asks the database: a text or number that it cannot encode.
_NOT_ENCODABLE: Final = (UnicodeEncodeError, OverflowError)


@contextmanager
def plainly(engine: Engine) -> Iterator[None]:
    """Turns an error of the database into a StoreError. RowRefused leaves it without saying whose row it is."""
    try:
        yield
    except StoreError:
        raise
    except Exception as error:
        meant = meaning(engine, error)
        if meant is None:
            raise
        raise meant from error


def meaning(engine: Engine, error: Exception) -> StoreError | None:
    """What the error means; None where it is none of the database's."""
    cause = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
    detail = str(cause) or type(cause).__name__
    if isinstance(cause, _NOT_ENCODABLE):
        return RowRefused((), detail)
    if isinstance(cause, PoolTimeout):
        return StoreUnavailable(detail)
    if isinstance(cause, sqlite3.Error):
        return _of_sqlite(cause, detail)
    dbapi = engine.dialect.dbapi
    if dbapi is not None and isinstance(cause, dbapi.Error):
        return _of_postgresql(cause, detail, data_error=dbapi.DataError)
    return None


def was_stopped(error: BaseException | None) -> bool:
    """Whether the database was told to stop: by its own timeout, or by whoever asked."""
    cause = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
    if isinstance(cause, sqlite3.Error):
        return getattr(cause, "sqlite_errorcode", 0) & 0xFF == _SQLITE_INTERRUPT
    return getattr(cause, "sqlstate", None) == _QUERY_CANCELED


def _of_sqlite(error: sqlite3.Error, detail: str) -> StoreError:
    extended = getattr(error, "sqlite_errorcode", 0)
    code = extended & 0xFF
    if extended == sqlite3.SQLITE_CONSTRAINT_NOTNULL and _is_new(*_SQLITE_NOT_NULL.findall(detail)):
        return _mismatch(detail)
    if code in _SQLITE_REFUSED or isinstance(error, sqlite3.DataError | sqlite3.IntegrityError):
        return RowRefused((), detail)
    return _mismatch(detail) if code == _SQLITE_ERROR else StoreUnavailable(detail)


def _of_postgresql(error: Exception, detail: str, *, data_error: type[Exception]) -> StoreError:
    sqlstate: str | None = getattr(error, "sqlstate", None)
    if sqlstate is None:
        return RowRefused((), detail) if isinstance(error, data_error) else StoreUnavailable(detail)
    if sqlstate == _NOT_NULL and _is_new(*_places(error)):
        return _mismatch(detail)
    if sqlstate.startswith(_REFUSED_CLASSES):
        return RowRefused((), detail)
    passing = sqlstate == _NOT_ALLOWED or (sqlstate.startswith(_ABOUT_THE_SESSION) and sqlstate not in _UNDEFINED)
    if sqlstate.startswith(_SCHEMA_CLASS) and not passing:
        return _mismatch(detail)
    return StoreUnavailable(detail)


def _places(error: Any) -> list[tuple[str, str]]:
    diag = getattr(error, "diag", None)
    return [(diag.table_name, diag.column_name)] if diag is not None and diag.column_name else []


def _is_new(*places: tuple[str, str]) -> bool:
    """Whether a value is missing in a column that this program does not know: the store is a newer one's."""
    return any(table in metadata.tables and column not in metadata.tables[table].columns for table, column in places)


def _mismatch(detail: str) -> SchemaMismatch:
    return SchemaMismatch(f"unknown ({detail.splitlines()[0]})", expected_version(), MIGRATE)
