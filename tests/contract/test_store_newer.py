"""A store that a newer program has migrated meanwhile: what lacks a column is nobody's fault. On both stores."""

import pytest

from collector.errors import SchemaMismatch
from collector.store.changes import Changes, RollupKey, Sums
from tests.contract.stored import Stored

KEY = RollupKey(1, 0, "joined", -1, "", "", "", "", "", "", "")


def test_a_column_that_this_program_does_not_know_stops_it_and_refuses_no_row(store: Stored) -> None:
    store.write(Changes(rollups={KEY: Sums(1)}))
    with store.engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE rollups RENAME COLUMN d TO e")
        connection.exec_driver_sql("ALTER TABLE rollups ADD COLUMN d BIGINT")
    with pytest.raises(SchemaMismatch, match="rollups"):
        store.write(Changes(rollups={KEY._replace(minute=2): Sums(1)}))
