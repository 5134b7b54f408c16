"""How rows leave PostgreSQL when they are old: whole days of events, and short statements for everything else.

Rules:
1. Each statement is a transaction of its own, takes a bounded number of rows, and passes over those that a writer
   holds: no writer waits longer than such a statement takes.
2. One at a time: whoever does it holds an advisory lock of its connection.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, Final, cast

import psycopg
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError

from collector.errors import RetentionBusy
from collector.store.days_dropped import SLICE_ROWS, aged_days, days_there, drop_days, name_days, old_rows
from collector.store.dead_letters import letters_before_us
from collector.store.retention import DAY_US, Due, Gone, Retention
from collector.store.stretches import FIVE_US, MINUTES, kept_from
from session_core.instants import utc_from_us

_LOCK: Final = int.from_bytes(b"roomages") >> 1
# A table that was just filled has no statistics: left alone, the planner would read all of it for a slice.
_BEGIN: Final = (
    "SELECT set_config('lock_timeout', '2s', false), set_config('statement_timeout', '60s', false),"
    " set_config('enable_seqscan', 'off', false), set_config('enable_hashjoin', 'off', false),"
    " set_config('enable_mergejoin', 'off', false)"
)
_SESSIONS: Final = """
    WITH old AS (
        SELECT session_id FROM sessions WHERE told_until < %(before)s AND told_until >= %(after)s
        ORDER BY told_until LIMIT %(most)s FOR UPDATE SKIP LOCKED
    ), gone AS (
        DELETE FROM sessions USING old WHERE sessions.session_id = old.session_id
        RETURNING sessions.session_id, told_until
    ), theirs AS (
        DELETE FROM outages USING gone WHERE outages.session_id = gone.session_id
        AND (opened_at < %(outages_before)s::timestamptz OR opened_at > %(outages_until)s::timestamptz) RETURNING 1
    ) SELECT (SELECT count(*) FROM gone), (SELECT max(told_until) FROM gone), (SELECT count(*) FROM theirs)
"""
_OLD: Final = """
    WITH gone AS (
        DELETE FROM {table} WHERE ctid = ANY (ARRAY(
            SELECT ctid FROM {table} WHERE {age} < %(before)s AND {age} >= %(after)s {and_only}
            ORDER BY {age} LIMIT %(most)s FOR UPDATE SKIP LOCKED
        )) RETURNING {age}
    ) SELECT count(*), max({age}) FROM gone
"""
_SIZES: Final = """
    SELECT coalesce(parent.relname, one.relname), sum(pg_total_relation_size(one.oid))::int8
    FROM pg_class AS one LEFT JOIN pg_inherits ON inhrelid = one.oid
    LEFT JOIN pg_class AS parent ON parent.oid = inhparent
    WHERE one.relkind = 'r' AND one.relnamespace = (SELECT relnamespace FROM pg_class WHERE oid = 'events'::regclass)
    AND coalesce(parent.relname, one.relname)
    IN ('events', 'sessions', 'outages', 'rollups', 'dead_letters', 'incidents') GROUP BY 1
    UNION ALL SELECT 'all', pg_database_size(current_database())
