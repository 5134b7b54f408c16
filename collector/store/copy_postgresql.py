"""Binary COPY: the fastest way of rows into PostgreSQL, by psycopg's C writer.

COPY sends no types, only lengths and bytes. So a UUID is sent as 16 bytes of bytea, and a time as an int8 of µs since
2000, which is what PostgreSQL stores: both are several times cheaper than the Python objects that stand for them.

Trap: psycopg's binary int4 wraps a number that is too large, silently. Straight into `events` go only numbers that
wire.py has bounded, and into `sessions` rows that `fits` has seen; everything else passes a stage with int8 columns,
where PostgreSQL checks them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final, NamedTuple
from uuid import UUID

from psycopg import Connection, sql
from sqlalchemy import BigInteger, Integer, LargeBinary, Table, Text

from collector.store.changes import Row
from collector.store.tables import Micros, Uuid

EPOCH_2000_US: Final = 946_684_800_000_000
"""2000-01-01 as µs since 1970."""
INT4_MAX: Final = 2**31 - 1


class Shape(NamedTuple):
    """How the rows of a table travel."""

    columns: tuple[str, ...]
    types: tuple[str, ...]
    uuids_at: tuple[int, ...]
    times_at: tuple[int, ...]
    int4s_at: tuple[int, ...]

    def fits(self, row: Row) -> bool:
        """Whether no number of a row would be wrapped."""
        for index in self.int4s_at:
            value = row[index]
            if value is not None and not -INT4_MAX <= value <= INT4_MAX:
                return False
        return True

    def sent(self, row: Row) -> Sequence[Any]:
        """The values of a row as they travel."""
        values = list(row)
        for index in self.uuids_at:
            if (value := values[index]) is not None:
                values[index] = _uuid(value)
        for index in self.times_at:
            if (value := values[index]) is not None:
                values[index] = value - EPOCH_2000_US
        return values


def event_as_sent(row: Row) -> Sequence[Any]:
    """As `sent` has a row of `events`, written out: this runs for every event."""
    return (
        _uuid(row[0]), row[1], row[2], row[3] - EPOCH_2000_US, row[4] - EPOCH_2000_US, row[5] - EPOCH_2000_US, *row[6:]
    )  # fmt: skip


def shape_of(table: Table, *, wide: bool) -> Shape:
    """The shape of a table; `wide` has int8 for every whole number."""
    columns = list(table.columns)
    types = tuple(_wire_type(column.type, wide=wide) for column in columns)
    return Shape(
        tuple(column.name for column in columns),
        types,
        tuple(index for index, column in enumerate(columns) if isinstance(column.type, Uuid)),
        tuple(index for index, column in enumerate(columns) if isinstance(column.type, Micros)),
        tuple(index for index, kind in enumerate(types) if kind == "int4"),
    )


def copy_rows(
    connection: Connection,
    target: str,
    shape: Shape,
    rows: Iterable[Row],
    sent: Callable[[Row], Sequence[Any]] | None = None,
) -> None:
    """Copies rows, whose values are in the order of the columns, into a table or stage. Raises psycopg's errors.

    `sent`: what does as `shape.sent` does, and faster.
    """
    columns = sql.SQL(", ").join(map(sql.Identifier, shape.columns))
    statement = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT binary)").format(sql.Identifier(target), columns)
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        copy.set_types(shape.types)
        write = copy.write_row
        as_sent = sent or shape.sent
        for row in rows:
            write(as_sent(row))


def _uuid(value: UUID) -> bytes:
    return value.int.to_bytes(16, "big")  # what `bytes` does in Python


def _wire_type(kind: Any, *, wide: bool) -> str:
    if isinstance(kind, Uuid | LargeBinary):
        return "bytea"
    if isinstance(kind, Micros | BigInteger):
        return "int8"
    if isinstance(kind, Integer):
        return "int8" if wide else "int4"
    if isinstance(kind, Text):
        return "text"
    raise TypeError(f"no way to copy {kind!r}")
