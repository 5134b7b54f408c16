"""Does away with what has outlived its retention, and says beforehand what that would be. Both stores, one contract.

Rules:
1. It may be stopped between any two steps, and killed within one: the next run goes on where this one was.
2. A session that goes on stays, and so do its outages; what it adds to rollups is not taken back when it goes.
3. Methods block: call them from a thread.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Protocol

from sqlalchemy import Connection, Engine, and_, exists, func, or_, select
from sqlalchemy.sql import ColumnElement

from collector.store.ageing_sqlite import SqliteAgeing
from collector.store.dead_letters import letters_before_us
from collector.store.failures import plainly
from collector.store.pausing import PAUSE_S, Pause
from collector.store.retention import DAY_US, KINDS, Due, Gone, Retention
from collector.store.stretches import FIVE_US, MINUTES
from collector.store.tables import dead_letters, incidents, outages, rollups, sessions
from collector.store.url import POSTGRESQL


class Ways(Protocol):
    """What differs between databases."""

    def alone(self, engine: Engine) -> AbstractContextManager[Connection]:
        """A connection for one run. Raises RetentionBusy where somebody else is at it."""

    def events_due(self, connection: Connection, now_us: int) -> Due:
        """Which events are old."""

    def sizes(self, connection: Connection) -> dict[str, int]:
        """Bytes of tables with their indexes, as far as the database knows them; and of `all`."""

    def steps(self, connection: Connection, now_us: int) -> Iterator[Gone]:
        """Does away with what is old, a short transaction at a time."""


class Ageing:
    """What is old in one store."""

    def __init__(self, engine: Engine, retention: Retention) -> None:
        self._engine = engine
        self._retention = retention
        self._ways = _ways_of(engine, retention)

    def due(self, now_us: int) -> list[Due]:
        """What a run would do away with now, kind by kind. Raises StoreUnavailable or SchemaMismatch."""
        with plainly(self._engine), self._engine.connect() as connection:
            events = self._ways.events_due(connection, now_us)
            return [events, *(self._rows(connection, kind, now_us) for kind in KINDS[1:])]

    def run(self, now_us: int, pause: Pause, tell: Callable[[Gone], object]) -> bool:
        """Does it, and tells of each step. False where `pause` ended it.

        Raises RetentionBusy, StoreUnavailable or SchemaMismatch; what was done by then stays done.
        """
        with plainly(self._engine), self._ways.alone(self._engine) as connection:
            for gone in self._ways.steps(connection, now_us):
                tell(gone)
                if pause(PAUSE_S):
                    return False
        return True

    def oldest_day_us(self, now_us: int) -> int | None:
        """When the oldest day of events begins, those of wrong clocks left out; None where there are no events."""
        with plainly(self._engine), self._engine.connect() as connection:
            return self._ways.events_due(connection, now_us).oldest_us

    def sizes(self) -> dict[str, int]:
        """Bytes of tables with their indexes, as far as the database knows them; and of `all`."""
        with plainly(self._engine), self._engine.connect() as connection:
            return self._ways.sizes(connection)

    def _rows(self, connection: Connection, kind: str, now_us: int) -> Due:
        before_us = self._retention.before_us(kind, now_us)
        if kind == "dead_letters":
            before_us = letters_before_us(connection, self._retention, now_us)
        rows = 0
        if before_us is not None:
            rows = connection.execute(select(func.count()).where(self._is_old(kind, before_us, now_us))).scalar_one()
        return Due(kind, self._retention.days(kind), before_us, rows)

    def _is_old(self, kind: str, before_us: int, now_us: int) -> ColumnElement[bool]:
        match kind:
            case "sessions":
                return sessions.c.told_until < before_us
            case "rollups":
                return rollups.c.minute < before_us // FIVE_US * MINUTES
            case "dead_letters":
                return dead_letters.c.stored_at < before_us
            case "incidents":
                return incidents.c.told_at < before_us
        # With their sessions; and those whose sessions went before them.
        theirs, started = sessions.c.session_id == outages.c.session_id, outages.c.opened_at
        sessions_before_us = self._retention.before_us("sessions", now_us)
        with_session = exists().where(theirs, sessions.c.told_until < (sessions_before_us or 0))
        if self._retention.outages_days == self._retention.sessions_days:
            return or_(with_session, and_(started < before_us, ~exists().where(theirs)))
        beside = or_(started < before_us, started > now_us + DAY_US)
        return or_(and_(with_session, beside), and_(started < before_us, ~exists().where(theirs)))


def _ways_of(engine: Engine, retention: Retention) -> Ways:
    if engine.dialect.name != POSTGRESQL:
        return SqliteAgeing(retention)
    # psycopg is an extra: who keeps to SQLite need not have it.
    from collector.store.ageing_postgresql import PostgresqlAgeing  # noqa: PLC0415

    return PostgresqlAgeing(retention)
