"""A store that goes away: what was committed stands, what was not can be written again, nothing is written twice."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, make_url

from collector.errors import RowRefused, StaleSession, StoreUnavailable
from collector.store.changes import SESSION_COLUMNS, Changes, OffsetMove, Sums
from collector.store.engine import make_engine, migrate
from collector.store.partitions_postgresql import DAY_MS, STRAY_DAYS_MAX
from collector.store.sqlite_connection import writing
from tests.contract.stored import NOW_US, Stored
from tests.contract.test_store import KEY, a_life, changes_of, spoilt
from tests.histories import Life, fleet, session_id
from tests.servers.losing_proxy import LosingProxy
from tests.servers.postgresql import PostgreSQL


@pytest.fixture
def on_postgresql(postgresql_url: str) -> Iterator[Engine]:
    engine = make_engine(postgresql_url)
    yield engine
    engine.dispose()


@pytest.fixture
def proxy(postgresql: PostgreSQL) -> Iterator[LosingProxy]:
    with LosingProxy(postgresql.port) as wire:
        yield wire


@pytest.fixture
def behind_proxy(proxy: LosingProxy, postgresql_url: str) -> Iterator[Stored]:
    url = make_url(postgresql_url).set(port=proxy.port).render_as_string(hide_password=False)
    engine = make_engine(f"{url}?sslmode=disable")
    yield Stored(engine)
    engine.dispose()


def warm_up(store: Stored) -> None:
    """Makes what the first batch makes in transactions of their own: stages and days."""
    changes = changes_of(a_life(500))
    changes.offsets = [OffsetMove(7, 0, 1)]
    store.write(changes)


def test_a_postgresql_that_dies_is_unavailable_and_takes_the_same_batch_when_it_is_back() -> None:
    with PostgreSQL(durable=True) as server:
        store = Stored(make_engine(server.url(server.make_database(migrated=True))))
        first, second = changes_of(*fleet(20)), changes_of(a_life(999))
        second.offsets = [OffsetMove(0, first.offsets[0].next_offset, 10_000)]
        store.write(first)
        server.kill()
        for _ in range(2):
            with pytest.raises(StoreUnavailable):
                store.write(second)
            with pytest.raises(StoreUnavailable):
                store.load([session_id(1)])
        server.start()
        store.write(second)
        assert store.stored_offsets == {0: 10_000}
        assert len(store.tables()["events"]) == len(first.events) + len(second.events)
        store.engine.dispose()


def test_a_commit_whose_answer_is_lost_is_found_written_when_it_is_tried_again(
    proxy: LosingProxy, behind_proxy: Stored
) -> None:
    store, changes = behind_proxy, changes_of(*fleet(20))
    warm_up(store)
    before = len(store.tables()["events"])
    proxy.lose_next_commit_answer()
    with pytest.raises(StoreUnavailable):
        store.write(changes)
    assert proxy.cuts == 1
    stands = store.everything()
    store.write(changes)
    assert store.everything() == stands
    assert len(store.tables()["events"]) == before + len(changes.events)
    store.write(Changes(offsets=[OffsetMove(0, changes.offsets[0].next_offset, 10_000)]))


def test_a_sweep_whose_answer_is_lost_is_found_written_too(proxy: LosingProxy, behind_proxy: Stored) -> None:
    store, changes = behind_proxy, changes_of(Life(session_id(1)).connecting())
    store.write(changes)
    offset = changes.offsets[0].next_offset
    lost = spoilt(spoilt(changes.sessions[0], SESSION_COLUMNS, "version", 2), SESSION_COLUMNS, "fate", "lost")
    sweep = Changes(sessions=[lost], rollups={KEY: Sums(1)}, offsets=[OffsetMove(0, offset, offset)])
    proxy.lose_next_commit_answer()
    with pytest.raises(StoreUnavailable):
        store.write(sweep)
    store.write(sweep)
    assert store.rollups[KEY] == [1, 0, 0, 0, 0]
    with pytest.raises(StaleSession):
        store.write(sweep)


def test_a_batch_whose_preparation_is_lost_is_written_when_it_is_tried_again(
    proxy: LosingProxy, behind_proxy: Stored
) -> None:
    store, changes = behind_proxy, changes_of(a_life())
    proxy.lose_next_commit_answer()
    with pytest.raises(StoreUnavailable):
        store.write(changes)
    assert store.stored_offsets == {}
    store.write(changes)
    assert len(store.tables()["events"]) == len(changes.events)


def test_a_sqlite_that_another_process_writes_to_is_unavailable_until_it_is_done(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/store.db?timeout=0.05"
    store, other = Stored(make_engine(url)), make_engine(url)
    migrate(store.engine)
    changes = changes_of(a_life())
    with other.connect() as connection, writing(connection).begin():
        with pytest.raises(StoreUnavailable, match="locked"):
            store.write(changes)
        assert store.load([session_id(1)]) == {}
    store.write(changes)
    assert len(store.tables()["events"]) == len(changes.events)
    store.engine.dispose()
    other.dispose()


def test_a_null_character_is_refused_by_postgresql_and_the_rest_can_be_stored(on_postgresql: Engine) -> None:
    store, changes = Stored(on_postgresql), changes_of(a_life(1), a_life(2))
    bad = a_life(2).session_id
    changes.sessions = [
        spoilt(row, SESSION_COLUMNS, "room_name", "a\x00b") if row[0] == bad else row for row in changes.sessions
    ]
    with pytest.raises(RowRefused) as refused:
        store.write(changes)
    assert refused.value.session_ids == {bad}


def test_a_number_too_large_for_its_column_is_refused_by_postgresql_and_not_wrapped(on_postgresql: Engine) -> None:
    store, changes = Stored(on_postgresql), changes_of(a_life())
    changes.sessions = [spoilt(row, SESSION_COLUMNS, "token_ttl_s", 2**31) for row in changes.sessions]
    with pytest.raises(RowRefused):
        store.write(changes)
    assert store.sessions == {}


def test_sessions_of_more_days_than_a_wrong_clock_may_make_are_refused(on_postgresql: Engine) -> None:
    store = Stored(on_postgresql)
    wrong = [a_life(number, (number + 1) * DAY_MS * 1000) for number in range(STRAY_DAYS_MAX + 2)]
    right = a_life(1000, NOW_US)
    changes = changes_of(right, *wrong)
    with pytest.raises(RowRefused) as refused:
        store.write(changes)
    assert refused.value.reason == "clock-out-of-range"
    # Those furthest from today.
    assert refused.value.session_ids == {wrong[0].session_id, wrong[1].session_id}
    store.write(changes_of(right, *wrong[2:]))
    assert len(store.sessions) == STRAY_DAYS_MAX + 1


def test_a_day_that_was_dropped_meanwhile_is_made_again(on_postgresql: Engine) -> None:
    store = Stored(on_postgresql)
    store.write(changes_of(a_life(1, NOW_US)))
    with on_postgresql.begin() as connection:
        name = connection.exec_driver_sql("SELECT tableoid::regclass::text FROM events LIMIT 1").scalar()
        connection.exec_driver_sql(f"DROP TABLE {name}")
    changes = changes_of(a_life(2, NOW_US))
    changes.offsets = []
    with pytest.raises(StoreUnavailable):
        store.write(changes)
    store.write(changes)
    assert len(store.tables()["events"]) == len(changes.events)


def test_two_collectors_that_need_the_same_days_at_once_both_write(on_postgresql: Engine) -> None:
    days = [NOW_US - number * DAY_MS * 1000 for number in range(20)]
    failures: list[Exception] = []
    together = threading.Barrier(2)

    def write(first: int) -> None:
        changes = changes_of(*(a_life(first + number, at_us) for number, at_us in enumerate(days)))
        changes.offsets = [OffsetMove(first, 0, 1)]
        changes.rollups = {}
        together.wait()
        try:
            Stored(on_postgresql).write(changes)
        except Exception as error:  # noqa: BLE001 - told below, in the thread of the test
            failures.append(error)

    threads = [threading.Thread(target=write, args=(first,)) for first in (100, 200)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    assert failures == []
    assert len(Stored(on_postgresql).sessions) == 2 * len(days)
