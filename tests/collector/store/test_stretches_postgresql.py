"""On PostgreSQL a stretch is summed up while others write: nothing of what they write may be missing from it."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import pytest
from sqlalchemy import Connection, Engine

from collector.store.changes import Changes, OffsetMove, Row, Sums
from collector.store.engine import make_engine
from collector.store.retention import Retention
from collector.store.stretches import COMES_LATE_US, FIVE_US, FIVES_AN_HOUR, HOUR, MINUTES, Stretches
from collector.store.tables import rollup_fives, whole_fives
from collector.store.write_postgresql import PostgresqlTables
from tests.contract.stored import Stored
from tests.contract.test_store_stretches import FIRST, KEY, NOW_US
from tests.waiting import wait_until


@pytest.fixture
def store(postgresql_url: str) -> Iterator[Stored]:
    engine = make_engine(postgresql_url)
    yield Stored(engine)
    engine.dispose()


def test_who_writes_already_is_waited_for(store: Stored) -> None:
    store.write(Changes(rollups={KEY: Sums(1)}))
    with _writing(store, [(*KEY, 1, 0, 0, 0, 0)]) as writer:
        _sum_up_while_it_commits(store.engine, writer, NOW_US)
    assert (FIRST, 1) in store.rows(whole_fives)
    assert [row[-5] for row in store.rows(rollup_fives)] == [2]


def test_a_writer_that_was_halted_is_not_waited_for_long(store: Stored) -> None:
    store.write(Changes(rollups={KEY: Sums(1)}))
    with _writing(store, [(*KEY, 1, 0, 0, 0, 0)]):
        now_us = (FIRST + 1) * FIVE_US + COMES_LATE_US
        assert Stretches(store.engine).sum_up(now_us) == 0
    assert Stretches(store.engine).sum_up(now_us) == 1


def test_who_writes_after_it_was_announced_takes_it_back(store: Stored) -> None:
    store.write(Changes(rollups={KEY: Sums(1)}))
    Stretches(store.engine).sum_up(NOW_US)
    with store.engine.begin() as connection:
        connection.execute(whole_fives.update().values(is_summed=0))
    store.write(Changes(rollups={KEY: Sums(1)}))
    assert FIRST not in {five for five, _ in store.rows(whole_fives)}


def test_an_hour_waits_for_who_writes_to_any_of_its_fives_and_is_not_whole_then(store: Stored) -> None:
    store.write(Changes(rollups={KEY: Sums(1)}))
    hour = FIRST // FIVES_AN_HOUR
    now_us = (FIRST + FIVES_AN_HOUR) * FIVE_US + COMES_LATE_US
    Stretches(store.engine).sum_up(now_us)
    with store.engine.begin() as connection:
        connection.execute(HOUR.notes.delete())
    last = KEY._replace(minute=KEY.minute + (FIVES_AN_HOUR - 1) * MINUTES)
    with _writing(store, [(*last, 1, 0, 0, 0, 0)]) as writer:
        _sum_up_while_it_commits(store.engine, writer, now_us)
    assert (hour, 1) not in store.rows(HOUR.notes)
    assert Stretches(store.engine).sum_up(now_us) == 2
    assert sum(row[-5] for row in store.rows(HOUR.sums)) == 2


def test_one_collector_sums_up_and_others_leave_it_to_that(store: Stored) -> None:
    store.write(Changes(rollups={KEY: Sums(1)}))
    turns: list[int] = []
    stretches = Stretches(store.engine)

    def pause(_seconds: float) -> bool:
        turns.append(stretches.sum_up(NOW_US))
        return True

    assert stretches.sum_up(NOW_US, pause) == 1
    assert turns == [0]
    assert stretches.sum_up(NOW_US) > 1


def test_a_batch_of_very_many_fives_takes_few_locks(store: Stored) -> None:
    rollups = {KEY._replace(minute=KEY.minute - MINUTES * n): Sums(1) for n in range(2_000)}
    with _writing(store, [(*key, *sums) for key, sums in rollups.items()]) as writer:
        held = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()"
        assert writer.exec_driver_sql(held).scalar_one() == 64
    store.write(Changes(rollups=rollups, offsets=[OffsetMove(0, 0, 1)]))
    assert len(store.rollups) == 2_000


@contextmanager
def _writing(store: Stored, rows: Sequence[Row]) -> Iterator[Connection]:
    """Somebody who has written these sums and has not committed."""
    tables = PostgresqlTables(Retention())
    with store.engine.connect() as writer:
        tables.prepare(writer, [], NOW_US)
        tables.begin(writer)
        tables.add_rollups(writer, rows)
        yield writer


def _sum_up_while_it_commits(engine: Engine, writer: Connection, now_us: int) -> None:
    """Sums up, with a writer that commits as soon as it is waited for."""
    summing = threading.Thread(target=Stretches(engine).sum_up, args=(now_us,))
    summing.start()
    wait_until(lambda: _waits(engine) or not summing.is_alive())
    writer.commit()
    summing.join(timeout=60)
    assert not summing.is_alive()


def _waits(engine: Engine) -> bool:
    with engine.connect() as connection:
        query = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
        return bool(connection.exec_driver_sql(query).scalar_one())
