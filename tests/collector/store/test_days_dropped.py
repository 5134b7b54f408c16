"""Days of events leave PostgreSQL without anybody waiting, whoever is stopped in the middle."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Any, Final

import psycopg
import pytest
from sqlalchemy import Engine

from collector.errors import RetentionBusy
from collector.ingest.partitions import Holder
from collector.store.ageing import Ageing
from collector.store.days_dropped import days_there, drop_days, name_days
from collector.store.engine import make_engine
from collector.store.partitions_postgresql import Days, partition_name
from collector.store.retention import DAY_US, Retention
from collector.store.writer import Writer
from tests.histories import Life, records, session_id
from tests.waiting import wait_until

NOW_US: Final = 1_795_000_000_000_000
TODAY: Final = NOW_US // DAY_US
KEEPS: Final = Retention()
OLD: Final = partition_name(TODAY - 40, stray=False)
FAR_BACK: Final = Retention(events_days=100)

Driver = psycopg.Connection[Any]


@pytest.fixture
def url(postgresql_url: str) -> str:
    return postgresql_url.replace("+psycopg", "")


@pytest.fixture
def connection(url: str) -> Iterator[Driver]:
    """As `drop_days` wants it."""
    with closing(connect(url)) as made:
        made.execute("SET lock_timeout = '200ms'")
        Days(FAR_BACK).make(made, [(session_id(1, NOW_US - 40 * DAY_US), 0)], NOW_US)
        yield made


@pytest.fixture
def engine(postgresql_url: str) -> Iterator[Engine]:
    made = make_engine(postgresql_url)
    yield made
    made.dispose()


def connect(url: str) -> Driver:
    return psycopg.connect(url, autocommit=True)


def names(connection: Driver) -> set[str]:
    return {one.name for one in days_there(connection)}


def drop(connection: Driver, keeps: Retention = KEEPS) -> list[tuple[str, int]]:
    """Runs to the end; what went, by day."""
    before_us = keeps.before_us("events", NOW_US)
    assert before_us is not None
    return [(one.day, one.rows) for one in drop_days(connection, keeps.days_of_events(NOW_US), before_us)]


def insert(connection: Driver, at_us: int, seq: int = 0, appended_us: int = NOW_US) -> None:
    connection.execute(
        "INSERT INTO events (session_id, seq, type, event_at, append_at, stored_at, kafka_partition, kafka_offset)"
        " SELECT %s, %s, 't', at, at, at, 0, 0 FROM to_timestamp(%s) AS at",
        [session_id(7, at_us), seq, appended_us / 1_000_000],
    )


def insert_many(connection: Driver, at_us: int, rows: int) -> None:
    """As many events of one session."""
    connection.execute(
        "INSERT INTO events (session_id, seq, type, event_at, append_at, stored_at, kafka_partition, kafka_offset)"
        " SELECT %s, n, 't', at, at, at, 0, n FROM to_timestamp(%s) AS at, generate_series(1, %s) AS n",
        [session_id(7, at_us), at_us / 1_000_000, rows],
    )


def locks(connection: Driver, pid: int) -> set[tuple[str, str, bool]]:
    """What a server process holds or waits for: table, mode, whether it has it."""
    found = connection.execute(
        "SELECT relation::regclass::text, mode, granted FROM pg_locks WHERE pid = %s AND locktype = 'relation'"
        " AND relation::regclass::text LIKE 'events%%'",
        [pid],
    )
    return {row for row in found.fetchall() if not row[0].endswith("_pkey")}


def test_while_a_day_goes_writers_write_and_nothing_of_todays_is_locked(connection: Driver, url: str) -> None:
    connection.execute("SET lock_timeout = '20s'")
    insert_many(connection, NOW_US - 40 * DAY_US, 50_000)
    with closing(connect(url)) as other, closing(psycopg.connect(url)) as open_writer, ThreadPoolExecutor(1) as thread:
        insert(open_writer, NOW_US)
        pid = connection.info.backend_pid
        dropping = thread.submit(drop, connection)
        wait_until(lambda: any(one.detaching for one in days_there(other)))
        # It waits for the writer that was there before; those that come now wait for nobody.
        other.execute("SET lock_timeout = '50ms'")
        insert(other, NOW_US, seq=1)
        assert other.execute("SELECT count(*) FROM events").fetchone() == (1,)
        held = locks(other, pid)
        open_writer.commit()
        assert [day for day, _ in dropping.result(20)] == [OLD]
    assert {mode for table, mode, _ in held if table == "events"} <= {"ShareUpdateExclusiveLock"}
    assert {table for table, _, _ in held} <= {"events", OLD}
    assert OLD not in names(connection)
    assert connection.execute("SELECT to_regclass(%s)", [OLD]).fetchone() == (None,)
    assert connection.execute("SELECT count(*) FROM events").fetchone() == (2,)


def test_a_day_that_could_not_go_in_time_goes_the_next_time(connection: Driver, url: str) -> None:
    with psycopg.connect(url) as reader:
        reader.execute("SELECT count(*) FROM events")
        assert OLD not in [day for day, _ in drop(connection)]
        assert [one.name for one in days_there(connection) if one.detaching] == [OLD]
    assert drop(connection) == [(OLD, 0)]
    assert OLD not in names(connection)


def test_a_day_that_is_going_takes_no_rows_and_is_not_taken_for_one_that_is_there(
    connection: Driver, url: str, engine: Engine
) -> None:
    at_us = NOW_US - 40 * DAY_US
    log = records([Life(session_id(3, at_us), NOW_US).connecting()])
    writer, holder = Writer(engine, "c", "t", "g", FAR_BACK), Holder("t", lambda _: {})
    holder.assign({0: 0})
    changes = holder.take(log, NOW_US).changes
    with psycopg.connect(url) as reader:
        reader.execute("SELECT count(*) FROM events")
        drop(connection)
        with pytest.raises(Exception, match="the same batch will be tried again"):
            writer.write(changes, NOW_US)
    drop(connection)
    writer.write(changes, NOW_US)
    assert OLD in names(connection)


def test_a_writer_that_knows_a_day_that_went_makes_it_again(connection: Driver, engine: Engine) -> None:
    lives = [Life(session_id(number, NOW_US - 40 * DAY_US), NOW_US).connecting() for number in range(2)]
    writer, holder = Writer(engine, "c", "t", "g", FAR_BACK), Holder("t", lambda _: {})
    holder.assign({0: 0})
    log = records(lives)
    writer.write(holder.take(log[:1], NOW_US).changes, NOW_US)
    drop(connection)
    changes = holder.take(log[1:], NOW_US).changes
    with pytest.raises(Exception, match="the same batch will be tried again"):
        writer.write(changes, NOW_US)
    writer.write(changes, NOW_US)
    assert connection.execute("SELECT count(*) FROM events").fetchone() == (1,)


def test_a_table_that_was_left_behind_goes_and_one_of_somebody_else_stays(connection: Driver) -> None:
    connection.execute(f"COMMENT ON TABLE {OLD} IS 'aged out; roomwatch drops it'")
    connection.execute(f"ALTER TABLE events DETACH PARTITION {OLD} CONCURRENTLY")
    connection.execute("CREATE TABLE events_20200101 AS SELECT * FROM events")
    assert drop(connection) == [(OLD, 0)]
    assert connection.execute("SELECT to_regclass(%s)", [OLD]).fetchone() == (None,)
    assert connection.execute("SELECT to_regclass('events_20200101')").fetchone() == ("events_20200101",)


def test_a_day_of_a_wrong_clock_gives_its_place_free_when_it_is_empty(connection: Driver) -> None:
    Days().make(connection, [(session_id(1, 0), 0), (session_id(1, DAY_US), 0)], NOW_US)
    insert(connection, 0, 0, NOW_US - 36 * DAY_US)
    insert(connection, DAY_US, 0, NOW_US - 36 * DAY_US)
    insert(connection, DAY_US, 1, NOW_US - 34 * DAY_US)
    drop(connection)
    assert {one.name for one in days_there(connection) if one.is_stray} == {"events_stray_19700102"}
    assert connection.execute("SELECT seq FROM events").fetchall() == [(1,)]


def test_what_came_into_a_day_of_a_wrong_clock_in_its_last_moment_is_kept(connection: Driver) -> None:
    Days().make(connection, [(session_id(1, 0), 0)], NOW_US)
    insert(connection, 0)
    connection.execute("COMMENT ON TABLE events_stray_19700101 IS 'aged out; roomwatch drops it'")
    connection.execute("ALTER TABLE events DETACH PARTITION events_stray_19700101 CONCURRENTLY")
    drop(connection)
    assert "events_stray_19700101" in names(connection)
    assert connection.execute("SELECT count(*) FROM events").fetchone() == (1,)


def test_a_day_that_a_wrong_clock_made_ahead_of_time_becomes_a_day_like_any_other(connection: Driver) -> None:
    ahead, near = NOW_US + 30 * DAY_US, NOW_US + 29 * DAY_US
    Days().make(connection, [(session_id(1, ahead), 0)], NOW_US)
    stray = partition_name(ahead // DAY_US, stray=True)
    name_days(connection, KEEPS.days_of_events(NOW_US), TODAY)
    assert stray in names(connection)
    name_days(connection, KEEPS.days_of_events(near), near // DAY_US)
    assert stray not in names(connection)
    assert partition_name(ahead // DAY_US, stray=False) in names(connection)


def test_only_one_at_a_time_deletes(engine: Engine, connection: Driver) -> None:
    first, second = Ageing(engine, KEEPS), Ageing(engine, KEEPS)
    refused = []

    def meanwhile(_: object) -> None:
        with pytest.raises(RetentionBusy) as busy:
            second.run(NOW_US, lambda _: False, lambda _: None)
        refused.append(busy.value.code)

    assert first.run(NOW_US, lambda _: False, meanwhile)
    assert refused == ["retention-busy"]
    assert second.run(NOW_US, lambda _: False, lambda _: None)
    assert OLD not in names(connection)
