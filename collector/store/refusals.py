"""Which rows of a batch a database will never take.

A refusal names no row, so parts of the batch are written under savepoints until single rows are left. Parts that are
taken stay while the rest is tried: a row that is refused only beside another is found too. The caller rolls back.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final
from uuid import UUID

from sqlalchemy import Connection, Engine

from collector.errors import RowRefused
from collector.store.changes import Changes, Row
from collector.store.failures import plainly
from collector.store.tables import events
from collector.store.ways import Tables

REFUSED_MAX: Final = 100
"""Rows that one search finds; who comes again without them finds the next."""

_PARTITION_AT: Final = events.columns.keys().index("kafka_partition")
_OFFSET_AT: Final = events.columns.keys().index("kafka_offset")

Put = Callable[[Connection, Sequence[Row]], object]


def blame(
    engine: Engine, connection: Connection, tables: Tables, changes: Changes, rollups: Sequence[Row]
) -> tuple[set[tuple[int, int]], set[UUID]]:
    """The events, as (partition, offset), or the sessions whose rows are refused. Both empty: none is, any more."""
    refused = refused_rows(engine, connection, tables.put_events, changes.events)
    if refused:
        return {(row[_PARTITION_AT], row[_OFFSET_AT]) for row in refused}, set()
    for put, rows in ((tables.put_sessions, changes.sessions), (tables.put_outages, changes.outages)):
        if refused := refused_rows(engine, connection, put, rows):
            return set(), {row[0] for row in refused}
    if refused_rows(engine, connection, tables.add_rollups, rollups):
        # A sum does not say whose it is; the records stay whole as dead letters.
        return set(), {row[0] for row in changes.sessions}
    return set(), set()


def refused_rows(engine: Engine, connection: Connection, put: Put, rows: Sequence[Row]) -> list[Row]:
    """The rows that `put` cannot write, at most REFUSED_MAX."""
    refused: list[Row] = []
    pending = [rows] if rows else []
    while pending and len(refused) < REFUSED_MAX:
        some = pending.pop()
        if _is_taken(engine, connection, put, some):
            continue
        if len(some) == 1:
            refused += some
        else:
            middle = len(some) // 2
            pending += [some[middle:], some[:middle]]
    return refused


def _is_taken(engine: Engine, connection: Connection, put: Put, rows: Sequence[Row]) -> bool:
    try:
        with plainly(engine), connection.begin_nested():
            put(connection, rows)
    except RowRefused:
        return False
    return True
