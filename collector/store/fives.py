"""Fives: stretches of five minutes of `rollups`, summed up over Kafka partitions, so that days are few rows.

A day of ten million events has a million rows by the minute and some fifty thousand by the five.

Rules:
1. A five is summed up when it is over and what is told late has mostly come. `whole_fives` says that it was.
2. Whoever writes to one of its minutes afterwards takes that back in the same transaction: then its minutes are asked
   again, until it is summed up anew. So an answer is the same either way.
3. On PostgreSQL a five is announced first; then whoever may not have seen that is waited for; then it is summed up,
   unless somebody took it back meanwhile. A writer holds LOCK, shared, from before it takes anything back.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from typing import Final

from sqlalchemy import Connection, Engine, Transaction, func, select, text
from sqlalchemy.exc import OperationalError

from collector.store.failures import plainly
from collector.store.pausing import PAUSE_S, Pause
from collector.store.retention import DAY_US, ORDINARY_DAYS_MAX, Retention
from collector.store.sqlite_connection import writing
from collector.store.statements import names, others
from collector.store.tables import rollup_fives, rollups, whole_fives
from collector.store.url import POSTGRESQL

MINUTES: Final = 5
FIVE_US: Final = MINUTES * 60_000_000
COMES_LATE_US: Final = 900_000_000
"""How long after a five's end it is summed up: what comes later is rare."""
LOCK: Final = int.from_bytes(b"rwf")
SLOTS: Final = 64
"""Locks for all fives together, so that a batch of many old ones takes no more."""
_ALONE: Final = int.from_bytes(b"fives") >> 1

_KEY: Final = [column.name for column in rollup_fives.primary_key if column.name != "five"]
_SUMS: Final = others(rollup_fives)
_ANNOUNCE: Final = (
    "INSERT INTO whole_fives (five, is_summed) VALUES (:five, 0) ON CONFLICT (five) DO UPDATE SET is_summed = 0"
)
_FORGET: Final = "DELETE FROM rollup_fives WHERE five = :five"
_SUM_UP: Final = (
    f"INSERT INTO rollup_fives ({names(rollup_fives)})"
    f" SELECT :five, {', '.join(_KEY)}, {', '.join(f'sum({name})' for name in _SUMS)} FROM rollups"
    f" WHERE minute >= :first AND minute < :beyond GROUP BY {', '.join(_KEY)}"
    f" HAVING {' OR '.join(f'sum({name}) <> 0' for name in _SUMS)}"
)
_CONFIRM: Final = "UPDATE whole_fives SET is_summed = 1 WHERE five = :five AND is_summed = 0"

_LOCK_NOT_AVAILABLE: Final = "55P03"

AT_ONCE: Final = 100
"""Fives after which it is looked again what is due."""


class Fives:
    """The fives of one store."""

    def __init__(self, engine: Engine, retention: Retention = Retention()) -> None:  # noqa: B008 - frozen
        self._engine = engine
        self._retention = retention

    def sum_up(self, now_us: int, pause: Pause = lambda _: False) -> int:
        """Sums up what is due, the newest first, until `pause` ends it; returns how many fives that were.

        Does nothing while another collector is at it. Raises StoreUnavailable or SchemaMismatch; what was summed up by
        then is.
        """
        done, tried = 0, set[int]()
        with plainly(self._engine), self._engine.connect() as connection, _alone(connection) as is_alone:
            while is_alone:
                due = [five for five in self._due(connection, now_us) if five not in tried][:AT_ONCE]
                if not due:
                    break
                for five in due:
                    tried.add(five)
                    done += _sum_up(connection, five)
                    if pause(PAUSE_S):
                        return done
        return done

    def _due(self, connection: Connection, now_us: int) -> list[int]:
        days = self._retention.rollups_days or ORDINARY_DAYS_MAX
        least = (now_us - days * DAY_US) // FIVE_US + 1
        beyond = (now_us - COMES_LATE_US) // FIVE_US
        first = connection.scalar(select(func.min(rollups.c.minute)).where(rollups.c.minute >= least * MINUTES))
        whole = set(
            connection.scalars(
                select(whole_fives.c.five).where(whole_fives.c.five >= least, whole_fives.c.is_summed == 1)
            )
        )
        connection.rollback()
        if first is None:
            return []
        return [five for five in range(beyond - 1, first // MINUTES - 1, -1) if five not in whole]


def fives_of(minutes: Collection[int]) -> list[int]:
    """The fives that minutes lie in, in order."""
    return sorted({minute // MINUTES for minute in minutes})


@contextmanager
def _alone(connection: Connection) -> Iterator[bool]:
    """Whether nobody else is at it; SQLite's own lock sees to that there."""
    if connection.dialect.name != POSTGRESQL:
        yield True
        return
    taken = bool(connection.exec_driver_sql(f"SELECT pg_try_advisory_lock({_ALONE})").scalar_one())
    connection.rollback()
    try:
        yield taken
        if taken:
            connection.exec_driver_sql(f"SELECT pg_advisory_unlock({_ALONE})")
            connection.rollback()
    except BaseException:
        connection.invalidate()  # the lock is the connection's
        raise


def _sum_up(connection: Connection, five: int) -> bool:
    """Whether it is whole now: somebody may have taken it back, or have been waited for in vain."""
    first = five * MINUTES
    told = {"five": five, "first": first, "beyond": first + MINUTES}
    writing(connection)
    if connection.dialect.name != POSTGRESQL:
        with connection.begin():
            connection.execute(text(_ANNOUNCE), told)
            return _summed(connection, told)
    try:
        with _not_long(connection):
            connection.execute(text(_ANNOUNCE), told)
        with _not_long(connection):
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({LOCK}, {five % SLOTS})")
        with _not_long(connection) as transaction:
            is_whole = _summed(connection, told)
            if not is_whole:
                transaction.rollback()
    except OperationalError as error:
        if getattr(error.orig, "sqlstate", None) != _LOCK_NOT_AVAILABLE:
            raise
        return False
    return is_whole


@contextmanager
def _not_long(connection: Connection) -> Iterator[Transaction]:
    """A transaction that does not wait long: who wants to write waits behind whoever waits here."""
    with connection.begin() as transaction:
        connection.exec_driver_sql("SELECT set_config('lock_timeout', '1s', true)")
        yield transaction


def _summed(connection: Connection, told: Mapping[str, int]) -> bool:
    connection.execute(text(_FORGET), told)
    connection.execute(text(_SUM_UP), told)
    return connection.execute(text(_CONFIRM), told).rowcount == 1
