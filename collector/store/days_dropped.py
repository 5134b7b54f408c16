"""How days of `events` that have outlived their retention leave PostgreSQL, without anybody waiting for it.

A day is detached concurrently, which locks out no reader and no writer of the other days, and is then a table of its
own that nobody else knows; dropping it takes no lock on `events`.

Rules:
1. Whoever is stopped between two steps leaves a table that the next run knows by its comment, and does away with.
2. What cannot have its lock in time gives up, and is tried again: nobody may queue behind it for long.
3. A day of a wrong clock says nothing of its rows' age: its rows go by append time, and the day when it is empty. What
   came into it in its last moment is attached again.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from typing import Any, Final, NamedTuple

import psycopg
from psycopg import sql
from psycopg.errors import LockNotAvailable, QueryCanceled

from collector.store.partitions_postgresql import (
    LOCK_OF_DAYS,
    STRAY_PREFIX,
    day_of_partition,
    make_day,
    partition_name,
)
from collector.store.retention import Gone
from session_core.instants import utc_from_us

TRIES: Final = 5
SLICE_ROWS: Final = 5_000
_MARK: Final = "aged out; roomwatch drops it"

_CHILDREN: Final = """
    SELECT child.relname, inhdetachpending,
        greatest(child.reltuples, pg_stat_get_live_tuples(child.oid), 0)::int8, pg_total_relation_size(child.oid)
    FROM pg_inherits JOIN pg_class AS child ON child.oid = inhrelid
    WHERE inhparent = 'events'::regclass ORDER BY child.relname
"""
_LEFT_BEHIND: Final = """
    SELECT relname FROM pg_class
    WHERE relkind = 'r' AND NOT relispartition AND relnamespace = (
        SELECT relnamespace FROM pg_class WHERE oid = 'events'::regclass
    ) AND obj_description(oid, 'pg_class') = %s ORDER BY relname
"""

Driver = psycopg.Connection[Any]


class Day(NamedTuple):
    """A partition. `rows` is what statistics know; `detaching`: somebody was stopped while doing that."""

    name: str
    day: int
    detaching: bool
    rows: int
    size: int

    @property
    def is_stray(self) -> bool:
        """Whether a wrong clock made it."""
        return self.name.startswith(STRAY_PREFIX)


def days_there(connection: Driver) -> list[Day]:
    """Every day, in the order of names."""
    return [
        Day(name, day, detaching, rows, size)
        for name, detaching, rows, size in connection.execute(_CHILDREN)
        if (day := day_of_partition(name)) is not None
    ]


def aged_days(connection: Driver, ordinary: range) -> list[Day]:
    """Those that go as a whole, the oldest first."""
    aged = [one for one in days_there(connection) if one.day < ordinary.start and not one.is_stray]
    return sorted(aged, key=lambda one: one.day)


def old_rows(connection: Driver, ordinary: range, before_us: int) -> int:
    """Rows of wrong clocks that are old. Looks through those days, which are few and hold little."""
    rows = 0
    for one in days_there(connection):
        if one.is_stray and one.day not in ordinary and not one.detaching:
            count = sql.SQL("SELECT count(*) FROM {} WHERE append_at < %s").format(sql.Identifier(one.name))
            found = connection.execute(count, [utc_from_us(before_us)]).fetchone()
            rows += found[0] if found else 0
    return rows


def drop_days(connection: Driver, ordinary: range, before_us: int) -> Iterator[Gone]:
    """Does away with what has aged, a short step at a time. `connection` commits by itself.

    `before_us`: when rows of wrong clocks must have been appended to go.
    """
    for (name,) in connection.execute(_LEFT_BEHIND, [_MARK]).fetchall():
        _finish(connection, name)
        yield Gone("events", 0, name)
    # PostgreSQL detaches one at a time: what somebody was stopped in comes first, and what cannot be done ends the run.
    begun = [one for one in days_there(connection) if one.detaching]
    for one in begun + [one for one in aged_days(connection, ordinary) if not one.detaching]:
        if not (yield from _drop(connection, one)):
            return
    for one in days_there(connection):
        if one.is_stray and one.day not in ordinary:
            yield from _thin(connection, one, before_us)


def name_days(connection: Driver, ordinary: range, today: int) -> None:
    """Days that a wrong clock made ahead of time and that have come near are days like any other: they are named so."""
    for one in days_there(connection):
        if one.is_stray and one.day in ordinary and one.day != today:
            new = sql.Identifier(partition_name(one.day, stray=False))
            rename = sql.SQL("ALTER TABLE {} RENAME TO {}").format(sql.Identifier(one.name), new)
            _in_time(connection, rename)


def _drop(connection: Driver, one: Day) -> Generator[Gone, None, bool]:
    """Whether it went, or is whole again; False where somebody's lock was in the way for too long."""
    name = sql.Identifier(one.name)
    connection.execute(sql.SQL("COMMENT ON TABLE {} IS {}").format(name, sql.Literal(_MARK)))
    detaching = one.detaching
    for _ in range(TRIES):
        how = sql.SQL("FINALIZE" if detaching else "CONCURRENTLY")
        if _in_time(connection, sql.SQL("ALTER TABLE events DETACH PARTITION {} {}").format(name, how)):
            rows = _finish(connection, one.name)
            yield Gone("events", one.rows if rows is None else rows, one.name)
            return True
        detaching = any(other.detaching and other.name == one.name for other in days_there(connection))
        yield Gone("events", 0)
    return False


