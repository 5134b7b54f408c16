"""Rows travel as bytes that only their length says anything about, so each kind of column is compared."""

import psycopg
import pytest
from sqlalchemy import Boolean, Column, Integer, MetaData, Table

from collector.store.copy_postgresql import EPOCH_2000_US, copy_rows, shape_of
from collector.store.tables import events, outages, sessions
from session_core.instants import us_from_utc, utc_from_us
from tests.histories import START_US, session_id


def test_the_epoch_is_that_of_the_server() -> None:
    assert utc_from_us(EPOCH_2000_US).isoformat() == "2000-01-01T00:00:00+00:00"


def test_every_kind_of_value_arrives_as_what_it_was(postgresql_url: str) -> None:
    shape = shape_of(sessions, wide=True)
    kinds = {"bytea": b"\x00\xff", "int8": 2**40, "text": "Ж 😀"}
    row = [kinds[kind] for kind in shape.types]
    for index in shape.uuids_at:
        row[index] = session_id(index)
    for index in shape.times_at:
        row[index] = START_US + index
    row[shape.columns.index("previous_session_id")] = None
    with psycopg.connect(postgresql_url.replace("+psycopg", "")) as connection:
        connection.execute("CREATE TEMPORARY TABLE stage AS SELECT * FROM sessions")
        for name in (column.name for column in sessions.columns if isinstance(column.type, Integer)):
            connection.execute(f"ALTER TABLE stage ALTER {name} TYPE int8".encode())
        copy_rows(connection, "stage", shape, [tuple(row)])
        found = list(connection.execute("SELECT * FROM stage").fetchone() or ())
    for index in shape.times_at:
        found[index] = us_from_utc(found[index])
    assert found == row


@pytest.mark.parametrize("table", [events, sessions, outages], ids=lambda table: str(table.name))
def test_a_stage_has_room_for_every_number_so_that_none_is_wrapped(table: Table) -> None:
    assert "int4" not in shape_of(table, wide=True).types


@pytest.mark.parametrize("column", ["version", "token_ttl_s", "terminal_vendor_code", "received_to"])
@pytest.mark.parametrize(("number", "fits"), [(None, True), (2**31 - 1, True), (1 - 2**31, True), (2**31, False)])
def test_a_row_whose_number_would_be_wrapped_does_not_fit(column: str, number: int | None, *, fits: bool) -> None:
    shape = shape_of(sessions, wide=False)
    row: list[object] = [None] * len(shape.columns)
    row[shape.columns.index("connected_ms")] = 2**40
    row[shape.columns.index(column)] = number
    assert shape.fits(tuple(row)) is fits


def test_a_kind_of_column_that_has_no_way_is_told_when_the_program_starts() -> None:
    with pytest.raises(TypeError, match="no way to copy"):
        shape_of(Table("t", MetaData(), Column("c", Boolean)), wide=False)
