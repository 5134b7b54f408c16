"""What errors of a database mean: which passes, which is the data's, which is the schema's."""

import sqlite3
from collections.abc import Iterator

import psycopg
import pytest
from psycopg import errors as pg
from sqlalchemy import Engine
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from collector.errors import RowRefused, SchemaMismatch, StoreError, StoreUnavailable
from collector.store.engine import make_engine
from collector.store.failures import meaning, plainly


@pytest.fixture
def on_postgresql() -> Iterator[Engine]:
    engine = make_engine("postgresql://u@127.0.0.1:1/d")
    yield engine
    engine.dispose()


@pytest.mark.parametrize(
    ("error", "means"),
    [
        (pg.AdminShutdown, StoreUnavailable),  # 57P01
        (pg.CannotConnectNow, StoreUnavailable),  # 57P03
        (pg.ConnectionFailure, StoreUnavailable),  # 08006
        (pg.DeadlockDetected, StoreUnavailable),  # 40P01
        (pg.SerializationFailure, StoreUnavailable),  # 40001
        (pg.DiskFull, StoreUnavailable),  # 53100
        (pg.TooManyConnections, StoreUnavailable),  # 53300
        (pg.LockNotAvailable, StoreUnavailable),  # 55P03
        (pg.ReadOnlySqlTransaction, StoreUnavailable),  # 25006: a replica, until it is promoted
        (pg.InvalidPassword, StoreUnavailable),  # 28P01: rotated while we ran
        (pg.InsufficientPrivilege, StoreUnavailable),  # 42501
        (pg.DuplicatePreparedStatement, StoreUnavailable),  # 42P05: a pooler
        (psycopg.OperationalError, StoreUnavailable),
        (psycopg.InterfaceError, StoreUnavailable),
        (psycopg.InternalError, StoreUnavailable),
        (psycopg.DataError, RowRefused),  # the driver could not encode it
        (pg.NumericValueOutOfRange, RowRefused),  # 22003
        (pg.UntranslatableCharacter, RowRefused),  # 22P05
        (pg.NotNullViolation, RowRefused),  # 23502
        (pg.CheckViolation, RowRefused),  # 23514
        (pg.UniqueViolation, RowRefused),  # 23505
        (pg.UndefinedTable, SchemaMismatch),  # 42P01
        (pg.UndefinedColumn, SchemaMismatch),  # 42703
        (pg.DatatypeMismatch, SchemaMismatch),  # 42804
    ],
)
def test_each_error_of_postgresql_means_one_thing(
    on_postgresql: Engine, error: type[psycopg.Error], means: type[StoreError]
) -> None:
    assert type(meaning(on_postgresql, error("a sentence"))) is means


def sqlite_error(kind: type[sqlite3.Error], code: int) -> sqlite3.Error:
    error = kind("a sentence")
    error.sqlite_errorcode = code  # type: ignore[attr-defined, unused-ignore]
    return error


@pytest.mark.parametrize(
    ("error", "means"),
    [
        (sqlite_error(sqlite3.OperationalError, 5), StoreUnavailable),  # busy
        (sqlite_error(sqlite3.OperationalError, 5 | 2 << 8), StoreUnavailable),  # busy, and why
        (sqlite_error(sqlite3.OperationalError, 6), StoreUnavailable),  # locked
        (sqlite_error(sqlite3.OperationalError, 8), StoreUnavailable),  # read-only
        (sqlite_error(sqlite3.OperationalError, 10), StoreUnavailable),  # input, output
        (sqlite_error(sqlite3.OperationalError, 13), StoreUnavailable),  # disk full
        (sqlite_error(sqlite3.DatabaseError, 11), StoreUnavailable),  # corrupt
        (sqlite_error(sqlite3.OperationalError, 1), SchemaMismatch),  # no such table
        (sqlite_error(sqlite3.IntegrityError, 19 | 5 << 8), RowRefused),  # constraint: not null
        (sqlite_error(sqlite3.DataError, 18), RowRefused),  # too big
        (OverflowError("int too large"), RowRefused),
        (UnicodeEncodeError("utf-8", "\ud800", 0, 1, "surrogates"), RowRefused),
    ],
)
def test_each_error_of_sqlite_means_one_thing(error: Exception, means: type[StoreError]) -> None:
    engine = make_engine("sqlite://")
    assert type(meaning(engine, error)) is means


def test_an_error_that_sqlalchemy_wrapped_means_what_is_in_it(on_postgresql: Engine) -> None:
    wrapped = OperationalError("SELECT 1", {}, pg.AdminShutdown("going down"))
    meant = meaning(on_postgresql, wrapped)
    assert isinstance(meant, StoreUnavailable)
    assert meant.detail == "going down"


def test_a_pool_without_a_free_connection_passes(on_postgresql: Engine) -> None:
    assert type(meaning(on_postgresql, PoolTimeout("all taken"))) is StoreUnavailable


def test_an_error_of_ours_is_not_made_the_databases(on_postgresql: Engine) -> None:
    with pytest.raises(KeyError), plainly(on_postgresql):
        raise KeyError("a mistake")