def _finish(connection: Driver, name: str) -> int | None:
    """Drops a table that was detached; 0 where it was attached again instead, for what came into it last."""
    table = sql.Identifier(name)
    stray = name.startswith(STRAY_PREFIX)
    with connection.transaction():
        # Whoever makes days might be about to attach it.
        connection.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK_OF_DAYS])
        detached = connection.execute("SELECT NOT relispartition FROM pg_class WHERE oid = to_regclass(%s)", [name])
        if detached.fetchone() != (True,):
            return 0
        if stray and connection.execute(sql.SQL("SELECT 1 FROM {} LIMIT 1").format(table)).fetchone():
            day = day_of_partition(name)
            assert day is not None  # noqa: S101 - its name is a day's, or it were not here
            connection.execute(sql.SQL("COMMENT ON TABLE {} IS NULL").format(table))
            make_day(connection, day, stray=True)
            return 0
        connection.execute(sql.SQL("DROP TABLE {}").format(table))
    return None


def _thin(connection: Driver, one: Day, before_us: int) -> Iterator[Gone]:
    """Deletes the rows of a wrong clock that are old, in the order of the key; then the day, if nothing is left."""
    table, after = sql.Identifier(one.name), ("00000000-0000-0000-0000-000000000000", -1)
    slice_of = sql.SQL(
        "WITH part AS (SELECT session_id, seq FROM {0} WHERE (session_id, seq) > (%s::uuid, %s)"
        " ORDER BY session_id, seq LIMIT %s),"
        " gone AS (DELETE FROM {0} AS e USING part WHERE e.session_id = part.session_id AND e.seq = part.seq"
        " AND append_at < %s RETURNING 1)"
        " SELECT session_id::text, seq, (SELECT count(*) FROM gone) FROM part ORDER BY part.session_id DESC,"
        " seq DESC LIMIT 1"
    ).format(table)
    while last := connection.execute(slice_of, [*after, SLICE_ROWS, utc_from_us(before_us)]).fetchone():
        after = (last[0], last[1])
        yield Gone("events", last[2], one.name)
    if connection.execute(sql.SQL("SELECT 1 FROM {} LIMIT 1").format(table)).fetchone() is None:
        yield from _drop(connection, one._replace(rows=0))


def _in_time(connection: Driver, statement: sql.Composed) -> bool:
    try:
        connection.execute(statement)
    except (LockNotAvailable, QueryCanceled):
        return False
    return True
