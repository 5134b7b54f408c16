"""The store day by day: which days it holds, whether one is closed, and the rows of one, in the order of their keys.

A session belongs to the day on which it began by its client's clock, as its id says; so do its events and outages.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, Engine, Select, Table, and_, func, select

from collector.store.failures import plainly
from collector.store.reading import CORRECTION, GOING_ON
from collector.store.tables import outages, sessions
from session_core.instants import us_from_utc, utc_from_us

ROWS_AT_ONCE: Final = 20_000


def day_of(session_id: UUID) -> date:
    """The day (UTC) on which a session began."""
    return utc_from_us((session_id.int >> 80) * 1000).date()


class Days:
    """One look at the store: all that is asked within it belongs together, whatever is written meanwhile."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def held(self) -> list[date]:
        """The days that there are sessions of, oldest first."""
        found: list[date] = []
        least = UUID(int=0)
        # A look a day at the key's index, instead of one at every session.
        while (first := self._connection.scalar(_first(least))) is not None:
            found.append(day_of(first))
            least = _least(found[-1] + timedelta(days=1))
        return found

    def open_sessions(self, day: date) -> int:
        """How many sessions of the day have not ended."""
        query = select(func.count()).select_from(sessions).where(_of(sessions, day), sessions.c.fate.in_(GOING_ON))
        return self._connection.scalar(query) or 0

    def count(self, table: Table, day: date) -> int:
        """How many rows of the table `rows` gives of the day."""
        return self._connection.scalar(_whose(select(func.count()), table).where(_of(table, day))) or 0

    def rows(self, table: Table, day: date, columns: list[str]) -> Iterator[list[tuple[Any, ...]]]:
        """These columns of the day's rows, some rows at a time.

        `correction_us`, of sessions and outages, is what to add to the times that the session's client told.
        """
        wanted = [CORRECTION.label(name) if name == "correction_us" else table.c[name] for name in columns]
        query = _whose(select(*wanted), table).where(_of(table, day)).order_by(*table.primary_key.columns)
        result = self._connection.execution_options(yield_per=ROWS_AT_ONCE).execute(query)
        for some in result.partitions():
            yield [tuple(row) for row in some]


@contextmanager
def look(engine: Engine) -> Iterator[Days]:
    """A look at the store, as it stands now. Raises StoreUnavailable or SchemaMismatch, as what is asked in it does."""
    with plainly(engine), engine.connect() as connection:
        if connection.dialect.name == "postgresql":
            connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
        with connection.begin():
            yield Days(connection)


def _least(day: date) -> UUID:
    """The least id that a session which began on that day may have."""
    begins_us = us_from_utc(datetime.combine(day, time(), UTC))
    return UUID(int=begins_us // 1000 << 80)


def _first(least: UUID) -> Any:
    return select(sessions.c.session_id).where(sessions.c.session_id >= least).order_by(sessions.c.session_id).limit(1)


def _whose(query: Select[Any], table: Table) -> Select[Any]:
    """Of outages those whose session is there: where they are kept for longer, nobody could say when they were."""
    if table is outages:
        return query.select_from(outages.join(sessions, sessions.c.session_id == outages.c.session_id))
    return query.select_from(table)


def _of(table: Table, day: date) -> ColumnElement[bool]:
    return and_(table.c.session_id >= _least(day), table.c.session_id < _least(day + timedelta(days=1)))
