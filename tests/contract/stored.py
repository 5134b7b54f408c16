"""A real store as tests see it: written through the collector's Writer, read back as plain rows."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Engine, Table, select

from collector.errors import StoreUnavailable
from collector.store.changes import Changes, Row, Session, Standing
from collector.store.tables import dead_letters, events, kafka_offsets, metadata, outages, rollups, sessions
from collector.store.writer import Writer

CLUSTER, TOPIC, GROUP = "cluster", "topic", "group"
NOW_US: Final = 1_795_000_000_000_000
KEYED: Final = {"events": (events, 2), "sessions": (sessions, 1), "outages": (outages, 2)}

RowDict = dict[str, Any]


class Stored:
    """One collector's hold of a store. Several may be opened on the same engine."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.writer = Writer(engine, CLUSTER, TOPIC, GROUP)
        self.away = False

    def load(self, session_ids: Collection[UUID]) -> dict[UUID, Session]:
        """As the Writer does."""
        return self.writer.load(session_ids)

    def offsets(self, partitions: Collection[int]) -> dict[int, int]:
        """As the Writer does."""
        return self.writer.offsets(partitions)

    def live_sessions(self, partition: int) -> list[tuple[Standing, int]]:
        """As the Writer does."""
        return self.writer.live_sessions(partition)

    def write(self, changes: Changes) -> None:
        """As the Writer does, unless `away`."""
        if self.away:
            raise StoreUnavailable("a test says so")
        self.writer.write(changes, NOW_US)

    @property
    def sessions(self) -> dict[UUID, Row]:
        """Rows of sessions, by id."""
        return {row[0]: row for row in self.rows(sessions)}

    @property
    def stored_offsets(self) -> dict[int, int]:
        """Every partition's next offset."""
        return {row[2]: row[4] for row in self.rows(kafka_offsets)}

    def rows(self, table: Table) -> list[Row]:
        """All rows, in the order of the key, as plain values."""
        with self.engine.connect() as connection:
            return [tuple(row) for row in connection.execute(select(table).order_by(*table.primary_key))]

    def tables(self, *, without: dict[str, set[str]] | None = None) -> dict[str, dict[Any, RowDict]]:
        """What ReferenceStore.tables() gives."""
        left_out = without or {}
        return {
            name: {
                row[0] if key_length == 1 else row[:key_length]: {
                    column: value
                    for column, value in zip(table.columns.keys(), row, strict=True)
                    if column not in left_out.get(name, ())
                }
                for row in self.rows(table)
            }
            for name, (table, key_length) in KEYED.items()
        }

    @property
    def rollups(self) -> dict[Row, list[int]]:
        """Sums by key."""
        return {row[:-5]: list(row[-5:]) for row in self.rows(rollups)}

    @property
    def dead_letters(self) -> list[Row]:
        """All rows."""
        return self.rows(dead_letters)

    def everything(self) -> dict[str, list[Row]]:
        """Every row of every table."""
        return {table.name: self.rows(table) for table in metadata.sorted_tables}

    def clear(self) -> None:
        """Empties every table."""
        with self.engine.begin() as connection:
            for table in metadata.sorted_tables:
                connection.execute(table.delete())