"""
_ORPHANS: Final = "AND NOT EXISTS (SELECT 1 FROM sessions WHERE sessions.session_id = outages.session_id)"


class PostgresqlAgeing:
    """The ways out. `connection` is one that `alone` gave."""

    def __init__(self, retention: Retention) -> None:
        self._retention = retention

    @contextmanager
    def alone(self, engine: Engine) -> Iterator[Connection]:
        """A connection for one who is the only one; each statement commits by itself. Raises RetentionBusy."""
        with engine.connect() as pooled:
            connection = pooled.execution_options(isolation_level="AUTOCOMMIT")
            if not connection.exec_driver_sql(f"SELECT pg_try_advisory_lock({_LOCK})").scalar_one():
                raise RetentionBusy
            try:
                connection.exec_driver_sql(_BEGIN)
                yield connection
            finally:
                # The settings go with the connection; so would the lock, but only when the server sees that.
                with suppress(SQLAlchemyError):
                    connection.exec_driver_sql(f"SELECT pg_advisory_unlock({_LOCK})")
                connection.invalidate()

    def events_due(self, connection: Connection, now_us: int) -> Due:
        """What `drop_days` would do; rows and size as the database's statistics have them."""
        driver, ordinary = _driver(connection), self._retention.days_of_events(now_us)
        before_us = self._retention.before_us("events", now_us)
        aged = [] if before_us is None else aged_days(driver, ordinary)
        strays = 0 if before_us is None else old_rows(driver, ordinary, before_us)
        known = [one.day for one in days_there(driver) if not one.is_stray and not one.detaching]
        return Due(
            "events",
            self._retention.events_days,
            before_us,
            sum(one.rows for one in aged) + strays,
            tuple(one.name for one in aged),
            sum(one.size for one in aged),
            min(known) * DAY_US if known else None,
        )

    def sizes(self, connection: Connection) -> dict[str, int]:
        """Bytes of each table that ages, days of events together, and of the database."""
        return {str(table): int(size) for table, size in connection.exec_driver_sql(_SIZES)}

    def steps(self, connection: Connection, now_us: int) -> Iterator[Gone]:
        """Does away with what is old, a short transaction at a time."""
        driver, keeps = _driver(connection), self._retention
        ordinary = keeps.days_of_events(now_us)
        name_days(driver, ordinary, now_us // DAY_US)
        if (before_us := keeps.before_us("events", now_us)) is not None:
            yield from drop_days(driver, ordinary, before_us)
        yield from self._sessions(driver, now_us)
        if (before_us := keeps.before_us("outages", now_us)) is not None:
            yield from _slices(driver, "outages", "opened_at", utc_from_us(before_us), _ORPHANS)
        if (before_us := keeps.before_us("rollups", now_us)) is not None:
            # Notes first, so that nobody trusts what is gone. What goes counts as the minutes that it is made of.
            for length, least in kept_from(before_us).items():
                for table in (length.notes, length.sums):
                    for _ in _slices(driver, table.name, length.number.name, least):
                        yield Gone("rollups", 0)
            yield from _slices(driver, "rollups", "minute", before_us // FIVE_US * MINUTES)
        if (before_us := letters_before_us(connection, keeps, now_us)) is not None:
            yield from _slices(driver, "dead_letters", "stored_at", utc_from_us(before_us))
        if (before_us := keeps.before_us("incidents", now_us)) is not None:
            yield from _slices(driver, "incidents", "told_at", utc_from_us(before_us))

    def _sessions(self, driver: psycopg.Connection[Any], now_us: int) -> Iterator[Gone]:
        before_us = self._retention.before_us("sessions", now_us)
        if before_us is None:
            return
        outages_before_us = self._retention.before_us("outages", now_us)
        with_session = self._retention.outages_days == self._retention.sessions_days
        # Where outages stay longer than sessions, one of a clock that was ahead would stay for years.
        forever = "-infinity" if outages_before_us is None else utc_from_us(outages_before_us)
        values = {
            "before": utc_from_us(before_us),
            "after": utc_from_us(0),
            "most": SLICE_ROWS,
            "outages_before": "infinity" if with_session else forever,
            "outages_until": utc_from_us(now_us + DAY_US),
        }
        while True:
            row = driver.execute(_SESSIONS, values).fetchone()
            if row is None or not row[0]:
                return
            values["after"] = row[1]
            yield Gone("sessions", row[0])
            yield Gone("outages", row[2])


def _slices(
    driver: psycopg.Connection[Any], table: str, age: str, before: object, and_only: str = ""
) -> Iterator[Gone]:
    statement = _OLD.format(table=table, age=age, and_only=and_only)
    # From where the last slice ended: what was deleted before it need not be looked through again.
    after: Any = -(2**31) if isinstance(before, int) else utc_from_us(0)
    while True:
        row = driver.execute(statement, {"before": before, "after": after, "most": SLICE_ROWS}).fetchone()
        if row is None or not row[0]:
            return
        after = row[1]
        yield Gone(table, row[0])


def _driver(connection: Connection) -> psycopg.Connection[Any]:
    return cast("psycopg.Connection[Any]", connection.connection.driver_connection)
