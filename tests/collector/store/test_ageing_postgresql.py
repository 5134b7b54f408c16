"""What is old leaves PostgreSQL without waiting for writers, and without a writer waiting for it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final
from uuid import UUID

import psycopg
import pytest
from sqlalchemy import Engine

from collector.store.ageing import Ageing
from collector.store.engine import make_engine
from collector.store.retention import DAY_US, Gone, Retention
from tests.filling import fill
from tests.histories import Life, session_id

NOW_US: Final = 1_795_000_000_000_000


@pytest.fixture
def engine(postgresql_url: str) -> Iterator[Engine]:
    made = make_engine(postgresql_url)
    yield made
    made.dispose()


def stored(url: str) -> set[UUID]:
    with psycopg.connect(url) as connection:
        return {one for (one,) in connection.execute("SELECT session_id FROM sessions")}


def test_a_session_that_a_writer_holds_is_passed_over_until_the_next_run(engine: Engine, postgresql_url: str) -> None:
    url = postgresql_url.replace("+psycopg", "")
    lives = []
    for number in range(4):
        at_us = NOW_US - 300 * DAY_US
        lives.append(Life(session_id(number, at_us), at_us).connecting().connected().disconnected(reason="leave"))
    fill(engine, lives, now_us=NOW_US)
    held, ageing = lives[1].session_id, Ageing(engine, Retention())
    with psycopg.connect(url) as writer:
        writer.execute("UPDATE sessions SET version = version + 1 WHERE session_id = %s", [held])
        gone: list[Gone] = []
        assert ageing.run(NOW_US, lambda _: False, gone.append)
        assert sum(one.rows for one in gone if one.kind == "sessions") == 3
        assert stored(url) == {held}
    assert ageing.run(NOW_US, lambda _: False, gone.append)
    assert stored(url) == set()


def test_a_session_that_was_told_of_meanwhile_stays(engine: Engine, postgresql_url: str) -> None:
    url = postgresql_url.replace("+psycopg", "")
    at_us = NOW_US - 300 * DAY_US
    life = Life(session_id(1, at_us), at_us).connecting().connected().disconnected(reason="leave")
    fill(engine, [life], now_us=NOW_US)
    ageing = Ageing(engine, Retention())
    (due,) = [one for one in ageing.due(NOW_US) if one.kind == "sessions"]
    with psycopg.connect(url) as writer:
        writer.execute("UPDATE sessions SET told_until = to_timestamp(%s)", [NOW_US / 1_000_000])
    assert ageing.run(NOW_US, lambda _: False, lambda _: None)
    assert (due.rows, stored(url)) == (1, {life.session_id})


def test_a_run_leaves_no_settings_behind_on_a_connection_that_others_get(engine: Engine) -> None:
    assert Ageing(engine, Retention()).run(NOW_US, lambda _: False, lambda _: None)
    with engine.connect() as connection:
        shown = [
            connection.exec_driver_sql(f"SHOW {name}").scalar_one()
            for name in ("lock_timeout", "statement_timeout", "enable_seqscan")
        ]
    assert shown == ["0", "0", "on"]
