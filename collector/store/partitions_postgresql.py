"""Days of `events` in PostgreSQL: a partition a day, by the time that a session's id says it began.

Rules:
1. Days are made ahead (today and the next two) and on demand. There is no DEFAULT partition: it would forbid dropping
   a day while others are written.
2. A day that is neither ahead nor within the retention of events comes from a wrong clock. At most 64 such days are
   made, with names that tell them; sessions of further ones are refused.
3. A day is made beside the table and then attached, which no writer has to wait for: it is empty, so nothing is looked
   through. Who makes days holds an advisory lock, so that two collectors never wait for each other.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

import psycopg
from psycopg import sql

from collector.store.changes import Row
from collector.store.retention import DAY_US, Retention

DAY_MS: Final = DAY_US // 1000
STRAY_DAYS_MAX: Final = 64
REFUSED_FOR_US: Final = 60_000_000
"""For how long a day that could not be had is not asked for again: retention may have made room by then."""

PREFIX: Final = "events_"
STRAY_PREFIX: Final = "events_stray_"
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_LAST_DAY: Final = (datetime.max.replace(tzinfo=UTC) - _EPOCH).days  # ids reach to the year 10889, calendars do not

LOCK_OF_DAYS: Final = int.from_bytes(b"roomdays") >> 1
LOCK_TIMEOUT: Final = "5s"
# A day that is being detached is neither there for rows nor can it be made yet.
_CHILDREN: Final = """
    SELECT child.relname FROM pg_inherits JOIN pg_class AS child ON child.oid = inhrelid
    WHERE inhparent = 'events'::regclass AND NOT inhdetachpending
"""


def day_of(session_id: UUID) -> int:
    """The day that a session began, counted from 1970: a UUIDv7's first 48 bits are ms."""
    return (session_id.int >> 80) // DAY_MS


def first_id(day: int) -> UUID:
    """The least id of a day."""
    return UUID(int=(day * DAY_MS) << 80)


def partition_name(day: int, *, stray: bool) -> str:
    """`events_20261124`, or `events_stray_19700101` for a day that only a wrong clock can mean."""
    return f"{STRAY_PREFIX if stray else PREFIX}{_EPOCH + timedelta(days=day):%Y%m%d}"


def day_of_partition(name: str) -> int | None:
    """The day whose partition has this name; None for a table that is none of ours."""
    try:
        at = datetime.strptime(name.removeprefix(STRAY_PREFIX).removeprefix(PREFIX), "%Y%m%d").replace(tzinfo=UTC)
    except ValueError:
        return None
    return (at - _EPOCH).days


class Days:
    """The days that are known to be there."""

    def __init__(self, retention: Retention = Retention()) -> None:  # noqa: B008 - frozen
        self._retention = retention
        self._made: set[int] = set()
        self._refused: tuple[int, frozenset[int]] = (0, frozenset())  # since when, and which; read by other threads

    def refused(self, now_us: int) -> frozenset[int]:
        """The days that could not be had a moment ago. Any thread may ask."""
        since_us, days = self._refused
        return days if 0 <= now_us - since_us < REFUSED_FOR_US else frozenset()

    def make(self, connection: psycopg.Connection[Any], rows: Sequence[Row], now_us: int) -> frozenset[UUID]:
        """Makes the days ahead and those of these rows; returns the sessions whose day cannot be had.

        Commits a transaction of its own where there is something to make.
        """
        ordinary = self._retention.days_of_events(now_us)
        wanted = {(row[0].int >> 80) // DAY_MS for row in rows}
        missing = (wanted | set(range(now_us // DAY_US, ordinary.stop))) - self._made
        if not missing:
            return frozenset()
        refused = self._make(connection, missing, ordinary)
        if refused:
            known = self.refused(now_us)
            self._refused = (self._refused[0] if known else now_us, known | refused)
        return frozenset(row[0] for row in rows if day_of(row[0]) in refused) if refused else frozenset()

    def _make(self, connection: psycopg.Connection[Any], missing: Iterable[int], ordinary: range) -> set[int]:
        refused: set[int] = set()
        with connection.transaction():
            # A collector that is halted here must not keep the others from making days.
            idle = "set_config('idle_in_transaction_session_timeout', '10s', true)"
            connection.execute(f"SELECT set_config('lock_timeout', %s, true), {idle}", [LOCK_TIMEOUT])
            connection.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK_OF_DAYS])
            names = {name for (name,) in connection.execute(_CHILDREN)}
            there = {day for name in names if (day := day_of_partition(name)) is not None}
            strays_left = STRAY_DAYS_MAX - sum(name.startswith(STRAY_PREFIX) for name in names)
            for day in sorted(set(missing) - there, key=lambda day: abs(day - ordinary.stop)):
                stray = day not in ordinary
                if day > _LAST_DAY or (stray and strays_left <= 0):
                    refused.add(day)
                    continue
                strays_left -= stray
                make_day(connection, day, stray=stray)
                there.add(day)
        self._made = there
        return refused


def make_day(connection: psycopg.Connection[Any], day: int, *, stray: bool) -> None:
    """Makes the day, or attaches again what was detached of it. The caller holds LOCK_OF_DAYS."""
    name = sql.Identifier(partition_name(day, stray=stray))
    bounds = (sql.Literal(str(first_id(day))), sql.Literal(str(first_id(day + 1))))
    connection.execute(sql.SQL("CREATE TABLE IF NOT EXISTS {} (LIKE events INCLUDING ALL)").format(name))
    attach = sql.SQL("ALTER TABLE events ATTACH PARTITION {} FOR VALUES FROM ({}) TO ({})")
    connection.execute(attach.format(name, *bounds))
