"""How rows get into PostgreSQL and out of it: COPY straight into `events`, through stages into what changes.

A stage is a temporary table of a connection, emptied by each commit. Sessions are updated from it only at the version
that was read and inserted only where there is no row; the counts say whether all of them applied. New sessions are
copied straight in, which costs less, and go by the stage where one of them is there already.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from contextlib import suppress
from typing import Any, Final, cast
from uuid import UUID

import psycopg
from psycopg.adapt import Buffer, Loader
from psycopg.pq import Format
from sqlalchemy import Connection

from collector.store.changes import OffsetMove, Row
from collector.store.copy_postgresql import EPOCH_2000_US, Shape, copy_rows, event_as_sent, shape_of
from collector.store.partitions_postgresql import Days
from collector.store.place import Place
from collector.store.retention import Retention
from collector.store.statements import adding, is_row, key, names, nothing, others, replacing
from collector.store.stretches import LOCK, SLOTS, fives_of, hours_of
from collector.store.tables import events, outages, rollups, sessions

_EVENTS: Final = shape_of(events, wide=False)
_SESSIONS: Final = shape_of(sessions, wide=False)
_STAGED: Final = {table.name: shape_of(table, wide=True) for table in (sessions, outages, rollups)}
_STAGES_MADE: Final = "roomwatch_stages"
_VERSION_AT: Final = sessions.columns.keys().index("version")

# A stage has no statistics: left alone, the planner would read all of `sessions` to find a few of its rows.
# A collector that was stopped in the middle, as a machine that is moved is, must not keep its partitions' rows locked
# (see also _END_HALTED); and one that waits for them must go on polling meanwhile. Both find their batch undone and
# take it up again.
_BEGIN: Final = (
    "SELECT set_config('enable_seqscan', 'off', true), set_config('enable_hashjoin', 'off', true),"
    " set_config('enable_mergejoin', 'off', true), set_config('lock_timeout', '5s', true),"
    " set_config('statement_timeout', '60s', true), set_config('idle_in_transaction_session_timeout', '10s', true)"
)


_UPDATE_SESSIONS: Final = (
    f"UPDATE sessions SET {', '.join(f'{name} = stage.{name}' for name in others(sessions))}"
    " FROM stage_sessions AS stage WHERE sessions.session_id = stage.session_id"
    " AND sessions.version = stage.version - 1"
)
_INSERT_SESSIONS: Final = (
    f"INSERT INTO sessions ({names(sessions)}) SELECT {names(sessions)} FROM stage_sessions"
    " ORDER BY session_id ON CONFLICT DO NOTHING"
)
_PUT_OUTAGES: Final = (
    f"INSERT INTO outages ({names(outages)}) SELECT {names(outages)} FROM stage_outages ORDER BY {key(outages)}"
    f" {replacing(outages)}"
)
_ADD_ROLLUPS: Final = (
    f"WITH added AS (INSERT INTO rollups ({names(rollups)}) SELECT {names(rollups)} FROM stage_rollups"
    f" ORDER BY {key(rollups)} {adding(rollups)} RETURNING rollups.*)"
    f" SELECT {key(rollups)} FROM added AS rollups WHERE {nothing(rollups)}"
)
_DROP_EMPTY_ROLLUP: Final = f"DELETE FROM rollups WHERE {is_row(rollups, '%s')} AND {nothing(rollups)}"
# One after the other, so that two who are at the same fives queue instead of waiting for each other.
_HOLD_FIVES: Final = (
    f"SELECT pg_advisory_xact_lock_shared({LOCK}, slot) FROM"
    f" (SELECT DISTINCT five %% {SLOTS} AS slot FROM unnest(%s::int4[]) AS five) AS held"
)
_TAKE_FIVES_BACK: Final = (
    "DELETE FROM whole_fives WHERE five IN"
    " (SELECT five FROM whole_fives WHERE five = ANY (%s::int4[]) ORDER BY five FOR UPDATE)"
)
_TAKE_HOURS_BACK: Final = (
    "DELETE FROM whole_hours WHERE hour IN"
    " (SELECT hour FROM whole_hours WHERE hour = ANY (%s::int4[]) ORDER BY hour FOR UPDATE)"
)
_MINUTE_AT: Final = rollups.columns.keys().index("minute")
_FIRST_OFFSETS: Final = (
    "INSERT INTO kafka_offsets (cluster_id, topic, consumer_group, kafka_partition, next_offset)"
    " SELECT %s, %s, %s, p, n FROM unnest(%s::int4[], %s::int8[]) AS first(p, n) ORDER BY p ON CONFLICT DO NOTHING"
)
_MOVE_OFFSETS: Final = (
    "UPDATE kafka_offsets SET next_offset = move.n FROM unnest(%s::int4[], %s::int8[], %s::int8[]) AS move(p, t, n)"
    " WHERE cluster_id = %s AND topic = %s AND consumer_group = %s"
    " AND kafka_partition = move.p AND next_offset = move.t"
    " RETURNING kafka_partition"
)
# No time-out of PostgreSQL ends a COPY whose client says nothing more. So whoever has waited in vain for the offsets of
# its partitions ends the session that holds them, if that has waited for its client for nearly as long: it is that of a
# collector that is halted or gone. One that goes on after all finds its batch undone, and its partitions ours.
# A row that is only about to be there shows nobody who makes it: then every session that waits so long may be the one.
_OURS: Final = "cluster_id = %s AND topic = %s AND consumer_group = %s"
_END_HALTED: Final = (
    "WITH wanted AS (SELECT unnest(%s::int4[]) AS p),"
    f" there AS (SELECT kafka_partition AS p, xmax AS holder FROM kafka_offsets WHERE {_OURS})"
    " SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
    " WHERE datname = current_database() AND usename = current_user AND pid <> pg_backend_pid()"
    " AND backend_xid IS NOT NULL AND wait_event = 'ClientRead'"
    " AND state_change < clock_timestamp() - interval '4 s'"
    " AND (backend_xid IN (SELECT holder FROM there JOIN wanted USING (p))"
    " OR EXISTS (SELECT FROM wanted WHERE p NOT IN (SELECT p FROM there)))"
)


class PostgresqlTables:
    """The fast ways in and out. Each method works in the transaction that the connection is in."""

    def __init__(self, retention: Retention) -> None:
        self._retention = retention
        self.days = Days(retention)

    def prepare(self, connection: Connection, event_rows: Sequence[Row], now_us: int) -> frozenset[UUID]:
        """Makes the days that the events need, in transactions of its own; returns sessions that can have none."""
        _make_stages(connection)
        return self.days.make(_driver(connection), event_rows, now_us)

    def days_refused(self, now_us: int) -> frozenset[int]:
        """The days that could not be had a moment ago."""
        return self.days.refused(now_us)

    def begin(self, connection: Connection) -> None:
        """First in each transaction."""
        connection.exec_driver_sql(_BEGIN)

    def forget(self) -> None:
        """What was known of the tables may have changed."""
        self.days = Days(self._retention)

    def move_offsets(self, connection: Connection, place: Place, moves: Sequence[OffsetMove], *, first: bool) -> int:
        """Moves the offsets that stand where they are expected; returns how many. `first` makes missing rows."""
        columns: tuple[list[int], ...] = tuple(list(values) for values in zip(*moves, strict=True))
        driver = _driver(connection)
        try:
            if first:
                driver.execute(_FIRST_OFFSETS, (*place, columns[0], columns[1]))
            return driver.execute(_MOVE_OFFSETS, (*columns, *place)).rowcount
        except psycopg.errors.LockNotAvailable:
            driver.rollback()
            driver.execute(_END_HALTED, (columns[0], *place))
            driver.commit()
            raise

    def put_events(self, connection: Connection, rows: Sequence[Row]) -> None:
        """New rows."""
        copy_rows(_driver(connection), "events", _EVENTS, rows, event_as_sent)

    def put_sessions(self, connection: Connection, rows: Sequence[Row]) -> int:
        """Rows whose version follows the stored one; returns how many applied."""
        new = [row for row in rows if row[_VERSION_AT] == 1]
        known = [row for row in rows if row[_VERSION_AT] != 1]
        applied = self._insert_sessions(connection, new) if new else 0
        if known:
            self._stage(connection, "sessions", known)
            applied += _driver(connection).execute(_UPDATE_SESSIONS).rowcount
        return applied

    def _insert_sessions(self, connection: Connection, rows: Sequence[Row]) -> int:
        driver = _driver(connection)
        if all(_SESSIONS.fits(row) for row in rows):
            with suppress(psycopg.errors.UniqueViolation), driver.transaction():
                copy_rows(driver, "sessions", _SESSIONS, rows)
                return len(rows)
        self._stage(connection, "sessions", rows)
        return driver.execute(_INSERT_SESSIONS).rowcount

    def put_outages(self, connection: Connection, rows: Sequence[Row]) -> None:
        """Rows that are new or replace what is there."""
        self._stage(connection, "outages", rows)
        _driver(connection).execute(_PUT_OUTAGES)

    def add_rollups(self, connection: Connection, rows: Sequence[Row]) -> None:
        """Rows whose sums are added to what is there; what comes to nothing by that is there no more."""
        self._stage(connection, "rollups", rows)
        # Behind the last COPY, which nothing ends where a writer is halted in it: others may wait for these.
        fives = fives_of({row[_MINUTE_AT] for row in rows})
        _driver(connection).execute(_HOLD_FIVES, [fives])
        # An hour is whole while all its fives are: it goes with the first of them.
        if _driver(connection).execute(_TAKE_FIVES_BACK, [fives]).rowcount:
            _driver(connection).execute(_TAKE_HOURS_BACK, [hours_of(fives)])
        cursor = _driver(connection).cursor()
        if empty := cursor.execute(_ADD_ROLLUPS).fetchall():
            cursor.executemany(_DROP_EMPTY_ROLLUP, empty)

    def read_sessions(self, connection: Connection, ids: Collection[UUID]) -> tuple[list[Row], list[Row]]:
        """The rows of these sessions, and of their outages, in the order of the columns."""
        connection.exec_driver_sql(_BEGIN)
        cursor: psycopg.Cursor[Any] = _driver(connection).cursor(binary=True)
        cursor.adapters.register_loader("timestamptz", _MicrosLoader)
        wanted = [list(ids)]
        found = cursor.execute(_SELECT_SESSIONS, wanted).fetchall()
        return found, cursor.execute(_SELECT_OUTAGES, wanted).fetchall() if found else []

    def _stage(self, connection: Connection, table: str, rows: Sequence[Row]) -> None:
        # Emptied by the commit; but looking for a refused row fills it again and again in one transaction.
        _driver(connection).execute(_EMPTY_STAGE[table])
        copy_rows(_driver(connection), f"stage_{table}", _STAGED[table], rows)


_SELECT_SESSIONS: Final = f"SELECT {names(sessions)} FROM sessions WHERE session_id = ANY(%s::uuid[])"
_SELECT_OUTAGES: Final = f"SELECT {names(outages)} FROM outages WHERE session_id = ANY(%s::uuid[])"
_EMPTY_STAGE: Final = {table: f"DELETE FROM stage_{table}" for table in _STAGED}


class _MicrosLoader(Loader):
    """A timestamptz as µs since 1970, without a datetime between."""

    format = Format.BINARY

    def load(self, data: Buffer) -> int:
        return int.from_bytes(data, "big", signed=True) + EPOCH_2000_US


def _driver(connection: Connection) -> psycopg.Connection[Any]:
    """The connection of psycopg, whose COPY SQLAlchemy does not know; the transaction is the same."""
    return cast("psycopg.Connection[Any]", connection.connection.driver_connection)


def _make_stages(connection: Connection) -> None:
    if _STAGES_MADE in connection.info:
        return
    for table, shape in _STAGED.items():
        connection.exec_driver_sql(f"CREATE TEMPORARY TABLE stage_{table} ({_columns(shape)}) ON COMMIT DELETE ROWS")
    connection.commit()
    connection.info[_STAGES_MADE] = True


def _columns(shape: Shape) -> str:
    kinds = list(shape.types)
    for index in shape.uuids_at:
        kinds[index] = "uuid"
    for index in shape.times_at:
        kinds[index] = "timestamptz"
    kinds = ['text COLLATE "C"' if kind == "text" else kind for kind in kinds]  # as tables.py has it
    return ", ".join(f"{name} {kind}" for name, kind in zip(shape.columns, kinds, strict=True))
