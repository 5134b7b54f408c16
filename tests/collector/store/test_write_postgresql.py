"""Rows that somebody else holds locked, as a collector does that was stopped in the middle of a transaction."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import psycopg
import pytest
from sqlalchemy import Engine, select

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


@pytest.fixture
def other(postgresql_url: str) -> Iterator[psycopg.Connection]:
    """What another collector does, statement by statement."""
    with closing(psycopg.connect(postgresql_url.replace("+psycopg", ""))) as connection:
        yield connection


def test_waiting_for_a_row_that_somebody_works_on_is_trouble_that_passes(
    engine: Engine, other: psycopg.Connection
) -> None:
    writer = Writer(engine, "cluster", "topic", "group")
    writer.write(moved(0), NOW_US)
    other.execute("UPDATE kafka_offsets SET next_offset = 9")
    with ThreadPoolExecutor(1) as at_work:
        working = at_work.submit(other.execute, "SELECT pg_sleep(120)")
        with pytest.raises(StoreUnavailable, match="lock timeout"):
            writer.write(moved(1), NOW_US)
        other.cancel()
        assert isinstance(working.exception(), psycopg.errors.QueryCanceled)
    other.rollback()
    writer.write(moved(1), NOW_US)
    with engine.connect() as connection:
        assert connection.scalar(select(kafka_offsets.c.next_offset)) == 2


def copy_half(other: psycopg.Connection, meanwhile: Callable[[], None]) -> None:
    with other.cursor() as cursor, cursor.copy("COPY rollups FROM STDIN") as copy:
        copy.write("1")
        meanwhile()


@pytest.mark.parametrize("stored", [0, 1])
def test_a_collector_that_is_halted_in_the_middle_of_a_copy_loses_its_rows_to_its_heir(
    engine: Engine, other: psycopg.Connection, stored: int
) -> None:
    heir = Writer(engine, "cluster", "topic", "group")
    if stored:
        heir.write(moved(0), NOW_US)
    other.execute("INSERT INTO kafka_offsets VALUES ('cluster', 'topic', 0, 'group', 9) ON CONFLICT DO NOTHING")
    other.execute("UPDATE kafka_offsets SET next_offset = 9")

    def inherit() -> None:
        with pytest.raises(StoreUnavailable, match="lock timeout"):
            heir.write(moved(stored), NOW_US)
        heir.write(moved(stored), NOW_US)

    with pytest.raises(psycopg.errors.AdminShutdown):
        copy_half(other, inherit)
    with engine.connect() as connection:
        assert connection.scalar(select(kafka_offsets.c.next_offset)) == stored + 1
