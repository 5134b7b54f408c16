"""Stretches of five minutes and of an hour: `rollups` summed up over Kafka partitions, so that days are few rows.

A day of ten million events has a million rows by the minute, some fifty thousand by the five and eight by the hour.

Rules:
1. A five is summed up when it is over and what is told late has mostly come. `whole_fives` says that it was. An hour is
   made of its fives, as soon as all of them are whole; `whole_hours` says that.
2. Whoever writes to one of its minutes afterwards takes a five back in the same transaction, and the hour with it: then
   its minutes are asked again, until it is summed up anew. So an answer is the same either way.
3. On PostgreSQL a stretch is announced first; then whoever may not have seen that is waited for; then it is summed up,
   unless somebody took it back meanwhile. A writer holds LOCK, shared, from before it takes anything back.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from typing import Any, Final

from sqlalchemy import Column, Connection, Engine, Table, Transaction, func, select, text
from sqlalchemy.exc import OperationalError

from collector.store.failures import plainly
from collector.store.pausing import PAUSE_S, Pause
from collector.store.retention import DAY_US, ORDINARY_DAYS_MAX, Retention
from collector.store.sqlite_connection import writing
from collector.store.statements import names, others
from collector.store.tables import rollup_fives, rollup_hours, rollups, whole_fives, whole_hours
from collector.store.url import POSTGRESQL

MINUTES: Final = 5
MINUTES_AN_HOUR: Final = 60
FIVES_AN_HOUR: Final = MINUTES_AN_HOUR // MINUTES
FIVE_US: Final = MINUTES * 60_000_000
COMES_LATE_US: Final = 300_000_000
"""How long after a five's end it is summed up: what comes later is rare."""
LOCK: Final = int.from_bytes(b"rwf")
SLOTS: Final = 64
"""Locks for all fives together, so that a batch of many old ones takes no more."""
_ALONE: Final = int.from_bytes(b"fives") >> 1

_LOCK_NOT_AVAILABLE: Final = "55P03"

AT_ONCE: Final = 100
"""Stretches after which it is looked again what is due."""


class Length:
    """Stretches of one length: their tables, which begin with their number since 1970.

    They are made of shorter ones, if not of minutes.
    """

    def __init__(self, minutes: int, sums: Table, notes: Table, made_of: Length | None = None) -> None:
        self.minutes = minutes
        self.sums = sums
        self.notes = notes
        self.made_of = made_of
        self.parts_each = minutes if made_of is None else minutes // made_of.minutes

    @property
    def number(self) -> Column[Any]:
        """Which stretch a row of sums is of."""
        return next(iter(self.sums.columns))

    @property
    def noted(self) -> Column[Any]:
        """Which stretch a note is of."""
        return next(iter(self.notes.columns))

    @cached_property
    def announce(self) -> str:
        """The statement that says of `at` that it is about to be summed up."""
        at = self.number.name
        return (
            f"INSERT INTO {self.notes} ({at}, is_summed) VALUES (:at, 0) ON CONFLICT ({at}) DO UPDATE SET is_summed = 0"
        )

    @cached_property
    def forget(self) -> str:
        """The statement that forgets the sums of `at`."""
        return f"DELETE FROM {self.sums} WHERE {self.number.name} = :at"

    @cached_property
    def sum_up(self) -> str:
        """The statement that sums up `at`, whose parts are `first` and those after it, below `beyond`."""
        key = ", ".join(column.name for column in self.sums.primary_key if column is not self.number)
        parts, values = rollups if self.made_of is None else self.made_of.sums, others(self.sums)
        part = next(iter(parts.columns)).name
        return (
            f"INSERT INTO {self.sums} ({names(self.sums)})"
            f" SELECT :at, {key}, {', '.join(f'sum({name})' for name in values)} FROM {parts}"
            f" WHERE {part} >= :first AND {part} < :beyond GROUP BY {key}"
            f" HAVING {' OR '.join(f'sum({name}) <> 0' for name in values)}"
        )

    @cached_property
    def confirm(self) -> str:
        """The statement that notes that `at` is summed up, unless somebody took it or a part of it back."""
        are_whole = ""
        if self.made_of is not None:
            part = self.made_of.noted.name
            are_whole = (
                f" AND {self.parts_each} = (SELECT count(*) FROM {self.made_of.notes}"
                f" WHERE {part} >= :first AND {part} < :beyond AND is_summed = 1)"
            )
        return f"UPDATE {self.notes} SET is_summed = 1 WHERE {self.number.name} = :at AND is_summed = 0{are_whole}"

    def slots(self, at: int) -> list[int]:
        """The locks of those who may be writing to a stretch."""
        fives = self.minutes // MINUTES
        return [five % SLOTS for five in range(at * fives, (at + 1) * fives)]


FIVE: Final = Length(MINUTES, rollup_fives, whole_fives)
HOUR: Final = Length(MINUTES_AN_HOUR, rollup_hours, whole_hours, made_of=FIVE)
LENGTHS: Final = (HOUR, FIVE)


