"""The one way of writing: a batch is one transaction, and it applies as a whole or not at all.

    offsets     compare-and-set, first: whoever has lost a partition stops here and touches nothing else
    events      straight in
    sessions    at the version that was read; outages with them
    rollups     sums added
    dead letters, once each

Rules:
1. What goes wrong is one of a few errors, and what to do about each is said in collector/errors.py. After any of them
   nothing of the batch is stored, and the same batch can be written again.
2. A commit whose answer got lost is in doubt. When the same batch comes again, the store says whether it stands
   already; a batch is never applied twice.
3. One thread at a time writes. Reading may go on in others.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from itertools import groupby
from operator import itemgetter
from typing import Final
from uuid import UUID

from sqlalchemy import Connection, Engine, func, select

from collector.errors import Fenced, RowRefused, StaleSession, StoreUnavailable
from collector.store.changes import Changes, OffsetMove, Row, Session, Standing, session_from_rows
from collector.store.dead_letters import LetterBox
from collector.store.failures import plainly
from collector.store.functions import EpochUs
from collector.store.place import Place
from collector.store.refusals import blame
from collector.store.retention import NO_DAY, Retention
from collector.store.sqlite_connection import writing
from collector.store.tables import kafka_offsets, sessions
from collector.store.url import POSTGRESQL
from collector.store.ways import Tables
from collector.store.write_sqlite import SqliteTables

CLOCK_OUT_OF_RANGE: Final = "clock-out-of-range"
_SESSION_ID_AT: Final = sessions.columns.keys().index("session_id")
_VERSION_AT: Final = sessions.columns.keys().index("version")


class Writer:
    """What one consumer group stores of one topic."""

    def __init__(
        self,
        engine: Engine,
        cluster_id: str,
        topic: str,
        group: str,
        retention: Retention = Retention(),  # noqa: B008 - frozen
    ) -> None:
        self._engine = engine
        self._place = Place(cluster_id, topic, group)
        self._tables = _tables_of(engine, retention)
        self._letter_box = LetterBox(retention.dead_letters_max)
        self._begun: set[int] = set()  # partitions that surely have a row of offsets
        self._in_doubt: Changes | None = None

    def write(self, changes: Changes, stored_at_us: int) -> int:
        """Stores the batch; returns how many of its dead letters found no room. `stored_at_us` is this machine's time.

        Raises Fenced, StaleSession, RowRefused, StoreUnavailable or SchemaMismatch; then nothing of it is stored.
        """
        try:
            return self._write(changes, stored_at_us)
        except RowRefused as refused:
            if refused.session_ids or refused.records:
                raise
            raise self._blamed(changes, stored_at_us, refused) from refused

    def days_refused(self, now_us: int) -> frozenset[int]:
        """The days, counted from 1970, that there was no room for a moment ago. Any thread may ask."""
        return self._tables.days_refused(now_us)

    def offsets(self, partitions: Collection[int]) -> dict[int, int]:
        """How far these partitions are stored: the next offset to read. One that was never written to is absent."""
        with plainly(self._engine), self._engine.connect() as connection:
            return self._offsets(connection, partitions)

    def load(self, session_ids: Collection[UUID]) -> dict[UUID, Session]:
        """These sessions with their outages, as they are stored. One that is not stored is absent."""
        if not session_ids:
            return {}
        with plainly(self._engine), self._engine.connect() as connection:
            rows, outage_rows = self._tables.read_sessions(connection, session_ids)
        by_session = itemgetter(0)
        theirs = {session_id: list(some) for session_id, some in groupby(sorted(outage_rows, key=_key), by_session)}
        return {row[_SESSION_ID_AT]: session_from_rows(row, theirs.get(row[_SESSION_ID_AT], ())) for row in rows}

    def silent_sessions(self, partition: int, before_append_us: int, limit: int = 10_000) -> list[UUID]:
        """Sessions of this partition that have not ended and were last heard of before that time; longest silent first.

        Those that were heard of in events that are not stored yet are among them: ask who holds them.
        """
        query = (
            select(sessions.c.session_id)
            .where(sessions.c.kafka_partition == partition, sessions.c.ended_at.is_(None))
            .where(sessions.c.last_append_at < before_append_us)
            .order_by(sessions.c.last_append_at)
            .limit(limit)
        )
        with plainly(self._engine), self._engine.connect() as connection:
            return list(connection.scalars(query))

    def live_sessions(self, partition: int) -> list[tuple[Standing, int]]:
        """How many sessions of this partition are live, by what they count as."""
        of = sessions.c
        away = (of.state == "reconnecting").label("away")
        expires_s = (EpochUs(of.token_expires_at) // 1_000_000).label("expires_s")
        query = (
            select(of.region, away, expires_s, func.count())
            .where(of.kafka_partition == partition, of.ended_at.is_(None), of.fate == "live")
            .group_by(of.region, away, expires_s)
        )
        with plainly(self._engine), self._engine.connect() as connection:
            rows = connection.execute(query)
            return [(Standing(partition, *what), count) for *what, count in rows]

    def _write(self, changes: Changes, stored_at_us: int) -> int:
        with plainly(self._engine), self._connected() as connection:
            self._prepare(connection, changes, stored_at_us)
            self._tables.begin(connection)
            if not (self._move_offsets(connection, changes.offsets) and self._put_rows(connection, changes)):
                self._raise_unless_written(connection, changes)
                return 0
            left_out = self._letter_box.put(connection, changes.dead_letters, stored_at_us)
            self._commit(connection, changes)
        return left_out

    def _prepare(self, connection: Connection, changes: Changes, stored_at_us: int) -> None:
        dayless = self._tables.prepare(connection, changes.events, stored_at_us)
        if dayless:
            raise RowRefused(dayless, NO_DAY, reason=CLOCK_OUT_OF_RANGE)

    def _move_offsets(self, connection: Connection, moves: Sequence[OffsetMove]) -> bool:
        """Whether all of them stood where this batch expects them."""
        if not moves:
            return True
        # In the order of partitions, so that two who race for them queue instead of waiting for each other.
        in_order = sorted(moves)
        first = not self._begun.issuperset(move.partition for move in moves)
        return self._tables.move_offsets(connection, self._place, in_order, first=first) == len(moves)

    def _put_rows(self, connection: Connection, changes: Changes) -> bool:
        """Whether all rows of sessions applied. Rows without a change are no statement."""
        if changes.events:
            self._tables.put_events(connection, changes.events)
        if changes.sessions and self._tables.put_sessions(connection, changes.sessions) != len(changes.sessions):
            return False
        if changes.outages:
            self._tables.put_outages(connection, changes.outages)
        if sums := rollup_rows(changes):
            self._tables.add_rollups(connection, sums)
        return True

    def _commit(self, connection: Connection, changes: Changes) -> None:
        try:
            connection.commit()
        except Exception:
            self._in_doubt = changes
            raise
        self._written(changes)

    def _written(self, changes: Changes) -> None:
        self._in_doubt = None
        self._begun.update(move.partition for move in changes.offsets)

    def _raise_unless_written(self, connection: Connection, changes: Changes) -> None:
        """Something stands otherwise than this batch expects. It may be that this batch itself was committed before."""
        connection.rollback()
        stored = self._offsets(connection, [move.partition for move in changes.offsets])
        fenced = {move.partition for move in changes.offsets if stored.get(move.partition) != move.tracked}
        may_stand = self._in_doubt is changes and all(stored.get(p) == after for p, _, after in changes.offsets)
        if fenced and not may_stand:
            self._begun -= fenced
            raise Fenced(fenced)
        versions = self._versions(connection, changes.sessions)
        connection.rollback()
        if may_stand and all(versions.get(row[_SESSION_ID_AT]) == row[_VERSION_AT] for row in changes.sessions):
            self._written(changes)
            return
        stale = {row[_SESSION_ID_AT] for row in changes.sessions if versions.get(row[0], 0) != row[_VERSION_AT] - 1}
        if stale:
            raise StaleSession(stale)
        raise StoreUnavailable("another writer was at the same rows and has gone")

    def _offsets(self, connection: Connection, partitions: Collection[int]) -> dict[int, int]:
        of = kafka_offsets.c
        query = select(of.kafka_partition, of.next_offset).where(
            of.cluster_id == self._place.cluster_id,
            of.topic == self._place.topic,
            of.consumer_group == self._place.consumer_group,
            of.kafka_partition.in_(sorted(partitions)),
        )
        return {row.kafka_partition: row.next_offset for row in connection.execute(query)}

    def _versions(self, connection: Connection, rows: Sequence[Row]) -> dict[UUID, int]:
        found, _ = self._tables.read_sessions(connection, [row[_SESSION_ID_AT] for row in rows])
        return {row[_SESSION_ID_AT]: row[_VERSION_AT] for row in found}

    def _blamed(self, changes: Changes, stored_at_us: int, refused: RowRefused) -> Exception:
        """Whose row it is: found by writing parts of the batch, which are rolled back."""
        # What was known of days may be out of date; where that was all, nothing is found and the batch goes again.
        self._tables.forget()
        with plainly(self._engine), self._connected() as connection:
            self._prepare(connection, changes, stored_at_us)
            self._tables.begin(connection)
            records, session_ids = blame(self._engine, connection, self._tables, changes, rollup_rows(changes))
            connection.rollback()
        if records or session_ids:
            return RowRefused(session_ids, refused.detail, records=records)
        return StoreUnavailable(refused.detail)

    @contextmanager
    def _connected(self) -> Iterator[Connection]:
        """A connection for a transaction that writes; a broken one does not go back to the pool."""
        with self._engine.connect() as connection:
            try:
                yield writing(connection)
            except BaseException:
                # SQLAlchemy does not see what breaks a connection in the middle of a COPY.
                if not connection.invalidated and getattr(connection.connection.driver_connection, "closed", False):
                    connection.invalidate()
                raise


def rollup_rows(changes: Changes) -> list[Row]:
    """Sums as rows; those that cancelled each other are left out."""
    return [(*key, *sums) for key, sums in changes.rollups.items() if any(sums)]


def _key(row: Row) -> tuple[UUID, int]:
    return row[0], row[1]


def _tables_of(engine: Engine, retention: Retention) -> Tables:
    if engine.dialect.name != POSTGRESQL:
        return SqliteTables()
    # psycopg is an extra: who keeps to SQLite need not have it.
    from collector.store.write_postgresql import PostgresqlTables  # noqa: PLC0415

    return PostgresqlTables(retention)
