"""Rows that somebody else holds locked, as a collector does that was stopped in the middle of a transaction."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine, select, update

from collector.errors import StoreUnavailable
from collector.store.changes import Changes, OffsetMove
from collector.store.engine import make_engine
from collector.store.tables import kafka_offsets
from collector.store.writer import Writer

NOW_US = 1_795_000_000_000_000


@pytest.fixture
def engine(postgresql_url: str) -> Iterator[Engine]:
    made = make_engine(postgresql_url)
    yield made
    made.dispose()


def moved(tracked: int) -> Changes:
    return Changes(offsets=[OffsetMove(0, tracked, tracked + 1)])


def test_waiting_for_a_locked_row_is_trouble_that_passes(engine: Engine) -> None:
    writer = Writer(engine, "cluster", "topic", "group")
    writer.write(moved(0), NOW_US)
    with engine.connect() as stopped, stopped.begin() as transaction:
        stopped.execute(update(kafka_offsets).values(next_offset=9))
        with pytest.raises(StoreUnavailable, match="lock timeout"):
            writer.write(moved(1), NOW_US)
        transaction.rollback()
    writer.write(moved(1), NOW_US)
    with engine.connect() as connection:
        assert connection.scalar(select(kafka_offsets.c.next_offset)) == 2