class Stretches:
    """The fives and hours of one store."""

    def __init__(self, engine: Engine, retention: Retention = Retention()) -> None:  # noqa: B008 - frozen
        self._engine = engine
        self._retention = retention

    def sum_up(self, now_us: int, pause: Pause = lambda _: False) -> int:
        """Sums up what is due, fives and then hours, the newest first, until `pause` ends it; returns how many.

        Does nothing while another collector is at it. Raises StoreUnavailable or SchemaMismatch; what was summed up by
        then is.
        """
        done = 0
        with plainly(self._engine), self._engine.connect() as connection, _alone(connection) as is_alone:
            for is_summed in self._turn(connection, now_us) if is_alone else ():
                done += is_summed
                if pause(PAUSE_S):
                    break
        return done

    def _turn(self, connection: Connection, now_us: int) -> Iterator[bool]:
        """For each stretch that is due, once, whether it is summed up now."""
        least = (now_us - (self._retention.rollups_days or ORDINARY_DAYS_MAX) * DAY_US) // FIVE_US + 1
        beyond = (now_us - COMES_LATE_US) // FIVE_US
        dues: list[tuple[Length, Callable[[], list[int]]]] = [
            (FIVE, lambda: _fives_due(connection, least, beyond)),
            (HOUR, lambda: _hours_due(connection, least)),
        ]
        for length, due in dues:
            tried = set[int]()
            while now_due := [at for at in due() if at not in tried][:AT_ONCE]:
                for at in now_due:
                    tried.add(at)
                    yield _sum_up(connection, length, at)


def fives_of(minutes: Collection[int]) -> list[int]:
    """The fives that minutes lie in, in order."""
    return sorted({minute // MINUTES for minute in minutes})


def hours_of(fives: Collection[int]) -> list[int]:
    """The hours that fives lie in, in order."""
    return sorted({five // FIVES_AN_HOUR for five in fives})


def kept_from(before_us: int) -> dict[Length, int]:
    """The first stretch of each length, the longest first, that has nothing before that time's five.

    Sums are dropped by whole fives.
    """
    five = before_us // FIVE_US
    return {HOUR: -(-five // FIVES_AN_HOUR), FIVE: five}


def _fives_due(connection: Connection, least: int, beyond: int) -> list[int]:
    """Those of minutes that are kept, not before `least`, over before `beyond`, and not whole; the newest first."""
    first = connection.scalar(select(func.min(rollups.c.minute)).where(rollups.c.minute >= least * MINUTES))
    if first is None:
        connection.rollback()
        return []
    # From the beginning of the hour, whose first fives may well be of nothing, so that it can be whole.
    fives = range(max(least, first // MINUTES_AN_HOUR * FIVES_AN_HOUR), beyond)
    are_whole = (FIVE.noted >= fives.start, FIVE.noted < fives.stop, FIVE.notes.c.is_summed == 1)
    # Counted first: of a hundred thousand that are kept, mostly none is due.
    if connection.scalar(select(func.count()).where(*are_whole)) == len(fives):
        connection.rollback()
        return []
    whole = set(connection.scalars(select(FIVE.noted).where(*are_whole)))
    connection.rollback()
    return [five for five in reversed(fives) if five not in whole]


def _hours_due(connection: Connection, least: int) -> list[int]:
    """Those not before `least`, a five, all of whose fives are whole while they are not; the newest first."""
    hour = (FIVE.noted // FIVES_AN_HOUR).label("hour")
    of_whole = select(hour).where(FIVE.noted >= least, FIVE.notes.c.is_summed == 1).group_by(hour)
    whole = select(HOUR.noted).where(HOUR.notes.c.is_summed == 1)
    due = connection.scalars(of_whole.having(func.count() == FIVES_AN_HOUR).except_(whole)).all()
    connection.rollback()
    return sorted(due, reverse=True)


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


def _sum_up(connection: Connection, length: Length, at: int) -> bool:
    """Whether it is whole now: somebody may have taken it back, or have been waited for in vain."""
    first = at * length.parts_each
    told = {"at": at, "first": first, "beyond": first + length.parts_each}
    writing(connection)
    if connection.dialect.name != POSTGRESQL:
        with connection.begin() as transaction:
            connection.execute(text(length.announce), {"at": at})
            return _summed(connection, length, told, transaction)
    try:
        with _not_long(connection):
            connection.execute(text(length.announce), {"at": at})
        for slot in length.slots(at):
            with _not_long(connection):
                connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({LOCK}, {slot})")
        with _not_long(connection) as transaction:
            return _summed(connection, length, told, transaction)
    except OperationalError as error:
        if getattr(error.orig, "sqlstate", None) != _LOCK_NOT_AVAILABLE:
            raise
        return False


@contextmanager
def _not_long(connection: Connection) -> Iterator[Transaction]:
    """A transaction that does not wait long: who wants to write waits behind whoever waits here."""
    with connection.begin() as transaction:
        connection.exec_driver_sql("SELECT set_config('lock_timeout', '1s', true)")
        yield transaction


def _summed(connection: Connection, length: Length, told: Mapping[str, int], transaction: Transaction) -> bool:
    connection.execute(text(length.forget), {"at": told["at"]})
    connection.execute(text(length.sum_up), told)
    is_whole = connection.execute(text(length.confirm), told).rowcount == 1
    if not is_whole:
        transaction.rollback()
    return is_whole
