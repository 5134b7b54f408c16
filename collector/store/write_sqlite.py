"""How rows get into SQLite and out of it: executemany with tuples, in one transaction that holds the write lock."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from itertools import islice
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Connection, Table

from collector.store.changes import OffsetMove, Row
from collector.store.place import Place
from collector.store.statements import adding, is_row, names, nothing, others, replacing
from collector.store.stretches import fives_of, hours_of
from collector.store.tables import Uuid, events, outages, rollups, sessions

IDS_AT_ONCE: Final = 500
"""Parameters of one statement: SQLite takes 999 everywhere."""


def _insert(table: Table) -> str:
    return f"INSERT INTO {table.name} ({names(table)}) VALUES ({', '.join('?' * len(table.columns))})"


def _as_sqlite(table: Table) -> Callable[[Row], Row]:
    """From a row of ours to SQLite's: ids are 16 bytes."""
    ids_at = [index for index, column in enumerate(table.columns) if isinstance(column.type, Uuid)]

    def convert(row: Row) -> Row:
        values = list(row)
        for index in ids_at:
            if (value := values[index]) is not None:
                values[index] = value.bytes
        return tuple(values)

    return convert


def _from_sqlite(table: Table) -> Callable[[Sequence[Any]], Row]:
    """And back."""
    ids_at = [index for index, column in enumerate(table.columns) if isinstance(column.type, Uuid)]

    def convert(row: Sequence[Any]) -> Row:
        values = list(row)
        for index in ids_at:
            if (value := values[index]) is not None:
                values[index] = UUID(bytes=value)
        return tuple(values)

    return convert


_VERSION_AT: Final = sessions.columns.keys().index("version")
_INSERT_EVENTS: Final = _insert(events)
_INSERT_SESSIONS: Final = f"{_insert(sessions)} ON CONFLICT DO NOTHING"
_UPDATE_SESSIONS: Final = (
    f"UPDATE sessions SET {', '.join(f'{name} = ?' for name in others(sessions))} WHERE session_id = ? AND version = ?"
)
_PUT_OUTAGES: Final = f"{_insert(outages)} {replacing(outages)}"
_ADD_ROLLUPS: Final = f"{_insert(rollups)} {adding(rollups)}"
_DROP_EMPTY_ROLLUP: Final = f"DELETE FROM rollups WHERE {is_row(rollups, '?')} AND {nothing(rollups)}"
_MINUTE_AT: Final = rollups.columns.keys().index("minute")
_SUMS: Final = len(others(rollups))
_FIRST_OFFSET: Final = (
    "INSERT INTO kafka_offsets (cluster_id, topic, consumer_group, kafka_partition, next_offset)"
    " VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING"
)
_MOVE_OFFSET: Final = (
    "UPDATE kafka_offsets SET next_offset = ?"
    " WHERE cluster_id = ? AND topic = ? AND consumer_group = ? AND kafka_partition = ? AND next_offset = ?"
)
_event_to_sqlite: Final = _as_sqlite(events)
_session_to_sqlite: Final = _as_sqlite(sessions)
_outage_to_sqlite: Final = _as_sqlite(outages)
_session_from_sqlite: Final = _from_sqlite(sessions)
_outage_from_sqlite: Final = _from_sqlite(outages)


class SqliteTables:
    """The fast ways in and out. Each method works in the transaction that the connection is in."""

    def prepare(self, connection: Connection, event_rows: Sequence[Row], now_us: int) -> frozenset[UUID]:
        """Nothing: `events` is one table here."""
        del connection, event_rows, now_us
        return frozenset()

    def days_refused(self, now_us: int) -> frozenset[int]:
        """None: `events` is one table here."""
        del now_us
        return frozenset()

    def begin(self, connection: Connection) -> None:
        """Nothing: the connection begins with the write lock."""

    def forget(self) -> None:
        """Nothing is known that could change."""

    def move_offsets(self, connection: Connection, place: Place, moves: Sequence[OffsetMove], *, first: bool) -> int:
        """Moves the offsets that stand where they are expected; returns how many. `first` makes missing rows."""
        if first:
            connection.exec_driver_sql(_FIRST_OFFSET, [(*place, move.partition, move.tracked) for move in moves])
        values = [(move.next_offset, *place, move.partition, move.tracked) for move in moves]
        return connection.exec_driver_sql(_MOVE_OFFSET, values).rowcount

    def put_events(self, connection: Connection, rows: Sequence[Row]) -> None:
        """New rows."""
        connection.exec_driver_sql(_INSERT_EVENTS, list(map(_event_to_sqlite, rows)))

    def put_sessions(self, connection: Connection, rows: Sequence[Row]) -> int:
        """Rows whose version follows the stored one; returns how many applied."""
        values = list(map(_session_to_sqlite, rows))
        new = [row for row in values if row[_VERSION_AT] == 1]
        applied = connection.exec_driver_sql(_INSERT_SESSIONS, new).rowcount if new else 0
        known = [(*row[1:], row[0], row[_VERSION_AT] - 1) for row in values if row[_VERSION_AT] != 1]
        return applied + (connection.exec_driver_sql(_UPDATE_SESSIONS, known).rowcount if known else 0)

    def put_outages(self, connection: Connection, rows: Sequence[Row]) -> None:
        """Rows that are new or replace what is there."""
        connection.exec_driver_sql(_PUT_OUTAGES, list(map(_outage_to_sqlite, rows)))

    def add_rollups(self, connection: Connection, rows: Sequence[Row]) -> None:
        """Rows whose sums are added to what is there; what comes to nothing by that is there no more."""
        fives = fives_of({row[_MINUTE_AT] for row in rows})
        connection.exec_driver_sql("DELETE FROM whole_fives WHERE five = ?", [(one,) for one in fives])
        connection.exec_driver_sql("DELETE FROM whole_hours WHERE hour = ?", [(one,) for one in hours_of(fives)])
        connection.exec_driver_sql(_ADD_ROLLUPS, list(rows))
        connection.exec_driver_sql(_DROP_EMPTY_ROLLUP, [row[:-_SUMS] for row in rows])

    def read_sessions(self, connection: Connection, ids: Collection[UUID]) -> tuple[list[Row], list[Row]]:
        """The rows of these sessions, and of their outages, in the order of the columns."""
        found: list[Row] = []
        their_outages: list[Row] = []
        for some in _slices(ids):
            marks = ", ".join("?" * len(some))
            rows = connection.exec_driver_sql(_SELECT_SESSIONS.format(marks), some)
            found += map(_session_from_sqlite, rows)
            rows = connection.exec_driver_sql(_SELECT_OUTAGES.format(marks), some)
            their_outages += map(_outage_from_sqlite, rows)
        return found, their_outages


_SELECT_SESSIONS: Final = f"SELECT {names(sessions)} FROM sessions WHERE session_id IN ({{}})"
_SELECT_OUTAGES: Final = f"SELECT {names(outages)} FROM outages WHERE session_id IN ({{}})"


def _slices(ids: Collection[UUID]) -> Iterator[tuple[bytes, ...]]:
    pending = iter(ids)
    while some := tuple(session_id.bytes for session_id in islice(pending, IDS_AT_ONCE)):
        yield some
