"""How rows leave SQLite when they are old: in slices, each of which holds the one write lock for a moment.

Pages that become free are filled again by what comes; the file does not shrink. docs/retention.md says why.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Connection, Engine

from collector.store.dead_letters import letters_before_us
from collector.store.retention import DAY_US, Due, Gone, Retention
from collector.store.sqlite_connection import writing
from collector.store.stretches import FIVE_US, MINUTES, kept_from

SLICE_ROWS: Final = 2_000
"""Some 4 ms of the write lock for events, 26 ms for sessions with their outages."""
_LAST_ID: Final = b"\xff" * 16

_SOME_EVENTS: Final = (
    "SELECT session_id, seq FROM events WHERE (session_id, seq) > (?, ?) AND session_id < ?"
    " ORDER BY session_id, seq LIMIT 1 OFFSET ?"
)
_DELETE_EVENTS: Final = (
    "DELETE FROM events WHERE (session_id, seq) > (?, ?) AND (session_id, seq) <= (?, ?) AND session_id < ?"
    " AND append_at < ?"
)
_OLD_SESSIONS: Final = "SELECT {key} FROM sessions WHERE told_until < ? ORDER BY told_until, rowid LIMIT ?"
_THEIR_OUTAGES: Final = (
    f"DELETE FROM outages WHERE session_id IN ({_OLD_SESSIONS.format(key='session_id')})"
    " AND (opened_at < ? OR opened_at > ?)"
)
_SESSIONS: Final = f"DELETE FROM sessions WHERE rowid IN ({_OLD_SESSIONS.format(key='rowid')})"
_OLD: Final = (
    "DELETE FROM {table} WHERE rowid IN (SELECT rowid FROM {table} WHERE {age} < ? {and_only} ORDER BY {age} LIMIT ?)"
)
_ORPHANS: Final = "AND NOT EXISTS (SELECT 1 FROM sessions WHERE sessions.session_id = outages.session_id)"


class SqliteAgeing:
    """The ways out. `connection` is one that `alone` gave."""

    def __init__(self, retention: Retention) -> None:
        self._retention = retention

    @contextmanager
    def alone(self, engine: Engine) -> Iterator[Connection]:
        """A connection. Two at once take turns at the write lock, and find less to do."""
        with engine.connect() as connection:
            yield writing(connection)

    def events_due(self, connection: Connection, now_us: int) -> Due:
        """Rows that are old, of sessions of right clocks and of wrong ones."""
        before_us = self._retention.before_us("events", now_us)
        oldest = connection.exec_driver_sql(
            "SELECT min(session_id) FROM events WHERE session_id >= ?", (self._ordinary(now_us)[0],)
        ).scalar_one()
        rows = 0
        for first, end in self._ranges(now_us) if before_us is not None else ():
            rows += connection.exec_driver_sql(
                "SELECT count(*) FROM events WHERE session_id >= ? AND session_id < ? AND append_at < ?",
                (first, end, before_us),
            ).scalar_one()
        return Due("events", self._retention.events_days, before_us, rows, oldest_us=_day_us(oldest))

    def sizes(self, connection: Connection) -> dict[str, int]:
        """Bytes of the file; what each table takes of it SQLite does not know everywhere."""
        pages, size = (
            connection.exec_driver_sql(f"PRAGMA {name}").scalar_one() for name in ("page_count", "page_size")
        )
        return {"all": pages * size}

    def steps(self, connection: Connection, now_us: int) -> Iterator[Gone]:
        """Does away with what is old, a short transaction at a time."""
        keeps = self._retention
        if (before_us := keeps.before_us("events", now_us)) is not None:
            for first, end in self._ranges(now_us):
                yield from _events(connection, first, end, before_us)
        yield from self._sessions(connection, now_us)
        if (before_us := keeps.before_us("outages", now_us)) is not None:
            yield from _slices(connection, "outages", "opened_at", before_us, _ORPHANS)
        if (before_us := keeps.before_us("rollups", now_us)) is not None:
            # Notes first, so that nobody trusts what is gone. What goes counts as the minutes that it is made of.
            for length, least in kept_from(before_us).items():
                for table in (length.notes, length.sums):
                    for _ in _slices(connection, table.name, length.number.name, least):
                        yield Gone("rollups", 0)
            yield from _slices(connection, "rollups", "minute", before_us // FIVE_US * MINUTES)
        with connection.begin():
            before_us = letters_before_us(connection, keeps, now_us)
        if before_us is not None:
            yield from _slices(connection, "dead_letters", "stored_at", before_us)
        if (before_us := keeps.before_us("incidents", now_us)) is not None:
            yield from _slices(connection, "incidents", "told_at", before_us)

    def _ordinary(self, now_us: int) -> tuple[bytes, bytes]:
        days = self._retention.days_of_events(now_us)
        return _first_id(days.start), _first_id(days.stop)

    def _ranges(self, now_us: int) -> tuple[tuple[bytes, bytes], ...]:
        """Ids of sessions that are old or that a wrong clock made: earlier than what is kept, and ahead of time."""
        first, end = self._ordinary(now_us)
        return ((b"\x00" * 16, first), (end, _LAST_ID))

    def _sessions(self, connection: Connection, now_us: int) -> Iterator[Gone]:
        before_us = self._retention.before_us("sessions", now_us)
        if before_us is None:
            return
        outages_before_us = self._retention.before_us("outages", now_us)
        if self._retention.outages_days == self._retention.sessions_days:
            outages_before_us = 2**62
        while True:
            with connection.begin():
                values: tuple[Any, ...] = (before_us, SLICE_ROWS, outages_before_us or -(2**62), now_us + DAY_US)
                outages = connection.exec_driver_sql(_THEIR_OUTAGES, values).rowcount
                sessions = connection.exec_driver_sql(_SESSIONS, (before_us, SLICE_ROWS)).rowcount
            if not sessions:
                return
            yield Gone("sessions", sessions)
            yield Gone("outages", outages)


def _events(connection: Connection, first: bytes, end: bytes, before_us: int) -> Iterator[Gone]:
    """Events of these sessions that were appended before, in the order of the key."""
    after: tuple[Any, Any] = (first, -1)
    while True:
        with connection.begin():
            last = connection.exec_driver_sql(_SOME_EVENTS, (*after, end, SLICE_ROWS - 1)).fetchone()
            upto = (end, 0) if last is None else (last[0], last[1])
            rows = connection.exec_driver_sql(_DELETE_EVENTS, (*after, *upto, end, before_us)).rowcount
        if rows or last is not None:
            yield Gone("events", rows)
        if last is None:
            return
        after = upto


def _slices(connection: Connection, table: str, age: str, before: int, and_only: str = "") -> Iterator[Gone]:
    statement = _OLD.format(table=table, age=age, and_only=and_only)
    while True:
        with connection.begin():
            rows = connection.exec_driver_sql(statement, (before, SLICE_ROWS)).rowcount
        if not rows:
            return
        yield Gone(table, rows)


def _first_id(day: int) -> bytes:
    return UUID(int=(day * (DAY_US // 1000)) << 80).bytes


def _day_us(session_id: bytes | None) -> int | None:
    if session_id is None:
        return None
    begun_us = (UUID(bytes=session_id).int >> 80) * 1000
    return begun_us - begun_us % DAY_US
