"""The tables, and what they say on each database."""

import pytest
from sqlalchemy import Table

from collector.store.changes import EVENT_COLUMNS, OUTAGE_COLUMNS, SESSION_COLUMNS, RollupKey, Sums
from collector.store.tables import events, metadata, outages, rollups, sessions

ROWS = {
    events: EVENT_COLUMNS,
    sessions: SESSION_COLUMNS,
    outages: OUTAGE_COLUMNS,
    rollups: (*RollupKey._fields, *Sums._fields),
}


@pytest.mark.parametrize(("table", "columns"), ROWS.items(), ids=lambda value: getattr(value, "name", ""))
def test_a_row_has_its_values_in_the_order_of_the_columns(table: Table, columns: tuple[str, ...]) -> None:
    assert tuple(table.columns.keys()) == columns


@pytest.mark.parametrize("table", [events, sessions, outages], ids=lambda table: str(table.name))
def test_a_table_of_sessions_can_be_distributed_by_session(table: Table) -> None:
    assert next(iter(table.primary_key)).name == "session_id"


def test_no_table_needs_a_sequence() -> None:
    assert [
        column for table in metadata.tables.values() for column in table.columns if column.autoincrement is True
    ] == []
    assert [table.name for table in metadata.tables.values() if table._autoincrement_column is not None] == []
